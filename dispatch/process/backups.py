"""Backups: a whole copy a day, the log since every few minutes, files as they come; and a server made of them again.

    FOLDER/<history>/base/<time>/   a whole copy; `whole.json` is written last, so that half a copy counts for nothing
    FOLDER/<history>/wal/           the log since the first of them, and in `reached.json` up to when
    FOLDER/dumps/<time>/            instead of both, where the server replicates to nobody
    FOLDER/files/                   the files of a folder store; those that were deleted go to gone-<day>/

A history is that of one cluster: a promoted standby and a restored copy begin their own. Keys are not copied: whoever
finds a backup cannot open what is sealed in it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Set
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dispatch.config import Settings
from dispatch.errors import Conflict, Invalid, Missing
from storage import files
from storage.database import copies
from storage.database.copies import Line
from storage.database.embedded import ROLE, SAFE, EmbeddedError, EmbeddedPostgres, find_binaries, has_data
from storage.database.errors import StorageError
from storage.database.pool import create_pool

log = logging.getLogger(__name__)

#: A whole copy is made once the newest is so old; a little less than a day, so that it stays at its hour.
FULL_EVERY = timedelta(hours=23, minutes=30)
_STAMP = "%Y%m%dT%H%M%SZ"
_DUMP = "database.dump"
#: What makes a whole copy one: written last, and the first thing that goes.
_NOTE = "whole.json"


class NoDatabase(Invalid):
    """DATABASE_URL has to name the empty database that this dump is put into."""


class NoBackups(Missing):
    """There is no backup that reaches this."""

    code = "no_backup"


class BackupRuns(Conflict):
    """Another backup runs in this folder just now."""

    code = "backup_runs"


class HasData(Conflict):
    """There is data already: a backup is restored into a new place."""

    code = "has_data"


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
        return (self.folder / _DUMP).exists()

    @property
    def log(self) -> Path:
        return self.folder.parents[1] / "wal"


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


async def run(settings: Settings, *, full: bool = False) -> Made:
    """What is due: a whole copy once a day (or `full`: now), the log up to now, new files; drops what is too old.

    Raises Invalid, BackupRuns, CopyFailed, StorageError, OSError.
    """
    folder = folder_of(settings)
    with _alone(folder):
        await asyncio.to_thread(_drop_halves, folder)
        if settings.backup.method == "dump":
            whole, reached = await _dump(settings, folder, full=full)
        else:
            whole, reached = await _copy(settings, folder, full=full)
        copied = await asyncio.to_thread(_copy_files, settings, folder, reached)
        dropped = await asyncio.to_thread(_drop_old, folder, reached - timedelta(days=settings.backup.keep_days))
        if why := await asyncio.to_thread(not_restorable, whole or wholes(folder)[-1]):
            # Before the day on which it is needed.
            log.warning("this backup cannot be restored here: %s", why)
    return Made(whole, reached, copied, dropped)


def wholes(folder: Path) -> list[Whole]:
    """Every whole copy, the eldest first. Raises OSError for what may not be looked into."""
    # By name, because a disk's own lost+found may not be looked into.
    places = [*(history / "base" for history in _in(folder) if history.name[0].isdigit()), folder / "dumps"]
    found = []
    for copy in (copy for place in places for copy in _in(place)):
        try:
            said = json.loads((copy / _NOTE).read_text())
        except (FileNotFoundError, NotADirectoryError):
            continue  # Half a copy, or nothing of ours.
        found.append(Whole(copy, **{**said, "at": datetime.fromisoformat(said["at"])}))
    return sorted(found, key=lambda w: w.at)


def _in(folder: Path) -> list[Path]:
    """What is in a folder, if it is there; glob would take one that may not be looked into for an empty one."""
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def reached_by(whole: Whole) -> datetime:
    """Up to when this copy, with the log that follows it, has everything."""
    try:
        return datetime.fromisoformat(json.loads((whole.log / "reached.json").read_text())["at"])
    except (OSError, ValueError, KeyError):
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
        raise NoBackups(message=f"There is no backup in {folder}.")
    spans = "; ".join(f"{w.at:%Y-%m-%d %H:%M:%S} to {reached_by(w):%Y-%m-%d %H:%M:%S} UTC" for w in known[-5:])
    raise NoBackups(message=f"No backup reaches {until:%Y-%m-%d %H:%M:%S} UTC: there is {spans}.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    _make(folder)
    (folder / "lock").touch(mode=0o600)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupRuns from None
        yield


def _make(folder: Path) -> None:
    """A folder for its owner alone, with those above it that are missing; one that is there stays as it is."""
    for one in (*reversed(folder.parents), folder):
        one.mkdir(exist_ok=True, mode=0o700)


# ---------------------------------------------------------------- making


def _replicating(settings: Settings) -> str:
    """How a cluster is copied: as the role that is set, else the embedded one's superuser, else as the application."""
    if settings.backup.url is not None:
        return settings.backup.url.get_secret_value()
    embedded = EmbeddedPostgres(settings.data)
    return embedded.admin_dsn if settings.database_url in ("", embedded.dsn) else settings.database_url


