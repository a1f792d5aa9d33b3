"""A whole copy, the log since, kill -9, and everything that was fetched is there again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from dispatch.cli.backups import measured
from dispatch.cli.doctor import backup_of, log_kept
from dispatch.config import Settings
from dispatch.config.stores import Backup
from dispatch.process import backups
from dispatch.process.backups import HasData, NoBackups, NoDatabase
from storage import files
from storage.database import copies, embedded
from storage.database.copies import CopyFailed
from storage.database.embedded import FAST, EmbeddedError, EmbeddedPostgres, has_data
from storage.database.migrate import migrate_dsn
from storage.database.pool import create_pool
from tests.databases import dsn_to
from tests.ownership import check_closed, check_house, check_processes, postmaster

KEY, UNKNOWN = "ab/" + "c" * 32, "ab/" + "d" * 32
NOTE = "INSERT INTO contact_submissions (name, email, subject, message) VALUES ($1, 'a@b.example', 's', 'm')"


@pytest.fixture
def place() -> Iterator[Path]:
    # Not tmp_path: as root the server runs as another account, which cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="dispatch-backups-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def settings_at(place: Path, **backup: Any) -> Settings:
    return Settings(env="test", data=place / "house", backup=Backup(folder=place / "kept", **backup))


async def ask(dsn: str, sql: str, *values: Any) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(sql, *values)
    finally:
        await conn.close()


async def names(dsn: str) -> list[str]:
    return list(await ask(dsn, "SELECT array_agg(name ORDER BY name) FROM contact_submissions") or [])


async def note_file(dsn: str, key: str) -> None:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.transaction() as conn:
            await files.stage(
                conn, owner_kind="house", owner_id=None, purpose="attachment", name="photo", media_type="image/png",
                bytes=7, sha256=b"s" * 32, store_key=key, made_by="staff", keep_days=None,
            )  # fmt: skip
    finally:
        await pool.close()


async def test_killed_and_restored(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_at(place)
    # A disk that was mounted there may be entered by everybody: what is laid onto it is closed all the same.
    (place / "kept").mkdir(mode=0o755)
    server = EmbeddedPostgres(settings.data, FAST)
    dsn = server.start()
    try:
        await migrate_dsn(dsn)
        await ask(dsn, NOTE, "a, before the copy")
        stored = settings.data / "files" / KEY
        stored.parent.mkdir(parents=True)
        stored.write_bytes(b"a photo")
        await note_file(dsn, KEY)
        (settings.data / "files" / UNKNOWN).write_bytes(b"of somebody who is forgotten")
        first = await backups.run(settings)
        assert first.whole is not None and first.files == 2
        await ask(dsn, NOTE, "b, in the log")
        assert (await backups.run(settings)).whole is None, "one whole copy a day"
        between = await ask(dsn, "SELECT clock_timestamp()")
        await ask(dsn, NOTE, "c, later in the log")
        stored.unlink()
        second = await backups.run(settings)
        assert second.reached > between
        await ask(dsn, NOTE, "d, never fetched")
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    finally:
        server.stop()

    kept = settings.backup.folder
    assert kept is not None
    capsys.readouterr()
    assert await measured(settings, kept, place / "drill") == 0
    said = capsys.readouterr().out
    assert "recovery time" in said and "recovery point" in said and "not sound" not in said

    earlier = settings.model_copy(update={"data": place / "earlier"})
    async with backups.restored(earlier, kept, earlier.data, between) as made:
        assert await names(made.dsn) == ["a, before the copy", "b, in the log"]
        assert made.last_commit is not None and made.last_commit <= between
        assert check_processes(postmaster(earlier.data)) > 4
        known = await backups.known_files(made.dsn)
    assert backups.put_files_back(earlier, kept, known) == 1, "also what was deleted meanwhile"
    assert not (earlier.data / "files" / UNKNOWN).exists()
    listed = settings.model_copy(update={"data": place / "listed"})
    async with backups.restored(listed, kept, listed.data, first.whole.at.replace(microsecond=0)) as made:
        assert await names(made.dsn) == ["a, before the copy"], "the moment as it is listed"
    assert (earlier.data / "files" / KEY).read_bytes() == b"a photo"
    check_house(earlier.data)
    check_closed(kept)
    assert {p.stat().st_uid for p in kept.rglob("*")} == {os.geteuid()}
    with pytest.raises(HasData):
        async with backups.restored(earlier, kept, earlier.data, None):
            pass

    # What the drill has left is a server like any other, and its backups are a history of their own.
    anew = settings.model_copy(update={"data": place / "drill"})
    again = EmbeddedPostgres(anew.data, FAST)
    dsn = again.start()
    try:
        assert await names(dsn) == ["a, before the copy", "b, in the log", "c, later in the log"]
        await ask(dsn, NOTE, "e, afterwards")
        made_anew = await backups.run(anew)
        assert made_anew.whole is not None and made_anew.whole.log != first.whole.log
        assert backups.choose(kept, between).folder == first.whole.folder
        with pytest.raises(NoBackups, match="No backup reaches"):
            backups.choose(kept, first.whole.at - timedelta(seconds=1))
        # Somebody has dropped the slot, and what it kept is gone: all begins anew, and nothing leads across the hole.
        await ask(again.admin_dsn, "SELECT pg_drop_replication_slot('dispatch_backup')")
        await ask(again.admin_dsn, "SELECT pg_switch_wal()")
        await ask(again.admin_dsn, "CHECKPOINT")
        after = await backups.run(anew)
        assert after.whole is not None and after.reached > made_anew.reached
        bare = Settings(env="test", data=anew.data)
        assert await log_kept(anew, dsn) == []
        assert [(f.verdict, "4GB" in f.seen) for f in await log_kept(bare, dsn)] == [("note", True)]
        await backups.forget(bare)
        assert await log_kept(bare, dsn) == []
    finally:
        again.stop()
    endless = EmbeddedPostgres(anew.data, {**FAST, "max_slot_wal_keep_size": copies.NO_LIMIT})
    dsn = endless.start()
    try:
        with pytest.raises(CopyFailed, match="set max_slot_wal_keep_size"):
            await backups.run(anew)
        await ask(endless.admin_dsn, "SELECT pg_create_physical_replication_slot('dispatch_backup', true)")
        assert [f.verdict for f in await log_kept(anew, dsn)] == ["wrong"]
        await backups.run(settings_at(place, method="dump").model_copy(update={"data": anew.data}), full=True)
        assert await copies.most_kept(dsn) is None, "what dumps needs no log"
    finally:
        endless.stop()

    archive = first.whole.folder / copies.ARCHIVE
    archive.write_bytes(archive.read_bytes()[:-50_000])
    with pytest.raises(CopyFailed, match="cannot be read"):
        async with backups.restored(settings, kept, place / "damaged", between):
            pass
    assert not (place / "damaged").exists()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


async def test_a_restore_that_fails_leaves_what_was_there_and_may_be_tried_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(place)
    server = EmbeddedPostgres(settings.data, FAST)
    server.start()
    try:
        await backups.run(settings)
    finally:
        server.stop()
    kept, home, key = place / "kept", place / "above" / "new", place / "above" / "new" / "vault_keys.json"

    async def restore() -> None:
        async with backups.restored(settings, kept, home, None) as made:
            assert await ask(made.dsn, "SELECT 1") == 1
            if not key.exists():
                raise ZeroDivisionError

    def unpacked(folder: Path, data: Path) -> None:
        unpack(folder, data)
        raise CopyFailed("the disk is full")

    unpack = copies.unpack
    for has_key in (False, True):
        if has_key:
            home.mkdir(parents=True)
            key.write_text("{}")
        with monkeypatch.context() as broken:
            broken.setattr(copies, "unpack", unpacked)
            with pytest.raises(CopyFailed, match="the disk is full"):
                await restore()
        assert names_in(place / "above") == ({"new", "vault_keys.json"} if has_key else set())
        assert (place / "above").exists() is has_key
    with monkeypatch.context() as broken:
        broken.setattr(embedded, "LINGER_S", 0.0)
        broken.setattr(copies, "recovery_settings", lambda *_: {"max_connections": "none"})
        with pytest.raises(EmbeddedError, match="did not start: .*max_connections"):
            await restore()
    assert names_in(home) == {"vault_keys.json", "postgres.log"}
    key.unlink()
    with pytest.raises(ZeroDivisionError):
        await restore()
    assert names_in(home) == {"postgres.log"}
    key.write_text("{}")
    await restore()
    assert has_data(home)


def test_files_are_all_put_back_or_none(place: Path) -> None:
    settings, kept = settings_at(place), place / "kept"
    for name in (KEY, UNKNOWN):
        (kept / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / "files" / name).write_bytes(b"a photo")
    (kept / "files" / UNKNOWN).unlink()
    (kept / "files" / UNKNOWN).mkdir()
    for was_there in (False, True):
        if was_there:
            (settings.data / "files").mkdir(parents=True)
        with pytest.raises(OSError, match=UNKNOWN):
            backups.put_files_back(settings, kept, {KEY, UNKNOWN})
        assert names_in(settings.data) == ({"files"} if was_there else set())
    assert backups.put_files_back(settings, kept, {KEY}) == 1


@pytest.fixture
def given(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """A server of another version than the embedded one's, as somebody else runs it."""
    ours, *others = embedded.installed()
    other = next((one for one in others if one[0] != ours[0]), None)
    if other is None:
        pytest.skip("there is one version of PostgreSQL here")
    server = EmbeddedPostgres(place / "given", FAST)
    with monkeypatch.context() as theirs:
        theirs.setattr(embedded, "installed", lambda: iter([other]))
        server.start()
    yield server
    server.stop()


