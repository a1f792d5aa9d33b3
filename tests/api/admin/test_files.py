"""Files over the wire: staff send and read, a link is enough for its time, and strangers get nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData

from tests.api.live import Live, Person, live_server
from tests.conftest import clone
from tests.files import PDF, PNG


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with live_server(await clone(pg_home), tmp_path_factory.mktemp("files"), technicians=0, customers=0) as made:
        yield made


@pytest.fixture(scope="module")
async def staff(live: Live) -> Person:
    return await live.person("admin", "boss@example.com")


async def send(staff: Person, content: bytes, name: str, kind: str = "", field: str = "file", query: str = "") -> Any:
    form = FormData(quote_fields=False)
    form.add_field(field, BytesIO(content), filename=name, content_type=kind or "application/octet-stream")
    headers = {"Authorization": f"Bearer {staff.token}"}
    async with staff.live.http.post(f"{staff.live.url}/v1/admin/files{query}", data=form, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_a_file_is_sent_listed_read_by_its_link_and_given_up(live: Live, staff: Person) -> None:
    status, body = await send(staff, PDF, "Aadhaar card.pdf", query="?purpose=document")
    file = body["data"]
    assert status == 201 and (file["content_type"], file["size"]) == ("application/pdf", len(PDF)), body
    listed = await staff.call("GET", "/v1/admin/files?purpose=document")
    assert [f["id"] for f in listed["data"]["files"]] == [file["id"]]
    async with live.http.get(live.url + file["url"]) as reply:
        assert reply.status == 200 and await reply.read() == PDF
        assert reply.headers["Content-Length"] == str(len(PDF)) and reply.content_type == "application/pdf"
        assert "Aadhaar card.pdf" in reply.headers["Content-Disposition"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    for wrong in (file["url"].replace("signature=", "signature=0"), f"/v1/files/{file['id']}"):
        async with live.http.get(live.url + wrong) as reply:
            assert (reply.status, (await reply.json())["message"]) == (404, "There is no such file.")
    headers = {"Authorization": f"Bearer {staff.token}"}
    async with live.http.get(f"{live.url}/v1/admin/files/{file['id']}/content", headers=headers) as reply:
        assert await reply.read() == PDF
    await staff.call("DELETE", f"/v1/admin/files/{file['id']}")
    await staff.call("GET", f"/v1/admin/files/{file['id']}", expect=404)
    async with live.http.get(live.url + file["url"]) as reply:
        assert reply.status == 404
    actions = await live.value("SELECT array_agg(action ORDER BY id) FROM audit_log WHERE resource_id = $1", file["id"])
    assert actions == ["send_file", "drop_file"]


async def test_what_cannot_be_kept_is_not_said_to_be(live: Live, staff: Person) -> None:
    place = live.services.settings.data / "files"
    place.rename(place.with_name("away"))
    place.symlink_to(place)
    status, body = await send(staff, PDF, "lost.pdf", query="?purpose=document")
    assert (status, body["message"]) == (503, "Files cannot be reached just now; try again shortly."), body
    place.unlink()
    place.with_name("away").rename(place)
    listed = await staff.call("GET", "/v1/admin/files?purpose=document")
    assert "lost.pdf" not in {f["name"] for f in listed["data"]["files"]}


async def test_an_image_of_a_service_is_everybodys(live: Live, staff: Person) -> None:
    _, body = await send(staff, PNG, "facial.png", query="?purpose=service_image")
    async with live.http.get(live.url + body["data"]["url"]) as reply:
        assert await reply.read() == PNG and "immutable" in reply.headers["Cache-Control"]
        assert reply.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(("content", "field", "query", "words"), [
    (b"<html><script>", "file", "", "This kind of file is not taken here"), (b"", "file", "", "This file is empty."),
    (PNG, "photo", "", "No file is taken here."), (PDF, "file", "?purpose=service_image", "send jpeg, png or webp"),
])  # fmt: skip
async def test_what_is_not_taken_is_said(staff: Person, content: bytes, field: str, query: str, words: str) -> None:
    status, body = await send(staff, content, "a.png", "image/png" if content == PNG else "", field, query)
    assert status == 422 and words in body["message"], body
