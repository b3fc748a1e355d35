"""Patches of moto's classes and modules, put in force and taken back together."""

import inspect
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, Final, Self

_ABSENT: Final = object()


class Patches(ABC):
    """In force from `install` to `uninstall`; one of a kind at a time, since moto's classes are global."""

    def __init__(self) -> None:
        self._originals: list[tuple[type | ModuleType, str, Any]] = []

    @abstractmethod
    def _patch(self) -> None:
        """Replace what is to be replaced."""

    def install(self) -> Self:
        """Put them in force. Raises RuntimeError where they are already."""
        if self._originals:
            raise RuntimeError(f"{type(self).__name__} is installed already")
        self._patch()
        return self

    def uninstall(self) -> None:
        for owner, name, original in reversed(self._originals):
            if original is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._originals.clear()

    def __enter__(self) -> Self:
        return self.install()

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def _replace(self, owner: type | ModuleType, name: str, replacement: Any) -> None:
        # Static, so that a class method or property comes back as what it was.
        self._originals.append((owner, name, inspect.getattr_static(owner, name)))
        setattr(owner, name, replacement)

    def _give(self, owner: type, name: str, operation: Any) -> None:
        """The same of something that moto may lack."""
        self._originals.append((owner, name, inspect.getattr_static(owner, name, _ABSENT)))
        setattr(owner, name, operation)
