"""A folder keeps whole files under names of ours, and nothing else."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dispatch.adapters.files.folder import FolderStore
from dispatch.ports.files import Blob, BytesLost, FilesAway
from tests.ownership import check_closed

KEY = "ab/" + "ab" * 16


def names_in(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file()]


def blob(content: Any, key: str = KEY) -> Blob:
    return Blob(key, content, 3, hashlib.sha256(b"abc").digest(), "text/plain")


async def test_what_is_put_can_be_read_until_it_is_deleted(tmp_path: Path) -> None:
    files = FolderStore(tmp_path / "files")
    await files.put(blob(BytesIO(b"abc")))
    await files.put(blob(BytesIO(b"abc")))
    assert [piece async for piece in files.read(KEY)] == [b"abc"]
    assert names_in(tmp_path) == ["ab" * 16]
    assert (tmp_path / "files" / KEY).stat().st_mode & 0o077 == 0
    check_closed(tmp_path)
    await files.delete(KEY)
    await files.delete(KEY)
    with pytest.raises(BytesLost):
        await anext(files.read(KEY))
    assert files.link(KEY, name="a", media_type="text/plain", is_inline=True, life_s=9) is None


async def test_half_a_file_is_none(tmp_path: Path) -> None:
    class Breaking(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk of the sender broke")
            return super().read(1)

    with pytest.raises(FilesAway):
        await FolderStore(tmp_path).put(blob(Breaking(b"abc")))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "ab/../../x", "ab/" + "A" * 32, KEY + "/x", KEY + "\n"]
)
async def test_no_path_of_anybody_else_is_one(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="no key of ours"):
        await FolderStore(tmp_path).put(blob(BytesIO(b"abc"), key))
