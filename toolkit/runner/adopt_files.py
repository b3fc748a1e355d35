"""The two files that an adoption leaves: the contract, and its section of bluegreen.toml."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from toolkit.adoption.result import Adoption, with_section
from toolkit.config import load
from toolkit.errors import AdoptionRefused, ConfigError, ContractError


@dataclass(frozen=True, slots=True)
class Files:
    """What is to be written; None where a file says it already."""

    contract: Path
    contract_text: str | None
    settings: Path
    settings_text: str | None

    def write(self) -> None:
        """Each file at once and whole, the settings only after they were read back as settings.

        Raises:
            ContractError, ConfigError: a file cannot be written.
        """
        if self.contract_text is not None:
            try:
                _replace(self.contract, self.contract_text)
            except OSError as error:
                raise ContractError(f"{self.contract} cannot be written: {error.strerror}") from None
        if self.settings_text is not None:
            try:
                _replace(self.settings, self.settings_text, checked=True)
            except OSError as error:
                raise ConfigError(
                    f"{self.settings} cannot be written: {error.strerror}; the contract is in {self.contract}",
                    hint="Adopt once more, with --config for another place.",
                ) from None


def prepare(adoption: Adoption, *, settings: Path, out: Path | None, overwrite: bool) -> Files:
    """What adopting leaves in the settings file `settings` and the contract file `out`.

    The contract is `deployments/SERVICE.json` beside the settings unless `out` says otherwise.

    Raises:
        AdoptionRefused: a file says something else about this service.
        ConfigError, ContractError: a file cannot be read.
    """
    name = adoption.contract.name
    contract = out or settings.parent / "deployments" / f"{name}.json"
    held = _text(contract, ContractError)
    if held is not None and held != adoption.text and not overwrite:
        raise AdoptionRefused(
            f"{contract} is there and says something else; nothing was written",
            hint="Write over it with --overwrite, or choose another place with --out.",
        )
    before = _text(settings, ConfigError)
    after = with_section(before or "", name, source_of(contract, settings), file=str(settings))
    return Files(
        contract,
        None if held == adoption.text else adoption.text,
        settings,
        None if after == before else after,
    )


def source_of(contract: Path, settings: Path) -> str:
    """How the settings file names the contract file: from its own directory, if the contract is below that."""
    beside, whole = (Path(os.path.abspath(path)) for path in (settings.parent, contract))  # noqa: PTH100 - keeps links
    return f"file:{whole.relative_to(beside).as_posix() if whole.is_relative_to(beside) else whole}"


def _text(path: Path, kind: type[ConfigError | ContractError]) -> str | None:
    """The file's text, its line ends as they are; None without the file."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise kind(f"{path} cannot be read ({error})") from None


def _replace(path: Path, text: str, *, checked: bool = False) -> None:
    """Put `text` in the place of the file in one step, keeping its mode; `checked`, only if it is good settings."""
    target = path.resolve()  # a link stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        if checked:
            load(scratch)
        if target.exists():
            shutil.copymode(target, scratch)
        else:
            scratch.chmod(0o666 & ~_umask())
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
