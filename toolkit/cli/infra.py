"""`bluegreen infra`: provision with Terraform."""

import typer

app = typer.Typer(
    help="Provision with Terraform: init, plan, apply, destroy, output.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Provision with Terraform."""