async def test_a_backup_of_another_version_is_restored_by_its_programs_or_told_beforehand(
    place: Path, given: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_at(place).model_copy(update={"database_url": given.admin_dsn})
    await ask(given.admin_dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    made = await backups.run(settings)
    assert made.whole is not None
    assert caplog.messages == [] and backup_of(settings).verdict == "ok"
    wanted = f"is PostgreSQL {made.whole.version // 10000}'s, and there are no programs of that version in "
    with monkeypatch.context() as alone:
        ours = next(embedded.installed())
        alone.setattr(embedded, "installed", lambda: iter([ours]))
        await backups.run(settings)
        [warned], found = caplog.messages, backup_of(settings)
        assert wanted in warned and found.verdict == "note" and wanted in found.seen
        with pytest.raises(EmbeddedError, match=wanted):
            async with backups.restored(settings, place / "kept", place / "new", None):
                pass
        assert not (place / "new").exists()
    async with backups.restored(settings, place / "kept", place / "new", None) as restored:
        assert await ask(restored.dsn, "SELECT n FROM kept") == 7
    again = EmbeddedPostgres(place / "new")
    again.start()
    again.stop()


async def test_a_dump_of_another_version_goes_into_another_one_whole_or_not_at_all(
    place: Path, given: EmbeddedPostgres
) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": given.admin_dsn})
    # What looks like a setting and is somebody's words.
    words = "SET transaction_timeout = 0;"
    await ask(given.admin_dsn, f"CREATE TABLE kept AS SELECT n, '{words}' AS said FROM generate_series(1, 9999) n")
    made = await backups.run(settings)
    assert made.whole is not None
    await ask(given.admin_dsn, "CREATE DATABASE empty")
    target = settings.model_copy(update={"database_url": given.admin_dsn.replace("/postgres?", "/empty?")})
    dump = made.whole.folder / "database.dump"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-2_000])
    with pytest.raises(CopyFailed, match="pg_restore failed: .*end of file"):
        await backups.undump(target, place / "kept", None)
    assert await copies.is_empty(target.database_url)
    dump.write_bytes(whole)
    await backups.undump(target, place / "kept", None)
    assert await ask(target.database_url, "SELECT count(*) FROM kept WHERE said = $1", words) == 9999


