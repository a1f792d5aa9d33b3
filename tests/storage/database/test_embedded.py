"""The embedded server: one per folder, nothing lost by kill -9, and refusals in words."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dispatch.loops import end
from storage.database import embedded
from storage.database.embedded import (
    LOOK_S,
    RESPAWN_S,
    SAFE,
    EmbeddedError,
    EmbeddedPostgres,
    default_home,
    find_binaries,
    has_data,
    is_running,
)
from tests.ownership import account, check_house, check_processes, postmaster

#: Runs in a process of its own: starts the server, commits a row, says so, and waits to be killed.
CRASHES = """
import asyncio, asyncpg, sys, time
from pathlib import Path
from storage.database.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
dsn = server.start()
async def write():
    conn = await asyncpg.connect(dsn)
    await conn.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await conn.execute("INSERT INTO kept VALUES (7)")
    await conn.close()
asyncio.run(write())
print((Path(sys.argv[1]) / "db" / "pgdata" / "postmaster.pid").read_text().split()[0], flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: as root the server runs as another account, which cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="dispatch-embedded-"))
    folder.chmod(0o711)
    yield folder / "a folder with spaces & 100%"
    shutil.rmtree(folder, ignore_errors=True)


def crash_after_a_row(home: Path, *, with_database: bool) -> None:
    """A server that acknowledged a row is killed with -9, its database before it or not."""
    child = subprocess.Popen([sys.executable, "-c", CRASHES, str(home)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child:
        database_pid = int(child.stdout.readline())
        if with_database:
            os.kill(database_pid, signal.SIGKILL)
        child.kill()


async def value(dsn: str, query: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def test_starts_stops_and_keeps_what_it_has(home: Path) -> None:
    server = EmbeddedPostgres(home)
    dsn = server.start()
    try:
        assert is_running(home)
        assert await value(dsn, "SHOW fsync") == "on"
        assert await value(dsn, "SHOW listen_addresses") == ""
        await value(dsn, "CREATE TABLE kept (n int)")
        with pytest.raises(EmbeddedError, match="Another server runs on"):
            EmbeddedPostgres(home).start()
        assert await value(dsn, "SELECT count(*) FROM kept") == 0
    finally:
        server.stop()
    assert not is_running(home)
    server.stop()
    again = EmbeddedPostgres(home)
    try:
        assert await value(again.start(), "SELECT count(*) FROM kept") == 0
    finally:
        again.stop()


@pytest.mark.parametrize("with_database", [False, True])
async def test_kill_9_loses_no_acknowledged_row(home: Path, with_database: bool) -> None:
    crash_after_a_row(home, with_database=with_database)
    server = EmbeddedPostgres(home)
    try:
        assert await value(server.start(timeout_s=60), "SELECT sum(n) FROM kept") == 7
    finally:
        server.stop()


def test_another_version_s_data_is_refused_in_words(home: Path) -> None:
    (home / "pgdata").mkdir(parents=True)
    (home / "pgdata" / "PG_VERSION").write_text("9\n")
    words = (
        r"^The data in .* is PostgreSQL 9's, and there are no programs of that version in /usr/lib/postgresql/\*/bin, "
        r"PATH or the wheel of dispatch-server\[embedded\] \(found: \d+.*\): install postgresql-9, or choose another "
        r"--data folder\.$"
    )
    with pytest.raises(EmbeddedError, match=words):
        EmbeddedPostgres(home).start()
    assert not is_running(home)


def test_programs_are_those_of_the_version_that_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the wheel, in the system's folders, behind links in PATH."""
    for place in ("system/15/bin", "system/9.6/bin", "system/17/bin", "own/bin"):
        (home / place).mkdir(parents=True)
        (home / place / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.4 (built here)'\n")
        (home / place / "postgres").chmod(0o755)
    (home / "links").mkdir()
    (home / "links" / "postgres").symlink_to(home / "own" / "bin" / "postgres")
    monkeypatch.setattr(embedded, "SYSTEM", home / "system")
    monkeypatch.setenv("PATH", f"{home / 'links'}:{home / 'nowhere'}")
    assert find_binaries().parent.name.startswith("pginstall")
    assert find_binaries(int(find_binaries().parent.name.removeprefix("pginstall"))) == find_binaries()
    assert find_binaries(17) == home / "system" / "17" / "bin"
    assert find_binaries(15) == home / "system" / "15" / "bin"
    assert find_binaries(16) == home / "own" / "bin"
    with pytest.raises(EmbeddedError, match=r"^It is PostgreSQL 14's, .*\(found: \d+, 17, 15, 16\): install postg"):
        find_binaries(14, "It")


def test_an_unfinished_first_start_is_begun_again(home: Path) -> None:
    (home / "db" / "pgdata.new").mkdir(parents=True)
    (home / "db" / "pgdata.new" / "PG_VERSION").write_text("9\n")
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    assert not (home / "db" / "pgdata.new").exists()


def test_a_path_that_no_socket_can_have_is_refused_in_words(home: Path) -> None:
    with pytest.raises(EmbeddedError, match="choose another --data folder"):
        EmbeddedPostgres(home / ("x" * 100)).start()


def test_a_file_in_the_way_is_refused_in_words(home: Path) -> None:
    home.write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        EmbeddedPostgres(home).start()


def test_data_that_may_not_be_looked_at_is_told_in_words(home: Path) -> None:
    """A link to itself: like somebody else's folder it is there and cannot be entered; by root neither."""
    (home / "db").mkdir(parents=True)
    (home / "db" / "pgdata").symlink_to(home / "db" / "pgdata")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        EmbeddedPostgres(home).start()
    assert not is_running(home)
    with pytest.raises(EmbeddedError, match="cannot be used .File name too long."):
        has_data(home / ("x" * 300))


def test_bad_settings_are_reported_with_the_server_s_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.embedded.LINGER_S", 0.0)
    with pytest.raises(EmbeddedError, match="did not start: .*max_connections"):
        EmbeddedPostgres(home, {**SAFE, "max_connections": "none"}).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_is_told_when_nobody_cannot_reach_the_folder(home: Path) -> None:
    home.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match="which cannot enter"):
        EmbeddedPostgres(home / "inside").start()


def test_the_default_folder() -> None:
    here = default_home()
    assert here.is_absolute()
    assert (here == Path("/var/lib/dispatch")) == (os.geteuid() == 0)


def give_all_away(home: Path) -> None:
    (home / "files" / "ab").mkdir(parents=True)
    (home / "files" / "ab" / "photo").touch(mode=0o600)
    (home / "files").chmod(0o700)
    (home / "postgres.log").chmod(0o666)
    for path in (home, *home.rglob("*")):
        os.chown(path, account()[0], -1)


async def test_what_an_older_version_made_is_taken_over(home: Path) -> None:
    """There everything lay in the outer folder, which was the database's account's and open to others, and was the
    superuser's, in the database postgres."""
    server = EmbeddedPostgres(home)
    dsn = server.start()
    as_superuser = dsn.replace("dispatch@/dispatch", "postgres@/postgres")
    conn = await asyncpg.connect(as_superuser)
    await conn.execute("DROP DATABASE dispatch")
    await conn.execute("DROP ROLE dispatch")
    await conn.execute("CREATE TYPE mood AS ENUM ('calm')")
    await conn.execute("CREATE TABLE kept (n int GENERATED ALWAYS AS IDENTITY, m mood)")
    await conn.execute("CREATE SEQUENCE numbers")
    await conn.execute("CREATE TABLE counted (n serial)")
    await conn.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    await conn.execute("INSERT INTO kept (m) VALUES ('calm')")
    await conn.close()
    server.stop()
    (home / "role").unlink()
    (home / "db" / "pgdata").rename(home / "pgdata")
    give_all_away(home)
    again = EmbeddedPostgres(home)
    dsn = again.start()
    try:
        assert await value(dsn, "SELECT count(*) FROM kept") == 1
        await value(dsn, "ALTER TABLE kept ADD COLUMN more int")
        await value(dsn, "ALTER TYPE mood ADD VALUE 'glad'")
        await value(dsn, "DROP FUNCTION one()")
        assert await value(dsn, "SELECT nextval('numbers')") == 1
        await value(dsn, "INSERT INTO counted DEFAULT VALUES")
        check_house(home)
    finally:
        again.stop()


async def test_whose_everything_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and programs of the database are its account's and nothing else is; the application is no superuser."""
    ran: list[tuple[str, dict[str, Any]]] = []

    class Watched(subprocess.Popen[Any]):
        def __init__(self, args: list[str], **more: Any) -> None:
            ran.append((Path(args[0]).name, more))
            super().__init__(args, **more)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    server = EmbeddedPostgres(home)
    dsn = server.start()
    try:
        assert await value(dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert await value(dsn, owner) == "dispatch"
        assert check_processes(postmaster(home)) > 4
        check_house(home)
        wanted = account() if os.geteuid() == 0 else (None, None)
        assert {name for name, _ in ran} == {"initdb", "postgres", "pg_isready"}
        for name, more in ran:
            assert (more.get("user"), more.get("group")) == wanted, name
            assert (more.get("extra_groups") == ()) is (os.geteuid() == 0), name
    finally:
        server.stop()
    check_house(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives anything away")
@pytest.mark.parametrize("name", ["lock", "postgres.log", "role", "db", "files/ab/photo"])
@pytest.mark.parametrize("is_second_name", [False, True], ids=["link", "second name"])
def test_nothing_is_written_behind_a_link_that_was_laid(home: Path, name: str, is_second_name: bool) -> None:
    """While the folder was the database's account's, that account could lay there what leads to root's own files."""
    target = home.parent / "of root"
    target.write_text("untouched")
    (home / name).parent.mkdir(parents=True)
    if is_second_name:
        (home / name).hardlink_to(target)
    else:
        (home / name).symlink_to(target)
        os.chown(home / name, account()[0], -1, follow_symlinks=False)
    os.chown(home, account()[0], -1)
    for _ in range(2):
        with pytest.raises(EmbeddedError, match="may lead anywhere"):
            EmbeddedPostgres(home).start()
    assert (target.read_text(), target.stat().st_uid) == ("untouched", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives anything away")
def test_what_a_link_in_the_database_leads_to_is_not_given_away(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.inner.mkdir(parents=True)
    target = home.parent / "of root"
    target.write_text("")
    (server.inner / "link").symlink_to(target)
    server.give_inner()
    assert target.stat().st_uid == 0 and (server.inner / "link").lstat().st_uid == account()[0]


def test_lock_files_that_a_crash_left_are_no_obstacle(home: Path) -> None:
    """Empty ones, ones of nobody, and the number of a living process of the same account."""
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    other = subprocess.Popen(["sleep", "600"], user=account()[0], cwd="/")
    try:
        for left in ("", "\n", "99999999\n", "1\n/elsewhere\n", f"{other.pid}\n{server.data}\n"):
            for name in ("pgdata/postmaster.pid", ".s.PGSQL.5432.lock"):
                (home / "db" / name).write_text(left)
            server.start()
            server.stop()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def until_busy(dsn: str) -> None:
    """Returns when somebody works in the database."""
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(60):
        while not await value(dsn, busy):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)


class Spawns:
    """In the place of subprocess.Popen: counts how often the database is started, and lets the first ones die."""

    def __init__(self, deaths: int = 0) -> None:
        self.real, self.deaths, self.count = subprocess.Popen, deaths, 0

    def __call__(self, command: list[str], **more: Any) -> Any:
        if Path(command[0]).name == "postgres":
            self.count += 1
            if self.count <= self.deaths:
                dead = self.real(["true"])
                dead.wait()
                return dead
        return self.real(command, **more)


async def test_a_database_that_does_not_stay_is_given_up_within_five_seconds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the supervisor's own clock: it starts one at every look, and ends when the last of five seconds is over."""
    server = EmbeddedPostgres(home)
    server.start()
    looks = 0

    async def look(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert seconds == LOOK_S

    try:
        os.kill(postmaster(home), signal.SIGKILL)
        while is_alive(postmaster(home)):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.01)
        spawns = Spawns(deaths=1000)
        monkeypatch.setattr(subprocess, "Popen", spawns)
        with pytest.raises(EmbeddedError, match="does not start again"):
            await server.keep_running(sleep=look, now=lambda: looks * LOOK_S)
        assert RESPAWN_S <= 5
        assert (spawns.count, looks) == (RESPAWN_S / LOOK_S, RESPAWN_S / LOOK_S + 1)
    finally:
        server.stop()


def is_alive(pid: int) -> bool:
    """A zombie is dead already."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_database_that_is_killed_is_started_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first look: what it was busy with when it died does not keep the next one out."""
    server = EmbeddedPostgres(home)
    dsn = server.start()
    busy = await asyncpg.connect(dsn)
    working = asyncio.create_task(busy.execute("DO $$ BEGIN LOOP END LOOP; END $$"))
    await until_busy(dsn)
    spawns = Spawns()
    monkeypatch.setattr(subprocess, "Popen", spawns)
    keeping = asyncio.create_task(server.keep_running())
    try:
        os.kill(postmaster(home), signal.SIGKILL)
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await value(dsn, "SELECT 1") == 1
                    break
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.1)
        assert not keeping.done()
        assert spawns.count == 1
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await working
    finally:
        await end([keeping])
        server.stop()


async def test_what_another_postgres_is_asked_with_here_is_not_ours(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said in {"PGPORT": "5433", "PGSSLMODE": "require", "PGSERVICE": "of-somebody-else"}.items():
        monkeypatch.setenv(name, said)
    server = EmbeddedPostgres(home)
    try:
        assert await value(server.start(timeout_s=60.0), "SELECT 1") == 1
    finally:
        server.stop()


def test_whoever_has_no_home_gets_a_folder_that_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> Any:
        raise KeyError(number)

    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    assert default_home() == Path("/var/lib/dispatch")


def test_what_was_wrong_long_ago_is_no_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LINGER_S", 0.0)
    programs = home.parent / "bin"
    for folder in (programs, home / "db" / "pgdata"):
        folder.mkdir(parents=True)
    for name in ("postgres", "pg_isready"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    (home / "db" / "pgdata" / "PG_VERSION").write_text("18\n")
    (home / "role").touch()
    (home / "postgres.log").write_text("2026-01-01 UTC [7] FATAL:  no room in January\n")
    with pytest.raises(EmbeddedError, match="it did not say why") as caught:
        EmbeddedPostgres(home, binaries=programs).start()
    assert "January" not in str(caught.value)
