"""Commands that keep a copy of everything, put it back, and try whether that works."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.failure import Refused

if TYPE_CHECKING:
    from dispatch.config import Settings
    from dispatch.process.backups.restore import Restored

#: What a drill is held against: how long until it answers again, and how much may be lost (R221), in seconds.
MOST_TIME_S, MOST_LOSS_S = 900.0, 3600.0

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and generated keys (DISPATCH_DATA).")]
Full = Annotated[bool, typer.Option("--full", help="A copy of all now, also when the last is not a day old.")]
Show = Annotated[bool, typer.Option("--list", help="Only list the backups, and to which moments they lead.")]
Drill = Annotated[bool, typer.Option("--drill", help="Restore the newest beside everything, prove it, measure.")]
Check = Annotated[bool, typer.Option("--check", help="Only say whether the newest is as new as it should be.")]
Forget = Annotated[bool, typer.Option("--forget", help="Make none any more: the database stops keeping log for them.")]
At = Annotated[datetime | None, typer.Option("--at", help="As it was then, in UTC; else as new as can be.")]
Files = Annotated[bool, typer.Option("--files", help="Only files that the database knows and the store lacks.")]
To = Annotated[Path | None, typer.Option("--folder", help="Where backups are (DISPATCH_BACKUP__FOLDER).")]


def register(app: typer.Typer) -> None:
    """Adds these commands to the application's."""
    app.command()(backup)
    app.command()(restore)


