"""A bucket of anything that speaks S3: signed requests, and signed addresses so that bytes need not pass through us."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import quote

import aiohttp

from dispatch.adapters.files.sigv4 import Signer
from dispatch.ports.files import Blob, BytesLost, FilesAway

PIECE_BYTES = 256 * 1024
#: An address is signed for at most a week (Signature Version 4).
WEEK_S = 604_800
CONNECT_S, SILENCE_S, TOTAL_S = 3.0, 10.0, 120.0
#: What an answer that refuses says of why.
_CODE, _MOST_WORDS, _NO_BUCKET = re.compile(rb"<Code>(\w+)</Code>"), 4096, "NoSuchBucket"
_NOTHING = hashlib.sha256(b"").hexdigest()


class BucketRefuses(Exception):
    """What a bucket said, for whoever looks after it."""


class S3Store:
    """`endpoint` is the service's address without the bucket, which stands in the path as every imitation takes it.

    `cdn_url` is in front of the bucket's root, for what everybody may see.
    """

    def __init__(self, endpoint: str, bucket: str, *, region: str, key_id: str, secret: str, cdn_url: str = "") -> None:
        self._base = f"{endpoint.rstrip('/')}/{bucket}"
        self._cdn = cdn_url.rstrip("/")
        self._signer = Signer(key_id, secret, region)
        self._timeout = aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S, sock_read=SILENCE_S)

    async def put(self, blob: Blob) -> None:
        headers = {"Content-Type": blob.media_type, "Content-Length": str(blob.size)}
        async with self._asked("PUT", blob.key, blob.sha256.hex(), headers, _pieces(blob.content)):
            pass

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        async with self._asked("GET", key) as answer:
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                yield piece

    async def delete(self, key: str) -> None:
        try:
            async with self._asked("DELETE", key):
                pass
        except BytesLost:
            pass

    def link(self, key: str, *, name: str, media_type: str, is_inline: bool, life_s: int) -> str | None:
        place = "inline" if is_inline else "attachment"
        query = {
            "response-content-type": media_type,
            "response-content-disposition": f"{place}; filename*=UTF-8''{quote(name, safe='')}",
        }
        # Signed as of the last whole tenth of its life: the same address for a while, which a browser's copy needs.
        step_s = max(1, life_s // 10)
        at = datetime.fromtimestamp(int(time.time()) // step_s * step_s, UTC)
        return self._signer.address("GET", self._url(key), at=at, life_s=min(life_s + step_s, WEEK_S), query=query)

    def public_link(self, key: str) -> str | None:
        return f"{self._cdn}/{key}" if self._cdn else None

    def _url(self, key: str) -> str:
        return f"{self._base}/{key}"

    @asynccontextmanager
    async def _asked(
        self, method: str, key: str, sha256: str = _NOTHING, headers: dict[str, str] | None = None, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self._url(key)
        signed = self._signer.headers(method, url, at=datetime.now(UTC), sha256=sha256, headers=headers)
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.request(method, url, headers=signed, data=body, allow_redirects=False) as answer,
            ):
                if not 200 <= answer.status < 300:
                    raise await _refusal(method, answer)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FilesAway from error


async def _refusal(method: str, answer: aiohttp.ClientResponse) -> BytesLost | FilesAway:
    """A key that nothing stands under is missed by whoever reads or deletes it; a bucket that is not there is away."""
    found = _CODE.search(await answer.content.read(_MOST_WORDS))
    code = found[1].decode() if found else ""
    if answer.status == 404 and method != "PUT" and code != _NO_BUCKET:
        return BytesLost()
    refusal = FilesAway()
    refusal.__cause__ = BucketRefuses(f"the bucket answers {answer.status} {code or answer.reason}")
    return refusal


async def _pieces(content: IO[bytes]) -> AsyncGenerator[bytes, None]:
    content.seek(0)
    while piece := await asyncio.to_thread(content.read, PIECE_BYTES):
        yield piece
