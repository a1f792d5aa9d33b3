"""`dispatch doctor`: everything a server needs, looked at one by one, and what to do where it is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module, metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from dispatch.cli.setup import shared_database, stoppable
from dispatch.process import environments, open_files
from dispatch.vault import KeysUnfit, generated_keys
from storage.database.embedded import has_data

if TYPE_CHECKING:
    from dispatch.config import Settings
    from storage.database.pool import Pool

Verdict = Literal["ok", "note", "wrong"]
#: Compiled parts: a platform without a wheel for one of them cannot run the server.
_COMPILED = (
    "aiohttp",
    "asyncpg",
    "shapely",
    "rtree",
    "numpy",
    "orjson",
    "msgspec",
    "cryptography",
    "pydantic_core",
    "uharfbuzz",
)
#: The socket hot path stands on inner seams of these.
_PINNED = {"aiohttp": "3.14.5", "python-socketio": "5.18.1", "python-engineio": "4.15.1"}
_FREE_BYTES = 500 * 1024 * 1024
_MOST_SKEW_S = 2.0
_NETWORK_S = 3.0
#: A standby that is farther behind is worth a word, in seconds.
_MOST_BEHIND_S = 60.0
#: So much may be lost with the server (R221), in seconds.
_MOST_LOSS_S = 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do if it is not well."""

    what: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def examine(settings: Settings) -> int:
    """Prints the findings; 1 when something is wrong, 0 otherwise."""
    findings = [*_machine(), native_core(), open_files_of(open_files.limits()[1])]
    findings += [*_settings(settings), data_folder(settings), files_of(settings), backup_of(settings)]
    try:
        with stoppable(), _trial(settings) as trial, shared_database(trial, makes=True) as dsn:
            findings += asyncio.run(_database(settings, dsn))
    except Exception as error:  # whatever it is, it is the finding
        findings.append(Finding("database", "wrong", _first_line(error), "see the message; `dispatch serve` needs it"))
    findings += asyncio.run(_neighbours(settings))
    _print(findings)
    return int(any(f.verdict == "wrong" for f in findings))


@contextmanager
def _trial(settings: Settings) -> Iterator[Settings]:
    """Where there is no data yet, the database is tried in a folder that goes away: looking makes nothing."""
    if settings.database_url or has_data(settings.data):
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="dispatch-doctor-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield settings.model_copy(update={"data": Path(folder) / "data"})


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def _machine() -> list[Finding]:
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    found = [Finding("python", "ok" if fits else "wrong", version, "" if fits else "use Python 3.11 or later")]
    broken = [name for name in _COMPILED if not _imports(name)]
    found.append(
        Finding("wheels", "wrong", f"{', '.join(broken)} cannot be imported", "remove .venv and run ./run again")
        if broken
        else Finding("wheels", "ok", f"{len(_COMPILED)} compiled packages import")
    )
    other = [f"{name} {have}" for name, want in _PINNED.items() if (have := metadata.version(name)) != want]
    found.append(
        Finding("pins", "wrong", ", ".join(other), "install the versions of the lock: remove .venv and run ./run")
        if other
        else Finding("pins", "ok", ", ".join(f"{n} {v}" for n, v in _PINNED.items()))
    )
    return found


def native_core() -> Finding:
    """Whether location frames have their short way in C, which is made here as a server makes it at its start."""
    from dispatch.live.native import build

    try:
        build.obtain()
    except build.NotBuilt as e:
        return Finding("native core", "note", str(e), "nothing: Python takes location frames, if at a higher cost")
    return Finding("native core", "ok", f"location frames take {build.place().name}")


