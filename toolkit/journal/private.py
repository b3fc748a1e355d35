"""Folders that are the owner's alone."""

from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make `folder` and what lacks above it, each with mode 0700; one that stands keeps its mode. Raises OSError."""
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
