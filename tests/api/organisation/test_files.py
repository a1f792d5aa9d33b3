"""Files that an organisation sends: kept as its own, and their address goes where a URL is asked for."""

from __future__ import annotations

from aiohttp import FormData

from tests.api.organisation.conftest import Portal

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def form(content: bytes, name: str, kind: str) -> FormData:
    data = FormData()
    data.add_field("file", content, filename=name, content_type=kind)
    return data


async def test_a_file_s_address_is_an_attachment(portal: Portal) -> None:
    data = form(PDF, "invoice.pdf", "application/pdf")
    made = (await portal.call("POST", "/files?purpose=document", data=data, expect=201))["data"]["file"]
    assert made["contentType"] == "application/pdf"
    ticket = {"subject": "S", "category": "billing", "description": "D", "attachments": [made["url"]]}
    shown = await portal.call("POST", "/support/tickets", ticket, expect=201)
    assert shown["data"]["ticket"]["attachments"] == [made["url"]]
    async with portal.client.get(made["url"]) as reply:
        assert (reply.status, await reply.read()) == (200, PDF)
    async with portal.services.read() as conn:
        assert await conn.fetchval("SELECT owner_id FROM files WHERE id = $1::text::uuid", made["id"]) == portal.home.id


async def test_what_is_no_such_file(portal: Portal) -> None:
    await portal.call("POST", "/files", data=form(b"MZ\x90\x00", "x.exe", "application/x-msdownload"), expect=422)
    viewer = portal.home.headers(await portal.home.member("viewer"))
    await portal.call("POST", "/files", data=form(PDF, "a.pdf", "application/pdf"), headers=viewer, expect=403)


async def test_what_cannot_be_kept_is_not_said_to_be(portal: Portal) -> None:
    place = portal.services.settings.data / "files"
    place.mkdir(exist_ok=True)
    place.rename(place.with_name("away"))
    place.symlink_to(place)
    told = await portal.call("POST", "/files", data=form(PDF, "a.pdf", "application/pdf"), expect=503)
    assert told["error"]["message"] == "Files cannot be reached just now; try again shortly."
    place.unlink()
    place.with_name("away").rename(place)
