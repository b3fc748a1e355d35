"""bluegreen.toml -> settings, with a complaint that names the line's place; and the JSON Schema for editors."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from toolkit.errors import ConfigError
from toolkit.settings import AwsSettings, Endpoint, ServiceSettings, Settings, is_aws

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


class _File(_Strict):
    aws: _Aws = Field(default_factory=_Aws)
    endpoint: dict[str, _Endpoint] = Field(default_factory=dict)
    service: dict[str, _Service] = Field(default_factory=dict)


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
        file = _File.model_validate(document)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: {'; '.join(_complaint(item) for item in error.errors())}",
            hint="`bluegreen config schema` prints what the file may hold.",
        ) from None
    endpoints = {name: Endpoint(**endpoint.model_dump()) for name, endpoint in file.endpoint.items()}
    aws = AwsSettings(**file.aws.model_dump(exclude={"endpoint"}))
    if file.aws.endpoint is not None:
        try:
            aws = aws.at(endpoints[file.aws.endpoint])
        except KeyError:
            raise ConfigError(f"{path}: aws.endpoint: there is no [endpoint.{file.aws.endpoint}]") from None
    return Settings(
        aws=aws,
        endpoint=endpoints,
        service={name: _service(service, path.parent) for name, service in file.service.items()},
    )


def _service(service: _Service, base: Path) -> ServiceSettings:
    settings = ServiceSettings(**service.model_dump())
    contract, terraform = settings.contract, settings.terraform
    if contract is not None and contract.startswith("file:"):
        contract = f"file:{base / contract.removeprefix('file:')}"
    return replace(settings, contract=contract, terraform=None if terraform is None else str(base / terraform))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of bluegreen.toml."""
    schema = _File.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE_NAME}


def _complaint(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{place} is not a setting"
    said = item["msg"].removeprefix("Value error, ")
    return f"{place}: {said[0].lower()}{said[1:]}"