def _application(settings: Settings) -> tuple[str, str]:
    """User and database of the application."""
    parts = urlsplit(settings.database_url)
    return unquote(parts.username or "") or ROLE, unquote(parts.path.strip("/")) or ROLE


async def _copy(settings: Settings, folder: Path, *, full: bool) -> tuple[Whole | None, datetime]:
    dsn = _replicating(settings)
    line = await copies.line_of(dsn)
    history = folder / line.name
    _make(history / "wal")
    try:
        await copies.keep_log(dsn)
        whole, reached = await _bring_up(settings, dsn, line, history, full=full)
    except copies.LogLost as e:
        log.warning("the server has lost log that was not fetched, and all begins anew: %s", e)
        await copies.forget_log(dsn)
        _begin_anew(history)
        await copies.keep_log(dsn)
        whole, reached = await _bring_up(settings, dsn, line, history, full=True)
    _put(history / "wal" / "reached.json", {"at": reached.isoformat()})
    return whole, reached


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
    _make(history / "wal")


async def _whole(settings: Settings, dsn: str, line: Line, history: Path) -> Whole:
    """Everything, consistent as of its end."""
    folder = _place(history / "base", line)
    began = time.monotonic()
    await copies.base(dsn, folder, line.version)
    # From its end on one may go to any moment; the server's clock says when that was.
    return _noted(settings, folder, (await copies.line_of(dsn)).now, line.version, began)


async def forget(settings: Settings) -> None:
    """The server keeps no log for backups any more; the next one by `wal` begins anew. Raises StorageError."""
    await copies.forget_log(_replicating(settings))


async def _dump(settings: Settings, folder: Path, *, full: bool) -> tuple[Whole | None, datetime]:
    dsn = settings.database_url or EmbeddedPostgres(settings.data).dsn
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
    await copies.dump(dsn, place / _DUMP, line.version)
    # A dump is of the moment in which it began.
    whole = _noted(settings, place, line.now, line.version, began)
    return whole, whole.at


def _place(parent: Path, line: Line) -> Path:
    """An empty folder for a copy that begins now; one of the same second makes room."""
    place = parent / f"{line.now:{_STAMP}}"
    if place.exists():
        _drop(place)
    _make(place)
    return place


def _noted(settings: Settings, folder: Path, at: datetime, version: int, began: float) -> Whole:
    user, database = _application(settings)
    size = sum(p.stat().st_size for p in folder.iterdir())
    said = {
        "version": version, "user": user, "database": database, "took_s": round(time.monotonic() - began, 2),
        "bytes": size,
    }  # fmt: skip
    _put(folder / _NOTE, {"at": at.isoformat(), **said})
    return Whole(folder, at, **said)  # type: ignore[arg-type]


