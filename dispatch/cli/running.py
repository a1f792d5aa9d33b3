"""Which servers of this person run on this machine: each leaves a note, so that other commands find its data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from dispatch.cli.failure import Refused

if TYPE_CHECKING:
    from dispatch.config import Settings

#: What a server was started with that a command beside it needs to see the same payments.
_SHARED = ("DISPATCH_PAYMENTS__",)


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its process, its address, its data folder, and the settings that others need."""

    pid: int
    url: str
    data: str
    env: dict[str, str]


def _folder() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"dispatch-{os.geteuid()}"


@contextmanager
def announced(settings: Settings, url: str) -> Iterator[None]:
    """A note of this server for as long as the block lasts; one that cannot be left is not missed."""
    if settings.database_url:
        yield
        return
    env = {name: value for name, value in os.environ.items() if name.startswith(_SHARED)}
    note = _folder() / f"{os.getpid()}.json"
    try:
        note.parent.mkdir(mode=0o700, exist_ok=True)
        if note.parent.stat().st_uid != os.geteuid():
            raise OSError
        note.touch(mode=0o600)
        note.write_bytes(orjson.dumps(asdict(Running(os.getpid(), url, str(settings.data.absolute()), env))))
    except OSError:
        note = Path(os.devnull)
    try:
        yield
    finally:
        if note != Path(os.devnull):
            note.unlink(missing_ok=True)


def servers() -> list[Running]:
    """Those that still run and hold their folder; the notes of others are taken away."""
    from storage.database.embedded import is_running

    found: list[Running] = []
    folder = _folder()
    if not folder.is_dir() or folder.stat().st_uid != os.geteuid():
        return found
    for note in sorted(folder.glob("*.json")):
        try:
            one = Running(**orjson.loads(note.read_bytes()))
            lives = Path(f"/proc/{one.pid}").exists() or not Path("/proc").exists()
        except (OSError, ValueError, TypeError):
            continue
        if lives and is_running(Path(one.data)):
            found.append(one)
        else:
            note.unlink(missing_ok=True)
    return found


def join() -> None:
    """Takes the data and the payments of the one server that runs, where no data is named.

    Raises Refused where several run.
    """
    from dispatch.config import named_variables

    if named_variables() & {"DISPATCH_DATA", "DATABASE_URL", "DISPATCH_DATABASE_URL"}:
        return
    found = servers()
    if len(found) > 1:
        where = ", ".join(f"{one.data} ({one.url})" for one in found)
        raise Refused(f"Several servers run here: {where}. Name the folder of one with --data.")
    if found:
        os.environ["DISPATCH_DATA"] = found[0].data
        for name, value in found[0].env.items():
            os.environ.setdefault(name, value)