def whole_at(folder: Path, at: datetime, *, history: str = "7-1") -> Path:
    made = folder / history / ("" if history == "dumps" else "base") / f"{at:%Y%m%dT%H%M%SZ}"
    made.mkdir(parents=True)
    said = {"at": at.isoformat(), "version": 180004, "user": "u", "database": "d", "took_s": 1.0, "bytes": 1}
    (made / "whole.json").write_bytes(orjson.dumps(said))
    return made


def dump_at(folder: Path, at: datetime) -> Path:
    made = whole_at(folder, at, history="dumps")
    (made / "database.dump").touch()
    return made


def test_a_dump_is_of_its_moment_and_leads_to_all_later_ones(place: Path) -> None:
    kept, at = place / "kept", datetime(2026, 3, 31, 12, 0, 5, 250_000, tzinfo=UTC)
    dumps = [dump_at(kept, at + timedelta(days=days)) for days in (0, 1)]
    for until, chosen in ((at.replace(microsecond=0), 0), (at + timedelta(hours=3), 0), (at + timedelta(days=9), 1)):
        assert backups.choose(kept, until).folder == dumps[chosen]
    with pytest.raises(NoBackups):
        backups.choose(kept, at - timedelta(seconds=1))


async def test_a_dump_goes_into_an_empty_database(place: Path, fresh_dsn: str, databases: Any) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    await ask(fresh_dsn, NOTE, "a")
    made = await backups.run(settings)
    assert made.whole is not None and made.whole.is_dump
    assert (await backups.run(settings)).whole is None
    with pytest.raises(HasData):
        await backups.undump(settings, place / "kept", None)
    empty = f"t_{os.getpid()}_undumped"
    await ask(fresh_dsn, f"CREATE DATABASE {empty}")
    target = settings.model_copy(update={"database_url": dsn_to(databases.home, empty)})
    try:
        await backups.undump(target, place / "kept", None)
        assert await names(target.database_url) == ["a"]
    finally:
        await ask(fresh_dsn, f"DROP DATABASE {empty} WITH (FORCE)")
    with pytest.raises(NoDatabase):
        async with backups.restored(settings, place / "kept", place / "new", None):
            pass
    with pytest.raises(NoDatabase):
        await backups.undump(settings.model_copy(update={"database_url": ""}), place / "kept", None)


