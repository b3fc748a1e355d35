"""The composition root: settings and a contract in, a service with filled ports out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.contract import Contract, parse
from toolkit.errors import BluegreenError, ConfigError, ContractError, UnknownService, WrongAccount
from toolkit.settings import AwsSettings, Endpoint, ServiceSettings, Settings
from toolkit.wiring.homes import cache_home
from toolkit.wiring.places import Places, session_for
from toolkit.wiring.ports import SystemClock, assemble

if TYPE_CHECKING:
    from toolkit.aws.session import Session
    from toolkit.runner.adopt import Surroundings
    from toolkit.runner.service import Service

DEFAULT_FILE = Path("bluegreen.toml")
_READERS = 8
"""Contracts read at once."""
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says over the settings file; None leaves it to the file.

    endpoint_url: a URL, or the name of an endpoint in the file.
    """

    config: Path | None = None
    contract: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


def settings_for(options: Options) -> Settings:
    """The settings file, with what the command line says laid over it.

    Raises:
        ConfigError: the file is named and absent, or malformed, or has no endpoint of that name.
    """
    return _overlaid(_file_settings(options.config), options)


def _overlaid(settings: Settings, options: Options) -> Settings:
    aws = settings.aws.at(_endpoint(options.endpoint_url, settings)) if options.endpoint_url else settings.aws
    said = replace(aws, region=options.region or aws.region, profile=options.profile or aws.profile)
    return replace(settings, aws=said)


def _endpoint(said: str, settings: Settings) -> Endpoint:
    """The endpoint that `--endpoint-url` means: one of the settings file by its name, else a URL."""
    if said in settings.endpoint:
        return settings.endpoint[said]
    if "://" not in said:
        raise ConfigError(
            f"there is no endpoint {said!r} in the settings file, and it is no URL",
            hint=f"Its endpoints: {', '.join(sorted(settings.endpoint)) or 'none'}; a URL begins with http:// or "
            f"https://, and [endpoint.NAME] url = … in {DEFAULT_FILE} makes one a name.",
        )
    return Endpoint(url=said)


def _file_settings(named: Path | None) -> Settings:
    path = named or DEFAULT_FILE
    if not path.exists():
        if named:
            raise ConfigError(f"there is no settings file {named}")
        return Settings()
    from toolkit.config import load  # pydantic: only where there is a file to check

    return load(path)


def terraform_environ(options: Options) -> Mapping[str, str]:
    """What Terraform inherits, so that it works where the toolkit does, and stays local where that must.

    Raises:
        ConfigError: as `settings_for`.
        AwsError: an unknown profile, or calls must stay local and an endpoint is missing or elsewhere.
    """
    from toolkit.infra.endpoint import AwsPlace, aws_environment

    aws = settings_for(options).aws
    environ = dict(os.environ)
    if aws.profile:
        # A profile that was named goes before keys of the environment, as it does in boto3.
        environ = {name: value for name, value in environ.items() if name not in _KEYS} | {"AWS_PROFILE": aws.profile}
    if aws.region:
        environ["AWS_REGION"] = aws.region
    session = session_for(aws)
    place = AwsPlace(
        settings=aws,
        configured=session.configured_endpoints,
        region=session.region,
        keys=session.emulator_keys.variables if session.isolation else {},
    )
    return aws_environment(environ, place)


def service_names(options: Options) -> list[str]:
    """Every service that the settings file names or that left a contract in this account and region, sorted.

    Raises:
        AwsError: and its children.
    """
    from toolkit.aws.ssm import Parameters

    settings = settings_for(options)
    found = Parameters(session_for(settings.aws)).services()
    return sorted({*settings.service, *found})


def wire(name: str | None, options: Options, note: Callable[[str], None]) -> Service:
    """The service `name`, or the one of the contract that the options name, ready for the runner.

    Raises:
        UnknownService: there is none of that name.
        ContractError, ConfigError, AwsError: as their docstrings say.
    """
    (service,) = wire_many([name], options, note)
    return service


