"""`bluegreen infra`: provision with Terraform."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import EndpointOption, Output, OutputOption
from toolkit.cli.render import note, print_json
from toolkit.errors import ContractError, Interrupted, ReplaceRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.cli.infra_progress import Display
    from toolkit.infra.terraform import OutputValue, Terraform, Wish

app = typer.Typer(
    help="Provision with Terraform or OpenTofu: init, plan, apply, destroy, output.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DirOption = Annotated[Path, typer.Option("--dir", help="The Terraform configuration.", show_default=True)]
VarOption = Annotated[
    list[str] | None,
    typer.Option(
        "--var",
        metavar="NAME=VALUE",
        help="Set an input variable (repeat). Secrets belong in TF_VAR_NAME or a file.",
    ),
]
VarFileOption = Annotated[
    list[Path] | None, typer.Option("--var-file", metavar="FILE", help="Take input variables from this file (repeat).")
]
ReplaceOption = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="ADDRESS", help="Replace this resource though nothing demands it (repeat)."),
]
AllowReplaceOption = Annotated[
    bool,
    typer.Option("--allow-replace", help="Accept that a route, listener or target group is deleted or replaced."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")]


@app.callback()
def root() -> None:
    """Provision with Terraform, or OpenTofu where there is no terraform; BLUEGREEN_TERRAFORM names either."""


@app.command()
def init(
    *,
    directory: DirOption = Path(),
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Take newer modules and providers.")] = False,
    output: OutputOption = Output.TEXT,
    endpoint_url: EndpointOption = None,
) -> None:
    """Install the modules and providers of a configuration.

    Providers come from the mirror that BLUEGREEN_TF_MIRROR names; else from one found in Terraform's own
    mirror directories, or in a registry.terraform.io folder below /opt, /usr/share or /usr/local/share
    (registry.opentofu.org for OpenTofu); else from the public registry.

    Example: bluegreen infra init --dir terraform/examples/alb
    """
    with _terraform(directory, endpoint_url) as (terraform, _):
        mirror = terraform.init(upgrade=upgrade)
    if output is Output.JSON:
        print_json({"directory": str(terraform.directory), "mirror": None if mirror is None else str(mirror)})
    else:
        note(f"Ready. Providers: {mirror or 'from the registry'}.")


@app.command()
def plan(
    *,
    directory: DirOption = Path(),
    var: VarOption = None,
    var_file: VarFileOption = None,
    replace: ReplaceOption = None,
    allow_replace: AllowReplaceOption = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit 0: nothing to change; 2: changes; 42: apply would refuse."),
    ] = False,
    output: OutputOption = Output.TEXT,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show what apply would change, and whether it would refuse to. Changes nothing.

    Example: bluegreen infra plan --dir terraform/examples/alb --var name=web
    """
    from toolkit.cli.infra_render import plan_document, plan_lines, warnings

    wish = _wish(var, var_file, replace)
    with _terraform(directory, endpoint_url) as (terraform, _), terraform.planned(wish) as saved:
        pass
    if output is Output.JSON:
        print_json({"command": "plan", "directory": str(terraform.directory), **plan_document(saved)})
    else:
        print("\n".join(plan_lines(saved)))
        for warning in warnings(saved, allow_replace=allow_replace):
            note(f"warning: {warning}")
    if detailed_exitcode and saved.has_changes:
        is_refused = saved.changes.refused and not allow_replace
        raise typer.Exit(ReplaceRefused.exit_code if is_refused else 2)


@app.command()
def apply(
    *,
    directory: DirOption = Path(),
    var: VarOption = None,
    var_file: VarFileOption = None,
    replace: ReplaceOption = None,
    allow_replace: AllowReplaceOption = False,
    yes: YesOption = False,
    output: OutputOption = Output.TEXT,
    endpoint_url: EndpointOption = None,
) -> None:
    """Plan, check the plan, ask, and apply exactly that plan.

    A plan that deletes or replaces a route, listener, target group or load balancer is refused: a replaced
    route starts again at its initial weights.

    Example: bluegreen infra apply --dir terraform/examples/alb --yes
    """
    _change(
        _wish(var, var_file, replace),
        directory=directory,
        endpoint_url=endpoint_url,
        allow_replace=allow_replace,
        yes=yes,
        output=output,
    )


@app.command()
def destroy(
    *,
    directory: DirOption = Path(),
    var: VarOption = None,
    var_file: VarFileOption = None,
    yes: YesOption = False,
    output: OutputOption = Output.TEXT,
    endpoint_url: EndpointOption = None,
) -> None:
    """Delete everything that the configuration manages, what carries traffic included.

    Example: bluegreen infra destroy --dir terraform/examples/alb
    """
    _change(
        _wish(var, var_file, None, destroy=True),
        directory=directory,
        endpoint_url=endpoint_url,
        allow_replace=True,
        yes=yes,
        output=output,
    )