def _put(file: Path, said: Mapping[str, object]) -> None:
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


def _copy_files(settings: Settings, folder: Path, now: datetime) -> int:
    """Files have names of ours and never change: what is not there yet is copied, what is gone is put aside."""
    source, kept, copied = settings.files_folder, folder / "files", 0
    if source is None or not source.is_dir():
        return 0
    present = {p.relative_to(source) for p in _stored(source)}
    for name in present:
        if not (kept / name).exists():
            _copy_file(source / name, kept / name)
            copied += 1
    for target in _stored(kept):
        if target.relative_to(kept) not in present:
            aside = kept / f"gone-{now:%Y-%m-%d}" / target.relative_to(kept)
            _make(aside.parent)
            target.rename(aside)
    return copied


def _stored(folder: Path) -> list[Path]:
    """The whole files of a folder store. Raises OSError for what may not be looked into."""
    shelves = [shelf for shelf in _in(folder) if len(shelf.name) == 2]
    return [file for shelf in shelves for file in _in(shelf) if file.suffix != ".part"]


def _copy_file(source: Path, target: Path) -> None:
    """Whole or not at all."""
    _make(target.parent)
    draft = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _drop_old(folder: Path, before: datetime) -> int:
    """Whole copies that are not needed to go back to `before` or later, and the log that none of the kept needs."""
    dropped = 0
    for history in {*folder.glob("*/base"), *folder.glob("dumps")}:
        mine = [w for w in wholes(folder) if w.folder.parent == history]
        elder, needed = [w for w in mine if w.at < before], [w for w in mine if w.at >= before]
        if elder and reached_by(elder[-1]) >= before:
            # With it begins the way to every moment between `before` and the next whole copy.
            needed.insert(0, elder[-1])
        for whole in mine:
            if whole not in needed:
                _drop(whole.folder)
                dropped += 1
        if not needed and history.parent != folder:
            shutil.rmtree(history.parent)
        elif needed and not needed[0].is_dump:
            _drop_log(needed[0])
    for gone in (folder / "files").glob("gone-*"):
        if gone.name < f"gone-{before:%Y-%m-%d}":
            shutil.rmtree(gone)
    return dropped


def _drop(copy: Path) -> None:
    """Its note goes first, so that what is left of it by a kill counts for nothing."""
    (copy / _NOTE).unlink(missing_ok=True)
    shutil.rmtree(copy)


def _drop_halves(folder: Path) -> None:
    """What a kill has left of copies that were being made or dropped. Nobody makes one now: we are alone here."""
    for half in (*folder.glob("*/base/*"), *folder.glob("dumps/*")):
        if not (half / _NOTE).exists():
            try:
                shutil.rmtree(half)
            except OSError as e:
                # It costs room and does no harm: no reason to make no backup.
                log.warning("half a copy cannot be removed: %s", e)


def _drop_log(eldest: Whole) -> None:
    first = copies.first_segment_of(eldest.folder)
    for piece in copies.segments(eldest.log):
        if piece.name < first:
            piece.unlink()


# ---------------------------------------------------------------- restoring


@dataclass(frozen=True, slots=True)
class Restored:
    """`last_commit`: the newest transaction that was found in the log; None when there was none after the copy."""

    whole: Whole
    dsn: str
    last_commit: datetime | None
    took_s: float


