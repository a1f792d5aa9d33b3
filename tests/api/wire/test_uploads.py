"""Files by multipart: streamed, bounded, refused by field in words, and gone when the request is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from io import BytesIO
from typing import Annotated, Any

import pytest
from aiohttp import FormData

from api.edge.credentials import Credentials
from api.edge.limits import RateLimit
from api.route import Audience
from api.wire.dialects import MINUTESERV
from api.wire.models import View
from api.wire.uploads import Upload, UploadRules
from dispatch.services import Services
from tests.api.support import Client, FakeServices, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
RULES = UploadRules({"document": 1, "photos": 2}, 300_000, frozenset({"image/png", "application/pdf", "text/csv"}))
KEPT: list[Any] = []


class FileOut(View):
    field: str
    name: str
    kind: str
    size: int
    start: str


class TakenOut(View):
    files: list[FileOut]
    texts: dict[str, str]
    contents: dict[str, Any]


async def nobody(services: Services, credentials: Credentials) -> str:
    return "nobody"


shelf = Audience(
    name="shelf", prefix="/v1/shelf", principal=str, authenticate=nobody, dialect=MINUTESERV,
    limit=RateLimit("customer_per_minute", 60, "address"), drops_unknown_keys=False, page_limit=10, title="A shelf",
)  # fmt: skip


@shelf.route("POST", "/files", public=True)
async def take(services: Services, upload: Annotated[Upload, RULES]) -> TakenOut:
    """Take files."""
    KEPT[:] = [file.content for file in upload.files]
    files = [
        FileOut(field=f.field, name=f.name, kind=f.kind, size=f.size, start=f.content.read(4).decode("latin-1"))
        for f in upload.files
    ]
    return TakenOut(files=files, texts=upload.texts, contents=upload.contents)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(FakeServices(), [shelf]) as made:
        yield made


def form(*files: tuple[str, bytes, str, str], **texts: str) -> FormData:
    made = FormData(quote_fields=False)
    for name, value in texts.items():
        made.add_field(name, value)
    for field, content, name, kind in files:
        made.add_field(field, BytesIO(content), filename=name, content_type=kind)
    return made


async def post(client: Client, data: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async with client.post("/v1/shelf/files", data=data, headers=headers) as response:
        return response.status, await response.json()


async def test_files_and_texts_come_through_and_are_closed(client: Client) -> None:
    big = PNG + bytes(299_000)
    status, body = await post(client, form(
        ("photos", PNG, "a.png", "image/png"), ("photos", big, "b.png", "image/png"),
        ("document", b"a,b\n1,2\n", "C:\\lists\\../members.csv", "text/csv; charset=utf-8"), title="Members",
    ))  # fmt: skip
    assert status == 200, body
    files = body["data"]["files"]
    assert [(f["field"], f["name"], f["size"]) for f in files] == [
        ("photos", "a.png", len(PNG)), ("photos", "b.png", len(big)), ("document", "members.csv", 8),
    ]  # fmt: skip
    assert files[0]["start"].endswith("PNG") and body["data"]["texts"] == {"title": "Members"}
    assert all(content.closed for content in KEPT)
    # What tells it from another upload: the bytes of its files and its texts.
    hashes = [sha256(content).hexdigest() for content in (PNG, big, b"a,b\n1,2\n")]
    assert body["data"]["contents"] == {
        "texts": {"title": "Members"},
        "files": [["photos", hashes[0]], ["photos", hashes[1]], ["document", hashes[2]]],
    }  # fmt: skip


@pytest.mark.parametrize(("files", "field", "words"), [
    ([("document", b"x" * 300_001, "a.csv", "text/csv")], "document", "at most 292 KB"),
    ([("document", PNG, "a.png", "image/png")] * 2, "document", "One file"),
    ([("photos", PNG, "a.png", "image/png")] * 3, "photos", "At most 2 files"),
    ([("secret", PNG, "a.png", "image/png")], "secret", "No file"),
    ([("document", b"MZ", "a.exe", "application/x-msdownload")], "document", "csv, pdf or png"),
    ([("document", b"<html>", "a.png", "image/png")], "document", "not what its type says"),
    ([("document", b"", "a.csv", "text/csv")], "document", "empty"),
])  # fmt: skip
async def test_what_is_not_taken_is_said_by_field(client: Client, files: Any, field: str, words: str) -> None:
    KEPT.clear()
    status, body = await post(client, form(*files))
    assert status == 422 and words in body["error"]["details"][field][0], body
    assert KEPT == []


async def test_texts_are_checked_as_those_of_json_are(client: Client) -> None:
    KEPT.clear()
    file = ("photos", PNG, "a.png", "image/png")
    status, body = await post(client, form(file, title="4111 1111 1111 1111"))
    assert (status, body["error"]["code"]) == (422, "CARD_DATA_NOT_ACCEPTED"), body
    status, body = await post(client, form(file, title="a\x00b"))
    assert status == 422 and set(body["error"]["details"]) == {"title"}, body
    assert KEPT == []


async def test_all_that_is_wrong_is_said_at_once(client: Client) -> None:
    status, body = await post(client, form(
        ("document", b"", "a.csv", "text/csv"), ("photos", b"x", "a.exe", "application/x-msdownload"),
    ))  # fmt: skip
    assert status == 422 and set(body["error"]["details"]) == {"document", "photos"}


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {"Content-Type": "text/plain"}])
async def test_another_form_is_refused(client: Client, headers: dict[str, str]) -> None:
    status, body = await post(client, b"{}", **headers)
    assert status == 400 and "multipart" in body["message"]


HALF = b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\nhalf"


@pytest.mark.parametrize("raw", [b"", b"--b\r\n", HALF, b"x" * 9000])
async def test_a_broken_body_is_refused(client: Client, raw: bytes) -> None:
    status, body = await post(client, raw, **{"Content-Type": "multipart/form-data; boundary=b"})
    assert status in (400, 422) and body["success"] is False


@pytest.mark.parametrize("head", [b'; filename="a"', b""])
async def test_thousands_of_small_parts_are_not_taken_apart(client: Client, head: bytes) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="f%d"' + head + b"\r\n\r\nx\r\n"
    raw = b"".join(part % n for n in range(3_000)) + b"--b--\r\n"
    status, body = await post(client, raw, **{"Content-Type": "multipart/form-data; boundary=b"})
    assert status == 422 and body["error"]["details"] == {"body": ["There are too many parts."]}


async def test_what_announces_too_much_is_not_read(client: Client) -> None:
    status, body = await post(client, form(("document", bytes(3_000_000), "a.csv", "text/csv")))
    assert (status, body["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
