"""`bluegreen adopt`: take over the weights of infrastructure that others made."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import ConfigOption, EndpointOption, Output, OutputOption, ProfileOption, RegionOption
from toolkit.cli.outcome import split_document
from toolkit.cli.render import note, print_json, style
from toolkit.errors import Interrupted, UsageError
from toolkit.traffic import Color
from toolkit.wiring import DEFAULT_FILE, Options, adoption

if TYPE_CHECKING:
    from toolkit.runner.adopt import Plan, Request
    from toolkit.runner.adopt_files import Files


def adopt(
    *,
    listener: Annotated[
        list[str] | None,
        typer.Option(
            "--listener", help="ARN of a listener: its default action is a route. May be repeated.", metavar="ARN"
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help="ARN of a listener rule that is a route. May be repeated.", metavar="ARN"),
    ] = None,
    load_balancer: Annotated[
        str | None,
        typer.Option(
            "--load-balancer", help="Name or ARN: whatever on it forwards to the same pair is a route.", metavar="NAME"
        ),
    ] = None,
    test_route: Annotated[
        list[str] | None,
        typer.Option(
            "--test-route",
            help="ARN of a rule that reaches one color alone, for requests with a header. May be repeated.",
            metavar="ARN",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the service; default: what the target groups' names share.")
    ] = None,
    blue: Annotated[
        str | None,
        typer.Option(
            "--blue",
            help="Name or ARN of the blue target group; default: by the names, else by weight.",
            metavar="GROUP",
        ),
    ] = None,
    other_group: Annotated[
        str | None,
        typer.Option(
            "--other-group",
            help="Name or ARN of the target group to add at weight 0 where there is only one; "
            "default: the only free one that matches.",
            metavar="GROUP",
        ),
    ] = None,
    state_table: Annotated[
        str | None,
        typer.Option(
            "--state-table",
            help="DynamoDB table for the record; default: the record stays on this machine.",
            metavar="NAME",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Where the contract goes; default: deployments/SERVICE.json beside the settings file."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over a contract file that says something else.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before adding a target group.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done; write nothing.")] = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    endpoint_url: EndpointOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Take over the weights of a listener or rule that others made: write a contract and a section of bluegreen.toml.

    Example: bluegreen adopt --load-balancer web --name web
    """
    from toolkit.adoption.places import checked_arn
    from toolkit.adoption.result import checked_name
    from toolkit.runner import adopt as runner
    from toolkit.runner.adopt_carry_out import carry_out
    from toolkit.runner.adopt_files import prepare

    request = runner.Request(
        arns=_arns(listener or [], rule or [], load_balancer),
        test_routes=tuple(dict.fromkeys(checked_arn(arn, "rule") for arn in test_route or [])),
        balancer=load_balancer,
        name=None if name is None else checked_name(name),
        blue=blue,
        other_group=other_group,
        state_table=state_table,
    )
    where = Options(config=config, region=region, profile=profile, endpoint_url=endpoint_url)
    around = adoption(where, _region(request))
    decided = runner.plan(request, around)
    files = prepare(decided.adoption, settings=config or DEFAULT_FILE, out=out, overwrite=overwrite)
    for warning in decided.warnings:
        note(f"{style('warning:', 33, stream=sys.stderr)} {warning}")
    if not dry_run:
        if decided.second is not None and not yes:
            _ask(decided)
        carry_out(decided, around, files)
    if output is Output.JSON:
        print_json(_document(decided, files, where, written=not dry_run))
    else:
        _show(decided, files, where, written=not dry_run)


def _arns(listeners: list[str], rules: list[str], balancer: str | None) -> tuple[str, ...]:
    """The rules and listeners to adopt. Raises UsageError: an ARN is none, or no one way is said."""
    from toolkit.adoption.places import checked_arn

    if (balancer is not None) == bool(listeners or rules):
        raise UsageError(
            "say what to adopt: either --load-balancer, or --listener and --rule",
            hint="`aws elbv2 describe-listeners` and `aws elbv2 describe-rules` print the ARNs.",
        )
    if balancer is not None and (":" in balancer or not balancer.strip()):
        checked_arn(balancer, "load balancer")
    arns = [checked_arn(arn, "listener") for arn in listeners] + [checked_arn(arn, "rule") for arn in rules]
    return tuple(dict.fromkeys(arns))