async def test_half_a_copy_counts_for_nothing_and_goes(
    place: Path, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was under way when it ended: making one, or dropping one that is too old."""
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    kept, rmtree = place / "kept", shutil.rmtree

    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="the disk is gone"):
            await backups.run(settings)
    assert len(list((kept / "dumps").iterdir())) == 1 and backups.wholes(kept) == []
    eldest = dump_at(kept, datetime(2026, 3, 31, 12, tzinfo=UTC))
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", lambda path: fails() if path == eldest else rmtree(path))
        with pytest.raises(OSError, match="the disk is gone"):
            await backups.run(settings)
    [made] = backups.wholes(kept)
    assert eldest.exists() and made.folder != eldest, "its note went first"
    (kept / "6-1" / "base" / "20260330T120000Z").mkdir(parents=True)
    assert (await backups.run(settings)).whole is None
    assert [w.folder for w in backups.wholes(kept)] == list((kept / "dumps").iterdir()) == [made.folder]
    assert not (kept / "6-1").exists(), "of a history without a copy nothing is needed"


async def test_files_that_may_not_be_looked_at_are_not_taken_for_deleted_ones(place: Path, fresh_dsn: str) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    shelf = settings.data / "files" / "ab"
    shelf.mkdir(parents=True)
    (settings.data / "files" / KEY).write_bytes(b"a photo")
    assert (await backups.run(settings)).files == 1
    shelf.rename(shelf.with_name("away"))
    shelf.symlink_to(shelf)
    with pytest.raises(OSError, match=str(shelf)):
        await backups.run(settings)
    assert (place / "kept" / "files" / KEY).read_bytes() == b"a photo"


async def test_what_is_older_than_its_days_goes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whole copy from before the span stays, because the span begins with it; so does the log from there on."""
    settings, now = settings_at(place, keep_days=30), datetime(2026, 3, 31, 12, tzinfo=UTC)
    kept = place / "kept"
    ages = {days: whole_at(kept, now - timedelta(days=days)) for days in (40, 31, 29, 0.5)}
    dead = whole_at(kept, now - timedelta(days=50), history="6-1")
    log = kept / "7-1" / "wal"
    log.mkdir()
    (log / "reached.json").write_bytes(orjson.dumps({"at": now.isoformat()}))
    for n in range(1, 6):
        (log / f"{n:024X}").touch()
    for day in ("2026-02-20", "2026-03-20"):
        (kept / "files" / f"gone-{day}" / "ab").mkdir(parents=True)
    monkeypatch.setattr(copies, "first_segment_of", lambda folder: f"{3:024X}" if folder == ages[31] else "")

    async def nothing(*_: object) -> None:
        """The server has its log in order."""

    async def line(*_: object) -> copies.Line:
        return copies.Line("7", 1, 16, now)

    async def fetched(*_: object) -> datetime:
        return now

    for name, said in (("keep_log", nothing), ("line_of", line), ("fetch_log", fetched)):
        monkeypatch.setattr(copies, name, said)
    assert backup_of(settings).verdict == "wrong", "the log leads to long ago"
    (log / "reached.json").write_bytes(orjson.dumps({"at": datetime.now(UTC).isoformat()}))
    assert backup_of(settings).verdict == "ok"
    (log / "reached.json").write_bytes(orjson.dumps({"at": now.isoformat()}))
    made = await backups.run(settings)
    assert made.dropped == 2
    assert (await backups.run(settings)).dropped == 0
    assert [w.folder for w in backups.wholes(kept)] == [ages[31], ages[29], ages[0.5]]
    assert not dead.parents[1].exists()
    assert [p.name for p in copies.segments(log)] == [f"{n:024X}" for n in (3, 4, 5)]
    assert [p.name for p in (kept / "files").iterdir()] == ["gone-2026-03-20"]