@asynccontextmanager
async def restored(settings: Settings, folder: Path, home: Path, until: datetime | None) -> AsyncIterator[Restored]:
    """A server's data in `home` as it was at `until` (None: as new as can be), and that server for the block.

    On the main thread. Where it fails, or the block does, what was laid goes again. Raises HasData, NoBackups,
    NoDatabase (the copy is a dump), CopyFailed, EmbeddedError.
    """
    began = time.monotonic()
    if has_data(home):
        raise HasData(f"There is a database in {home} already: name another folder with --data.")
    whole = choose(folder, until)
    if whole.is_dump:
        raise NoDatabase
    if why := not_restorable(whole):
        raise EmbeddedError(why)
    incoming = EmbeddedPostgres(home).inner / "wal"
    # The copy is whole only from its own moment on, of which the second alone may have been named.
    aim = None if until is None else max(until, whole.at)
    server = EmbeddedPostgres(home, {**SAFE, **copies.recovery_settings(incoming, aim)})
    with _or_nothing(server):
        try:
            _lay(whole, server, incoming)
            server.start(timeout_s=copies.LIMIT_S)
            dsn = f"postgresql://{whole.user}@/{whole.database}?host={server.inner}"
            yield Restored(whole, dsn, await copies.last_commit(dsn), time.monotonic() - began)
        finally:
            server.stop()
            shutil.rmtree(incoming, ignore_errors=True)


def not_restorable(whole: Whole) -> str | None:
    """Why this machine makes no server of the copy; None where it does, and of a dump, which goes into a given one."""
    try:
        if not whole.is_dump:
            find_binaries(whole.version // 10000, f"The backup {whole.folder}")
    except EmbeddedError as e:
        return str(e)
    return None


@contextmanager
def _or_nothing(server: EmbeddedPostgres) -> Iterator[None]:
    """Where the block fails, what was laid into the server's folder goes, so that one may try again; what was there
    before stays, and so does PostgreSQL's log, which the error may name. Raises EmbeddedError.
    """
    laid = [path for path in server.makes if not path.exists()]
    folders = _missing(server.home)
    server.take_folder()
    try:
        yield
    except BaseException:
        for path in laid:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        _drop_empty(folders)
        raise


def _missing(folder: Path) -> list[Path]:
    """Of a folder and those above it, what is not there yet."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _drop_empty(folders: Iterable[Path]) -> None:
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _lay(whole: Whole, server: EmbeddedPostgres, incoming: Path) -> None:
    """The data begin under another name, so that half of them are not taken for a database."""
    draft = server.inner / "pgdata.new"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(incoming, ignore_errors=True)
    server.inner.mkdir(exist_ok=True, mode=0o700)
    copies.unpack(whole.folder, draft)
    copies.lay_log(whole.log, incoming, copies.first_segment(draft))
    copies.prepare_recovery(draft)
    server.note_role()
    server.give_inner()
    draft.rename(server.data)


async def known_files(dsn: str) -> frozenset[str]:
    """The store's keys that a restored database knows."""
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.connection() as conn:
            return frozenset(await files.store_keys(conn) or ())
    finally:
        await pool.close()


def put_files_back(settings: Settings, folder: Path, known: Set[str]) -> int:
    """Files that the store lacks, of those that the rows know; also deleted ones, because they may be known again.

    What nobody knows stays away: it was of people who are forgotten. Where it fails, none was put back.
    """
    target = settings.files_folder
    if target is None:
        return 0
    put: list[Path] = []
    folders: set[Path] = set()
    try:
        for kept in (folder / "files", *(folder / "files").glob("gone-*")):
            for source in _stored(kept):
                key = source.relative_to(kept)
                path = target / key
                if key.as_posix() in known and not path.exists():
                    folders.update(_missing(path.parent))
                    _copy_file(source, path)
                    put.append(path)
    except BaseException:
        for path in put:
            path.unlink(missing_ok=True)
        _drop_empty(folders)
        raise
    return len(put)


async def undump(settings: Settings, folder: Path, until: datetime | None) -> Whole:
    """A dump into the given database, which must be empty. Raises HasData, NoBackups, NoDatabase, CopyFailed."""
    whole = choose(folder, until)
    if not settings.database_url:
        raise NoDatabase
    if not await copies.is_empty(settings.database_url):
        raise HasData("The database in DATABASE_URL is not empty: a dump is put into a new one.")
    line = await copies.line_of(settings.database_url)
    await copies.undump(settings.database_url, whole.folder / _DUMP, line.version)
    return whole
