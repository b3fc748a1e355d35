"""The tags of scalable targets, which moto has no operations for.

Source: Application Auto Scaling API reference, ListTagsForResource, TagResource, UntagResource.
"""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from moto.core.exceptions import JsonRESTError


def _tags(response: Any) -> dict[str, str]:
    """The tags of the scalable target that a request names by its ARN; changes to them are kept."""
    arn = json.loads(response.body)["ResourceARN"]
    for targets in response.applicationautoscaling_backend.targets.values():
        for target in targets.values():
            if target.arn == arn:
                kept: dict[str, str] = target.__dict__.setdefault("kept_tags", {})
                return kept
    raise JsonRESTError("ResourceNotFoundException", f"The resource {arn} does not exist.")  # our words


def list_tags_for_resource(response: Any) -> str:
    """ListTagsForResource."""
    return json.dumps({"Tags": _tags(response)})


def tag_resource(response: Any) -> str:
    """TagResource."""
    _tags(response).update(json.loads(response.body)["Tags"])
    return "{}"


def untag_resource(response: Any) -> str:
    """UntagResource."""
    tags = _tags(response)
    for key in json.loads(response.body)["TagKeys"]:
        tags.pop(key, None)
    return "{}"


def tagging(original: Callable[[Any], str]) -> Callable[[Any], str]:
    """Wrap RegisterScalableTarget, so that the tags it brings are kept."""

    @wraps(original)
    def register_scalable_target(response: Any) -> str:
        answer = original(response)
        asked = json.loads(response.body)
        if asked.get("Tags"):
            response.body = json.dumps({"ResourceARN": json.loads(answer)["ScalableTargetARN"], "Tags": asked["Tags"]})
            tag_resource(response)
        return answer

    return register_scalable_target


OPERATIONS: Final[Mapping[str, Callable[[Any], str]]] = {
    "list_tags_for_resource": list_tags_for_resource,
    "tag_resource": tag_resource,
    "untag_resource": untag_resource,
}
