"""bluegreen.toml -> settings, with a complaint that names the line's place; and the JSON Schema for editors."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from toolkit.config.analysis import AnalysisTable
from toolkit.config.hooks import HookTables
from toolkit.config.notify import NotifyTables
from toolkit.config.rolling import RollingTable
from toolkit.config.workload import PriceTable, RetireTable
from toolkit.errors import BluegreenError, ConfigError
from toolkit.settings import (
    AwsSettings,
    Endpoint,
    FreezeSettings,
    RetireSettings,
    RollingSettings,
    ServiceSettings,
    Settings,
    is_aws,
)

if TYPE_CHECKING:
    from toolkit.config.grammar import StrategyTable
    from toolkit.rollout.strategy import Strategy

FILE_NAME = "bluegreen.toml"
_DAY = 86_400.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


_Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
_ServiceId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Aws(_Strict):
    """Where AWS is; what is left out follows the SDK's own rules."""

    region: str | None = None
    profile: str | None = None
    endpoint: Annotated[str | None, Field(description="name of an [endpoint.NAME] of this file")] = None
    endpoint_url: _Url | None = None

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.endpoint is not None and self.endpoint_url is not None:
            raise ValueError("endpoint and endpoint_url say the same thing; leave one of them out")
        return self


class _Endpoint(_Strict):
    """A place where AWS's APIs are: an emulator, or a VPC's own endpoints."""

    url: Annotated[_Url | None, Field(description="where every service is that `services` does not name")] = None
    services: Annotated[
        dict[_ServiceId, _Url],
        Field(default_factory=dict, description="by AWS's identifier: elastic_load_balancing_v2, ssm, dynamodb"),
    ]
    isolated: Annotated[
        bool | None, Field(description="no call may leave it for the real AWS; default: true where it is loopback")
    ] = None
    region: str | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        urls = [url for url in (self.url, *self.services.values()) if url is not None]
        if not urls:
            raise ValueError("it has neither url nor services")
        if self.isolated:
            for url in urls:
                if is_aws(url):
                    raise ValueError(f"it is isolated from AWS, and {url} is AWS's")
        return self


def _window(text: str) -> str:
    from toolkit.rollout.freeze import window_of

    try:
        return window_of(text).text
    except ConfigError as error:
        raise ValueError(f"{error.message}. {error.hint}") from None


def _zone(name: str) -> str:
    from toolkit.rollout.freeze import zone_of

    try:
        zone_of(name)
    except ConfigError as error:
        raise ValueError(f"{error.message}. {error.hint}") from None
    return name


class _Freeze(_Strict):
    """When no rollout may start; a rollback always may."""

    windows: Annotated[
        list[
            Annotated[
                str,
                AfterValidator(_window),
                Field(examples=["Fri 16:00 - Mon 08:00", "22:00 - 06:00", "12-20 - 01-02", "2026-12-20 - 2027-01-02"]),
            ]
        ],
        Field(min_length=1, description="every week, every day, every year, or once"),
    ]
    timezone: Annotated[str, AfterValidator(_zone), Field(description="as Europe/Berlin")] = "UTC"
    reason: Annotated[str, Field(max_length=200, description="what is said to whoever is refused")] = ""


class _Service(_Strict):
    """How one service is released."""

    contract: Annotated[
        str | None,
        Field(pattern=r"^(ssm:/\S+|file:.+)$", description="ssm:/bluegreen/web/deployment or file:PATH"),
    ] = None
    terraform: Annotated[str | None, Field(min_length=1, description="the Terraform directory, for drift")] = None
    minimum_healthy: Annotated[int, Field(ge=1, description="healthy targets a color needs before it gets more")] = 1
    headroom: Annotated[float, Field(ge=1, le=10, description="factor on the capacity the next share asks for")] = 1.2
    bake_seconds: Annotated[float, Field(ge=0, le=_DAY, description="how long cutover watches the new side")] = 60.0
    settle_seconds: Annotated[
        float | None, Field(ge=0, le=_DAY, description="how long a write settles; default 600 on an NLB, 0 on an ALB")
    ] = None
    poll_seconds: Annotated[float, Field(ge=0.1, le=60, description="how often it looks")] = 2.0
    verify_seconds: Annotated[float, Field(ge=1, le=300, description="how long a read-back may take")] = 10.0
    strategy: Annotated[
        str | None, Field(min_length=1, description="a [strategy.NAME] or a preset, for `rollout start` and `deploy`")
    ] = None
    ready_seconds: Annotated[
        float, Field(ge=1, le=_DAY, description="how long targets that are brought up may take to be healthy")
    ] = 900.0
    retire: RetireTable | None = None
    price: PriceTable | None = None
    freeze: _Freeze | None = None
    analysis: AnalysisTable | None = None
    hook: HookTables
    notify: NotifyTables
    rolling: RollingTable | None = None
    region: Annotated[str | None, Field(min_length=1, description="if elsewhere than [aws] says")] = None
    profile: Annotated[str | None, Field(min_length=1, description="if another than [aws] says")] = None
    role_arn: Annotated[
        str | None,
        Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/\S+$", description="the role to take on for this service"),
    ] = None
    probe_via: Annotated[
        str | None, Field(pattern=r"^[^\s:/]+:\d{1,5}$", description="HOST:PORT that probes go to instead")
    ] = None
    probe_host: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9.-]+$", description="name that probes ask for, where the rules say none")
    ] = None


