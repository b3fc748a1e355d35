"""The lab that the operators work on: services of two routes, each of which can be put back to its beginning."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.benchmarks.control import control_plane
from tests.support.provision import Provisioned, provision
from toolkit.contract import Contract, parse
from toolkit.errors import BluegreenError, JournalError
from toolkit.lab.app import Site, start_app
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import start_lab
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.targets import TARGET_PORT, free_addresses, wait_for
from toolkit.rollout.codec import decode
from toolkit.rollout.events import Entry, RolloutStarted
from toolkit.rollout.machine import fold_rollout
from toolkit.rollout.record import Record, fold
from toolkit.rollout.state import RolloutState
from toolkit.traffic import Split

ROUTES = 2
_FIRST_PORT = 21_080
_TIME_SCALE = 0.5
"""Of health checks: two healthy answers take 5 s once, and a check may take a second on a machine that is busy."""

Held = Mapping[str, tuple[Mapping[str, int], str]]


@dataclass
class Post:
    """One service of the stage. scratch: the home of its operators."""

    pair: Provisioned
    contract: Contract
    scratch: Path

    @property
    def name(self) -> str:
        return self.contract.name

    def reset(self) -> Held:
        """All on blue, nothing in the journal, nobody's home. What AWS holds then, as the proxy's ledger takes it."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        dynamodb, table = self.pair.client("dynamodb"), self.pair.contract["state_table"]["name"]
        for item in self._items():
            dynamodb.delete_item(TableName=table, Key={key: item[key] for key in ("pk", "sk")})
        begin = {"blue": 100, "green": 0}
        for route in range(ROUTES):
            if self.pair.weights(route) != begin:
                self.pair.set_weights(**begin, route=route)
        weights = {self.pair.group(color): weight for color, weight in begin.items()}
        return {route.arn: (weights, "off") for route in self.contract.routes}

    def splits(self) -> dict[str, Split]:
        """What AWS holds, by the name of the route; one whose weights are both zero is left out."""
        held = {route.name: self.pair.weights(number) for number, route in enumerate(self.contract.routes)}
        return {name: Split(**weights) for name, weights in held.items() if any(weights.values())}

    def texts(self) -> list[tuple[int, str]]:
        """Number and text of every entry of the journal, past the toolkit's own reader."""
        entries = [item for item in self._items() if item["sk"]["S"].startswith("entry#")]
        return sorted((int(item["sk"]["S"].partition("#")[2]), item["entry"]["S"]) for item in entries)

    def journal(self) -> Journal:
        return Journal.of(self.name, self.texts())

    def _items(self) -> list[dict[str, Any]]:
        table = self.pair.contract["state_table"]["name"]
        scan = self.pair.client("dynamodb").get_paginator("scan")
        return [item for page in scan.paginate(TableName=table, ConsistentRead=True) for item in page["Items"]]


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal as it was found. fault: what an audit says against it, empty for nothing."""

    entries: tuple[Entry, ...]
    fault: str

    @classmethod
    def of(cls, service: str, texts: list[tuple[int, str]]) -> Journal:
        try:
            entries = tuple(decode(text, source=f"the journal of {service}") for _, text in texts)
        except BluegreenError as error:
            return cls((), error.message)
        return cls(entries, _broken_chain(texts, entries))

    @property
    def record(self) -> Record:
        return fold(self.entries)

    @property
    def rollouts(self) -> list[RolloutState]:
        """The state of every rollout that was started, the first first."""
        starts = [index for index, entry in enumerate(self.entries) if isinstance(entry.event, RolloutStarted)]
        return [fold_rollout(self.entries[start:]) for start in starts]

    @property
    def last(self) -> RolloutState | None:
        return self.rollouts[-1] if self.rollouts else None


def _broken_chain(texts: list[tuple[int, str]], entries: tuple[Entry, ...]) -> str:
    """Where it is broken, by a look of our own; empty where it is whole."""
    hashed = ""
    for place, ((number, text), entry) in enumerate(zip(texts, entries, strict=True), start=1):
        if (number, entry.sequence) != (place, place):
            return f"entry {place} is missing: {number} stands there, and calls itself {entry.sequence}"
        if entry.previous != hashed:
            return f"entry {place} does not follow the one before it"
        hashed = sha256(text.encode()).hexdigest()
    return ""


@contextmanager
def staged(scratch: Path, posts: int = 1, *, data_plane: bool = False) -> Iterator[tuple[str, list[Post]]]:
    """The endpoint, and `posts` services behind it. `scratch` takes all state.

    data_plane: on the whole lab, with sample apps; else on its control plane alone, which is several times as fast.
    """
    addresses = free_addresses(1)
    with ExitStack() as stack:
        if data_plane:
            lab = stack.enter_context(start_lab(LabOptions(name="stage", time_scale=_TIME_SCALE), root=scratch / "lab"))
            listed = [(color, address) for color in addresses for address in addresses[color]]
            sites = [Site(to_loopback(address), TARGET_PORT, color, color) for color, address in listed]
            stack.enter_context(start_app(sites))
            url = lab.endpoint_url
        else:
            url = stack.enter_context(control_plane(scratch))
        made = [_post(url, scratch, number, addresses) for number in range(posts)]
        for post in made:
            for color in addresses:
                wait_for(post.pair, color, "healthy")
        yield url, made


def _post(url: str, scratch: Path, number: int, addresses: dict[str, list[str]]) -> Post:
    pair = provision(
        url,
        name=f"web{number}",
        port=_FIRST_PORT + number,
        routes=ROUTES,
        targets=addresses,
        target_port=TARGET_PORT,
    )
    return Post(pair, _contract(pair), scratch / "homes" / f"web{number}")


def _contract(pair: Provisioned) -> Contract:
    import json

    contract = parse(json.dumps(pair.contract), source="the stage")
    if contract.state_table is None:
        raise JournalError("the stage has no state table")
    return contract
