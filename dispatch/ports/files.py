"""What keeping files asks of a place for their bytes: a folder, a bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import IO, Protocol

from dispatch.errors import Missing, Unavailable


class FilesAway(Unavailable):
    """Files cannot be reached just now; try again shortly."""

    code = "files_unavailable"


class BytesLost(Missing):
    """This file is no longer where it was kept."""

    code = "not_found"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with a name of ours (`key`), and what is known of them. `content` is read from its start."""

    key: str
    content: IO[bytes]
    size: int
    sha256: bytes
    media_type: str


class FileStore(Protocol):
    """Whole or not at all: a reader never sees half of what is being written. All raise FilesAway."""

    async def put(self, blob: Blob) -> None:
        """Keeps it; the same key once more is the same bytes."""
        ...

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """The bytes in pieces. Raises BytesLost before the first one."""
        ...

    async def delete(self, key: str) -> None:
        """Gives it up; what is not there is given up already."""
        ...

    def link(self, key: str, *, name: str, media_type: str, is_inline: bool, life_s: int) -> str | None:
        """An address of the place's own that expires; None when the bytes only come through us."""
        ...

    def public_link(self, key: str) -> str | None:
        """An address that stays, for what everybody may see; None when there is none."""
        ...


class NoFiles:
    """Where nothing is kept: tools and tests that need no files."""

    async def put(self, blob: Blob) -> None:
        raise FilesAway

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        raise FilesAway

    async def delete(self, key: str) -> None:
        raise FilesAway

    def link(self, key: str, *, name: str, media_type: str, is_inline: bool, life_s: int) -> str | None:
        return None

    def public_link(self, key: str) -> str | None:
        return None
