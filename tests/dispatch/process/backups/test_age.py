"""What goes, and what is left by whoever was stopped meanwhile."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from dispatch.cli.doctor.backup import backup_of
from dispatch.process.backups.run import back_up
from dispatch.process.backups.whole import wholes
from storage.database import copies
from tests.dispatch.process.backups.places import dump_at, settings_at, whole_at


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
            await back_up(settings)
    assert len(list((kept / "dumps").iterdir())) == 1 and wholes(kept) == []
    eldest = dump_at(kept, datetime(2026, 3, 31, 12, tzinfo=UTC))
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", lambda path: fails() if path == eldest else rmtree(path))
        with pytest.raises(OSError, match="the disk is gone"):
            await back_up(settings)
    [made] = wholes(kept)
    assert eldest.exists() and made.folder != eldest, "its note went first"
    (kept / "6-1" / "base" / "20260330T120000Z").mkdir(parents=True)
    assert (await back_up(settings)).whole is None
    assert [w.folder for w in wholes(kept)] == list((kept / "dumps").iterdir()) == [made.folder]
    assert not (kept / "6-1").exists(), "of a history without a copy nothing is needed"


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
    made = await back_up(settings)
    assert made.dropped == 2
    assert (await back_up(settings)).dropped == 0
    assert [w.folder for w in wholes(kept)] == [ages[31], ages[29], ages[0.5]]
    assert not dead.parents[1].exists()
    assert [p.name for p in copies.segments(log)] == [f"{n:024X}" for n in (3, 4, 5)]
    assert [p.name for p in (kept / "files").iterdir()] == ["gone-2026-03-20"]
