"""What the commands say where there is no backup, or none of the kind that is asked for."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest

from dispatch.cli.backups import backup, restore
from dispatch.cli.failure import Refused, explained
from dispatch.process.backups import restore as restoring
from dispatch.process.backups.restore import NoDatabase
from dispatch.process.backups.run import back_up
from dispatch.process.backups.whole import Whole, choose
from storage.database.hosts import of_database
from tests.dispatch.process.backups.places import KEY, dump_at, note_file, settings_at, whole_at


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where backups go; the environment, which options are put into, is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    for name in ("DATABASE_URL", "DISPATCH_BACKUP__FOLDER", "DISPATCH_FILES__FOLDER"):
        os.environ.pop(name, None)
    yield tmp_path / "kept"
    os.environ.clear()
    os.environ.update(before)


def dumped(place: Path) -> None:
    made = place / "dumps" / "20260331T120000Z"
    made.mkdir(parents=True)
    (made / "database.dump").touch()
    said = {"at": datetime(2026, 3, 31, 12, tzinfo=UTC), "version": 180004, "user": "u", "database": "d"}
    (made / "whole.json").write_bytes(orjson.dumps({**said, "took_s": 1.0, "bytes": 1}))


def test_where_there_is_none_the_list_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup(show=True, folder=place)
    assert capsys.readouterr().out == f"There is no backup in {place}.\n"
    dumped(place)
    backup(show=True, folder=place)
    assert capsys.readouterr().out.startswith("dump   2026-03-31 12:00:00 to 2026-03-31 12:00:00 UTC")


def test_a_dump_is_not_drilled_and_goes_nowhere_without_a_database(place: Path, tmp_path: Path) -> None:
    dumped(place)
    with pytest.raises(Refused, match="is a dump"):
        backup(drill=True, folder=place)
    with pytest.raises(NoDatabase, match="DATABASE_URL has to name"):
        restore(folder=place, data=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_check_fails_when_the_newest_is_too_old(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for make, code, said in (
        (lambda: None, 1, "wrong: there is none in"),
        (lambda: dumped(place), 1, "wrong: 1 copies; what was committed in the last"),
        (lambda: dump_at(place, datetime.now(UTC) - timedelta(hours=24)), 0, "ok: 2 copies; what was committed in"),
        (lambda: whole_at(place, datetime.now(UTC)), 0, "ok: 3 copies; what was committed in the last 0 minutes"),
    ):
        make()
        with pytest.raises(SystemExit) as ended:
            backup(check=True, folder=place)
        assert ended.value.code == code and capsys.readouterr().out.startswith(said)


def test_a_damaged_note_is_told_beside_the_others(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = dump_at(place, datetime.now(UTC) - timedelta(days=1))
    (broken / "whole.json").write_text("{")
    for has_sound, verdict in ((False, "wrong: there is none"), (True, "note: 1 copies; ")):
        if has_sound:
            dump_at(place, datetime.now(UTC))
        backup(show=True, folder=place)
        assert capsys.readouterr().out.splitlines()[1].startswith(f"damaged: {broken} counts for nothing")
        with pytest.raises(SystemExit) as ended:
            backup(check=True, folder=place)
        assert ended.value.code == int(not has_sound) and capsys.readouterr().out.startswith(verdict)


def test_a_whole_copy_goes_into_no_database_that_is_given(place: Path) -> None:
    whole_at(place, datetime.now(UTC))
    os.environ["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(Refused, match="Name a new folder with --data"):
        restore(folder=place)


def test_files_that_cannot_be_put_back_beside_a_dump_are_put_back_later(
    place: Path, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at, store = datetime(2026, 3, 31, 12, tzinfo=UTC), place.parent / "files"
    dump_at(place, at)
    (place / "files" / KEY).parent.mkdir(parents=True)
    (place / "files" / KEY).write_bytes(b"a photo")
    asyncio.run(note_file(fresh_dsn, KEY))
    os.environ |= {"DATABASE_URL": fresh_dsn, "DISPATCH_FILES__FOLDER": str(store)}

    async def undumped(*_: object) -> Whole:
        return choose(place, None)

    monkeypatch.setattr(restoring, "undump", undumped)
    a_loop(store)
    with pytest.raises(Refused, match=f"No file was put back, because {store}.* run `dispatch restore --files`"):
        restore(folder=place)
    with pytest.raises(Refused, match=f"{store}.* cannot be used"):
        restore(only_files=True, folder=place)
    store.unlink()
    capsys.readouterr()
    for count in (1, 0):
        restore(only_files=True, folder=place)
        assert capsys.readouterr().out == f"{count} files were put back\n"
    assert (store / KEY).read_bytes() == b"a photo"


def nowhere(place: Path) -> Path:
    return Path("/proc/none")


def a_file(place: Path) -> Path:
    place.touch()
    return place


def in_a_file(place: Path) -> Path:
    return a_file(place) / "kept"


def a_loop(place: Path) -> Path:
    """Like a folder of somebody else's, it is there and may not be looked into; by root neither."""
    place.symlink_to(place)
    return place


@pytest.mark.parametrize("unfit", [nowhere, a_file, in_a_file, a_loop])
def test_a_folder_that_takes_no_backup_is_named_in_a_sentence(place: Path, unfit: Callable[[Path], Path]) -> None:
    os.environ["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(Refused, match=r"^/\S+ cannot be used \([A-Z][a-z ]+\): run this as whom it belongs to"):
        backup(folder=unfit(place))


@pytest.mark.parametrize("unfit", [a_file, a_loop])
def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_an_empty_one(
    place: Path, unfit: Callable[[Path], Path]
) -> None:
    unfit(place)
    with pytest.raises(Refused, match=rf"^{place} cannot be used"):
        backup(show=True, folder=place)
    with pytest.raises(Refused, match=rf"^{place} cannot be used"):
        backup(drill=True, folder=place)
    with pytest.raises(Refused, match=rf"^{place} cannot be used"):
        restore(folder=place, data=place.parent / "new")
    assert not (place.parent / "new").exists()


@pytest.mark.parametrize("method", ["wal", "dump"])
async def test_what_the_database_refuses_is_told_in_a_sentence(
    place: Path, fresh_dsn: str, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    conn = await asyncpg.connect(fresh_dsn)
    role = f"plain_{os.getpid()}"
    await conn.execute(f"DROP ROLE IF EXISTS {role}")
    await conn.execute(f"CREATE ROLE {role} LOGIN")
    settings, refused = settings_at(place, method=method), "The database refuses it"
    try:
        for user, database, said in (
            (role, None, "The role may not replicate: name" if method == "wal" else "pg_dump failed: .*permission"),
            ("nobody_at_all", None, f"{refused} .role .* does not exist.: check DATABASE_URL"),
            ("postgres", "none_at_all", f"{refused} .database .* does not exist.: check DATABASE_URL"),
        ):
            dsn = fresh_dsn.replace("postgres@", f"{user}@")
            url = {"database_url": of_database(dsn, database) if database else dsn}
            with pytest.raises(SystemExit), explained():
                await back_up(settings.model_copy(update=url))
            assert re.match(f"dispatch: {said}", told := capsys.readouterr().err), told
            assert told.count("\n") == 1
    finally:
        await conn.execute(f"DROP ROLE {role}")
        await conn.close()
