"""Plans as JSON values and back: what `--dry-run --output json` prints and the journal's first entry keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.rollout.fields import (
    FLAG,
    FRACTION,
    NUMBER,
    SECONDS,
    TEXT,
    Field,
    by_name,
    form,
    later,
    one_of,
    optional,
    several,
    word,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.preview import Condition
from toolkit.rollout.rolling import Member, Rolling
from toolkit.rollout.steps import (
    Analyze,
    Approve,
    Bake,
    Batch,
    Deploy,
    Divert,
    Hook,
    Probe,
    Retire,
    Roll,
    Scale,
    Shift,
    Via,
)
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint, Inconclusive, OnFailure, Update
from toolkit.traffic import Color

_HEADER = Field(list, lambda pair: _two(several(TEXT).into(pair)))
_HOOK: Mapping[str, Field] = {
    "name": TEXT,
    "command": several(TEXT),
    "url": TEXT,
    "timeout_seconds": SECONDS,
    "retries": NUMBER,
    "at": optional(word(HookPoint)),
}
_PROBE: Mapping[str, Field] = {
    "path": TEXT,
    "via": word(Via),
    "status": optional(NUMBER),
    "within_seconds": optional(SECONDS),
    "header": optional(_HEADER),
    "body": optional(TEXT),
    "count": NUMBER,
    "timeout_seconds": SECONDS,
    "retries": NUMBER,
}
_CHANGE: Mapping[str, Field] = {
    "image": optional(TEXT),
    "container": optional(TEXT),
    "task_definition": optional(TEXT),
    "ami": optional(TEXT),
    "template_version": optional(NUMBER),
}
_PAIR = Field(lambda pair: [pair[0], pair[1]], lambda pair: _pair(several(optional(TEXT)).into(pair)))
CONDITION = form(
    Condition,
    {
        "field": TEXT,
        "values": several(TEXT),
        "expressions": several(TEXT),
        "header": TEXT,
        "pairs": several(_PAIR),
    },
)
_HOOK_FORM = later(form(Hook, _HOOK), at=None)
_GATES: Mapping[str, tuple[type, Field]] = {"hook": (Hook, _HOOK_FORM), "probe": (Probe, form(Probe, _PROBE))}
_AMOUNTS: Mapping[str, Field] = {"targets": NUMBER, "of_live": FRACTION, "for_share": FRACTION}
_SCALE = later(form(Scale, {name: optional(of) for name, of in _AMOUNTS.items()}), for_share=None)
_MEMBER = form(Member, {"id": TEXT, "port": optional(NUMBER), "zone": optional(TEXT)})
_UPDATE: Mapping[str, Field] = {
    "command": several(TEXT),
    "take_back": several(TEXT),
    "document": TEXT,
    "parameters": by_name(several(TEXT)),
    "take_back_parameters": by_name(several(TEXT)),
    "timeout_seconds": SECONDS,
    "retries": NUMBER,
}
_ROLLING: Mapping[str, Field] = {
    "update": optional(form(Update, _UPDATE)),
    "min_healthy": NUMBER,
    "on_failure": word(OnFailure),
    "version": TEXT,
}
_STEPS: Mapping[str, tuple[type, Field]] = {
    "batch": (Batch, form(Batch, {"number": NUMBER, "of": NUMBER, "members": several(_MEMBER)})),
    "roll": (Roll, form(Roll, {"change": form(Change, _CHANGE)})),
    "deploy": (Deploy, form(Deploy, {"change": form(Change, _CHANGE)})),
    "divert": (Divert, form(Divert, {"conditions": several(CONDITION)})),
    "shift": (Shift, form(Shift, {"share": FRACTION})),
    "bake": (Bake, form(Bake, {"seconds": SECONDS, "until_safe": FLAG})),
    "analyze": (Analyze, form(Analyze, {})),
    "approve": (Approve, form(Approve, {"seconds": SECONDS, "note": TEXT})),
    "scale": (Scale, _SCALE),
    "retire": (Retire, form(Retire, {"targets": NUMBER})),
    **_GATES,
}
_PLAN: Mapping[str, Field] = {
    "service": TEXT,
    "strategy": TEXT,
    "base": word(Color),
    "steps": several(one_of("step", _STEPS)),
    "routes": several(TEXT),
    "gates": several(one_of("step", _GATES)),
    "settle_seconds": SECONDS,
    "release": several(TEXT),
    "force": FLAG,
    "gate_seconds": SECONDS,
    "inconclusive": optional(word(Inconclusive)),
    "on_rollback": several(_HOOK_FORM),
    "on_end": several(_HOOK_FORM),
    "rolling": optional(form(Rolling, _ROLLING)),
}
PLAN = later(form(Plan, _PLAN), on_rollback=[], on_end=[], rolling=None)


def plan_out(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values; shares are exact fractions in text, as `1/1000`."""
    return dict(PLAN.out(plan))


def plan_in(document: Mapping[str, Any]) -> Plan:
    """What `plan_out` made.

    Raises:
        UsageError, and what `fields.MISREAD` names: it did not.
    """
    plan: Plan = PLAN.into(document)
    return plan


def _two(pair: tuple[str, ...]) -> tuple[str, str]:
    name, value = pair
    return name, value


def _pair(pair: tuple[str | None, ...]) -> tuple[str | None, str]:
    key, value = pair
    return key, TEXT.into(value)
