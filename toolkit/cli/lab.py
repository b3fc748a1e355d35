"""`bluegreen lab`: the AWS the toolkit needs, on this machine."""

import os
import shlex
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.render import note, print_json, style
from toolkit.errors import DemoFailed, Interrupted, LabError, UsageError

if TYPE_CHECKING:
    from toolkit.lab.handle import Lab
    from toolkit.lab.report import Report

app = typer.Typer(
    help="The AWS the toolkit needs, on this machine, with real traffic.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameOption = Annotated[str, typer.Option("--name", help="Which lab, where several run on one machine.")]


@app.callback()
def root() -> None:
    """The lab."""


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option("--port", help="Port of the AWS endpoint; 0 takes a free one.")] = 0,
    name: NameOption = "default",
    propagation_delay: Annotated[
        float,
        typer.Option("--propagation-delay", help="Seconds from an accepted write until traffic follows it."),
    ] = 0.0,
    metrics_delay: Annotated[
        float, typer.Option("--metrics-delay", help="Seconds from a minute's end until CloudWatch shows it.")
    ] = 60.0,
    time_scale: Annotated[
        float,
        typer.Option("--time-scale", help="Multiplies health check intervals and drain delays."),
    ] = 1.0,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in this terminal until Ctrl-C, log on stderr.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Start the lab and print the variables that lead AWS tools to it.

    Example: eval "$(bluegreen lab up)"
    """
    _require_extra()
    from toolkit.lab.handle import find_lab, start_lab
    from toolkit.lab.options import LabOptions

    options = LabOptions(
        name=name,
        port=port,
        propagation_delay=propagation_delay,
        metrics_delay=metrics_delay,
        time_scale=time_scale,
    )
    if (running := find_lab(name)) is not None:
        _require_own(running)
        note(f"lab '{name}' is running already at {running.endpoint_url}; options given now change nothing")
        _show(running, output)
    elif foreground:
        from toolkit.lab.foreground import run_in_foreground

        run_in_foreground(options, ready=lambda lab: _show(lab, output))
    else:
        lab = start_lab(options, owned=False)
        note(f"lab '{name}' is up at {lab.endpoint_url}; stop it with: bluegreen lab down{_name_words(name)}")
        _show(lab, output)


@app.command()
def attach(
    *,
    endpoint_url: Annotated[
        str | None,
        typer.Option("--endpoint-url", help="An AWS endpoint on this machine; default: AWS_ENDPOINT_URL."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Which lab, where several run on one machine.")] = "attached",
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="Serve this region; repeat it. Default: AWS_REGION, else eu-central-1."),
    ] = None,
    time_scale: Annotated[
        float, typer.Option("--time-scale", help="Multiplies health check intervals and drain delays.")
    ] = 1.0,
    poll_interval: Annotated[
        float, typer.Option("--poll-interval", help="Seconds from one reading of the load balancers to the next.")
    ] = 0.5,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in this terminal until Ctrl-C, log on stderr.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Serve the load balancers of another endpoint on this machine (LocalStack, moto, MiniStack) with real traffic.

    Example: bluegreen lab attach --endpoint-url http://127.0.0.1:4566
    """
    _require_extra()
    from toolkit.lab.attach_options import AttachOptions
    from toolkit.lab.handle import REGION, find_lab, start_lab

    url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        raise UsageError("which endpoint is meant?", hint="Give --endpoint-url, or set AWS_ENDPOINT_URL.")
    here = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    options = AttachOptions(
        endpoint_url=url,
        name=name,
        regions=tuple(dict.fromkeys(region or [here])),
        time_scale=time_scale,
        poll_interval=poll_interval,
    )
    if (running := find_lab(name)) is not None:
        _require_attached_to(running, options.endpoint_url)
        note(f"'{name}' is attached to {running.endpoint_url} already; options given now change nothing")
        _show(running, output)
    elif foreground:
        from toolkit.lab.foreground import run_in_foreground

        run_in_foreground(options, ready=lambda lab: _show(lab, output))
    else:
        lab = start_lab(options, owned=False)
        note(f"'{name}' serves the load balancers of {url}; stop it with: bluegreen lab down --name {name}")
        _note_whose_health(lab)
        _show(lab, output)