class _File(_Strict):
    aws: _Aws = Field(default_factory=_Aws)
    endpoint: dict[str, _Endpoint] = Field(default_factory=dict)
    service: dict[str, _Service] = Field(default_factory=dict)


def _file_with_strategies() -> type[_File]:
    """The grammar of strategies takes longer to set up than all the rest, so only a file that has some pays for it."""
    from toolkit.config.grammar import StrategyTable

    name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
    strategies = Annotated[dict[name, StrategyTable], Field(default_factory=dict)]
    return create_model("_File", __base__=_File, strategy=strategies)


def load(path: Path) -> Settings:
    """The settings in the file at `path`. Relative paths in it start where the file is.

    Raises:
        ConfigError: unreadable, not TOML, or a key or value that is not known; one line, every complaint.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    try:
        file = (_file_with_strategies() if "strategy" in document else _File).model_validate(document)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: {'; '.join(_complaint(item) for item in error.errors())}",
            hint="`bluegreen config schema` prints what the file may hold.",
        ) from None
    try:
        return _settings(file, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", hint=error.hint) from None


def _settings(file: _File, base: Path) -> Settings:
    endpoints = {name: Endpoint(**endpoint.model_dump()) for name, endpoint in file.endpoint.items()}
    aws = AwsSettings(**file.aws.model_dump(exclude={"endpoint"}))
    if file.aws.endpoint is not None:
        try:
            aws = aws.at(endpoints[file.aws.endpoint])
        except KeyError:
            raise ConfigError(f"aws.endpoint: there is no [endpoint.{file.aws.endpoint}]") from None
    strategies: dict[str, StrategyTable] = getattr(file, "strategy", {})
    settings = Settings(
        aws=aws,
        endpoint=endpoints,
        service={name: _placed(name, service, base) for name, service in file.service.items()},
        strategy={name: _strategy(name, table) for name, table in strategies.items()},
    )
    for name, service in settings.service.items():
        if service.strategy is not None:
            _require(service.strategy, settings, f"service.{name}.strategy")
    return settings


def _require(strategy: str, settings: Settings, place: str) -> None:
    from toolkit.rollout.strategy import strategy_named

    try:
        strategy_named(strategy, settings)
    except BluegreenError as error:
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from None


def _strategy(name: str, table: StrategyTable) -> Strategy:
    try:
        return table.strategy(name)
    except BluegreenError as error:
        raise ConfigError(f"strategy.{name}: {error.message}", hint=error.hint) from None


def _placed(name: str, service: _Service, base: Path) -> ServiceSettings:
    try:
        return _service(service, base)
    except BluegreenError as error:
        raise ConfigError(f"service.{name}.analysis: {error.message}", hint=error.hint) from None


def _service(service: _Service, base: Path) -> ServiceSettings:
    settings = ServiceSettings(
        **service.model_dump(exclude={"freeze", "analysis", "retire", "price", "hook", "notify", "rolling"})
    )
    contract, terraform = settings.contract, settings.terraform
    if contract is not None and contract.startswith("file:"):
        contract = f"file:{base / contract.removeprefix('file:')}"
    return replace(
        settings,
        contract=contract,
        terraform=None if terraform is None else str(base / terraform),
        freeze=_freeze(service.freeze),
        analysis=service.analysis.settings() if service.analysis else None,
        retire=service.retire.settings() if service.retire else RetireSettings(),
        price=service.price.settings() if service.price else None,
        hooks=tuple(settings for table in service.hook for settings in table.settings()),
        notify=tuple(table.settings() for table in service.notify),
        rolling=service.rolling.settings() if service.rolling else RollingSettings(),
    )


def _freeze(freeze: _Freeze | None) -> FreezeSettings:
    if freeze is None:
        return FreezeSettings()
    return FreezeSettings(windows=tuple(freeze.windows), timezone=freeze.timezone, reason=freeze.reason)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of bluegreen.toml."""
    schema = _file_with_strategies().model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE_NAME}


def _complaint(item: Any) -> str:
    place = "".join(f" {part + 1}" if isinstance(part, int) else f".{part}" for part in item["loc"]).removeprefix(".")
    if item["type"] == "extra_forbidden":
        return f"{place} is not a setting"
    words = item["msg"].removeprefix("Value error, ")
    return f"{place}: {words[0].lower()}{words[1:]}"
