"""A small S3: a bucket in memory that takes nothing whose signature it does not come to itself, from the documents."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY_ID, SECRET, REGION, BUCKET = "AKIDEXAMPLE", "a secret of the tests", "eu-test-1", "files"
_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")


class Bucket:
    """`is_away` answers 503 to everything."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.is_away = False
        self.refused: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        if self.is_away:
            return web.Response(status=503)
        body = await request.read()
        if why := self._wrong(request, body):
            self.refused.append(why)
            return web.Response(status=403, text=why)
        if not request.path.startswith(f"/{BUCKET}/"):
            return web.Response(status=404, body=b"<Error><Code>NoSuchBucket</Code></Error>")
        key = request.path.removeprefix(f"/{BUCKET}/")
        if request.method == "PUT":
            self.objects[key] = body, request.headers["Content-Type"]
            return web.Response()
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if key not in self.objects:
            return web.Response(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
        content, kind = self.objects[key]
        headers = {"Content-Type": request.query.get("response-content-type", kind)}
        if place := request.query.get("response-content-disposition"):
            headers["Content-Disposition"] = place
        return web.Response(body=content, headers=headers)

    def _wrong(self, request: web.Request, body: bytes) -> str | None:
        pairs = [p.partition("=")[::2] for p in request.rel_url.raw_query_string.split("&") if p]
        query = {unquote(name): unquote(value) for name, value in pairs}
        if "X-Amz-Signature" in query:
            given, names, sha256 = query.pop("X-Amz-Signature"), query["X-Amz-SignedHeaders"], "UNSIGNED-PAYLOAD"
            credential, stamp = query["X-Amz-Credential"], query["X-Amz-Date"]
            life = timedelta(seconds=int(query["X-Amz-Expires"]))
        elif found := _AUTHORIZATION.fullmatch(request.headers.get("Authorization", "")):
            credential, names, given = found.groups()
            stamp, sha256 = request.headers["x-amz-date"], request.headers["x-amz-content-sha256"]
            life = timedelta(minutes=15)
            if sha256 != hashlib.sha256(body).hexdigest():
                return "the body is another"
        else:
            return "it is not signed"
        if datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + life < datetime.now(UTC):
            return "it has expired"
        if "host" not in names.split(";"):
            return "the host is not signed"
        asked = "&".join(f"{quote(n, safe='-_.~')}={quote(query[n], safe='-_.~')}" for n in sorted(query))
        lines = "".join(f"{n}:{request.headers[n].strip()}\n" for n in names.split(";"))
        wanted = f"{request.method}\n{request.rel_url.raw_path}\n{asked}\n{lines}\n{names}\n{sha256}"
        key_id, *scope = credential.split("/")
        if key_id != KEY_ID or scope != [stamp[:8], REGION, "s3", "aws4_request"]:
            return "the credential is another"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{'/'.join(scope)}\n{hashlib.sha256(wanted.encode()).hexdigest()}"
        key = f"AWS4{SECRET}".encode()
        for part in scope:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        is_right = hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), given)
        return None if is_right else "the signature is wrong"


@asynccontextmanager
async def a_bucket() -> AsyncIterator[tuple[Bucket, str]]:
    """A bucket and the address of its service."""
    bucket = Bucket()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", bucket.handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield bucket, str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
