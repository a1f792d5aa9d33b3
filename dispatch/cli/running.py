"""Which servers of this person run on this machine: each leaves a note, so that other commands find its data."""

from __future__ import annotations

import fcntl
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

#: By any of these a person names the data that is meant.
_PLACES = frozenset({"DISPATCH_DATA", "DATABASE_URL", "DISPATCH_DATABASE_URL"})
#: What is a server's own: a command beside it listens nowhere and says as much as it likes.
_ITS_OWN = _PLACES | {"DISPATCH_HTTP__HOST", "DISPATCH_HTTP__PORT", "DISPATCH_HTTP__WORKERS", "DISPATCH_LOG_LEVEL"}


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its address, its data folder, its database where one was given, and the settings that others need."""

    url: str
    data: str
    database: str
    env: dict[str, str]

    @property
    def place(self) -> str:
        """For people: the address of a database may have a password in it."""
        return "a database of its own" if self.database else self.data


def _folder() -> Path:
    """Raises OSError where there is no room for anything, on a full disk or a machine that may only be read."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"dispatch-{os.geteuid()}"


@contextmanager
def announced(settings: Settings, url: str) -> Iterator[None]:
    """A note of this server for as long as the block lasts; one that cannot be left is not missed.

    Where it is deployed there is none: its secrets are written nowhere.
    """
    left = None if settings.is_deployed else _left(settings, url)
    try:
        yield
    finally:
        if left is not None:
            path, note = left
            # Away before it is let go: nobody finds one that is nobody's.
            path.unlink(missing_ok=True)
            os.close(note)


def _left(settings: Settings, url: str) -> tuple[Path, int] | None:
    """Where the note is and the note, open and locked: it counts for as long as this process lives, however it ends."""
    running = Running(url, str(settings.data.absolute()), settings.database_url, _shared(settings, url))
    try:
        place = _folder()
        path = place / f"{os.getpid()}.json"
        place.mkdir(mode=0o700, exist_ok=True)
        if place.stat().st_uid != os.geteuid():
            return None
        note = _locked(path)
        os.write(note, orjson.dumps(asdict(running)))
    except OSError:
        return None
    return path, note


def _locked(path: Path) -> int:
    """A new file that is ours; whoever looked in between took it for a dead one's and took it away."""
    while True:
        note = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(note, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(note).st_ino:
            return note
        os.close(note)


def _shared(settings: Settings, url: str) -> dict[str, str]:
    """What was set for this server, as a command beside it needs it to see the same world."""
    from dispatch.config.variables import given_variables

    found = {name: value for name, value in given_variables().items() if name not in _ITS_OWN}
    found["DISPATCH_HTTP__PUBLIC_URL"] = settings.http.public_url or url
    if settings.backup.folder is not None:
        found["DISPATCH_BACKUP__FOLDER"] = str(settings.backup.folder.absolute())
    if settings.files.folder is not None:
        found["DISPATCH_FILES__FOLDER"] = str(settings.files.folder.absolute())
    return found


def servers() -> list[Running]:
    """Those that still run; the notes of others are taken away."""
    found: list[Running] = []
    try:
        folder = _folder()
        if not folder.is_dir() or folder.stat().st_uid != os.geteuid():
            return found
    except OSError:
        # Nobody can leave a note there.
        return found
    for note in sorted(folder.glob("*.json")):
        try:
            with note.open("rb") as file:
                if _is_let_go(file.fileno()):
                    note.unlink(missing_ok=True)
                else:
                    found.append(Running(**orjson.loads(file.read())))
        except (OSError, ValueError, TypeError):
            continue
    return found


def _is_let_go(note: int) -> bool:
    try:
        fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def join(settings: Settings, url: str | None = None) -> bool:
    """Takes the data, the payments and the address of the server that runs here; whether there is one.

    Where data is named, or an address, it is the server with these. Raises Refused where several run and none is named.
    """
    from dispatch.config.variables import named_variables

    named, found = named_variables(), servers()
    if url is not None:
        found = [one for one in found if one.url == url.rstrip("/")] or found
    if named & _PLACES:
        found = [one for one in found if _is_same(one, settings)]
    elif len(found) > 1:
        where = ", ".join(f"{one.place} ({one.url})" for one in found)
        raise Refused(f"Several servers run here: {where}. Name the folder of one with --data.")
    if not found:
        return False
    one = found[0]
    place = {"DATABASE_URL": one.database} if one.database else {}
    for name, value in {**one.env, "DISPATCH_DATA": one.data, **place}.items():
        if name not in named:
            os.environ[name] = value
    return True


def _is_same(one: Running, settings: Settings) -> bool:
    """Whether this server has the data that the settings name."""
    if one.database or settings.database_url:
        return one.database == settings.database_url
    return Path(one.data).resolve() == settings.data.absolute().resolve()
