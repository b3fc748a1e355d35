"""A route's actions, between AWS's words and ours. Pure: what Describe… gave goes in, what Modify… takes comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.contract import Route, Stickiness, in_order
from toolkit.rollout.ports import Action, LiveRoute

_NO_STICKINESS = Stickiness(enabled=False)
_OIDC = "authenticate-oidc"
_SECRETS = {"ClientSecret", "UseExistingClientSecret"}
_SESSION_TIMEOUT = ("SessionTimeout", "session_timeout_seconds")  # the one setting whose unit stands in our name of it

AwsAction = Mapping[str, Any]


def live_route(route: Route, actions: Sequence[AwsAction]) -> LiveRoute:
    """What a route holds, of the `Actions` of its rule or the `DefaultActions` of its listener."""
    preceding = tuple(_in_our_words(action) for action in _ordered(actions) if action["Type"] != "forward")
    forward = _forward(actions)
    if forward is None:
        return LiveRoute(route, {}, _NO_STICKINESS, preceding, kept=actions)
    return LiveRoute(
        route,
        {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups_of(forward)},
        stickiness_of(forward),
        preceding,
        kept=actions,
    )


def stickiness_of(forward: AwsAction) -> Stickiness:
    """The target-group stickiness of a forward action."""
    sticky = forward.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {}
    enabled = bool(sticky.get("Enabled", False))
    return Stickiness(enabled=enabled, duration_seconds=sticky.get("DurationSeconds") if enabled else None)


def groups_of(forward: AwsAction) -> list[Mapping[str, Any]]:
    """The target groups with their weights, of either spelling of a forward; one without a weight has 1."""
    groups = forward.get("ForwardConfig", {}).get("TargetGroups")
    if groups:
        return list(groups)
    return [{"TargetGroupArn": forward["TargetGroupArn"], "Weight": 1}] if "TargetGroupArn" in forward else []


def actions_with(
    actions: Sequence[AwsAction], wanted: Action, *, client_secret: str | None = None
) -> list[dict[str, Any]]:
    """`actions` as they were read, fit to be written, with what is `wanted`.

    Order, the sequence of the target groups and every setting that `wanted` does not name stay. A target group that
    its weights do not name keeps its weight. `client_secret` is for an OIDC action whose secret AWS does not hold yet.
    """
    if wanted.preceding is None:
        return [_rewritten(action, wanted) for action in actions]
    return _renumbered(
        [
            *(_in_their_words(action, actions, client_secret) for action in in_order(wanted.preceding)),
            *(_rewritten(action, wanted) for action in actions if action["Type"] == "forward"),
        ]
    )


def lacks_client_secret(actions: Sequence[AwsAction], wanted: Action) -> bool:
    """Whether writing `wanted` takes an OIDC client secret that AWS does not hold: it never tells one."""
    return any(
        action["type"] == _OIDC and not _holds_secret_of(_of_type(actions, _OIDC), _settings_in_their_words(action))
        for action in wanted.preceding or ()
    )


def oidc_client(preceding: Sequence[Mapping[str, Any]]) -> tuple[Any, Any] | None:
    """(issuer, client id) of the OIDC action among actions in our words; None without one."""
    settings = next((action.get("settings") or {} for action in preceding if action["type"] == _OIDC), None)
    return None if settings is None else (settings.get("issuer"), settings.get("client_id"))


def _rewritten(action: AwsAction, wanted: Action) -> dict[str, Any]:
    if action["Type"] == _OIDC:
        # Describe… never tells the client secret, and Modify… wants it again unless told to keep it.
        # Source: ELBv2 API reference, AuthenticateOidcActionConfig.
        return {
            **action,
            "AuthenticateOidcConfig": {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True},
        }
    if action["Type"] != "forward":
        return dict(action)
    config = {
        **action.get("ForwardConfig", {}),
        "TargetGroups": [
            {**group, "Weight": wanted.weights.get(group["TargetGroupArn"], group.get("Weight", 1))}
            for group in groups_of(action)
        ],
    }
    if wanted.stickiness.enabled:
        config["TargetGroupStickinessConfig"] = {
            "Enabled": True,
            "DurationSeconds": wanted.stickiness.duration_seconds,
        }
    elif "TargetGroupStickinessConfig" in config:
        # Left out where it was not: a Network Load Balancer's forward has none.
        config["TargetGroupStickinessConfig"] = {"Enabled": False}
    # The short form beside ForwardConfig is only taken where both agree, which weights on two groups never do.
    return {key: value for key, value in action.items() if key != "TargetGroupArn"} | {"ForwardConfig": config}


def _in_our_words(action: AwsAction) -> dict[str, Any]:
    """As `Route.preceding_actions`: every setting a text, secrets left out."""
    config = action.get(_config_key(action["Type"])) or {}
    settings = {_our_name(name): _text(value) for name, value in config.items() if name not in _SECRETS}
    return {"type": action["Type"], "order": action.get("Order", 1), "settings": settings}


def _in_their_words(
    wanted: Mapping[str, Any], actions: Sequence[AwsAction], client_secret: str | None
) -> dict[str, Any]:
    kind = wanted["type"]
    held = _of_type(actions, kind)
    settings = _settings_in_their_words(wanted)
    config = {name: value for name, value in held.items() if name not in _SECRETS} | settings
    if kind == _OIDC:
        config |= (
            {"UseExistingClientSecret": True} if _holds_secret_of(held, settings) else {"ClientSecret": client_secret}
        )
    return {"Type": kind, _config_key(kind): config} if config else {"Type": kind}


def _settings_in_their_words(wanted: Mapping[str, Any]) -> dict[str, Any]:
    settings = (wanted.get("settings") or {}).items()
    return {_their_name(name): _value(_their_name(name), value) for name, value in settings if value is not None}


def _holds_secret_of(held: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """A secret is of one client at one issuer; AWS keeps it while both stay."""
    return bool(held) and all(held.get(name) == settings.get(name) for name in ("Issuer", "ClientId"))


def _of_type(actions: Iterable[AwsAction], kind: str) -> Mapping[str, Any]:
    """The settings of the action of that type; empty without one."""
    found: Mapping[str, Any] = next(
        (action.get(_config_key(kind)) or {} for action in actions if action["Type"] == kind), {}
    )
    return found


def _config_key(kind: str) -> str:
    """`authenticate-oidc` -> `AuthenticateOidcConfig`."""
    return "".join(part.capitalize() for part in kind.split("-")) + "Config"


def _our_name(name: str) -> str:
    if name == _SESSION_TIMEOUT[0]:
        return _SESSION_TIMEOUT[1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _their_name(name: str) -> str:
    if name == _SESSION_TIMEOUT[1]:
        return _SESSION_TIMEOUT[0]
    return "".join(part.capitalize() for part in name.split("_"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _value(name: str, text: Any) -> Any:
    """A number or a structure where AWS has one; everything else is a text."""
    if name == _SESSION_TIMEOUT[0]:
        return int(text)
    if isinstance(text, str) and text[:1] in "[{" and text:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _ordered(actions: Sequence[AwsAction]) -> list[AwsAction]:
    return sorted(actions, key=lambda action: int(action.get("Order", 1)))


def _forward(actions: Sequence[AwsAction]) -> AwsAction | None:
    return next((action for action in actions if action["Type"] == "forward"), None)


def _renumbered(actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**action, "Order": order} for order, action in enumerate(actions, start=1)]