def _region(request: Request) -> str | None:
    """The region that an ARN names."""
    from toolkit.adoption.places import account_and_region

    if request.arns:
        return account_and_region(request.arns)[1]
    return request.balancer.split(":")[3] if request.balancer and ":" in request.balancer else None


def _ask(decided: Plan) -> None:
    """Raises UsageError where nobody can answer; ends with exit code 1 where the answer is no."""
    what = f"target group {_second(decided)} at weight 0 to {', '.join(decided.additions)}"
    if not sys.stdin.isatty():
        raise UsageError(
            f"adopting this adds {what}, and nobody can answer here; nothing was written", hint="Agree with --yes."
        )
    try:
        agreed = typer.confirm(f"Add {what}? No traffic moves.", err=True)
    except typer.Abort:
        raise Interrupted("adopt was interrupted before it began; nothing was written") from None
    if not agreed:
        note("Nothing was written.")
        raise typer.Exit(1)


def _second(decided: Plan) -> str:
    return decided.second.name if decided.second else ""


def _document(decided: Plan, files: Files, where: Options, *, written: bool) -> dict[str, Any]:
    from toolkit.adoption.result import terraform_blocks

    contract = decided.adoption.contract
    return {
        "service": contract.name,
        "written": written,
        "contract_file": str(files.contract),
        "settings_file": str(files.settings),
        "contract": dict(decided.adoption.document),
        "splits": {name: split_document(split) for name, split in decided.splits.items()},
        "colors_told": decided.told,
        "target_group_added": _second(decided) or None,
        "target_group_added_to": list(decided.additions),
        "terraform": [
            {"resource": resource, "ignore_changes": [attribute], "block": block, "routes": routes}
            for resource, (attribute, block, routes) in terraform_blocks(contract).items()
        ],
        "warnings": list(decided.warnings),
        "next": _next(contract.name, where),
    }


def _show(decided: Plan, files: Files, where: Options, *, written: bool) -> None:
    contract = decided.adoption.contract
    balancer = contract.load_balancer
    head = "adopted" if written else "would be adopted; nothing was written"
    print(f"{style(contract.name, 1)}: {head}   ({balancer.type} load balancer {balancer.dns_name})")
    print(f"  blue is {decided.pair[Color.BLUE].name}, green is {decided.pair[Color.GREEN].name}, told {decided.told}")
    for name, split in decided.splits.items():
        print(f"  route {name}: {split}   ({decided.adoption.places[name].title})")
    for test in contract.test_routes:
        print(f"  test route {test.name}: requests with {test.header_name} reach {test.color}")
    if decided.additions:
        done = "added" if written else "would be added"
        print(f"  {_second(decided)} {done} at weight 0 to {', '.join(decided.additions)}")
    for path, text in ((files.contract, files.contract_text), (files.settings, files.settings_text)):
        state = "says so already" if text is None else "written" if written else "would be written"
        print(f"  {path} {state}")
    if contract.state_table is None:
        print("  the record of releases stays on this machine; --state-table NAME shares it")
    _show_terraform(decided)
    print(f"Next: {f'{chr(10)}      '.join(_next(contract.name, where))}")


def _show_terraform(decided: Plan) -> None:
    from toolkit.adoption.result import terraform_blocks

    print("\nIf Terraform owns this, its next apply takes the weights back, unless")
    for number, (resource, (_, block, routes)) in enumerate(terraform_blocks(decided.adoption.contract).items()):
        print(f"{'and ' if number else ''}the {resource} of {', '.join(routes)} says\n")
        print("\n".join(f"    {line}" for line in block.splitlines()) + "\n")


def _next(service: str, where: Options) -> list[str]:
    """The commands to go on with, as this one was told where to look."""
    said = {"--config": where.config, "--profile": where.profile, "--endpoint-url": where.endpoint_url}
    words = [word for option, value in said.items() if value for word in (option, str(value))]
    return [shlex.join(["bluegreen", command, service, *words]) for command in ("status", "doctor")]
