"""Whole copies: which there are, to which moments they lead, and the one to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from dispatch.errors import Missing
from dispatch.process.backups.folders import entries
from storage.database.embedded import EmbeddedError, find_binaries

#: What a dump is in its folder.
DUMP = "database.dump"
#: What makes a whole copy one: written last, and the first thing that goes.
NOTE = "whole.json"
#: In the log's folder: up to when it leads.
REACHED = "reached.json"


class NoBackups(Missing):
    """There is no backup that reaches this."""

    code = "no_backup"


class _Moment(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Note(_Moment):
    version: int
    user: str
    database: str
    took_s: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A copy of everything at `at`. `user` and `database` are how the application is known in it."""

    folder: Path
    at: datetime
    version: int
    user: str
    database: str
    took_s: float
    bytes: int

    @property
    def is_dump(self) -> bool:
        return (self.folder / DUMP).exists()

    @property
    def log(self) -> Path:
        return self.folder.parents[1] / "wal"


def wholes(folder: Path) -> list[Whole]:
    """Every whole copy, the eldest first. Raises OSError for what may not be looked into."""
    return sorted((whole for _, whole in _noted(folder) if whole is not None), key=lambda w: w.at)


def damaged(folder: Path) -> list[Path]:
    """Copies whose note cannot be understood: they count for nothing, and nobody takes them away."""
    return sorted(copy for copy, whole in _noted(folder) if whole is None)


def _noted(folder: Path) -> Iterator[tuple[Path, Whole | None]]:
    """Every copy that has a note; None where it says nothing that can be understood."""
    # By name, because a disk's own lost+found may not be looked into.
    places = [*(history / "base" for history in entries(folder) if history.name[0].isdecimal()), folder / "dumps"]
    for copy in (copy for place in places for copy in entries(place)):
        try:
            said = msgspec.json.decode((copy / NOTE).read_bytes(), type=_Note)
        except (FileNotFoundError, NotADirectoryError):
            continue  # Half a copy, or nothing of ours.
        except msgspec.DecodeError:
            yield copy, None
        else:
            yield copy, Whole(copy, **msgspec.structs.asdict(said))


def reached_by(whole: Whole) -> datetime:
    """Up to when this copy, with the log that follows it, has everything. Raises OSError."""
    try:
        return msgspec.json.decode((whole.log / REACHED).read_bytes(), type=_Moment).at
    except (FileNotFoundError, msgspec.DecodeError):
        return whole.at


def choose(folder: Path, until: datetime | None) -> Whole:
    """The copy to begin with. Raises NoBackups."""
    known = wholes(folder)
    # A moment is typed as it is listed, in whole seconds. A dump leads to no later moment: it is the last before it.
    begun = [w for w in known if until is None or w.at.replace(microsecond=0) <= until]
    fitting = [w for w in begun if until is None or until <= reached_by(w)] or [w for w in begun if w.is_dump]
    if fitting:
        return fitting[-1]
    if not known:
        raise NoBackups(message=f"There is no backup in {folder}{_beside(folder)}.")
    spans = "; ".join(f"{w.at:%Y-%m-%d %H:%M:%S} to {reached_by(w):%Y-%m-%d %H:%M:%S} UTC" for w in known[-5:])
    raise NoBackups(message=f"No backup reaches {until:%Y-%m-%d %H:%M:%S} UTC: there is {spans}{_beside(folder)}.")


def _beside(folder: Path) -> str:
    notes = ", ".join(str(copy / NOTE) for copy in damaged(folder))
    return notes and f" (what {notes} says is damaged, and counts for nothing)"


def not_restorable(whole: Whole) -> str | None:
    """Why this machine makes no server of the copy; None where it does, and of a dump, which goes into a given one."""
    try:
        if not whole.is_dump:
            find_binaries(whole.version // 10000, f"The backup {whole.folder}")
    except EmbeddedError as e:
        return str(e)
    return None


def put(file: Path, said: Mapping[str, object]) -> None:
    """All of it stands there, or what was there before: also when the power fails in the middle."""
    draft = file.with_name(file.name + ".part")
    with draft.open("w") as out:
        json.dump(said, out)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
