"""ALB rule conditions as Envoy route matches. Pure.

ALB's patterns know `*` (any run of characters, none too) and `?` (exactly one); both become RE2 expressions that
must match the whole value. Source: Elastic Load Balancing user guide, "Condition types for listener rules".

Regular expressions in their stead need match a part only, and case counts: AWS documents neither, and those who have
tried it write `^/api/` for every path below (aws-cli#9792). One that Envoy would refuse never holds: it would refuse
the whole listener for it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, ip_network
from typing import Any

from toolkit.lab.dataplane.model import Condition
from toolkit.lab.expressions import fault

Json = dict[str, Any]

SOURCE_HEADER = "x-lab-source-ip"
"""Where the listener puts the client's address before routes are tried; taken off before the target sees it."""

_NEVER: Json = {"name": ":method", "present_match": True, "invert_match": True}
_OCTET = 256


def wildcard_regex(pattern: str, *, any_char: str = ".") -> str:
    """The RE2 expression for one ALB pattern, without anchors; `any_char` is what a wildcard may stand for."""
    wild = {"*": f"{any_char}*", "?": any_char}
    return "".join(wild.get(char) or re.escape(char) for char in pattern)


def route_match(conditions: Sequence[Condition]) -> Json:
    """The `RouteMatch` that holds where every one of `conditions` does; no conditions match everything."""
    match: Json = {"prefix": "/"}
    headers: list[Json] = []
    for condition in conditions:
        if condition.field == "path-pattern" and _asks(condition) and "safe_regex" not in match:
            del match["prefix"]
            match["safe_regex"] = {"regex": _wanted(condition)}
        else:
            headers.append(_header_match(condition))
    return match | ({"headers": headers} if headers else {})


def _header_match(condition: Condition) -> Json:
    """Everything but a first path pattern is a regular expression on some (pseudo) header.

    A condition without values, or of a kind that the lab does not know, never holds.
    """
    expressions = _EXPRESSIONS.get(condition.field)
    if expressions is None or not _asks(condition):
        return dict(_NEVER)
    header, regex = expressions(condition)
    return {"name": header, "string_match": {"safe_regex": {"regex": regex}}}


_EXPRESSIONS: dict[str, Callable[[Condition], tuple[str, str]]] = {
    "path-pattern": lambda each: (":path", rf"{_wanted(each)}(?:\?.*)?"),
    # The port is no part of the host that a rule compares.
    "host-header": lambda each: (":authority", rf"{_wanted(each, '(?i)')}(?::[0-9]+)?"),
    "http-header": lambda each: (each.header.lower(), _wanted(each, "(?i)")),
    "http-request-method": lambda each: (":method", _any_of(map(re.escape, each.values))),
    "query-string": lambda each: (":path", _query_regex(each.pairs)),
    "source-ip": lambda each: (SOURCE_HEADER, _any_of(map(cidr_regex, each.values))),
}


def _asks(condition: Condition) -> bool:
    return bool(condition.values or condition.pairs or any(not fault(each) for each in condition.expressions))


def _wanted(condition: Condition, flags: str = "") -> str:
    """`flags` are for values alone."""
    if condition.values:
        return flags + _wild(condition.values)
    return _any_of(f".*(?:{each}).*" for each in condition.expressions if not fault(each))


def _wild(patterns: Iterable[str]) -> str:
    return _any_of(map(wildcard_regex, patterns))


def cidr_regex(cidr: str) -> str:
    """The expression that the dotted addresses of an IPv4 `cidr` match. The lab's clients are never IPv6."""
    network = ip_network(cidr, strict=False)
    if not isinstance(network, IPv4Network):
        return r"ipv6"
    first, last = network.network_address.packed, network.broadcast_address.packed
    return r"\.".join(_octet_regex(low, high) for low, high in zip(first, last, strict=True))


def _octet_regex(low: int, high: int) -> str:
    if high - low + 1 == _OCTET:
        return "[0-9]+"
    return _any_of(str(octet) for octet in range(low, high + 1))


def _query_regex(pairs: Sequence[tuple[str | None, str]]) -> str:
    """Any of the key=value `pairs` among the parameters; a pair without a key matches any key's value."""
    wanted = _any_of(
        ("[^&=]*=" if key is None else f"{wildcard_regex(key, any_char='[^&=]')}=")
        + wildcard_regex(value, any_char="[^&]")
        for key, value in pairs
    )
    return rf"(?i)[^?]*\?(?:.*&)?{wanted}(?:&.*)?"


def _any_of(expressions: Iterable[str]) -> str:
    return f"(?:{'|'.join(expressions)})"
