"""Actions as AWS gives them back: one target group is named in both spellings, the short and the long.

Source: DescribeRules and DescribeListeners of the ELBv2 API reference (ForwardActionConfig, TargetGroupArn).
"""

from typing import Any


def complete(action: Any) -> None:
    """Give a forward of one target group, as moto holds it, the spelling it lacks."""
    data = action.data
    if data.get("Type") != "forward":
        return
    groups = (data.get("ForwardConfig") or {}).get("TargetGroups") or []
    if not groups and data.get("TargetGroupArn"):
        data["ForwardConfig"] = {
            "TargetGroups": [{"TargetGroupArn": data["TargetGroupArn"], "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": False},
        }
    elif len(groups) == 1:
        data["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    action.__dict__.update(data)
