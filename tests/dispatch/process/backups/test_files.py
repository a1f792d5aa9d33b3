"""Files that are copied, and put back where a database knows them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dispatch.process.backups.files import put_files_back
from dispatch.process.backups.run import back_up
from tests.dispatch.process.backups.places import KEY, UNKNOWN, names_in, settings_at


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
            put_files_back(settings, kept, {KEY, UNKNOWN})
        assert names_in(settings.data) == ({"files"} if was_there else set())
    assert put_files_back(settings, kept, {KEY}) == 1


async def test_files_that_may_not_be_looked_at_are_not_taken_for_deleted_ones(place: Path, fresh_dsn: str) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    shelf = settings.data / "files" / "ab"
    shelf.mkdir(parents=True)
    (settings.data / "files" / KEY).write_bytes(b"a photo")
    assert (await back_up(settings)).files == 1
    shelf.rename(shelf.with_name("away"))
    shelf.symlink_to(shelf)
    with pytest.raises(OSError, match=str(shelf)):
        await back_up(settings)
    assert (place / "kept" / "files" / KEY).read_bytes() == b"a photo"


async def test_a_file_that_is_thrown_away_meanwhile_keeps_no_backup_from_its_end(
    place: Path, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(place, method="dump").model_copy(update={"database_url": fresh_dsn})
    store, kept, copyfile = settings.data / "files", place / "kept" / "files", shutil.copyfile
    (store / KEY).parent.mkdir(parents=True)
    for name in (KEY, UNKNOWN):
        (store / name).write_bytes(b"a photo")

    def copied(source: Path, target: Path) -> None:
        if source == store / UNKNOWN:
            source.unlink()
        copyfile(source, target)

    # A kill had left half of one that is there no more.
    (kept / KEY).parent.mkdir(parents=True)
    (kept / "ab" / ("e" * 32 + ".part")).write_bytes(b"half a")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(shutil, "copyfile", copied)
        assert (await back_up(settings)).files == 1
    assert names_in(kept) == {"ab", Path(KEY).name}
