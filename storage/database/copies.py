"""Copies of a whole PostgreSQL: a base, the write-ahead log since, and a server's data made of both again.

PostgreSQL's own programs do it (pg_basebackup, pg_receivewal, pg_dump, pg_restore), over an ordinary connection of a
role that may replicate. A slot keeps the log on the server until it was fetched.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.database.embedded import SYSTEM, EmbeddedError, find_binaries
from storage.database.hosts import without_password
from storage.database.pool import connected

#: Under this name the server keeps the log for us.
SLOT = "dispatch_backup"
#: The longest that one of PostgreSQL's programs may take, in seconds.
LIMIT_S = 6 * 3600.0
_MOST_WORDS = 600
#: A base is this archive and the list of what must be in it.
ARCHIVE, MANIFEST = "base.tar.gz", "backup_manifest"
#: What a server says that no longer has what is asked for.
_LOST = ("has already been removed", "can no longer get changes", "has been invalidated")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
#: What a script of pg_restore of 17 or later begins with and an older server refuses, and what comes after it.
_SINCE_17, _AFTER_SETTINGS = b"SET transaction_timeout = 0;\n", b"SET client_encoding"
_PIECE_BYTES = 1024 * 1024
_FIRST = re.compile(r"\(file ([0-9A-F]{24})\)")


class CopyFailed(RuntimeError):
    """A copy could not be made, or is not what it should be; the message says why."""


class LogLost(CopyFailed):
    """The server no longer has the log that was to be fetched next: a new base is needed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One history of one cluster: what a promoted standby or a restored copy writes is another."""

    system_id: str
    timeline: int
    version: int
    now: datetime

    @property
    def name(self) -> str:
        return f"{self.system_id}-{self.timeline}"


_LINE = """
SELECT (SELECT system_identifier::text FROM pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
  current_setting('server_version_num')::int, clock_timestamp()
"""
_DROP_SLOT = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1"
_HAS_TABLES = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
_REACHED = "SELECT pg_current_wal_flush_lsn()::text AS lsn, clock_timestamp() AS now"
_HAS_SLOT = "SELECT wal_status IS DISTINCT FROM 'lost' FROM pg_replication_slots WHERE slot_name = $1"
_MOST_KEPT = "SELECT current_setting('max_slot_wal_keep_size')"
_MOST_KEPT_FOR_US = f"{_MOST_KEPT} FROM pg_replication_slots WHERE slot_name = $1"
#: What a server says that keeps the log for as long as it takes.
NO_LIMIT = "-1"


async def line_of(dsn: str) -> Line:
    """Which history is written there, and its clock."""
    async with connected(dsn) as conn:
        row = await conn.fetchrow(_LINE)
    assert row is not None, "it has no FROM"
    system_id, timeline, version, now = row
    return Line(system_id, int(timeline, 16), version, now)


async def known_as(dsn: str) -> tuple[str, str]:
    """User and database, as the server knows them, wherever they stand in the DSN or came from."""
    async with connected(dsn) as conn:
        row = await conn.fetchrow("SELECT session_user, current_database()")
    assert row is not None, "it has no FROM"
    return row[0], row[1]


async def keep_log(dsn: str) -> None:
    """From now on the server keeps its log until we have fetched it.

    Raises LogLost: it has lost some of it; CopyFailed: it would keep it without end. A slot that is there already is
    used all the same, because fetching is what makes it smaller.
    """
    async with connected(dsn) as conn:
        is_whole = await conn.fetchval(_HAS_SLOT, SLOT)
        if is_whole is None:
            if await conn.fetchval(_MOST_KEPT) == NO_LIMIT:
                raise CopyFailed(
                    "The server would keep its log for a backup that nobody fetches any more until its disk is full: "
                    "set max_slot_wal_keep_size there, such as 16GB, and reload it."
                )
            await conn.execute("SELECT pg_create_physical_replication_slot($1, true)", SLOT)
    if is_whole is False:
        raise LogLost("the slot holds less than it should")


async def forget_log(dsn: str) -> None:
    """The server need not keep its log any more."""
    async with connected(dsn) as conn:
        await conn.execute(_DROP_SLOT, SLOT)


async def most_kept(dsn: str) -> str | None:
    """How much log the server keeps for us at most, as PostgreSQL says it, or NO_LIMIT; None where it keeps none."""
    async with connected(dsn) as conn:
        return await conn.fetchval(_MOST_KEPT_FOR_US, SLOT)  # type: ignore[no-any-return]


async def base(dsn: str, folder: Path, version: int) -> None:
    """The whole cluster as it is now, compressed, with the log that makes it consistent. Raises CopyFailed."""
    await _run(
        version, "pg_basebackup", dsn, "-D", str(folder), "--format=tar", "--compress=client-gzip:1",
        "--wal-method=fetch", "--checkpoint=fast", "--label=dispatch", "--manifest-checksums=SHA256",
    )  # fmt: skip


async def fetch_log(dsn: str, folder: Path, version: int) -> datetime:
    """Everything that was committed before now; returns that moment, by the server's clock.

    Raises LogLost, CopyFailed.
    """
    async with connected(dsn) as conn:
        reached = await conn.fetchrow(_REACHED)
        assert reached is not None, "it has no FROM"
        # Something must come behind it, or the fetching program waits for it on a server where nothing happens.
        await conn.execute("SELECT pg_logical_emit_message(true, 'dispatch', 'backup')")
    try:
        await _run(
            version, "pg_receivewal", dsn, "-D", str(folder), f"--slot={SLOT}", f"--endpos={reached['lsn']}",
            "--no-loop",
        )  # fmt: skip
    except CopyFailed as e:
        if any(words in str(e) for words in _LOST):
            raise LogLost(str(e)) from e
        raise
    return reached["now"]  # type: ignore[no-any-return]


async def dump(dsn: str, file: Path, version: int) -> None:
    """One database in pg_dump's own format: for servers that let nobody replicate. Raises CopyFailed."""
    await _run(version, "pg_dump", dsn, "--format=custom", "--no-owner", "--no-privileges", "-f", str(file))


async def undump(dsn: str, file: Path, version: int) -> None:
    """Fills an empty database from a dump, all or nothing, by programs that are no older than `version`: than the
    database's and than the dump's. Raises CopyFailed."""
    bare, env = _environment(dsn)
    restores, fills = _tool("pg_restore", version), _tool("psql", version)
    with tempfile.TemporaryFile() as said:
        try:
            # By way of psql, because what pg_restore says itself is not for every server that it may be asked to fill.
            async with (
                _started(
                    restores, "--file=-", "--no-owner", "--no-privileges", str(file),
                    stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=said,
                ) as script,
                _started(
                    fills, "-d", bare, "--no-password", "--no-psqlrc", "--quiet", "--single-transaction",
                    "--set=ON_ERROR_STOP=1", "--file=-", env=env,
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=said,
                ) as server,
            ):  # fmt: skip
                await asyncio.wait_for(_pour(script, server), LIMIT_S)
        except TimeoutError:
            raise _too_long("pg_restore") from None
        if script.returncode or server.returncode:
            said.seek(0)
            raise CopyFailed(f"pg_restore failed: {_words(said.read())}")


async def _pour(script: Process, server: Process) -> None:
    """What one says to the other, without the setting that servers before 17 do not know. Only a whole script is ended
    as one, and so committed.
    """
    assert script.stdout is not None and server.stdin is not None, "they are pipes"
    try:
        piece = await script.stdout.readuntil(_AFTER_SETTINGS)
    except asyncio.IncompleteReadError as e:
        piece = e.partial
    piece = piece.replace(_SINCE_17, b"")
    try:
        while piece:
            server.stdin.write(piece)
            await server.stdin.drain()
            piece = await script.stdout.read(_PIECE_BYTES)
        if await script.wait() == 0:
            server.stdin.close()
            await server.wait()
    except ConnectionError:
        # It has ended, and said why.
        await server.wait()


async def is_empty(dsn: str) -> bool:
    """Whether nothing stands in the database yet."""
    async with connected(dsn) as conn:
        return not await conn.fetchval(_HAS_TABLES)


def unpack(folder: Path, data: Path) -> None:
    """Makes a data folder of a base, and compares every file with the list. Raises CopyFailed."""
    if others := [p.name for p in folder.glob("*.tar*") if p.name != ARCHIVE]:
        raise CopyFailed(f"The copy has tablespaces ({', '.join(others)}), which are not put back.")
    data.mkdir(mode=0o700)
    # The program is several times as fast as the library, and whoever waits for this waits for the whole service.
    command = ["tar", "-xzf", str(folder / ARCHIVE), "-C", str(data), "--no-same-owner", "--no-same-permissions"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CopyFailed(f"The copy {folder} cannot be read: {done.stderr.strip()}.")
    try:
        listed = json.loads((folder / MANIFEST).read_bytes())["Files"]
    except (OSError, ValueError, KeyError) as e:
        raise CopyFailed(f"The list of the copy {folder} cannot be read: {e}.") from e
    for file in listed:
        path = data / file["Path"]
        if not path.is_file() or path.stat().st_size != file["Size"] or _digest(path) != file["Checksum"]:
            raise CopyFailed(f"The copy {folder} is damaged: {file['Path']} is not what was copied.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_segment(data: Path) -> str:
    """The first piece of the log that an unpacked base needs. Raises CopyFailed."""
    return _first_in((data / "backup_label").read_text())


def first_segment_of(folder: Path) -> str:
    """The same of a packed one: what says so is the first file of the archive. Raises CopyFailed."""
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            if member.name == "backup_label" and (file := archive.extractfile(member)) is not None:
                return _first_in(file.read().decode())
    raise CopyFailed(f"The copy {folder} does not say where its log begins.")


def _first_in(label: str) -> str:
    found = _FIRST.search(label)
    if found is None:
        raise CopyFailed("The copy does not say where its log begins.")
    return found.group(1)


def segments(folder: Path) -> list[Path]:
    """The pieces of the log, the eldest first; the last one may be written only in part. Raises OSError where they may
    not be looked at.
    """
    try:
        return sorted(p for p in folder.iterdir() if _SEGMENT.fullmatch(p.name.removesuffix(".partial")))
    except FileNotFoundError:
        return []


def lay_log(source: Path, target: Path, since: str) -> None:
    """Puts the pieces from `since` on where a server that recovers looks for them."""
    target.mkdir(mode=0o700)
    for piece in segments(source):
        name = piece.name.removesuffix(".partial")
        if name >= since and not (target / name).exists():
            shutil.copyfile(piece, target / name)


def prepare_recovery(data: Path) -> None:
    """A data folder that begins with recovery, and has no settings of the machine that it comes from."""
    for name in ("postgresql.conf", "postgresql.auto.conf", "pg_ident.conf"):
        (data / name).write_text("")
    (data / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\n")
    for name in ("standby.signal", "postmaster.pid"):
        (data / name).unlink(missing_ok=True)
    (data / "recovery.signal").touch()


def recovery_settings(log: str, until: datetime | None) -> dict[str, str]:
    """What a server is started with to recover: it answers when it is done. `log`: where that lies, as seen from the
    data folder, in which the command is run; of a whole path any character may mean something in it.
    """
    found = {
        "hot_standby": "off", "restore_command": f'cp "{log}/%f" "%p"', "recovery_target_timeline": "current",
    }  # fmt: skip
    if until is not None:
        found |= {"recovery_target_time": until.isoformat(), "recovery_target_action": "promote"}
    return found


async def last_commit(dsn: str) -> datetime | None:
    """Of a server that has recovered: the last transaction that it found in the log."""
    async with connected(dsn) as conn:
        return await conn.fetchval("SELECT pg_last_xact_replay_timestamp()")  # type: ignore[no-any-return]


# ---------------------------------------------------------------- PostgreSQL's programs


def _tool(name: str, version: int) -> str:
    """A program that is no older than `version`, the newest that there is. Raises CopyFailed."""
    folders = list(SYSTEM.glob("*/bin"))
    with suppress(EmbeddedError):
        folders.insert(0, find_binaries())
    for folder in (*sorted(folders, key=_major, reverse=True), *map(Path, os.get_exec_path())):
        if (folder / name).exists() and _major(folder) >= version // 10000:
            return str(folder / name)
    raise CopyFailed(
        f"There is no {name} of PostgreSQL {version // 10000} or later here: install postgresql-client, "
        "or pip install 'dispatch-server[embedded]'."
    )


def _major(folder: Path) -> int:
    """Of the folder's programs, by its name: pginstall18 and /usr/lib/postgresql/15; elsewhere we believe it."""
    found = re.search(r"(\d+)$", folder.parent.name)
    return int(found.group(1)) if found else 99


@asynccontextmanager
async def _started(*command: str, **more: Any) -> AsyncIterator[Process]:
    """A program that has ended when the block has, by itself or not."""
    process = await asyncio.create_subprocess_exec(*command, **more)
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        # Not `wait`, which waits for ever while there is something in its pipe that nobody reads.
        await process.communicate()


async def _run(version: int, name: str, dsn: str, *options: str) -> None:
    """Runs one to its end. Raises CopyFailed."""
    bare, env = _environment(dsn)
    try:
        async with _started(
            _tool(name, version), "-d", bare, "--no-password", *options, env=env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        ) as process:  # fmt: skip
            _, said = await asyncio.wait_for(process.communicate(), LIMIT_S)
    except TimeoutError:
        raise _too_long(name) from None
    if process.returncode:
        raise CopyFailed(f"{name} failed: {_words(said)}")


def _too_long(name: str) -> CopyFailed:
    return CopyFailed(f"{name} was not done after {LIMIT_S / 3600:g} hours, and was ended.")


def _words(said: bytes) -> str:
    return (" ".join(said.decode(errors="replace").split()) or "it did not say why")[:_MOST_WORDS]


def _environment(dsn: str) -> tuple[str, dict[str, str]]:
    """The DSN and the environment of one of them: the password stays out of the list of processes."""
    bare, password = without_password(dsn)
    env = {**os.environ, "PGTZ": "UTC", "PGAPPNAME": "dispatch backup"}
    if password is not None:
        env["PGPASSWORD"] = password
    return bare, env
