"""A small reading of Envoy's route matching, so that tests can ask which route a request takes."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from toolkit.lab.dataplane.matching import SOURCE_HEADER


@dataclass(frozen=True, slots=True)
class Request:
    target: str = "/"
    method: str = "GET"
    host: str = "example.com"
    source: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        pseudo = {":authority": self.host, ":method": self.method, ":path": self.target, SOURCE_HEADER: self.source}
        return pseudo.get(name, self.headers.get(name))


def matches(match: dict[str, Any], request: Request) -> bool:
    path = request.target.partition("?")[0]
    if "safe_regex" in match:
        if not re.fullmatch(match["safe_regex"]["regex"], path):
            return False
    elif not path.startswith(match["prefix"]):
        return False
    return all(_header_matches(header, request.header(header["name"])) for header in match.get("headers", ()))


def first_route(configuration: dict[str, Any], request: Request) -> dict[str, Any]:
    (host,) = configuration["virtual_hosts"]
    return next(route for route in host["routes"] if matches(route["match"], request))


def destination(configuration: dict[str, Any], request: Request) -> Any:
    """{cluster: weight} of a forward, the status of a fixed answer, the redirect itself."""
    route = first_route(configuration, request)
    if "direct_response" in route:
        return route["direct_response"]["status"]
    if "redirect" in route:
        return route["redirect"]
    action = route["route"]
    if "cluster" in action:
        return {action["cluster"]: 1}
    return {cluster["name"]: cluster["weight"] for cluster in action["weighted_clusters"]["clusters"]}


def _header_matches(header: dict[str, Any], value: str | None) -> bool:
    if "present_match" in header:
        return ((value is not None) == header["present_match"]) is not header.get("invert_match", False)
    return value is not None and re.fullmatch(header["string_match"]["safe_regex"]["regex"], value) is not None


def path_of(url: str) -> str:
    return urlsplit(url).path
