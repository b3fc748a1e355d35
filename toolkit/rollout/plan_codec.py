"""Plans as JSON values and back: what `--dry-run --output json` prints and the journal's first entry keeps."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from toolkit.rollout.plan import Plan
from toolkit.rollout.steps import Analyze, Approve, Bake, Gate, Hook, Probe, Retire, Scale, Shift, Step, Via
from toolkit.traffic import Color


def plan_out(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values; shares are exact fractions in text, as `1/1000`."""
    return {
        "service": plan.service,
        "strategy": plan.strategy,
        "base": plan.base.value,
        "steps": [_step_out(step) for step in plan.steps],
        "routes": list(plan.routes),
        "gates": [_step_out(gate) for gate in plan.gates],
        "settle_seconds": plan.settle_seconds,
        "release": list(plan.release),
        "force": plan.force,
        "gate_seconds": plan.gate_seconds,
    }


def plan_in(document: Mapping[str, Any]) -> Plan:
    """What `plan_out` made.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, ArithmeticError, UsageError: it did not.
    """
    return Plan(
        service=str(document["service"]),
        strategy=str(document["strategy"]),
        base=Color(document["base"]),
        steps=tuple(_step_in(step) for step in document["steps"]),
        routes=tuple(str(name) for name in document["routes"]),
        gates=tuple(_gate_in(gate) for gate in document["gates"]),
        settle_seconds=float(document["settle_seconds"]),
        release=tuple(str(name) for name in document["release"]),
        force=bool(document["force"]),
        gate_seconds=float(document["gate_seconds"]),
    )


def _step_out(step: Step) -> dict[str, Any]:  # noqa: PLR0911 - one case a step
    match step:
        case Shift(share):
            return {"step": "shift", "share": str(share)}
        case Bake(seconds):
            return {"step": "bake", "seconds": seconds}
        case Analyze():
            return {"step": "analyze"}
        case Approve(seconds, note):
            return {"step": "approve", "seconds": seconds, "note": note}
        case Hook():
            return {
                "step": "hook",
                "name": step.name,
                "command": list(step.command),
                "url": step.url,
                "timeout_seconds": step.timeout_seconds,
                "retries": step.retries,
            }
        case Probe():
            return {
                "step": "probe",
                "path": step.path,
                "via": step.via.value,
                "status": step.status,
                "within_seconds": step.within_seconds,
                "header": list(step.header) if step.header else None,
                "body": step.body,
                "count": step.count,
                "timeout_seconds": step.timeout_seconds,
                "retries": step.retries,
            }
        case Scale(targets, of_live):
            return {"step": "scale", "targets": targets, "of_live": None if of_live is None else str(of_live)}
        case Retire(targets):
            return {"step": "retire", "targets": targets}


def _step_in(document: Mapping[str, Any]) -> Step:  # noqa: PLR0911 - one case a step
    match document["step"]:
        case "shift":
            return Shift(Fraction(document["share"]))
        case "bake":
            return Bake(float(document["seconds"]))
        case "analyze":
            return Analyze()
        case "approve":
            return Approve(float(document["seconds"]), str(document["note"]))
        case "scale":
            of_live = document["of_live"]
            return Scale(document["targets"], None if of_live is None else Fraction(of_live))
        case "retire":
            return Retire(int(document["targets"]))
        case _:
            return _gate_in(document)


def _gate_in(document: Mapping[str, Any]) -> Gate:
    match document["step"]:
        case "hook":
            return Hook(
                name=str(document["name"]),
                command=tuple(str(word) for word in document["command"]),
                url=str(document["url"]),
                timeout_seconds=float(document["timeout_seconds"]),
                retries=int(document["retries"]),
            )
        case "probe":
            header = document["header"]
            return Probe(
                path=str(document["path"]),
                via=Via(document["via"]),
                status=document["status"],
                within_seconds=document["within_seconds"],
                header=(str(header[0]), str(header[1])) if header else None,
                body=document["body"],
                count=int(document["count"]),
                timeout_seconds=float(document["timeout_seconds"]),
                retries=int(document["retries"]),
            )
        case unknown:
            raise ValueError(f"unknown step {unknown!r}")