def wire_many(
    names: Sequence[str | None],
    options: Options,
    note: Callable[[str], None],
    *,
    failed: Callable[[str, BluegreenError], None] | None = None,
) -> list[Service]:
    """The services of these names, as `wire` makes them; those of one place share its session and its rate of calls.

    failed: told the ones that cannot be had, which are then left out. Without it the first of them is raised.
    """
    settings = settings_for(options)
    directory = (options.config or DEFAULT_FILE).parent
    places = Places()

    def contract_of(name: str | None) -> Contract | BluegreenError:
        try:
            place = places.at(_of_the_service(name, settings, options))
            return _contract(name, options.contract, settings, place.session)
        except BluegreenError as error:
            return error

    made = []
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        for name, contract in zip(names, pool.map(contract_of, names), strict=True):
            try:
                if isinstance(contract, BluegreenError):
                    raise contract
                place = places.of(contract, _of_the_service(name, settings, options))
                made.append(assemble(contract, settings.of(name or contract.name), place, note, directory))
            except BluegreenError as error:
                if failed is None:
                    raise
                failed(str(name), error)
    return made


def _of_the_service(name: str | None, settings: Settings, options: Options) -> AwsSettings:
    """Where this service lives: services of one release may live in other regions and accounts."""
    of = settings.of(name) if name else ServiceSettings()
    return replace(
        settings.aws,
        region=options.region or of.region or settings.aws.region,
        profile=options.profile or of.profile or settings.aws.profile,
        role_arn=of.role_arn,
    )


def wire_all(options: Options, note: Callable[[str], None]) -> list[Service]:
    """The service of the contract that the options name, else every service there is, by name.

    Raises:
        UnknownService: there is none.
        ContractError, ConfigError, AwsError: as their docstrings say.
    """
    if options.contract is not None:
        return [wire(None, options, note)]
    names = service_names(options)
    if not names:
        raise UnknownService(
            "there is no service in this account and region",
            hint="Provision one (`bluegreen infra apply`), or choose another with --region or --profile.",
        )
    return wire_many(names, options, note)


def adoption(options: Options, region: str | None) -> Surroundings:
    """What `adopt` reads, in `region` where an ARN named one. The settings file need not be there yet.

    Raises:
        WrongAccount: a region was said, and it is another one.
        ConfigError, AwsError: as their docstrings say.
    """
    from toolkit.aws.codedeploy import CodeDeployGroups
    from toolkit.aws.ecs import EcsServices
    from toolkit.aws.inventory import Inventory
    from toolkit.aws.ssm import Parameters
    from toolkit.aws.sts import Caller
    from toolkit.aws.tables import Tables
    from toolkit.runner.adopt import Surroundings

    is_new = options.config is not None and not options.config.exists()
    settings = _overlaid(Settings(), options) if is_new else settings_for(options)
    session = session_for(settings.aws)
    if region is not None and session.region not in (None, region):
        raise WrongAccount(
            f"the session is in region {session.region}, the ARN is of {region}. Nothing was changed.",
            hint=f"Use --region {region}.",
        )
    if region is not None and session.region is None:
        session = session_for(replace(session.settings, region=region))

    def services(adopted: str) -> set[str]:
        of_its_own = {adopted} if settings.of(adopted).contract else set()
        return {*settings.service, *Parameters(session).services()} - of_its_own

    return Surroundings(
        inventory=Inventory(session),
        ecs_services=EcsServices(session).all,
        codedeploy_groups=CodeDeployGroups(session).all,
        services=services,
        contract=lambda service: _contract(service, None, settings, session),
        state_table=Tables(session).state_table,
        identities=Caller(session, cache_home() / "identity.json"),
        clock=SystemClock(),
        where=_where(session),
    )


def _where(session: Session) -> tuple[str, ...]:
    """The words with which the AWS CLI reaches the same place."""
    said = {
        "--region": session.region,
        "--profile": session.settings.profile,
        "--endpoint-url": session.settings.endpoint_of("elastic_load_balancing_v2"),
    }
    return tuple(word for option, value in said.items() if value for word in (option, value))


def _contract(name: str | None, flag: str | None, settings: Settings, session: Session) -> Contract:
    from toolkit.aws.ssm import Parameters, parameter_of

    source = flag or (settings.of(name).contract if name else None) or f"ssm:{parameter_of(str(name))}"
    scheme, separator, place = source.partition(":")
    if separator and scheme == "ssm":
        text = Parameters(session).contract(place, name or place)
    else:
        path = Path(place if separator and scheme == "file" else source)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ContractError(
                f"the deployment contract {path} cannot be read ({error})",
                hint="Write it with `bluegreen infra output -o json > deployment.json`.",
            ) from None
    contract = parse(text, source=source)
    if name is not None and contract.name != name:
        raise UnknownService(
            f"the contract from {source} is of service {contract.name!r}, not {name!r}", hint="Name the right one."
        )
    return contract
