"""Folders of a backup: for their owner alone, and never taken for empty because they may not be looked into."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def entries(folder: Path) -> list[Path]:
    """What is in a folder, if it is there; glob would take one that may not be looked into for an empty one."""
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def make(folder: Path) -> None:
    """A folder for its owner alone, with those above it that are missing; one that is there stays as it is."""
    for one in (*reversed(folder.parents), folder):
        one.mkdir(exist_ok=True, mode=0o700)


def missing(folder: Path) -> list[Path]:
    """Of a folder and those above it, what is not there yet."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def drop_empty(folders: Iterable[Path]) -> None:
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()