def open_files_of(most: int) -> Finding:
    """What it comes to that the process may open so many files."""
    if most >= open_files.FEWEST:
        return Finding("open files", "ok", f"up to {most}")
    room = max(most - open_files.RESERVED, most // 2)
    remedy = f"allow {open_files.WANTED}: `ulimit -Hn`, LimitNOFILE= of systemd, or --ulimit nofile= of docker"
    verdict: Verdict = "wrong" if most < open_files.FEWEST // 4 else "note"
    return Finding("open files", verdict, f"up to {most}: about {room} connections at a time", remedy)


def _imports(name: str) -> bool:
    try:
        import_module(name)
    except Exception:  # a broken wheel fails in many ways
        return False
    return True


def _settings(settings: Settings) -> list[Finding]:
    missing, unfit = environments.missing(settings), environments.unfit(settings)
    found = [Finding("settings", "ok", f"{settings.env} has what it needs")]
    if missing:
        found = [Finding("settings", "wrong", f"missing {', '.join(missing)}", "set them in the environment")]
    if unfit:
        found.append(Finding("settings", "wrong", "; ".join(unfit), f"{settings.env} refuses it: change it"))
    if settings.is_production:
        return found
    wanted = environments.missing(settings, "production")
    said = Finding("for production", "ok", "nothing is missing")
    if wanted:
        said = Finding(
            "for production", "note", f"missing {', '.join(wanted)}", "set them before DISPATCH_ENV=production"
        )
    return [*found, said]


def data_folder(settings: Settings) -> Finding:
    """Whether the data folder can be written, has room, and has whole keys that are closed to others."""
    try:
        return _data_folder(settings.data)
    except OSError as e:
        said = f"{e.filename or settings.data} cannot be used ({e.strerror})"
        return Finding("data folder", "wrong", said, "run this as whom it belongs to, or choose another --data folder")


def _data_folder(folder: Path) -> Finding:
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("data folder", "wrong", f"{there} cannot be written", "choose another --data folder")
    if shutil.disk_usage(there).free < _FREE_BYTES:
        return Finding("data folder", "wrong", f"less than 500 MB are free at {there}", "make room, or choose another")
    for keys in (*folder.glob("*keys.json"), *folder.glob("keys/*.json")):
        if keys.stat().st_mode & 0o077:
            return Finding("data folder", "wrong", f"others can read {keys}", f"chmod 600 {keys}")
        try:
            generated_keys(keys)
        except KeysUnfit as e:
            return Finding("data folder", "wrong", str(e))
    return Finding("data folder", "ok", str(folder))


def files_of(settings: Settings) -> Finding:
    """Whether what people upload can be kept; it is written, because what may be written may stand on a full disk."""
    folder = settings.files_folder
    if folder is None:
        return asyncio.run(_bucket_of(settings))
    try:
        there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        # Without a name, so that nothing is left. The folders inside may be somebody else's.
        for place in (there, *folder.glob("??")):
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
    except OSError as e:
        remedy = "run the server as whom it belongs to, or change DISPATCH_FILES__FOLDER"
        return Finding("files", "wrong", f"{folder} cannot be written ({e.strerror}): uploads answer 503", remedy)
    return Finding("files", "ok", str(folder))


async def _bucket_of(settings: Settings) -> Finding:
    """The same of a bucket, by a name that nobody else gives."""
    from dispatch.adapters.files import store_of
    from dispatch.ports.files import Blob, FilesAway

    content, name = b"x", uuid4().hex
    bucket, store = f"the bucket {settings.files.s3_bucket}", store_of(settings)
    try:
        digest = hashlib.sha256(content).digest()
        await store.put(Blob(f"{name[:2]}/{name}", BytesIO(content), len(content), digest, "text/plain"))
        await store.delete(f"{name[:2]}/{name}")
    except FilesAway as e:
        said = f"{bucket} takes nothing ({e.__cause__ or e.message}): uploads answer 503"
        return Finding("files", "wrong", said, "check DISPATCH_FILES__S3_... and what the key may do there")
    return Finding("files", "ok", f"in {bucket}")


def backup_of(settings: Settings) -> Finding:
    """Whether there is a backup, and how much would be lost just now."""
    from dispatch.process.backups.whole import damaged, not_restorable, reached_by, wholes

    if settings.backup.folder is None:
        return Finding("backup", "note", "none is made", "set DISPATCH_BACKUP__FOLDER, or leave it to your database")
    try:
        known, broken = wholes(settings.backup.folder), damaged(settings.backup.folder)
        reached = reached_by(known[-1]) if known else None
    except OSError as e:
        remedy = "run this as whom it belongs to, or change DISPATCH_BACKUP__FOLDER"
        return Finding("backup", "wrong", f"{e.filename} cannot be looked into ({e.strerror})", remedy)
    if reached is None:
        return Finding("backup", "wrong", f"there is none in {settings.backup.folder}", "dispatch backup says why")
    age_s = (datetime.now(UTC) - reached).total_seconds()
    # A dump is of once a day.
    most_s = 86_400 + _MOST_LOSS_S if known[-1].is_dump else _MOST_LOSS_S
    said = f"{len(known)} copies; what was committed in the last {age_s / 60:.0f} minutes would be lost"
    if age_s > most_s:
        return Finding("backup", "wrong", said, "dispatch backup says why")
    if why := not_restorable(known[-1]):
        return Finding("backup", "note", why, "or restore it where they are")
    if broken:
        said = f"{said}; {', '.join(map(str, broken))} counts for nothing, because its note is damaged"
        return Finding("backup", "note", said, "remove it")
    return Finding("backup", "ok", said)


async def log_kept(settings: Settings, dsn: str) -> list[Finding]:
    """Whether the database keeps log for backups that nobody fetches, or without end."""
    from storage.database import copies

    most = await copies.most_kept(dsn)
    if most == copies.NO_LIMIT:
        said = "the database keeps its log for backups without end: its disk fills up when none is made"
        return [Finding("log kept", "wrong", said, "set max_slot_wal_keep_size, or dispatch backup --forget")]
    if most is not None and settings.backup.folder is None:
        said = f"the database keeps up to {most} of log for backups, and none is made from here"
        return [Finding("log kept", "note", said, "if none is made elsewhere either: dispatch backup --forget")]
    return []


async def _database(settings: Settings, dsn: str) -> list[Finding]:
    from dispatch.process.runtime import check_server
    from storage.database.migrate import pending
    from storage.database.pool import create_pool

    version = await check_server(dsn)
    kind = "given" if settings.database_url else "embedded"
    found = [Finding("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000}, {kind}")]
    if missing := await pending(dsn):
        verdict: Verdict = "wrong" if settings.is_deployed else "note"
        remedy = "dispatch migrate" if settings.is_deployed else "`dispatch serve` applies them"
        found.append(Finding("migrations", verdict, f"{len(missing)} are missing", remedy))
        return found
    found.append(Finding("migrations", "ok", "the schema is up to date"))
    found += await log_kept(settings, dsn)
    found += await _hosts(settings)
    pool = await create_pool(dsn, min_size=1, max_size=2)
    try:
        return found + [await _clock(pool), *await _people(pool)]
    finally:
        await pool.close()


async def _hosts(settings: Settings) -> list[Finding]:
    """Who is primary, and who stands by, of a database that is given."""
    from storage.database import hosts

    found: list[Finding] = []
    if not settings.database_url:
        return found
    standing = await hosts.standing(settings.database_url)
    for one in standing:
        if one.error is not None:
            found.append(Finding("database host", "wrong", f"{one.host}: {one.error}", "start it, or take it out"))
        elif one.is_standby:
            verdict: Verdict = "note" if one.behind_s > _MOST_BEHIND_S else "ok"
            remedy = "a failover would lose that" if verdict == "note" else ""
            said = f"{one.host} stands by, {one.behind_s:.1f} s behind"
            found.append(Finding("database host", verdict, said, remedy))
        else:
            said = f"{one.host or 'the server'} is the primary; {one.standbys} standbys follow it"
            found.append(Finding("database host", "ok", said))
    if sum(not one.is_standby and one.error is None for one in standing) > 1:
        found.append(Finding("database host", "wrong", "more than one takes writes", "stop all but the right one"))
    return found


async def _clock(pool: Pool) -> Finding:
    from dispatch.clock import Clock, Reading
    from storage import clock
    from storage.tools import doctor

    async with pool.connection() as conn:
        row = await clock.get(conn)
        before = time.time()
        theirs = await doctor.real_now(conn)
        ours = (before + time.time()) / 2
    assert row is not None and theirs is not None, "the migrations make the clock's row"
    skew = theirs.timestamp() - ours
    if abs(skew) > _MOST_SKEW_S:
        return Finding("clock", "wrong", f"the database's is {skew:+.1f} s off", "synchronise both with NTP")
    ahead_s = Clock(Reading(row.real_at, row.app_at, row.speed)).ahead_s
    if row.speed != 1.0 or abs(ahead_s) >= 1.0:
        return Finding(
            "clock", "note", f"the domain's time runs at {row.speed:g}x and is {ahead_s / 3600:+.1f} hours away",
            "left by a demo or a simulation: use another --data folder for real work, or remove this one to begin anew",
        )  # fmt: skip
    return Finding("clock", "ok", "the database agrees with this machine")


async def _people(pool: Pool) -> list[Finding]:
    from storage.tools import doctor

    async with pool.connection() as conn:
        counts = await doctor.counts(conn)
    assert counts is not None, "a row of counts is always there"
    zones = (
        Finding("zones", "ok", f"{counts.zones} active")
        if counts.zones
        else Finding("zones", "note", "none: everywhere is served", "dispatch zones import FILE")
    )
    technicians = (
        Finding("technicians", "ok", f"{counts.technicians} known")
        if counts.technicians
        else Finding("technicians", "note", "none: nothing can be assigned", "dispatch seed, or let them sign up")
    )
    late = Finding("work", "ok", "nothing is overdue")
    if counts.overdue:
        late = Finding("work", "note", f"{counts.overdue} bookings wait for a server", "dispatch serve")
    return [zones, technicians, late]


async def _neighbours(settings: Settings) -> list[Finding]:
    return [*await replica_of(settings), await _redis(settings), await _gateway(settings)]


async def replica_of(settings: Settings) -> list[Finding]:
    """Whether the read replica answers; without it the server works."""
    from storage.database import hosts

    found: list[Finding] = []
    if settings.database.replica_url is None:
        return found
    try:
        standing = await hosts.standing(settings.database.replica_url.get_secret_value())
    except Exception as error:  # whatever it is, it is the finding
        return [Finding("read replica", "wrong", _first_line(error), "check DISPATCH_DATABASE__REPLICA_URL")]
    for one in standing:
        if one.error is not None:
            remedy = "check DISPATCH_DATABASE__REPLICA_URL and that it runs; the primary answers analytics meanwhile"
            found.append(Finding("read replica", "wrong", f"{one.host}: {one.error}", remedy))
        else:
            said = f"{one.host or 'it'} answers, {one.behind_s:.1f} s behind"
            found.append(Finding("read replica", "note" if one.behind_s > _MOST_BEHIND_S else "ok", said))
    return found


async def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", "ok", "not used: one process needs none")
    from storage.redis import ping

    try:
        await ping(settings.redis_url)
    except Exception as error:  # whatever it is, it is the finding
        return Finding("redis", "wrong", _first_line(error), "check REDIS_URL and that it runs")
    return Finding("redis", "ok", "answers")


async def _gateway(settings: Settings) -> Finding:
    if not settings.payments.is_configured:
        return Finding("gateway", "note", "no keys: online payment answers 503", "set DISPATCH_PAYMENTS__KEY_ID, ...")
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_NETWORK_S)) as session,
            session.get(settings.payments.base_url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        said = f"{settings.payments.base_url}: {_first_line(error)}"
        return Finding("gateway", "wrong", said, "check DISPATCH_PAYMENTS__BASE_URL and the network")
    return Finding("gateway", "ok" if status < 500 else "wrong", f"{settings.payments.base_url} answers {status}")


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    colours: Callable[[Verdict], str] = {"ok": "green", "note": "yellow", "wrong": "bold red"}.__getitem__
    table = Table("", "what", "seen", "what to do", box=None, pad_edge=False)
    for f in findings:
        table.add_row(f"[{colours(f.verdict)}]{f.verdict}[/]", f.what, f.seen.replace("[", "\\["), f.remedy)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
