"""To which moments copies lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.process.backups.age import drop_halves, drop_old
from dispatch.process.backups.whole import NoBackups, choose, damaged, reached_by, wholes
from tests.dispatch.process.backups.places import dump_at, whole_at


def test_a_dump_is_of_its_moment_and_leads_to_all_later_ones(place: Path) -> None:
    kept, at = place / "kept", datetime(2026, 3, 31, 12, 0, 5, 250_000, tzinfo=UTC)
    dumps = [dump_at(kept, at + timedelta(days=days)) for days in (0, 1)]
    for until, chosen in ((at.replace(microsecond=0), 0), (at + timedelta(hours=3), 0), (at + timedelta(days=9), 1)):
        assert choose(kept, until).folder == dumps[chosen]
    with pytest.raises(NoBackups):
        choose(kept, at - timedelta(seconds=1))


@pytest.mark.parametrize("note", [
    b"", b"{", b"[]", b"\xff", b'{"at": "2026-03-31T12:00:00+00:00"}',
    b'{"at": "2026-03-31T12:00:00", "version": 1, "user": "u", "database": "d", "took_s": 1, "bytes": 1}',
    b'{"at": "yesterday", "version": 1, "user": "u", "database": "d", "took_s": 1, "bytes": 1}',
])  # fmt: skip
def test_a_copy_whose_note_is_damaged_counts_for_nothing_and_stays(place: Path, note: bytes) -> None:
    kept, at = place / "kept", datetime(2026, 3, 31, 12, tzinfo=UTC)
    broken = whole_at(kept, at)
    (broken / "whole.json").write_bytes(note)
    assert damaged(kept) == [broken]
    with pytest.raises(NoBackups, match=f"no backup in {kept} .what {broken}/whole.json says is damaged"):
        choose(kept, None)
    drop_halves(kept)
    drop_old(kept, at + timedelta(days=90))
    assert broken.exists(), "somebody may mend it"
    sound = whole_at(kept, at + timedelta(days=1))
    (sound.parents[1] / "wal").mkdir()
    for reached in (b"{", b"[]", b'{"at": "2026-04-02T12:00:00"}'):
        (sound.parents[1] / "wal" / "reached.json").write_bytes(reached)
        assert [w.folder for w in wholes(kept)] == [sound] and reached_by(wholes(kept)[0]) == at + timedelta(days=1)
    with pytest.raises(NoBackups, match="No backup reaches .* counts for nothing"):
        choose(kept, at)
