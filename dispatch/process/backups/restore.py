"""A server made of a backup again: in a new folder, or in an empty database that is given."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dispatch.config import Settings
from dispatch.errors import Conflict, Invalid
from dispatch.process.backups.folders import drop_empty, missing
from dispatch.process.backups.whole import DUMP, Whole, choose, not_restorable
from storage.database import copies
from storage.database.adoption import adopt
from storage.database.embedded import SAFE, EmbeddedError, EmbeddedPostgres, has_data
from storage.database.role import address


class NoDatabase(Invalid):
    """DATABASE_URL has to name the empty database that this dump is put into."""


class HasData(Conflict):
    """There is data already: a backup is restored into a new place."""

    code = "has_data"


@dataclass(frozen=True, slots=True)
class Restored:
    """`last_commit`: the newest transaction that was found in the log; None when there was none after the copy."""

    whole: Whole
    dsn: str
    last_commit: datetime | None
    took_s: float


#: Beside the data, for as long as the server recovers.
_INCOMING = "wal"


@asynccontextmanager
async def restored(settings: Settings, folder: Path, home: Path, until: datetime | None) -> AsyncIterator[Restored]:
    """A server's data in `home` as it was at `until` (None: as new as can be), and that server for the block. It is
    one that the embedded server serves, whoever made it.

    On the main thread. Where it fails, or the block does, what was laid goes again. Raises HasData, NoBackups,
    NoDatabase (the copy is a dump), CopyFailed, EmbeddedError.
    """
    began = time.monotonic()
    if has_data(home):
        raise HasData(_there_is(home))
    whole = choose(folder, until)
    if whole.is_dump:
        raise NoDatabase
    if why := not_restorable(whole):
        raise EmbeddedError(why)
    incoming = EmbeddedPostgres(home).inner / _INCOMING
    # The copy is whole only from its own moment on, of which the second alone may have been named.
    aim = None if until is None else max(until, whole.at)
    server = EmbeddedPostgres(home, {**SAFE, **copies.recovery_settings(f"../{_INCOMING}", aim)})
    with _or_nothing(server):
        try:
            _lay(whole, server, incoming)
            server.start(timeout_s=copies.LIMIT_S)
            last_commit = await copies.last_commit(address(server.inner, whole.user, whole.database))
            await adopt(server.inner, whole.user, whole.database)
            yield Restored(whole, server.dsn, last_commit, time.monotonic() - began)
        finally:
            server.stop()
            shutil.rmtree(incoming, ignore_errors=True)


@contextmanager
def _or_nothing(server: EmbeddedPostgres) -> Iterator[None]:
    """Where the block fails, what was laid into the server's folder goes, so that one may try again; what was there
    before stays, and so does PostgreSQL's log, which the error may name. Raises HasData, EmbeddedError.
    """
    laid = [path for path in server.makes if not path.exists()]
    folders = missing(server.home)
    server.take_folder()
    if has_data(server.home):
        # Until the folder was ours, another server was there.
        server.stop()
        raise HasData(_there_is(server.home))
    try:
        yield
    except BaseException:
        for path in laid:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        drop_empty(folders)
        raise


def _there_is(home: Path) -> str:
    return f"There is a database in {home} already: name another folder with --data."


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


async def undump(settings: Settings, folder: Path, until: datetime | None) -> Whole:
    """A dump into the given database, which must be empty. Raises HasData, NoBackups, NoDatabase, CopyFailed."""
    whole = choose(folder, until)
    if not settings.database_url:
        raise NoDatabase
    if not await copies.is_empty(settings.database_url):
        raise HasData("The database in DATABASE_URL is not empty: a dump is put into a new one.")
    line = await copies.line_of(settings.database_url)
    await copies.undump(settings.database_url, whole.folder / DUMP, max(line.version, whole.version))
    return whole
