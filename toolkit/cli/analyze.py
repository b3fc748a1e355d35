"""`bluegreen analyze`: the verdict on a service or a recorded series, and how long one needs for some traffic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import split_document
from toolkit.cli.render import note, print_json, style
from toolkit.cli.service import connected, wired
from toolkit.errors import UsageError
from toolkit.traffic import Color
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.runner.analyze import Traffic

_MARKS = {"pass": 32, "fail": 31, "inconclusive": 33}
_RATE, _BASELINE = 50.0, 0.001
_DELAY = 2
"""Minutes that CloudWatch's counts take to settle, said beside every time to detect."""


@connected
def analyze(
    service: Annotated[
        str | None, typer.Argument(help="Name of the service; none for --replay.", metavar="[SERVICE]")
    ] = None,
    *,
    where: Options,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=1440, help="How far to look back.")] = 60,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            help="Analyze a recorded series: CSV, header minute,color,requests,errors, optionally slow and split.",
            metavar="FILE",
        ),
    ] = None,
    live: Annotated[
        Color | None,
        typer.Option("--live", help="The color that the other one is compared with; default: the record's, or blue."),
    ] = None,
    power: Annotated[
        bool, typer.Option("--power", help="Say how long a canary needs to see a regression, instead of looking.")
    ] = False,
    rate: Annotated[
        str | None,
        typer.Option("--rate", help="For --power: requests a second, both colors together; default: SERVICE's, or 50."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="For --power: percent that is bad anyway; default: SERVICE's, or 0.1."),
    ] = None,
    share: Annotated[str, typer.Option("--share", help="For --power: how many percent the canary gets.")] = "5",
    factor: Annotated[str, typer.Option("--factor", help="For --power: how many times as bad the release is.")] = "10",
    output: OutputOption = Output.TEXT,
) -> None:
    """Say what counts of both colors tell about a release: pass, fail or inconclusive.

    A replay says it at each minute; with --output json as one JSON object a line. Exits 0 whatever it says.

    Example: bluegreen analyze web
    """
    if replay is not None and (power or service is not None):
        raise UsageError("--replay reads a file, so neither SERVICE nor --power goes with it.")
    if replay is not None:
        _replay(replay, live or Color.BLUE, output)
    elif power:
        seen = _traffic(service, where, minutes) if service and None in (rate, baseline) else None
        _power(
            _number("--rate", rate) if rate is not None else seen.rate if seen else _RATE,
            _percent("--baseline", baseline) if baseline is not None else seen.baseline if seen else _BASELINE,
            _percent("--share", share),
            _number("--factor", factor),
            output,
        )
    elif service is not None:
        _now(service, where, minutes, live, output)
    else:
        raise UsageError("analyze wants a SERVICE, --replay FILE or --power.", hint="See `bluegreen analyze --help`.")


def _now(service: str, where: Options, minutes: int, live: Color | None, output: Output) -> None:
    from toolkit.runner.analyze import analyze as look

    found = look(wired(service, where), minutes=minutes, live=live)
    outcome = found.verdict.outcome.value
    if output is Output.JSON:
        print_json(
            {
                "service": found.service,
                "live": found.live.value,
                "new": found.new.value,
                "split": split_document(found.split) if found.split else None,
                "since": found.since.isoformat(),
                "verdict": outcome,
                "reason": found.verdict.reason,
            }
        )
        return
    split = f", {found.split}" if found.split else ""
    print(f"{found.service}: {found.new} beside {found.live}, the last {minutes} minutes{split}")
    print(f"  {style(outcome, _MARKS[outcome])}: {found.verdict.reason}")


def _traffic(service: str, where: Options, minutes: int) -> Traffic:
    from toolkit.runner.analyze import traffic

    found = traffic(wired(service, where), minutes=minutes)
    note(
        f"{service}: {found.rate:g} requests a second, {found.baseline * 100:.2g} % bad, in the last {minutes} minutes"
    )
    return found


def _replay(path: Path, live: Color, output: Output) -> None:
    from toolkit.analysis import recorded
    from toolkit.analysis.policy import Policy

    samples = recorded.read(_text(path))
    for minute, verdict in recorded.replay(samples, live, Policy(metrics=recorded.metrics(samples))):
        outcome = verdict.outcome.value
        if output is Output.JSON:
            document = {"minute": minute, "verdict": outcome, "reason": verdict.reason}
            print(json.dumps(document, ensure_ascii=False))
        else:
            print(f"{minute:>6}  {style(f'{outcome:12}', _MARKS[outcome])}  {verdict.reason}")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", hint="A series is CSV.") from None


def _power(rate: float, baseline: float, share: float, factor: float, output: Output) -> None:
    from toolkit.analysis.policy import Metric, Policy
    from toolkit.analysis.power import LONGEST
    from toolkit.analysis.power import power as ask

    policy = Policy(metrics=(Metric.ERRORS, Metric.SLOW))
    found = ask(policy, rate=rate, share=share, baseline=baseline, factor=factor)
    if output is Output.JSON:
        document: dict[str, Any] = {"rate": rate, "share": share, "baseline": baseline, "factor": factor}
        document |= {"detect_minutes": found.detect, "safe_minutes": found.safe, "delay_minutes": _DELAY}
        print_json(document | {"alpha": policy.alpha, "metrics": len(policy.metrics)})
        return
    never = f"not within {LONGEST // 60} hours"
    print(f"A canary at {share * 100:g} % of {rate:g} requests a second, {baseline * 100:g} % of them bad anyway:")
    print(f"  sees a release {factor:g} times as bad: {_minutes(found.detect) or never} (half of them sooner)")
    print(f"  passes one as good as the live side: {_minutes(found.safe) or never}")
    print(
        f"Add {_DELAY} minutes, in which the counts settle. False alarms: {policy.alpha * 100:g} % over "
        f"{len(policy.metrics)} metrics and all looks."
    )


def _minutes(minutes: int | None) -> str:
    return "" if minutes is None else f"in {minutes} minutes"


def _number(option: str, text: str) -> float:
    """A plain number: float() alone would take nan, inf and 1_0 as well."""
    whole, _, decimals = text.strip().partition(".")
    if len(text) > 20 or not (whole + decimals).isascii() or not (whole + decimals).isdigit():  # noqa: PLR2004
        raise UsageError(f"{option} is {text[:40]!r}; write a number", hint="")
    return float(text)


def _percent(option: str, text: str) -> float:
    return _number(option, text.strip().removesuffix("%").strip()) / 100
