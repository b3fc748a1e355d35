"""Elastic Load Balancing v2: weights on rules and listeners, and the targets behind them."""

from __future__ import annotations

import json
import random
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.aws.actions import actions_with, lacks_client_secret, live_route, oidc_client
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Route, RouteKind, TargetGroup
from toolkit.errors import AwsError, AwsUnreachable, RouteUnusable, Throttled
from toolkit.rollout.ports import Action, Draining, LiveRoute, TargetHealth, unguarded
from toolkit.settings import CLIENT_SECRET

if TYPE_CHECKING:
    from toolkit.aws.pace import Pace
    from toolkit.aws.session import Session

_ARNS_A_CALL = 20
"""AWS publishes no limit for DescribeRules and DescribeListeners; its neighbours DescribeLoadBalancers and
DescribeTags take 20."""
_ATTEMPTS, _URGENT_ATTEMPTS = 4, 10
"""Of what may be repeated; the last is some 5 s and 20 s after the first."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0
_DELAY = "deregistration_delay.timeout_seconds"
_TERMINATION = "deregistration_delay.connection_termination.enabled"


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What the API calls one kind of route: a rule, or a listener with its default action."""

    noun: str
    arn: str
    actions: str
    missing: str
    option: str


_RULE = _Spelling("rule", "RuleArn", "Actions", "RuleNotFound", "--actions")
_LISTENER = _Spelling("listener", "ListenerArn", "DefaultActions", "ListenerNotFound", "--default-actions")


def _spelling(kind: RouteKind) -> _Spelling:
    return _LISTENER if kind.is_listener else _RULE


