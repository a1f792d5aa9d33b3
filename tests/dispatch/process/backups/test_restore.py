"""A whole copy, the log since, kill -9, and everything that was fetched is there again."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from dispatch.cli.backups import measured
from dispatch.cli.doctor.backup import backup_of, log_kept
from dispatch.config import Settings
from dispatch.process.backups.files import known_files, put_files_back
from dispatch.process.backups.restore import HasData, NoDatabase, restored, undump
from dispatch.process.backups.run import back_up, forget
from dispatch.process.backups.whole import NoBackups, choose
from storage.database import copies, embedded
from storage.database.copies import CopyFailed
from storage.database.embedded import FAST, EmbeddedError, EmbeddedPostgres, has_data
from storage.database.migrate import migrate_dsn
from tests.databases import dsn_to
from tests.dispatch.process.backups.places import (
    KEY,
    NOTE,
    UNKNOWN,
    ask,
    names,
    names_in,
    note_file,
    settings_at,
    whole_at,
)
from tests.ownership import check_closed, check_house, check_processes, postmaster


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
        first = await back_up(settings)
        assert first.whole is not None and first.files == 2
        await ask(dsn, NOTE, "b, in the log")
        assert (await back_up(settings)).whole is None, "one whole copy a day"
        between = await ask(dsn, "SELECT clock_timestamp()")
        await ask(dsn, NOTE, "c, later in the log")
        stored.unlink()
        second = await back_up(settings)
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

    earlier = settings.model_copy(update={"data": place / "earlier by 50%f & `more`"})
    async with restored(earlier, kept, earlier.data, between) as made:
        assert await names(made.dsn) == ["a, before the copy", "b, in the log"]
        assert made.last_commit is not None and made.last_commit <= between
        assert check_processes(postmaster(earlier.data)) > 4
        known = await known_files(made.dsn)
    assert put_files_back(earlier, kept, known) == 1, "also what was deleted meanwhile"
    assert not (earlier.data / "files" / UNKNOWN).exists()
    listed = settings.model_copy(update={"data": place / "listed"})
    async with restored(listed, kept, listed.data, first.whole.at.replace(microsecond=0)) as made:
        assert await names(made.dsn) == ["a, before the copy"], "the moment as it is listed"
    assert (earlier.data / "files" / KEY).read_bytes() == b"a photo"
    check_house(earlier.data)
    check_closed(kept)
    assert {p.stat().st_uid for p in kept.rglob("*")} == {os.geteuid()}
    with pytest.raises(HasData):
        async with restored(earlier, kept, earlier.data, None):
            pass

    # What the drill has left is a server like any other, and its backups are a history of their own.
    anew = settings.model_copy(update={"data": place / "drill"})
    again = EmbeddedPostgres(anew.data, FAST)
    dsn = again.start()
    try:
        assert await names(dsn) == ["a, before the copy", "b, in the log", "c, later in the log"]
        await ask(dsn, NOTE, "e, afterwards")
        made_anew = await back_up(anew)
        assert made_anew.whole is not None and made_anew.whole.log != first.whole.log
        assert choose(kept, between).folder == first.whole.folder
        with pytest.raises(NoBackups, match="No backup reaches"):
            choose(kept, first.whole.at - timedelta(seconds=1))
        # Somebody has dropped the slot, and what it kept is gone: all begins anew, and nothing leads across the hole.
        await ask(again.admin_dsn, "SELECT pg_drop_replication_slot('dispatch_backup')")
        await ask(again.admin_dsn, "SELECT pg_switch_wal()")
        await ask(again.admin_dsn, "CHECKPOINT")
        after = await back_up(anew)
        assert after.whole is not None and after.reached > made_anew.reached
        bare = Settings(env="test", data=anew.data)
        assert await log_kept(anew, dsn) == []
        assert [(f.verdict, "4GB" in f.seen) for f in await log_kept(bare, dsn)] == [("note", True)]
        await forget(bare)
        assert await log_kept(bare, dsn) == []
    finally:
        again.stop()
    endless = EmbeddedPostgres(anew.data, {**FAST, "max_slot_wal_keep_size": copies.NO_LIMIT})
    dsn = endless.start()
    try:
        with pytest.raises(CopyFailed, match="set max_slot_wal_keep_size"):
            await back_up(anew)
        await ask(endless.admin_dsn, "SELECT pg_create_physical_replication_slot('dispatch_backup', true)")
        assert [f.verdict for f in await log_kept(anew, dsn)] == ["wrong"]
        await back_up(settings_at(place, method="dump").model_copy(update={"data": anew.data}), full=True)
        assert await copies.most_kept(dsn) is None, "what dumps needs no log"
    finally:
        endless.stop()

    archive = first.whole.folder / copies.ARCHIVE
    archive.write_bytes(archive.read_bytes()[:-50_000])
    with pytest.raises(CopyFailed, match="cannot be read"):
        async with restored(settings, kept, place / "damaged", between):
            pass
    assert not (place / "damaged").exists()


async def test_a_restore_that_fails_leaves_what_was_there_and_may_be_tried_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(place)
    server = EmbeddedPostgres(settings.data, FAST)
    server.start()
    try:
        await back_up(settings)
    finally:
        server.stop()
    kept, home, key = place / "kept", place / "above" / "new", place / "above" / "new" / "vault_keys.json"

    async def restore() -> None:
        async with restored(settings, kept, home, None) as made:
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


async def test_a_backup_of_another_version_is_restored_by_its_programs_or_told_beforehand(
    place: Path, given: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_at(place, url=SecretStr(given.admin_dsn)).model_copy(update={"database_url": given.dsn})
    await ask(given.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    made = await back_up(settings)
    assert made.whole is not None
    assert caplog.messages == [] and backup_of(settings).verdict == "ok"
    wanted = f"is PostgreSQL {made.whole.version // 10000}'s, and there are no programs of that version in "
    with monkeypatch.context() as alone:
        ours = next(embedded.installed())
        alone.setattr(embedded, "installed", lambda: iter([ours]))
        await back_up(settings)
        [warned], found = caplog.messages, backup_of(settings)
        assert wanted in warned and found.verdict == "note" and wanted in found.seen
        with pytest.raises(EmbeddedError, match=wanted):
            async with restored(settings, place / "kept", place / "new", None):
                pass
        assert not (place / "new").exists()
    async with restored(settings, place / "kept", place / "new", None) as made_again:
        assert await ask(made_again.dsn, "SELECT n FROM kept") == 7


async def test_what_another_server_has_made_meanwhile_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_at(place / "kept", datetime.now(UTC))
    made, take_folder = place / "new" / "db" / "pgdata" / "PG_VERSION", EmbeddedPostgres.take_folder

    def later(server: EmbeddedPostgres) -> None:
        made.parent.mkdir(parents=True)
        made.write_text("18")
        take_folder(server)

    monkeypatch.setattr(EmbeddedPostgres, "take_folder", later)
    with pytest.raises(HasData, match="There is a database in"):
        async with restored(settings_at(place), place / "kept", place / "new", None):
            pass
    assert made.read_text() == "18"


def as_one(server: EmbeddedPostgres, user: str, database: str) -> str:
    return server.dsn.replace("dispatch@/dispatch", f"{user}@/{database}")


#: What is not the application's of what stands in its database.
STRANGE = """
SELECT array_agg(name) FROM (
  SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> 'dispatch'::regrole
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner <> 'dispatch'::regrole
  UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typowner <> 'dispatch'::regrole
) found
"""


@pytest.mark.parametrize(("user", "database"), [("app", "the app's"), ("postgres", "postgres"), ("boss", "dispatch")])
async def test_a_given_server_is_served_as_embedded_once_it_is_restored(
    place: Path, given: EmbeddedPostgres, user: str, database: str
) -> None:
    """Whoever the application was there, and whoever the superuser."""
    await ask(given.admin_dsn, f"CREATE ROLE {user} LOGIN" if user == "app" else "SELECT 1")
    if user == "boss":
        # The superuser has another name, as where a container was told one, and there is no database postgres.
        await ask(given.admin_dsn, "CREATE ROLE helper SUPERUSER LOGIN")
        await ask(as_one(given, "helper", "template1"), "ALTER ROLE postgres RENAME TO boss")
        await ask(as_one(given, "helper", "template1"), "DROP DATABASE postgres")
        await ask(as_one(given, "helper", "template1"), "ALTER DATABASE dispatch OWNER TO boss")
    else:
        await ask(given.admin_dsn, "DROP DATABASE dispatch")
        await ask(given.admin_dsn, "DROP ROLE dispatch")
    if user == "app":
        await ask(given.admin_dsn, f'CREATE DATABASE "{database}" OWNER {user}')
    # A user may stand behind the path, too.
    dsn = f"{as_one(given, '', quote(database, safe=''))}&user={user}"
    copier = as_one(given, "boss", "template1") if user == "boss" else given.admin_dsn
    settings = settings_at(place, url=SecretStr(copier)).model_copy(update={"database_url": dsn})
    await migrate_dsn(dsn)
    await ask(dsn, NOTE, "kept")
    made = await back_up(settings)
    assert made.whole is not None and (made.whole.user, made.whole.database) == (user, database)
    anew = settings_at(place / "anew").model_copy(update={"data": place / "new"})
    async with restored(settings, place / "kept", anew.data, None) as again:
        assert await names(again.dsn) == ["kept"]
    server = EmbeddedPostgres(anew.data, FAST)
    dsn = server.start()
    try:
        assert await names(dsn) == ["kept"] and await ask(dsn, "SELECT nextval('booking_numbers')") == 1
        assert await ask(dsn, STRANGE) is None
        assert (await back_up(anew)).whole is not None
    finally:
        server.stop()


async def test_a_name_that_another_database_has_is_told_and_leaves_nothing(
    place: Path, given: EmbeddedPostgres
) -> None:
    settings = settings_at(place).model_copy(update={"database_url": given.admin_dsn})
    await back_up(settings)
    with pytest.raises(EmbeddedError, match="postgres, would have to be named dispatch here, and another one is"):
        async with restored(settings, place / "kept", place / "new", None):
            pass
    assert names_in(place / "new") == {"postgres.log"}


async def test_a_dump_of_another_version_goes_into_another_one_whole_or_not_at_all(
    place: Path, given: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": given.admin_dsn})
    # What looks like a setting and is somebody's words.
    words = "SET transaction_timeout = 0;"
    await ask(given.admin_dsn, f"CREATE TABLE kept AS SELECT n, '{words}' AS said FROM generate_series(1, 99999) n")
    made = await back_up(settings)
    assert made.whole is not None
    await ask(given.admin_dsn, "CREATE DATABASE empty")
    target = settings.model_copy(update={"database_url": given.admin_dsn.replace("/postgres?", "/empty?")})
    dump = made.whole.folder / "database.dump"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-2_000])
    with pytest.raises(CopyFailed, match="pg_restore failed: .*end of file"):
        await undump(target, place / "kept", None)
    assert await copies.is_empty(target.database_url)
    dump.write_bytes(whole)
    # It refuses the first statement, while most of the script is still to come.
    with pytest.raises(CopyFailed, match="pg_restore failed: .*kept.* already exists"):
        await copies.undump(given.admin_dsn, dump, made.whole.version)
    with monkeypatch.context() as slow:
        slow.setattr(copies, "LIMIT_S", 0.0)
        with pytest.raises(CopyFailed, match="pg_restore was not done after 0 hours"):
            await undump(target, place / "kept", None)
        with pytest.raises(CopyFailed, match="pg_dump was not done after 0 hours"):
            await back_up(settings, full=True)
    assert await copies.is_empty(target.database_url)
    await undump(target, place / "kept", None)
    assert await ask(target.database_url, "SELECT count(*) FROM kept WHERE said = $1", words) == 99999


async def test_a_dump_goes_into_an_empty_database(place: Path, fresh_dsn: str, databases: Any) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    await ask(fresh_dsn, NOTE, "a")
    made = await back_up(settings)
    assert made.whole is not None and made.whole.is_dump
    assert (await back_up(settings)).whole is None
    with pytest.raises(HasData):
        await undump(settings, place / "kept", None)
    empty = f"t_{os.getpid()}_undumped"
    await ask(fresh_dsn, f"CREATE DATABASE {empty}")
    target = settings.model_copy(update={"database_url": dsn_to(databases.home, empty)})
    try:
        await undump(target, place / "kept", None)
        assert await names(target.database_url) == ["a"]
    finally:
        await ask(fresh_dsn, f"DROP DATABASE {empty} WITH (FORCE)")
    with pytest.raises(NoDatabase):
        async with restored(settings, place / "kept", place / "new", None):
            pass
    with pytest.raises(NoDatabase):
        await undump(settings.model_copy(update={"database_url": ""}), place / "kept", None)
