"""A folder: every file is written beside its place, made durable and then moved there in one step."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from dispatch.ports.files import Blob, BytesLost, FilesAway

PIECE_BYTES = 256 * 1024
#: Names that we give: nothing else is ever made a path of.
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")


class FolderStore:
    """Keeps files under `folder`, readable by its owner only. Nodes on several machines need a shared one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, blob: Blob) -> None:
        try:
            await asyncio.to_thread(_write, self._path(blob.key), blob.content)
        except OSError as error:
            raise FilesAway from error

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        try:
            file = await asyncio.to_thread(open, self._path(key), "rb")
        except FileNotFoundError as error:
            raise BytesLost from error
        except OSError as error:
            raise FilesAway from error
        try:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread(self._path(key).unlink, True)
        except OSError as error:
            raise FilesAway from error

    def link(self, key: str, *, name: str, media_type: str, is_inline: bool, life_s: int) -> str | None:
        return None

    def public_link(self, key: str) -> str | None:
        return None

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of ours")
        return self._folder / key


def _write(path: Path, content: IO[bytes]) -> None:
    # One by one: parents that are made on the way are open to others.
    path.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    content.seek(0)
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            copyfileobj(content, file, PIECE_BYTES)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    # The move itself is durable once its folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
