"""Which of PostgreSQL's programs make copies and put them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.database import copies
from storage.database.copies import CopyFailed, lay_log, undump
from storage.database.embedded import EmbeddedError


@pytest.mark.parametrize(("there", "wanted", "said"), [
    ((9, 15, 18, 16), 150_000, "pg_restore failed: 18"), ((15, 16), 160_000, "pg_restore failed: 16"),
    ((15, 16), 180_000, "There is no pg_restore of PostgreSQL 18 or later here"),
])  # fmt: skip
async def test_the_newest_programs_read_a_dump_which_others_may_not_understand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[int, ...], wanted: int, said: str
) -> None:
    def no_wheel() -> Path:
        raise EmbeddedError

    for version in there:
        folder = tmp_path / str(version) / "bin"
        folder.mkdir(parents=True)
        for name in ("pg_restore", "psql"):
            (folder / name).write_text(f"#!/bin/sh\necho {version} >&2\nexit 1\n")
            (folder / name).chmod(0o700)
    monkeypatch.setattr(copies, "SYSTEM", tmp_path)
    monkeypatch.setattr(copies, "find_binaries", no_wheel)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CopyFailed, match=said):
        await undump("postgresql://nobody@/none", tmp_path / "dump", wanted)


def test_a_log_that_may_not_be_looked_at_is_not_taken_for_none(tmp_path: Path) -> None:
    log = tmp_path / "wal"
    lay_log(log, tmp_path / "before", "0" * 24)
    log.symlink_to(log)
    with pytest.raises(OSError, match=str(log)):
        lay_log(log, tmp_path / "after", "0" * 24)