@contextmanager
def _files_explained() -> Iterator[None]:
    """What the system refuses of a file or folder is told in a sentence. Raises Refused."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as e:
        raise Refused(
            f"{e.filename or 'A file'} cannot be used ({e.strerror or e}): run this as whom it belongs to, or choose "
            "another --folder or --data."
        ) from None


@_files_explained()
def backup(
    full: Full = False,
    show: Show = False,
    drill: Drill = False,
    check: Check = False,
    forget: Forget = False,
    folder: To = None,
    data: Data = None,
) -> None:
    """Back up what is due: all once a day, what was committed since, new files; drops what is older than 30 days.

    The server does the same by itself every 20 minutes where DISPATCH_BACKUP__FOLDER is set. --drill exits with 1 when
    restoring takes over 15 minutes, loses over an hour, or gives what is not sound; --check when over an hour
    (with dumps 25) would be lost just now.
    """
    if forget:
        _forget(data)
        return
    # Looking at backups and trying them needs of a server no more than where they are.
    settings, place = _settings(folder, data, joins=folder is None or not (show or drill or check))
    if check:
        raise SystemExit(_check(settings))
    if show:
        _list(place)
    elif drill:
        raise SystemExit(_drill(settings, place))
    else:
        _back_up(settings, full=full)


@_files_explained()
def restore(at: At = None, only_files: Files = False, folder: To = None, data: Data = None) -> None:
    """Put a backup back: into a new --data folder, or, of a dump, into the empty database in DATABASE_URL."""
    from dispatch.cli.setup import stoppable
    from dispatch.process.backups.whole import choose

    if only_files:
        _restore_files(folder, data)
        return
    settings, place = _settings(folder, data, joins=False)
    moment = None if at is None else at.replace(tzinfo=at.tzinfo or UTC)
    with stoppable():
        if (data or settings.database_url) and choose(place, moment).is_dump:
            files = _undump(settings, place, moment)
        elif data is not None:
            files = asyncio.run(_restore(settings, place, moment))
        else:
            raise Refused("Name a new folder with --data: a backup is put beside what is there, never over it.")
    print(f"{files} files were put back")
    print(
        "the keys are not part of a backup: set DISPATCH_TOKEN_KEYS and DISPATCH_VAULT_KEYS, or put the key files back "
        f"into {settings.data}, before the server is started"
    )


def _undump(settings: Settings, place: Path, moment: datetime | None) -> int:
    """Returns how many files were put back."""
    from dispatch.process.backups.restore import undump

    whole = asyncio.run(undump(settings, place, moment))
    print(f"the dump of {whole.at:%Y-%m-%d %H:%M:%S} UTC is in the database")
    try:
        return _files_back(settings, place, settings.database_url)
    except OSError as e:
        # The database is not empty any more: the whole cannot be tried again.
        raise Refused(
            f"No file was put back, because {e.filename or 'one'} cannot be used ({e.strerror or e}): mend that, and "
            "run `dispatch restore --files`."
        ) from None


def _restore_files(folder: Path | None, data: Path | None) -> None:
    from dispatch.cli.setup import shared_database, stoppable

    settings, place = _settings(folder, data, joins=True)
    with stoppable(), shared_database(settings) as dsn:
        print(f"{_files_back(settings, place, dsn)} files were put back")


def _files_back(settings: Settings, place: Path, dsn: str) -> int:
    from dispatch.process.backups.files import known_files, put_files_back

    return put_files_back(settings, place, asyncio.run(known_files(dsn)))


def _settings(folder: Path | None, data: Path | None, *, joins: bool) -> tuple[Settings, Path]:
    import os

    from dispatch.cli.setup import as_given, settings_of

    if folder is not None:
        os.environ["DISPATCH_BACKUP__FOLDER"] = as_given(folder)
    settings = settings_of(data=data, joins=joins)
    if settings.backup.folder is None:
        raise Refused("Name where backups are: --folder, or DISPATCH_BACKUP__FOLDER.")
    return settings, settings.backup.folder


def _back_up(settings: Settings, *, full: bool) -> None:
    from dispatch.cli.setup import shared_database, stoppable
    from dispatch.process.backups.run import back_up
    from dispatch.wording import counted

    with stoppable(), shared_database(settings):
        made = asyncio.run(back_up(settings, full=full))
    if made.whole is not None:
        print(f"whole    {made.whole.folder} ({made.whole.bytes / 1e6:.1f} MB in {made.whole.took_s:.1f} s)")
    print(f"reached  {made.reached:%Y-%m-%d %H:%M:%S} UTC")
    if made.files or made.dropped:
        print(f"files    {made.files} copied; {counted(made.dropped, 'old backup')} dropped")


def _forget(data: Path | None) -> None:
    from dispatch.cli.setup import settings_of, shared_database, stoppable
    from dispatch.process.backups import run

    settings = settings_of(data=data, joins=True)
    with stoppable(), shared_database(settings):
        asyncio.run(run.forget(settings))
    print("the database keeps no log for backups any more; those that were made stay where they are")


def _check(settings: Settings) -> int:
    from dispatch.cli.doctor.backup import backup_of

    found = backup_of(settings)
    print(f"{found.verdict}: {found.seen}")
    return int(found.verdict == "wrong")


def _list(place: Path) -> None:
    from dispatch.process.backups.whole import damaged, reached_by, wholes

    known = wholes(place)
    if not known:
        print(f"There is no backup in {place}.")
    for whole in known:
        kind = "dump" if whole.is_dump else "whole"
        print(
            f"{kind:<6} {whole.at:%Y-%m-%d %H:%M:%S} to {reached_by(whole):%Y-%m-%d %H:%M:%S} UTC  "
            f"{whole.bytes / 1e6:8.1f} MB  PostgreSQL {whole.version // 10000}  {whole.folder}"
        )
    for copy in damaged(place):
        print(f"damaged: {copy} counts for nothing, because nobody knows of when it is: remove it")


async def _restore(settings: Settings, place: Path, until: datetime | None) -> int:
    """Returns how many files were put back."""
    from dispatch.process.backups import proof
    from dispatch.process.backups.files import known_files, put_files_back
    from dispatch.process.backups.restore import restored

    async with restored(settings, place, settings.data, until) as made:
        findings, known = await proof.findings(made.dsn), await known_files(made.dsn)
        files = put_files_back(settings, place, known)
    for finding in findings:
        print(f"not sound: {finding}")
    print(_told(made))
    return files


def _told(made: Restored) -> str:
    newest = f"{made.last_commit or made.whole.at:%Y-%m-%d %H:%M:%S}"
    return f"restored {made.whole.folder} and what was committed up to {newest} UTC in {made.took_s:.1f} s"


def _drill(settings: Settings, place: Path) -> int:
    from dispatch.cli.setup import stoppable

    with stoppable(), tempfile.TemporaryDirectory(prefix="dispatch-drill-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)
        return asyncio.run(measured(settings, place, Path(scratch) / "data"))


async def measured(settings: Settings, place: Path, home: Path) -> int:
    """Restores into `home`, proves it, prints how long it took and how much was lost; 1 when that is too much.

    Raises Refused for a dump, NoBackups, CopyFailed, EmbeddedError.
    """
    from dispatch.process.backups import proof
    from dispatch.process.backups.restore import restored
    from dispatch.process.backups.whole import choose

    if choose(place, None).is_dump:
        raise Refused(
            "The newest backup is a dump, which a drill cannot restore: try it with `restore` and DATABASE_URL naming "
            "an empty database."
        )
    began, lost_at = time.monotonic(), datetime.now(UTC)
    async with restored(settings, place, home, None) as made:
        findings = await proof.findings(made.dsn)
        took_s = time.monotonic() - began
    loss_s = max(0.0, (lost_at - (made.last_commit or made.whole.at)).total_seconds())
    for finding in findings:
        print(f"not sound: {finding}")
    print(_told(made))
    print(f"recovery time   {took_s:8.1f} s of at most {MOST_TIME_S:.0f} s, proof included")
    print(f"recovery point  {loss_s:8.1f} s of at most {MOST_LOSS_S:.0f} s would have been lost just now")
    return int(bool(findings) or took_s > MOST_TIME_S or loss_s > MOST_LOSS_S)
