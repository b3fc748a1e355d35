"""`bluegreen preview`: the request that reaches one color whatever the weights say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.render import note, print_json
from toolkit.cli.service import ServiceArgument, connected, wired
from toolkit.contract import Contract
from toolkit.errors import ContractError, JournalError, NoBase, RouteUnusable, UsageError
from toolkit.traffic import Color
from toolkit.wiring import Options, settings_for
from toolkit.wiring.places import session_for

if TYPE_CHECKING:
    from toolkit.rollout.preview import LiveTestRoute, Request
    from toolkit.runner.service import Service

_MAX_PORT = 65_535


@connected
def preview(
    service: ServiceArgument,
    *,
    where: Options,
    color: Annotated[
        Color | None, typer.Option("--color", help="The color to reach; default: the idle one, both if nobody knows.")
    ] = None,
    via: Annotated[
        str | None,
        typer.Option("--via", metavar="HOST:PORT", help="Connect here: the lab, a tunnel; default: the load balancer."),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print a curl line for each test route of SERVICE that reaches the idle color, whatever the weights.

    The header's value is read from the rule and printed: it may be a secret. Nothing is sent.

    Example: bluegreen preview web --color green
    """
    from toolkit.rollout.preview import faults, request_for

    place = None if via is None else _place(via)
    ready = wired(service, where)
    contract = ready.contract
    _demand_test_routes(contract, color)
    target = color or _idle(ready)
    _demand_test_routes(contract, target)
    live = read_test_routes(contract, where)
    requests, broken = [], []
    for route in (each for each in contract.test_routes if target in (None, each.color)):
        held = live.get(route.name)
        problems = faults(held, contract) if held else [f"it is gone: AWS knows no {route.arn}"]
        if held and not problems:
            requests.append(request_for(held, contract.load_balancer.dns_name, via=place))
        else:
            broken.append(f"test route {route.name} cannot be used: {'; '.join(problems)}")
    _show(contract, target, requests, output)
    if broken:
        raise RouteUnusable(
            f"{contract.name}: {'; '.join(broken)}",
            hint="Terraform manages test routes whole: bluegreen infra apply puts them right.",
        )


def read_test_routes(contract: Contract, where: Options) -> Mapping[str, LiveTestRoute]:
    """The contract's test routes as AWS holds them, by name; what is gone is left out. Raises AwsError."""
    if not contract.test_routes:
        return {}
    from toolkit.aws.preview import TestRules

    aws = replace(settings_for(where).aws, region=contract.region)
    return TestRules(session_for(aws)).read(contract.test_routes)


def _demand_test_routes(contract: Contract, color: Color | None) -> None:
    if any(color in (None, route.color) for route in contract.test_routes):
        return
    if contract.is_network:
        raise ContractError(
            f"{contract.name}: a Network Load Balancer has no rules, so the service has no test routes",
            hint="Reach the targets of the color themselves; `bluegreen status` lists them.",
        )
    what = f"no test route of {color}" if color and contract.test_routes else "no test routes"
    raise ContractError(
        f"{contract.name}: its contract has {what}",
        hint="The inputs `test_routes` and `test_header_values` of the module alb-route make them, and its output "
        "`test_routes` goes into the input of that name of deployment-contract; then apply. Without any: "
        f"bluegreen ab {contract.name} --preview --header 'X-Preview: yes' diverts such requests for a while.",
    )


def _idle(service: Service) -> Color | None:
    """The idle color; None where the weights do not tell it and nobody recorded it, which is said."""
    from toolkit.rollout.preflight import Observation, idle_color
    from toolkit.rollout.record import Record

    try:
        record = service.record()
    except JournalError as error:
        note(f"warning: the record cannot be read: {error.message}")
        record = Record()
    try:
        return idle_color(Observation(service.contract, service.read(), {}, record))
    except (NoBase, RouteUnusable) as error:
        note(f"warning: {error.message.removesuffix(' Nothing was changed.').removesuffix('.')}; so both are shown")
        return None


def _place(via: str) -> str:
    host, _, port = via.rpartition(":")
    bare_ipv6 = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not host or bare_ipv6 or not (port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT):
        raise UsageError(f"--via {via}: HOST:PORT is expected, an IPv6 address in brackets.")
    return via


def _show(contract: Contract, target: Color | None, requests: list[Request], output: Output) -> None:
    if output is Output.JSON:
        print_json(
            {
                "service": contract.name,
                "color": target.value if target else None,
                "requests": [_document(request) for request in requests],
            }
        )
        return
    for request in requests:
        note(f"{request.route.color}, by {request.route.name}:")
        for remark in request.remarks:
            note(f"warning: {remark}")
        print(request.command, flush=True)


def _document(request: Request) -> dict[str, Any]:
    return {
        "route": request.route.name,
        "color": request.route.color.value,
        "url": request.url,
        "method": request.method or "GET",
        "headers": dict(request.headers),
        "connect_to": request.connect_to,
        "command": request.command,
        "remarks": list(request.remarks),
    }
