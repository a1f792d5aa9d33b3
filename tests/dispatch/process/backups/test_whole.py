"""To which moments copies lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.process.backups.whole import NoBackups, choose
from tests.dispatch.process.backups.places import dump_at


def test_a_dump_is_of_its_moment_and_leads_to_all_later_ones(place: Path) -> None:
    kept, at = place / "kept", datetime(2026, 3, 31, 12, 0, 5, 250_000, tzinfo=UTC)
    dumps = [dump_at(kept, at + timedelta(days=days)) for days in (0, 1)]
    for until, chosen in ((at.replace(microsecond=0), 0), (at + timedelta(hours=3), 0), (at + timedelta(days=9), 1)):
        assert choose(kept, until).folder == dumps[chosen]
    with pytest.raises(NoBackups):
        choose(kept, at - timedelta(seconds=1))