class Elbv2:
    """Router and Targets on the ELBv2 API. Reads of several routes are one call for each kind of them.

    What is made of one session keeps to one rate together. The SDK repeats nothing: weights are written in single
    attempts, and all else is repeated here, where the rate is known.

    client_secret: of the OIDC client that the contract names, for the one case in which AWS does not hold it yet.
    is_urgent: for a rollback. It may use what others leave of the rate, and does not give up as soon.
    """

    def __init__(
        self,
        session: Session,
        *,
        client_secret: str | None = None,
        is_urgent: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._session = session
        self._client_secret = client_secret
        self._is_urgent = is_urgent
        self._sleep = sleep
        self._chance = chance

    @property
    def urgent(self) -> Elbv2:
        """The same, for a rollback."""
        words: dict[str, Any] = {"sleep": self._sleep, "chance": self._chance}
        return Elbv2(self._session, client_secret=self._client_secret, is_urgent=True, **words)

    @property
    def _client(self) -> Any:
        return self._session.single_attempts.client("elbv2")

    @property
    def _reads(self) -> Pace:
        return self._session.budget.reads

    @property
    def _writes(self) -> Pace:
        return self._session.budget.writes

    def _ask(self, what: str, pace: Pace, call: Callable[[], Any]) -> Any:
        """What `call` gives, which may be repeated without harm; again where AWS throttles it or gives no answer."""
        left = _URGENT_ATTEMPTS if self._is_urgent else _ATTEMPTS
        longest = _FIRST_PAUSE_SECONDS
        while True:
            left -= 1
            pace.wait(urgent=self._is_urgent)
            try:
                with aws_errors(what):
                    answer = call()
            except (Throttled, AwsUnreachable) as error:
                if isinstance(error, Throttled):
                    pace.throttled()
                if not left:
                    raise
            else:
                pace.passed()
                return answer
            self._sleep(self._chance(0, longest))
            longest = min(2 * longest, _LONGEST_PAUSE_SECONDS)

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        batches = [
            (spelling, [route.arn for route in of_kind[start : start + _ARNS_A_CALL]])
            for spelling in (_RULE, _LISTENER)
            for of_kind in [[route for route in routes if _spelling(route.kind) is spelling]]
            for start in range(0, len(of_kind), _ARNS_A_CALL)
        ]
        if len(batches) == 1:
            found = self._describe(*batches[0])
        else:
            with ThreadPoolExecutor(max_workers=4) as pool:
                found = {
                    arn: actions
                    for each in pool.map(lambda b: self._describe(*b), batches)
                    for arn, actions in each.items()
                }
        return {route.name: live_route(route, found[route.arn]) for route in routes if route.arn in found}

    def _describe(self, spelling: _Spelling, arns: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The actions of those that exist, by ARN. One missing fails the whole call, so only then each is asked for."""

        def call() -> list[dict[str, Any]]:
            if spelling is _LISTENER:
                return list(self._client.describe_listeners(ListenerArns=arns)["Listeners"])
            return list(self._client.describe_rules(RuleArns=arns)["Rules"])

        what = f"reading the listener{'s' if spelling is _LISTENER else ' rules'}"
        try:
            items = self._ask(what, self._reads, call)
        except AwsError as error:
            if not _says(error, spelling.missing):
                raise
            if len(arns) == 1:
                return {}
            return {found: actions for arn in arns for found, actions in self._describe(spelling, [arn]).items()}
        return {item[spelling.arn]: item[spelling.actions] for item in items}

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        spelling, route = _spelling(live.route.kind), live.route
        secret = self._client_secret if _is_of_the_contract(route, action) else None
        if lacks_client_secret(live.kept, action) and not secret:
            raise RouteUnusable(
                f"route {route.name}: AWS holds no client secret of that OIDC client, and none was given",
                hint=f"Put the secret of the contract's client into the environment variable {CLIENT_SECRET}.",
            )
        actions = actions_with(live.kept, action, client_secret=secret)
        pace = self._writes
        pace.wait(urgent=self._is_urgent)
        try:
            with (
                aws_errors(f"writing the weights of route {route.name}"),
                self._session.single_attempts.guarded(guard),
            ):
                if spelling is _LISTENER:
                    self._client.modify_listener(ListenerArn=route.arn, DefaultActions=actions)
                else:
                    self._client.modify_rule(RuleArn=route.arn, Actions=actions)
        except Throttled:
            pace.throttled()
            raise
        except AwsError as error:
            if not _says(error, spelling.missing):
                raise
            raise RouteUnusable(
                f"route {route.name} is gone: AWS knows no {route.arn}",
                hint="It was deleted or replaced; apply the Terraform again (`bluegreen infra apply`).",
            ) from error
        pace.passed()

    def commands(self, live: LiveRoute, action: Action) -> str:
        spelling, route = _spelling(live.route.kind), live.route
        placeholder = "{the client secret}"
        actions = json.dumps(actions_with(live.kept, action, client_secret=placeholder), separators=(",", ":"))
        words = ["aws", "elbv2", f"modify-{spelling.noun}", f"--{spelling.noun}-arn", route.arn]
        line = shlex.join([*words, spelling.option, actions, *self._where(route.arn)])
        return line.replace(placeholder, f"""'"${CLIENT_SECRET}"'""")

    def _where(self, arn: str) -> list[str]:
        words = ["--region", arn.split(":")[3]]
        if self._session.settings.profile:
            words += ["--profile", self._session.settings.profile]
        endpoint = self._session.settings.endpoint_of("elastic_load_balancing_v2")
        if endpoint:
            words += ["--endpoint-url", endpoint]
        return words

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        answer = self._on(
            group,
            "reading the target health of",
            self._reads,
            lambda: self._client.describe_target_health(TargetGroupArn=group.arn),
        )
        return [_health(item) for item in answer["TargetHealthDescriptions"]]

    def draining(self, group: TargetGroup) -> Draining:
        answer = self._on(
            group,
            "reading the attributes of",
            self._reads,
            lambda: self._client.describe_target_group_attributes(TargetGroupArn=group.arn),
        )
        attributes = {item["Key"]: item["Value"] for item in answer["Attributes"]}
        return Draining(float(attributes.get(_DELAY, 300)), terminates=attributes.get(_TERMINATION) == "true")

    def set_draining(self, group: TargetGroup, draining: Draining) -> None:
        wanted = {_DELAY: f"{draining.delay_seconds:.0f}", _TERMINATION: str(draining.terminates).lower()}
        attributes = [{"Key": key, "Value": value} for key, value in wanted.items()]
        self._on(
            group,
            "writing the attributes of",
            self._writes,
            lambda: self._client.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=attributes),
        )

    def deregister(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        named = [_target(each) for each in targets]
        self._on(
            group,
            "deregistering the targets of",
            self._writes,
            lambda: self._client.deregister_targets(TargetGroupArn=group.arn, Targets=named),
        )

    def register(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        named = [_target(each) for each in targets]
        self._on(
            group,
            "registering the targets of",
            self._writes,
            lambda: self._client.register_targets(TargetGroupArn=group.arn, Targets=named),
        )

    def _on(self, group: TargetGroup, doing: str, pace: Pace, call: Callable[[], Any]) -> Any:
        try:
            return self._ask(f"{doing} {group.name}", pace, call)
        except AwsError as error:
            if not _says(error, "TargetGroupNotFound"):
                raise
            raise RouteUnusable(
                f"target group {group.name} is gone: AWS knows no {group.arn}",
                hint="Apply the Terraform again (`bluegreen infra apply`).",
            ) from error


def _says(error: AwsError, code: str) -> bool:
    """Whether AWS said so, of which `error` was made."""
    return error.__cause__ is not None and code_of(error.__cause__) == code


def _is_of_the_contract(route: Route, action: Action) -> bool:
    """Whether the OIDC client of `action` is the one that the contract names, of which a secret can be given.

    Another one is written only where a route is put back, and its secret is known to nobody.
    """
    client = oidc_client(action.preceding or ())
    return client is not None and client == oidc_client(route.preceding_actions)


def _health(item: Mapping[str, Any]) -> TargetHealth:
    target, health = item["Target"], item["TargetHealth"]
    return TargetHealth(
        id=target["Id"],
        port=target.get("Port"),
        state=health["State"],
        reason=health.get("Reason", ""),
        zone=target.get("AvailabilityZone"),
    )


def _target(target: TargetHealth) -> dict[str, Any]:
    named = {"Id": target.id, "Port": target.port, "AvailabilityZone": target.zone}
    return {key: value for key, value in named.items() if value is not None}
