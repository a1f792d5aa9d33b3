"""What the doctor says of backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.cli.doctor.backup import backup_of
from dispatch.config import Settings
from tests.dispatch.process.backups.places import dump_at, settings_at, whole_at


def test_doctor_says_when_there_is_none(tmp_path: Path) -> None:
    assert backup_of(settings_at(tmp_path)).verdict == "wrong"
    assert backup_of(Settings(env="test", data=tmp_path)).verdict == "note"


def test_doctor_says_when_backups_cannot_be_looked_into(tmp_path: Path) -> None:
    (tmp_path / "kept").symlink_to(tmp_path / "kept")
    found = backup_of(settings_at(tmp_path))
    assert found.verdict == "wrong" and f"{tmp_path / 'kept'} cannot be looked into" in found.seen


@pytest.mark.parametrize(
    ("hours", "whole", "dump"),
    [(0.5, "ok", "ok"), (1.5, "wrong", "ok"), (24.5, "wrong", "ok"), (25.5, "wrong", "wrong")],
)
def test_an_hour_may_be_lost_and_with_dumps_a_day_more(tmp_path: Path, hours: float, whole: str, dump: str) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    for place, make, verdict in (("copied", whole_at, whole), ("dumped", dump_at, dump)):
        settings = settings_at(tmp_path / place)
        make(tmp_path / place / "kept", at)
        found = backup_of(settings)
        assert found.verdict == verdict and f"{hours * 60:.0f} minutes" in found.seen