@app.command()
def status(name: NameOption = "default", output: OutputOption = Output.TEXT) -> None:
    """Show where the lab answers, its listeners' addresses, its processes and what went wrong last."""
    _require_extra()
    from toolkit.lab.handle import running_lab

    document = running_lab(name).status()
    if output is Output.JSON:
        print_json(document)
    else:
        print("\n".join(_status_lines(document)))


@app.command()
def down(
    *,
    name: NameOption = "default",
    everything: Annotated[bool, typer.Option("--all", help="Every lab, also those of demos that were killed.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Stop the lab and everything it started, also what a crashed one has left.

    Example: bluegreen lab down --all
    """
    _require_extra()
    from toolkit.lab.handle import stop_lab
    from toolkit.lab.state import StateDirectory, all_labs

    stopped = {one.name: stop_lab(one) for one in (all_labs() if everything else [StateDirectory.of(name)])}
    if output is Output.JSON:
        print_json({lab: [one.to_json() for one in ended] for lab, ended in stopped.items()})
        return
    for lab, ended in stopped.items():
        for one in ended:
            manner = ", which had to be killed" if one.killed else ""
            print(f"stopped {one.process.what} (pid {one.process.pid}) of lab '{lab}'{manner}")
    if not any(stopped.values()):
        print("no lab is running; nothing to stop" if everything else f"lab '{name}' is not running; nothing to stop")


def _require_extra() -> None:
    from toolkit.lab.installed import require_extra

    require_extra()


def _require_own(running: "Lab") -> None:
    """LabError where a data plane that is attached elsewhere has the name."""
    from toolkit.lab.attach_options import AttachOptions

    if isinstance(running.published.options, AttachOptions):
        name = running.state.name
        raise LabError(
            f"'{name}' is no lab of its own: it is attached to {running.endpoint_url}.",
            hint=f"Take another --name, or stop it: bluegreen lab down --name {name}",
        )


def _require_attached_to(running: "Lab", endpoint_url: str) -> None:
    """LabError where the name is that of another endpoint's data plane, or of a lab of its own."""
    from toolkit.lab.attach_options import AttachOptions

    options, name = running.published.options, running.state.name
    if not isinstance(options, AttachOptions) or options.endpoint_url != endpoint_url:
        raise LabError(
            f"'{name}' is running already, at {running.endpoint_url}.",
            hint=f"Take another --name, or stop it: bluegreen lab down --name {name}",
        )


def _note_whose_health(lab: "Lab") -> None:
    if not lab.status()["reports_health"]:
        note(
            f"{lab.endpoint_url} keeps reporting its own target health; "
            f"what the load balancer sees is at {lab.door_url}/health?target_group=ARN"
        )


def _name_words(name: str) -> str:
    return "" if name == "default" else f" --name {shlex.quote(name)}"


def _show(lab: "Lab", output: Output) -> None:
    """How to reach the lab: for `eval`, or as JSON."""
    if output is Output.JSON:
        print_json(
            {
                "name": lab.published.options.name,
                "endpoint_url": lab.endpoint_url,
                "door_url": lab.door_url,
                "pid": lab.pid,
                "environment": lab.exports,
                "log": str(lab.state.log),
            }
        )
    else:
        if os.environ.get("AWS_PROFILE"):
            print("unset AWS_PROFILE")
        for key, value in lab.exports.items():
            print(f"export {key}={shlex.quote(value)}")
    sys.stdout.flush()  # a lab in the foreground goes on, and its reader waits for this


def _status_lines(document: Mapping[str, Any]) -> list[str]:
    unsaid = {"name", "port", "endpoint_url", "regions"}
    options = ", ".join(f"{key} {value}" for key, value in document["options"].items() if key not in unsaid)
    is_attached = document.get("attached", False)
    what = f"'{document['name']}', attached to" if is_attached else f"lab '{document['name']}' at"
    lines = [f"{what} {document['endpoint_url']}, up for {document['uptime_seconds']:.0f} s", f"  {options}"]
    if is_attached:
        reported = "as the data plane sees it" if document["reports_health"] else "the endpoint's own"
        lines.append(f"  regions {', '.join(document['options']['regions'])}; target health: {reported}")
    for child in document["children"]:
        ended = "" if child["running"] else style("  has ended by itself: restart the lab", 31)
        lines.append(f"  process {child['pid']}: {child['what']}{ended}")
    lines += [f"  listener {arn}\n    {address}" for arn, address in document["listeners"].items()]
    lines += [
        style(f"  the load balancer of {one['region']} is not as AWS says: {one['error']}", 31)
        for one in document["failures"]
    ]
    # A lab that was started by an older release says nothing of its compute.
    lines += [style(f"  the compute could not do its work: {one}", 31) for one in document.get("compute_failures", [])]
    return lines


@app.command()
def demo(
    rate: Annotated[float, typer.Option("--rate", min=1, max=5000, help="Requests per second.")] = 400.0,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            "--endpoint-url",
            help="Use this AWS endpoint on this machine (LocalStack) in place of a lab of the demo's own.",
        ),
    ] = None,
    acts: Annotated[
        int, typer.Option("--acts", min=1, max=2, help="1: without the release that errors, in half the time.")
    ] = 2,
    output: OutputOption = Output.TEXT,
) -> None:
    """Provision, cut over and come back under real traffic, offline; then let a release that errors be taken back.

    Exit 0 only if no request failed but those that the bad release answered, and it was rolled back by itself.
    Takes about six minutes, since CloudWatch counts in whole ones, and leaves nothing running.
    Needs terraform and a clone of the project. With --endpoint-url a load balancer is attached there, what was
    provisioned is destroyed at the end, and the second act is left out.
    """
    _require_extra()
    from toolkit.lab.demo import run_demo

    began = time.monotonic()
    try:
        report = run_demo(
            lambda line: note(f"{time.monotonic() - began:6.1f} s  {line}"),
            rate=rate,
            endpoint_url=endpoint_url,
            acts=acts,
        )
    except KeyboardInterrupt:
        raise Interrupted("the demo was interrupted; everything it had started is stopped.") from None
    if output is Output.JSON:
        print_json(report.to_json())
    else:
        print("\n".join(_report_lines(report)))
    if report.faults:
        raise DemoFailed(f"{'; '.join(report.faults)}.", hint="The report above has the figures.")


def _report_lines(report: "Report") -> list[str]:
    answered = ", ".join(f"{color} {count:,}" for color, count in sorted(report.colors.items()))
    latency = ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in report.latency_ms.items())
    lines = [
        "",
        f"requests sent     {report.requests:,}",
        f"requests failed   {report.failed:,}",
        f"who answered      {answered}",
        f"latency           {latency}",
    ]
    for moved in report.releases:
        old = (
            "the other color never answered"
            if moved.traffic_seconds is None
            else (f"last answer of the old color after {moved.traffic_seconds:.2f} s")
        )
        lines.append(f"to {moved.to:<14} {old}; command {moved.command_seconds:.1f} s ({moved.command})")
    if report.bad_release is not None:
        bad = report.bad_release
        found = (
            "not detected"
            if bad.detected_after_s is None
            else f"detected {bad.detected_after_s:.0f} s after its first shift: {bad.reason}"
        )
        lines.append(f"bad release       {found} ({bad.command})")
        lines.append(f"rolled back       {'by itself' if bad.rolled_back else 'NO'}")
        lines.append(
            f"bad requests      {report.bad_requests:,}, answered by the bad release; not among the failed ones"
        )
    lines.append(f"terraform plan    {'empty' if report.plan_empty else 'NOT empty'}")
    lines.append(f"took              {report.seconds:.0f} s")
    return lines
