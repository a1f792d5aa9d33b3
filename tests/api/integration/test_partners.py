"""Staff and integrations: the list, changes, states, notes, documents, deletion; each with its permission."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData

from dispatch.parties.integrations import MOVES
from tests.api.live import Live, Person
from tests.integrations import App, begin, onboard, send

STATES = tuple(MOVES)
PDF = b"%PDF-1.7 of a test"


async def actions(live: Live, id: str) -> list[str]:
    found = await live.value("SELECT array_agg(action ORDER BY id) FROM audit_log WHERE resource_id = $1", id)
    return list(found)


async def test_made_by_staff_changed_and_deleted(live: Live, admin: Person) -> None:
    body = {
        "name": "Made By Staff", "email": f"{uuid4().hex}@acme.example", "phoneNumber": "+911234567890",
        "businessInfo": {"companyName": "Acme"}, "slug": f"acme-{uuid4().hex[:8]}",
    }  # fmt: skip
    made = (await admin.call("POST", "/api/partners", body, expect=201))["data"]
    assert (made["slug"], made["status"], made["apiLimits"]) == (
        body["slug"], "pending", {"monthlyLimit": 10000, "burstLimit": 100},
    )  # fmt: skip
    change = {"name": "Renamed", "tags": ["pilot"], "businessInfo": {"industry": "Homes"}, "status": "active"}
    changed = (await admin.call("PUT", f"/api/partners/{made['id']}", change))["data"]
    assert (changed["name"], changed["tags"], changed["status"]) == ("Renamed", ["pilot"], "active")
    assert (changed["businessInfo"]["companyName"], changed["businessInfo"]["industry"]) == ("Acme", "Homes")
    keys = (await admin.call("POST", f"/api/partners/{made['id']}/credentials/rotate"))["data"]
    app = App(live, made["id"], made["slug"], body["email"], keys["clientId"], keys["clientSecret"], "")
    await app.own("GET", "/usage")
    await admin.call("DELETE", f"/api/partners/{made['id']}")
    await app.own("GET", "/usage", expect=401)
    for method in ("GET", "DELETE"):
        gone = await admin.call(method, f"/api/partners/{made['id']}", expect=404)
        assert gone["error"]["code"] == "PARTNER_NOT_FOUND"
    assert await live.value("SELECT deleted_by IS NOT NULL FROM integrations WHERE id = $1::text::uuid", made["id"])
    assert await actions(live, made["id"]) == [
        "create_integration", "update_integration", "rotate_credentials", "delete_integration",
    ]  # fmt: skip
    # The address is free again.
    again = {**body, "slug": f"acme-{uuid4().hex[:8]}"}
    await admin.call("POST", "/api/partners", again, expect=201)


@pytest.mark.parametrize("source", STATES)
async def test_a_status_moves_along_its_table_only(live: Live, admin: Person, source: str) -> None:
    ways: dict[str, tuple[str, ...]] = {
        "pending": (), "active": ("active",), "suspended": ("active", "suspended"), "inactive": ("active", "inactive"),
        "rejected": ("rejected",),
    }  # fmt: skip
    for target in STATES:
        begun = await begin(live)
        for step in ways[source]:
            await admin.call("PUT", f"/api/partners/{begun.id}", {"status": step})
        allowed = target in MOVES[source] or target == source
        moved = await admin.call("PUT", f"/api/partners/{begun.id}", {"status": target}, expect=200 if allowed else 409)
        if not allowed:
            assert moved["code"] == "INVALID_STATUS_TRANSITION" and source in moved["message"]


async def test_a_suspended_app_is_shut_out_at_once(live: Live, admin: Person) -> None:
    app = await onboard(live)
    token = (await app.call("POST", "/api/partners/auth"))["data"]["token"]
    await admin.call("PUT", f"/api/partners/{app.id}", {"status": "suspended"})
    for headers in (app.pair, {"Authorization": f"Bearer {token}"}):
        refused = await send(live, "GET", f"/api/partners/{app.id}/usage", expect=403, headers=headers)
        assert refused["code"] == "PARTNER_NOT_ACTIVE"
    refused = await app.call("POST", "/api/partners/auth", expect=403)
    assert "suspended" in refused["message"]
    await send(live, "GET", f"/api/partners/slug/{app.slug}", expect=404)
    await admin.call("PUT", f"/api/partners/{app.id}", {"status": "active"})
    await app.own("GET", "/usage")


async def test_the_list_has_filters_sorts_and_a_search(live: Live, admin: Person) -> None:
    word = f"Zebra{uuid4().hex[:6]}"
    app = await onboard(live, name=f"{word} one", partnerType="enterprise")
    begun = await begin(live, name=f"{word} two")
    await admin.call("PUT", f"/api/partners/{begun.id}", {"tags": [word]})

    async def ids(query: str) -> list[str]:
        found = (await admin.call("GET", f"/api/partners?search={word}&{query}"))["data"]
        assert found["pagination"].keys() >= {"page", "limit", "total", "pages"}
        return [p["id"] for p in found["partners"]]

    assert await ids("") == [begun.id, app.id]
    assert await ids("sortBy=name&sortOrder=asc") == [app.id, begun.id]
    for query in ("status=pending", "onboardingCompleted=false", f"tag={word}"):
        assert await ids(query) == [begun.id]
    assert await ids("onboardingCompleted=true") == [app.id] == await ids("partnerType=enterprise,business")
    assert await ids("page=2&limit=1") == [app.id]


async def test_notes_are_the_house_s(live: Live, admin: Person, support: Person) -> None:
    app = await onboard(live)
    path = f"/api/partners/{app.id}/notes"
    note = (await admin.call("POST", path, {"content": " Called back. "}, expect=201))["data"]
    assert note["content"] == "Called back." and note["addedBy"]
    for body in ({}, {"content": "  "}):
        refused = await admin.call("POST", path, body, expect=400)
        assert refused["code"] == "MISSING_NOTE_CONTENT"
    await admin.call("POST", path, {"content": "x" * 1001}, expect=400)
    await support.call("POST", path, {"content": "No"}, expect=403)
    assert [n["id"] for n in (await support.call("GET", f"/api/partners/{app.id}"))["data"]["notes"]] == [note["id"]]


@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "", {"name": "No", "email": "no@acme.example", "phoneNumber": "+911234567890"}),
    ("PUT", "/{id}", {"name": "No"}), ("DELETE", "/{id}", None), ("POST", "/{id}/credentials/rotate", None),
    ("PUT", "/{id}/credentials", {"ipRanges": []}), ("POST", "/{id}/customers", {"name": "No", "phoneNumber": "+911"}),
])  # fmt: skip
async def test_support_reads_and_changes_nothing(
    live: Live, support: Person, method: str, path: str, body: Any
) -> None:
    app = await onboard(live)
    await support.call(method, "/api/partners" + path.format(id=app.id), body, expect=403)
    await support.call("GET", f"/api/partners/{app.id}")
    await app.own("GET", "/usage")


async def test_documents_are_uploaded_fetched_and_taken_away(live: Live, admin: Person) -> None:
    begun = await begin(live)

    async def upload(
        method: str, path: str, headers: dict[str, str], content: bytes = PDF, *, expect: int = 200
    ) -> dict[str, Any]:
        form = FormData()
        form.add_field("type", "contract")
        form.add_field("document", content, filename="contract.pdf", content_type="application/pdf")
        url = f"{live.url}/api/partners/{begun.id}{path}"
        async with live.http.request(method, url, data=form, headers=headers) as reply:
            answer: dict[str, Any] = await reply.json()
            assert reply.status == expect, answer
            return answer

    mine, house = {"X-Onboarding-Token": begun.token}, {"Authorization": f"Bearer {admin.token}"}
    uploaded = (await upload("POST", "/upload-documents", mine))["data"]["documents"]
    assert [(d["type"], d["name"]) for d in uploaded] == [("contract", "contract.pdf")]
    assert (await begun.step("verification", {}))["data"]["onboarding"]["currentStep"] == "business_info"
    for method in ("PUT", "POST"):
        await upload(method, "/attach-document/tax_id", house)
    await upload("POST", "/upload-documents", {}, expect=401)
    await upload("POST", "/upload-documents", mine, b"<html>", expect=400)
    await upload("POST", "/upload-documents", house)
    await upload("POST", "/upload-documents", house)
    full = await upload("POST", "/upload-documents", house, expect=400)
    assert full["errors"][0]["field"] == "documents"
    async with live.http.get(live.url + uploaded[0]["url"], headers=house) as reply:
        assert (reply.status, await reply.read()) == (200, PDF)
    await send(live, "GET", uploaded[0]["url"], expect=401)
    path = f"/api/partners/{begun.id}/delete-attach-document/{uploaded[0]['id']}"
    await admin.call("DELETE", path)
    gone = await admin.call("DELETE", path, expect=404)
    assert gone["code"] == "DOCUMENT_NOT_FOUND"


async def test_everybody_sees_little_of_an_active_partner(live: Live) -> None:
    app, begun = await onboard(live), await begin(live)
    seen = (await send(live, "GET", f"/api/partners/slug/{app.slug}"))["data"]
    assert seen.keys() == {"id", "name", "slug", "businessInfo"}
    assert seen["businessInfo"].keys() == {"companyName", "website", "industry", "description"}
    for slug in (begun.slug, "nobody", "No-Slug", "%00"):
        missing = await send(live, "GET", f"/api/partners/slug/{slug}", expect=404)
        assert missing["code"] in ("PARTNER_NOT_FOUND", "NOT_FOUND")