@app.command("output")
def output_(
    *,
    directory: DirOption = Path(),
    everything: Annotated[bool, typer.Option("--all", help="Every output, not the deployment contract alone.")] = False,
    output: OutputOption = Output.JSON,  # noqa: ARG001 - JSON either way
    endpoint_url: EndpointOption = None,
) -> None:
    """Print the deployment contract, as JSON. Sensitive outputs are never printed.

    Example: bluegreen infra output --dir terraform/examples/alb > deployment.json
    """
    with _terraform(directory, endpoint_url) as (terraform, _):
        outputs = terraform.outputs()
    if everything:
        print_json({name: _masked(told) for name, told in outputs.items()})
    else:
        print_json(_contract(outputs, terraform.directory))


def _change(
    wish: "Wish", *, directory: Path, endpoint_url: str | None, allow_replace: bool, yes: bool, output: Output
) -> None:
    """Plan, show, check, ask, apply; exit code 1, and nothing changed, when the answer is no."""
    from toolkit.cli.infra_render import applied_document, plan_document, plan_lines, warnings
    from toolkit.infra.plan import guard

    verb = "destroy" if wish.destroy else "apply"
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"{verb} asks before it changes anything, and nobody can answer here.", hint="Give --yes.")
    tell = note if output is Output.JSON else print
    began = time.monotonic()
    with _terraform(directory, endpoint_url) as (terraform, display), terraform.planned(wish) as saved:
        display.pause()
        tell("\n".join(plan_lines(saved)))
        if not allow_replace:
            guard(saved.changes)
        for warning in warnings(saved, allow_replace=allow_replace):
            note(f"warning: {warning}")
        if saved.has_changes and not yes:
            _ask(verb)
        counts = terraform.apply(saved, allow_replace=allow_replace) if saved.has_changes else None
        outputs = {} if wish.destroy else terraform.outputs()
    seconds = time.monotonic() - began
    if output is Output.JSON:
        deployment = outputs.get("deployment")
        print_json(
            {
                "command": verb,
                "directory": str(terraform.directory),
                "plan": plan_document(saved),
                "applied": applied_document(counts),
                "seconds": round(seconds, 1),
                "deployment": None if deployment is None else deployment.value,
            }
        )
    elif counts is not None:
        print(f"Done in {seconds:.0f} s: {counts.added} added, {counts.changed} changed, {counts.removed} deleted.")


def _ask(verb: str) -> None:
    question = "Delete all of this?" if verb == "destroy" else "Apply this plan?"
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        raise Interrupted(f"{verb} was interrupted before it began; nothing was changed.") from None
    if not agreed:
        note("Nothing was changed.")
        raise typer.Exit(1)


@contextmanager
def _terraform(directory: Path, endpoint_url: str | None) -> Iterator[tuple["Terraform", "Display"]]:
    """Terraform in `directory`, and the display that shows its work until the block ends."""
    from toolkit.cli.infra_progress import display
    from toolkit.infra.terraform import Terraform
    from toolkit.wiring import Options, terraform_environ

    shown = display()
    try:
        environ = terraform_environ(Options(endpoint_url=endpoint_url))
        yield Terraform(directory, environ=environ, listener=shown), shown
    finally:
        shown.pause()


def _wish(
    var: list[str] | None, var_file: list[Path] | None, replace: list[str] | None, *, destroy: bool = False
) -> "Wish":
    from toolkit.infra.terraform import Wish

    for given in var or ():
        if not given.partition("=")[1] or not given.partition("=")[0].strip():
            raise UsageError(f"--var {given.partition('=')[0]}: NAME=VALUE is expected.")
    for file in var_file or ():
        if not file.is_file():
            raise UsageError(f"--var-file {file}: there is no such file.")
    return Wish(tuple(var or ()), tuple(var_file or ()), tuple(replace or ()), destroy)


def _masked(told: "OutputValue") -> Any:
    return "(sensitive)" if told.sensitive else told.value


def _contract(outputs: "Mapping[str, OutputValue]", directory: Path) -> Any:
    """The value of the output `deployment`, once it has been read as a contract."""
    from toolkit.contract import from_document

    told = outputs.get("deployment")
    if told is None:
        hint = (
            "Its configuration must output the contract of its alb-route module as `deployment`."
            if outputs
            else f"Apply it first: bluegreen infra apply --dir {directory}"
        )
        raise ContractError(f"{directory} has no output `deployment`.", hint=hint)
    if told.sensitive:
        raise ContractError(
            f"the output `deployment` of {directory} is sensitive, so it is not printed.",
            hint="A deployment contract holds no secrets: keep sensitive values out of it.",
        )
    from_document(told.value, source=f"the outputs of {directory}")
    return told.value
