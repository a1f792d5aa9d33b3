"""One run: what is due is copied, what is too old goes."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from dispatch.config import Settings
from dispatch.errors import Conflict, Invalid
from dispatch.process.backups.age import drop_halves, drop_old
from dispatch.process.backups.files import copy_files
from dispatch.process.backups.folders import make
from dispatch.process.backups.whole import DUMP, NOTE, REACHED, Whole, damaged, not_restorable, put, wholes
from storage.database import copies
from storage.database.copies import CopyFailed, Line
from storage.database.embedded import EmbeddedPostgres
from storage.database.errors import StorageError, is_denied

log = logging.getLogger(__name__)

#: A whole copy is made once the newest is so old; a little less than a day, so that it stays at its hour.
FULL_EVERY = timedelta(hours=23, minutes=30)
_STAMP = "%Y%m%dT%H%M%SZ"


class BackupRuns(Conflict):
    """Another backup runs in this folder just now."""

    code = "backup_runs"


@dataclass(frozen=True, slots=True)
class Made:
    """What one run did. `reached`: everything committed before this can be restored."""

    whole: Whole | None
    reached: datetime
    files: int
    dropped: int


def folder_of(settings: Settings) -> Path:
    """Raises Invalid where no folder is set."""
    if settings.backup.folder is None:
        raise Invalid({"DISPATCH_BACKUP__FOLDER": "names the folder that backups go to"})
    return settings.backup.folder


async def back_up(settings: Settings, *, full: bool = False) -> Made:
    """What is due: a whole copy once a day (or `full`: now), the log up to now, new files; drops what is too old.

    Raises Invalid, BackupRuns, CopyFailed, StorageError, OSError.
    """
    folder = folder_of(settings)
    with _alone(folder):
        await asyncio.to_thread(drop_halves, folder)
        if settings.backup.method == "dump":
            whole, reached = await _dump(settings, folder, full=full)
        else:
            whole, reached = await _copy(settings, folder, full=full)
        copied = await asyncio.to_thread(copy_files, settings, folder, reached)
        dropped = await asyncio.to_thread(drop_old, folder, reached - timedelta(days=settings.backup.keep_days))
        if why := await asyncio.to_thread(not_restorable, whole or wholes(folder)[-1]):
            # Before the day on which it is needed.
            log.warning("this backup cannot be restored here: %s", why)
        for copy in await asyncio.to_thread(damaged, folder):
            log.warning("the copy %s counts for nothing, because its %s is damaged: remove it", copy, NOTE)
    return Made(whole, reached, copied, dropped)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    make(folder)
    (folder / "lock").touch(mode=0o600)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupRuns from None
        yield


def _replicating(settings: Settings) -> str:
    """How a cluster is copied: as the role that is set, else the embedded one's superuser, else as the application."""
    if settings.backup.url is not None:
        return settings.backup.url.get_secret_value()
    embedded = EmbeddedPostgres(settings.data)
    return embedded.admin_dsn if settings.database_url in ("", embedded.dsn) else settings.database_url


def _given(settings: Settings) -> str:
    """The database as the application has it."""
    return settings.database_url or EmbeddedPostgres(settings.data).dsn


async def _copy(settings: Settings, folder: Path, *, full: bool) -> tuple[Whole | None, datetime]:
    dsn = _replicating(settings)
    line = await copies.line_of(dsn)
    history = folder / line.name
    make(history / "wal")
    try:
        await _keep_log(dsn)
        whole, reached = await _bring_up(settings, dsn, line, history, full=full)
    except copies.LogLost as e:
        log.warning("the server has lost log that was not fetched, and all begins anew: %s", e)
        await copies.forget_log(dsn)
        _begin_anew(history)
        await copies.keep_log(dsn)
        whole, reached = await _bring_up(settings, dsn, line, history, full=True)
    put(history / "wal" / REACHED, {"at": reached.isoformat()})
    return whole, reached


async def _keep_log(dsn: str) -> None:
    try:
        await copies.keep_log(dsn)
    except StorageError as e:
        if is_denied(e):
            raise CopyFailed(
                "The role may not replicate: name one that may in DISPATCH_BACKUP__URL (ALTER ROLE ... REPLICATION "
                "gives the right), or set DISPATCH_BACKUP__METHOD=dump."
            ) from e
        raise


async def _bring_up(
    settings: Settings, dsn: str, line: Line, history: Path, *, full: bool
) -> tuple[Whole | None, datetime]:
    mine = [w for w in wholes(history.parent) if w.folder.parents[1] == history]
    whole = None
    if full or not mine or line.now - mine[-1].at >= FULL_EVERY:
        whole = await _whole(settings, dsn, line, history)
    return whole, await copies.fetch_log(dsn, history / "wal", line.version)


def _begin_anew(history: Path) -> None:
    """A log with a hole: what was before it keeps its own, and nothing is taken to follow it."""
    history.rename(history.with_name(f"{history.name}-before-{datetime.now(UTC):{_STAMP}}"))
    make(history / "wal")


async def _whole(settings: Settings, dsn: str, line: Line, history: Path) -> Whole:
    """Everything, consistent as of its end."""
    folder = _place(history / "base", line)
    began = time.monotonic()
    await copies.base(dsn, folder, line.version)
    # From its end on one may go to any moment; the server's clock says when that was.
    at = (await copies.line_of(dsn)).now
    return _noted(folder, at, line.version, await copies.known_as(_given(settings)), began)


async def forget(settings: Settings) -> None:
    """The server keeps no log for backups any more; the next one by `wal` begins anew. Raises StorageError."""
    await copies.forget_log(_replicating(settings))


async def _dump(settings: Settings, folder: Path, *, full: bool) -> tuple[Whole | None, datetime]:
    dsn = _given(settings)
    line = await copies.line_of(dsn)
    try:
        await forget(settings)  # What was kept for the other method is fetched by nobody.
    except StorageError as e:
        log.warning("the server keeps log that nobody fetches, until a role that replicates drops its slot: %s", e)
    mine = [w for w in wholes(folder) if w.is_dump]
    if mine and not full and line.now - mine[-1].at < FULL_EVERY:
        return None, mine[-1].at
    place = _place(folder / "dumps", line)
    began = time.monotonic()
    await copies.dump(dsn, place / DUMP, line.version)
    # A dump is of the moment in which it began.
    whole = _noted(place, line.now, line.version, await copies.known_as(dsn), began)
    return whole, whole.at


def _place(parent: Path, line: Line) -> Path:
    """An empty folder for a copy that begins now; what was made in the same second stays."""
    stamp = f"{line.now:{_STAMP}}"
    place = next(place for n in count() if not (place := parent / (f"{stamp}-{n}" if n else stamp)).exists())
    make(place)
    return place


def _noted(folder: Path, at: datetime, version: int, known_as: tuple[str, str], began: float) -> Whole:
    user, database = known_as
    size = sum(p.stat().st_size for p in folder.iterdir())
    said = {
        "version": version, "user": user, "database": database, "took_s": round(time.monotonic() - began, 2),
        "bytes": size,
    }  # fmt: skip
    put(folder / NOTE, {"at": at.isoformat(), **said})
    return Whole(folder, at, **said)  # type: ignore[arg-type]
