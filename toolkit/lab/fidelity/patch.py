"""The seam with moto: its ELBv2 backend gets the checks, the health and the news of a change."""

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from moto.elbv2 import models
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeTargetGroup, elbv2_backends
from moto.elbv2.utils import make_arn_for_load_balancer
from moto.moto_api._internal.models import MotoAPIBackend

from toolkit.lab.fidelity import arns, groups, listeners, requests, targets
from toolkit.lab.fidelity.actions import complete
from toolkit.lab.fidelity.associations import associate
from toolkit.lab.fidelity.checks import Refused, condition_config
from toolkit.lab.fidelity.health import (
    HEALTHY,
    INTERNAL_ERROR,
    Address,
    HealthSource,
    HealthUnknown,
    ReportedHealth,
)
from toolkit.lab.fidelity.patches import Patches
from toolkit.lab.fidelity.priorities import by_priority

# Every public method of moto's backend that changes what traffic or health checks do.
MUTATORS: Final = (
    "add_listener_certificates",
    "create_listener",
    "create_load_balancer",
    "create_rule",
    "create_target_group",
    "delete_listener",
    "delete_load_balancer",
    "delete_rule",
    "delete_target_group",
    "deregister_targets",
    "modify_listener",
    "modify_listener_attributes",
    "modify_load_balancer_attributes",
    "modify_rule",
    "modify_target_group",
    "modify_target_group_attributes",
    "notify_terminate_instances",
    "register_targets",
    "remove_listener_certificates",
)
# moto answers in threads and walks its dictionaries while others write them; these wait for a writer.
READERS: Final = (
    "describe_listeners",
    "describe_load_balancers",
    "describe_target_groups",
)


class Fidelity(Patches):
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global.

    Args:
        health: who knows the health of targets; None leaves every attached target `healthy`, as moto has it.
        on_change: called with the region after each ELBv2 change, before the API's reply is sent, in the
            thread of the request. It must not raise: the change has happened.
    """

    def __init__(self, *, health: HealthSource | None, on_change: Callable[[str], None]) -> None:
        super().__init__()
        self._health = health
        self._on_change = on_change
        self._lock = threading.RLock()

    def ask(self, health: HealthSource | None) -> None:
        """Take the health of targets from another source, or from none, from the next question on."""
        self._health = health

    def _patch(self) -> None:
        self._replace(models, "make_arn_for_load_balancer", arns.of_kind(make_arn_for_load_balancer))
        self._replace(ELBv2Backend, "create_load_balancer", arns.naming(ELBv2Backend.create_load_balancer))
        self._replace(ELBv2Backend, "modify_listener", listeners.modifying(ELBv2Backend.modify_listener))
        for name in MUTATORS:
            self._replace(ELBv2Backend, name, self._mutator(getattr(ELBv2Backend, name)))
        for name in READERS:
            self._replace(ELBv2Backend, name, self._reader(getattr(ELBv2Backend, name)))
        self._replace(ELBv2Backend, "describe_rules", self._reader(_sorted(ELBv2Backend.describe_rules)))
        self._replace(ELBv2Backend, "set_rule_priorities", self._mutator(requests.set_rule_priorities))
        self._replace(ELBv2Backend, "_validate_conditions", _of_values(ELBv2Backend._validate_conditions))  # noqa: SLF001
        self._replace(FakeAction, "__init__", _completing(FakeAction.__init__))
        self._replace(FakeTargetGroup, "__init__", groups.completing(FakeTargetGroup.__init__))
        self._replace(FakeTargetGroup, "register", targets.register)
        self._replace(FakeTargetGroup, "deregister", targets.deregister)
        self._replace(FakeTargetGroup, "deregister_terminated_instances", targets.deregister_terminated)
        self._replace(ELBv2Backend, "describe_target_health", self._describe_target_health())
        self._replace(MotoAPIBackend, "reset", self._reset())

    def _mutator(self, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)
        check = requests.CHECKS.get(original.__name__)

        @wraps(original)
        def mutate(backend: Any, *args: Any, **kwargs: Any) -> Any:
            with self._lock, _refusals_as_aws_errors():
                if check is not None:
                    check(backend, _named(signature, backend, args, kwargs))
                result = original(backend, *args, **kwargs)
                associate(backend)
            self._on_change(backend.region_name)
            return result

        return mutate

    def _reader(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def read(backend: Any, *args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return original(backend, *args, **kwargs)

        return read

    def _reset(self) -> Callable[..., Any]:
        """The reset of moto empties every backend under a lock that readers need: tell of it afterwards."""
        original = MotoAPIBackend.reset

        @wraps(original)
        def reset(backend: Any) -> None:
            regions = {region for _, region, _ in elbv2_backends.iter_backends()}
            original(backend)
            for region in sorted(regions):
                self._on_change(region)

        return reset

    def _describe_target_health(self) -> Callable[..., Any]:
        original = ELBv2Backend.describe_target_health

        @wraps(original)
        def describe(backend: Any, target_group_arn: str, targets_asked: list[dict[str, Any]]) -> Any:
            group = backend.target_groups.get(target_group_arn)
            if group is None:
                return original(backend, target_group_arn, targets_asked)
            if group.target_type == "lambda":
                return targets.described_functions(group, original(backend, target_group_arn, targets_asked))
            with self._lock:
                registered = targets.registered(group)
            reported = _reported(self._health, target_group_arn, registered)
            with self._lock:
                return targets.described(backend, group, targets_asked, reported)

        return describe


def _reported(
    source: HealthSource | None, target_group_arn: str, registered: Iterable[Address]
) -> Mapping[Address, ReportedHealth]:
    """What is known of the targets. Not under the lock: the source may ask this very backend."""
    if source is None:
        return dict.fromkeys(registered, HEALTHY)
    try:
        return source.health(target_group_arn)
    except HealthUnknown:
        return dict.fromkeys(registered, INTERNAL_ERROR)


def _sorted(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def describe_rules(*args: Any, **kwargs: Any) -> Any:
        return by_priority(original(*args, **kwargs))

    return describe_rules


def _of_values(original: Callable[[Any, list[dict[str, Any]]], None]) -> Callable[..., None]:
    """The check of moto knows values alone; what has expressions our own has seen."""

    @wraps(original)
    def validate(backend: Any, conditions: list[dict[str, Any]]) -> None:
        original(backend, [each for each in conditions if not condition_config(each).get("RegexValues")])

    return validate


def _completing(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def init(action: Any, data: dict[str, Any]) -> None:
        original(action, data)
        complete(action)

    return init


@contextmanager
def _refusals_as_aws_errors() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise ELBClientError(refused.code, refused.message) from None


def _named(
    signature: inspect.Signature, backend: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """A call's arguments by name, those of `**kwargs` among them, without `self`."""
    bound = signature.bind(backend, *args, **kwargs)
    bound.apply_defaults()
    named = {key: value for key, value in bound.arguments.items() if key not in {"self", "kwargs"}}
    named.update(bound.arguments.get("kwargs", {}))
    return named
