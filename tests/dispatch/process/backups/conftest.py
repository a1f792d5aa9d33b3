"""A place for backups, and a server of another version than ours."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import embedded
from storage.database.embedded import FAST, EmbeddedPostgres


@pytest.fixture
def place() -> Iterator[Path]:
    # Not tmp_path: as root the server runs as another account, which cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="dispatch-backups-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


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
