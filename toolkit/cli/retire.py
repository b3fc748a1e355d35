"""`bluegreen retire`: the side without traffic down to its warm minimum, after a deployment that left it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.render import print_json, style
from toolkit.cli.service import DryRunOption, ServiceArgument, connected, wired
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.runner.retire import Retirement


@connected
def retire(
    service: ServiceArgument,
    *,
    where: Options,
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, help="Targets that stay; default: the settings' retire.keep.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Sleep until the last shift has settled, then do it.")] = False,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring the side without traffic down to a warm minimum; a rollback brings it up again first.

    Refused while a rollout is under way, while both sides have traffic, and before the last shift has settled.

    Example: bluegreen retire web --keep 1
    """
    from toolkit.runner import retire as runner

    ready = wired(service, where)
    kept = ready.settings.retire.keep if keep is None else keep
    done = runner.plan_retire(ready, kept) if dry_run else runner.retire(ready, kept, wait=wait)
    if output is Output.JSON:
        print_json(_document(done))
    else:
        print(_words(done, dry_run=dry_run))


def _words(done: Retirement, *, dry_run: bool) -> str:
    color, live = done.color, done.color.other
    if done.before.desired <= done.after:
        return f"{done.service}: {color} is asked for {done.before.desired} already; nothing was written."
    goes = "would go" if dry_run else "goes"
    end = "Nothing was written." if dry_run else "A rollback brings it up first, where it has to."
    head = style(f"{done.service}: {color} {goes} from {done.before.desired} to {done.after}", 1)
    return f"{head}; {live} carries all traffic. {end}"


def _document(done: Retirement) -> dict[str, Any]:
    return {
        "service": done.service,
        "color": done.color.value,
        "before": done.before.desired,
        "after": done.after,
        "written": done.written,
        "problem": done.problem,
    }
