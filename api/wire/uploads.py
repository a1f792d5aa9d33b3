"""Files that come as multipart/form-data: streamed to disk while they come, bounded in number, size and kind."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from api.wire.parsing import BODY_S, Broken, TooLarge, TooSlow, refuse
from dispatch.errors import Invalid, Malformed
from dispatch.ports.media import listed, media_type_of

#: What is smaller than this never touches the disk.
IN_MEMORY_BYTES = 256 * 1024
#: Of the text fields beside the files.
MOST_TEXTS, MOST_TEXT_BYTES = 50, 4096
#: Parts that nobody takes and that are complained of, each by its name.
MOST_REFUSED = 50
_PIECE_BYTES = 64 * 1024
#: How files of a kind begin, where they do so always; a kind that is not here is believed.
_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",), "image/png": (b"\x89PNG\r\n\x1a\n",), "image/jpeg": (b"\xff\xd8\xff",),
}  # fmt: skip


class NotMultipart(Malformed):
    """Files are sent as multipart/form-data."""

    code = "bad_request"


@dataclass(frozen=True, slots=True)
class UploadRules:
    """Field -> how many files it takes; how heavy each may be, in bytes; which kinds (media types) there are."""

    fields: Mapping[str, int]
    most_bytes: int
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file, open for reading from its start until the request has been answered; `sha256` is of its bytes."""

    field: str
    name: str
    kind: str
    size: int
    content: IO[bytes]
    sha256: bytes = b""


@dataclass(slots=True)
class Upload:
    """What came: the files in their order, and the text fields beside them."""

    files: list[UploadedFile] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> dict[str, Any]:
        """What tells this upload from another, as JSON: its texts, and the hashes of its files."""
        return {"texts": self.texts, "files": [[file.field, file.sha256.hex()] for file in self.files]}

    def close(self) -> None:
        """Gives up the files; what is to be kept was copied before."""
        for file in self.files:
            file.content.close()


async def read_upload(
    request: web.Request, rules: UploadRules, check: Callable[[Mapping[str, str]], Mapping[str, list[str]]]
) -> Upload:
    """Reads a multipart body piece by piece. Raises NotMultipart, TooLarge, TooSlow, Broken, Invalid by field.

    `check` says what is wrong with the texts whatever their fields are, and may refuse them itself.

    Nothing is kept of a body that is refused.
    """
    if request.content_type != "multipart/form-data":
        raise NotMultipart
    most = rules.most_bytes * sum(rules.fields.values()) + MOST_TEXTS * MOST_TEXT_BYTES
    # What announces too much is not read at all.
    if (request.content_length or 0) > most + 64 * 1024:
        raise TooLarge(most)
    upload, bad, left = Upload(), dict[str, list[str]](), MOST_TEXTS + MOST_REFUSED + sum(rules.fields.values())
    try:
        async with asyncio.timeout(BODY_S * (1 + most / 2**20)):
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise NotMultipart
                if not left:
                    # A hundred thousand of them fit into what a file may weigh, and each takes its time.
                    raise Invalid({"body": ["There are too many parts."]})
                left -= 1
                await _take(part, rules, upload, bad)
        bad.update(check(upload.texts))
        refuse(bad)
    except BaseException as error:
        upload.close()
        if isinstance(error, TimeoutError):
            raise TooSlow from error
        if isinstance(error, ValueError | HttpProcessingError | OSError | AssertionError):
            raise Broken from error
        raise
    return upload


async def _take(part: BodyPartReader, rules: UploadRules, upload: Upload, bad: dict[str, list[str]]) -> None:
    name = part.name or ""
    if part.filename is None:
        await _take_text(part, name, upload, bad)
        return
    most = rules.fields.get(name, 0)
    if sum(file.field == name for file in upload.files) >= most:
        many = f"At most {most} files are taken here." if most > 1 else "One file is taken here."
        bad[name or "file"] = [many if most else "No file is taken here."]
        return
    kind = part.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    content: Any = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (it outlives this function)
    upload.files.append(UploadedFile(name, _plain(part.filename), kind, 0, content))
    size, begins, digest = 0, b"", hashlib.sha256()
    while piece := await part.read_chunk(_PIECE_BYTES):
        size += len(piece)
        if size > rules.most_bytes:
            bad[name] = [f"A file weighs at most {_weight(rules.most_bytes)}."]
            return
        begins = begins or piece[:16]
        digest.update(piece)
        content.write(piece)
    if size and kind not in rules.kinds:
        # Programs know fewer types than there are: what stands in the file decides.
        kind = media_type_of(content, _plain(part.filename)) or kind
    if not size:
        bad[name] = ["This file is empty."]
    elif kind not in rules.kinds:
        bad[name] = [f"This kind of file is not taken here; send {listed(rules.kinds)}."]
    elif kind in _BEGINNINGS and not begins.startswith(_BEGINNINGS[kind]):
        bad[name] = ["This file is not what its type says."]
    content.seek(0)
    upload.files[-1] = UploadedFile(name, _plain(part.filename), kind, size, content, digest.digest())


async def _take_text(part: BodyPartReader, name: str, upload: Upload, bad: dict[str, list[str]]) -> None:
    value = b""
    while piece := await part.read_chunk(MOST_TEXT_BYTES):
        value += piece
        if len(value) > MOST_TEXT_BYTES:
            bad[name or "body"] = ["This is too long."]
            return
    if len(upload.texts) >= MOST_TEXTS:
        bad["body"] = ["There are too many fields."]
        return
    upload.texts[name] = value.decode("utf-8", "replace")


def _plain(name: str) -> str:
    """The name without a folder and without what no name has: it is shown, and never a path of ours."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:200] or "file"


def _weight(most_bytes: int) -> str:
    return f"{most_bytes // 2**20} MB" if most_bytes >= 2**20 else f"{most_bytes // 1024} KB"
