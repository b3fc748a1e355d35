"""Accounts and regions, and what all services of one place share."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from toolkit.contract import Contract
from toolkit.errors import WrongAccount
from toolkit.settings import CLIENT_SECRET, AwsSettings
from toolkit.wiring.homes import cache_home

if TYPE_CHECKING:
    from toolkit.aws.elbv2 import Elbv2
    from toolkit.aws.session import Session
    from toolkit.aws.sts import Caller


def session_for(aws: AwsSettings) -> Session:
    from toolkit.aws.session import Session

    return Session(aws)


class Place:
    """An account and region, and what all services there share: a session with its rate of calls, and the caller."""

    def __init__(self, aws: AwsSettings) -> None:
        self.aws = aws
        self.session = session_for(aws)

    @cached_property
    def elbv2(self) -> Elbv2:
        from toolkit.aws.elbv2 import Elbv2

        return Elbv2(self.session, client_secret=os.environ.get(CLIENT_SECRET))

    @cached_property
    def caller(self) -> Caller:
        from toolkit.aws.sts import Caller

        caller = Caller(self.session, cache_home() / "identity.json")
        caller.start()
        return caller


class Places:
    """The places that services of one command live at. Threads may ask for one."""

    def __init__(self) -> None:
        self._known: list[Place] = []
        self._lock = Lock()

    def at(self, aws: AwsSettings) -> Place:
        with self._lock:
            place = next((place for place in self._known if place.aws == aws), None)
            if place is None:
                place = Place(aws)
                self._known.append(place)
            return place

    def of(self, contract: Contract, aws: AwsSettings) -> Place:
        """A region that was said must be the contract's; where none was said, the contract's it is."""
        region = self.at(aws).session.region
        if region is None:
            return self.at(replace(aws, region=contract.region))
        if region != contract.region:
            raise WrongAccount(
                f"{contract.name}: the session is in region {region}, the contract is of {contract.region}. "
                "Nothing was changed.",
                hint=f"Use --region {contract.region}.",
            )
        return self.at(aws)
