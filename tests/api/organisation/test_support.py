"""Support: the contacts that staff keep, tickets with their promise and what is said on them, training."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from dispatch.events import Actor
from dispatch.parties import support, tickets
from dispatch.parties.support import ContactIn, TrainingIn
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation
from tests.parties import add_account, add_membership

BODY: dict[str, Any] = {
    "subject": "Billing discrepancy", "category": "billing", "priority": "high", "description": "Wrong charges",
    "attachments": ["https://cloudinary.example/shot.png"], "urgency": "requires_immediate_attention",
}  # fmt: skip


async def staff(portal: Portal) -> UUID:
    account_id = await add_account(portal.services, f"sarah{uuid4().hex[:6]}@staff.example")
    await add_membership(portal.services, account_id, "admin", "support")
    return account_id


async def test_contacts_and_training_are_what_staff_keep(portal: Portal) -> None:
    empty = (await portal.call("GET", "/support/contact"))["data"]
    assert empty == {"accountManager": None, "technicalSupport": None, "emergency": None}
    account_id = await staff(portal)
    sarah = Actor("admin", str(account_id))
    later = portal.services.clock.now().replace(year=2090)
    async with portal.services.transaction() as tx:
        for card in (
            ContactIn("account_manager", account_id, "Senior Account Manager", hours="Mon-Fri", languages=("English",)),
            ContactIn("technical", email="partners-support@localpro.example", hours="24/7"),
            ContactIn("emergency", phone="+639171234572", note="For urgent issues only"),
        ):
            await support.put_contact(tx, sarah, card)
        await support.add_training(tx, sarah, TrainingIn("video", "Overview", "https://x.example/v", None, 15))
        live = TrainingIn("live", "Workshop", None, None, 120, None, later, 25)
        await support.add_training(tx, sarah, live)
    home = await add_organisation(portal.services)
    shown = (await portal.call("GET", "/support/contact", headers=home.headers()))["data"]
    assert shown["accountManager"]["title"] == "Senior Account Manager" and shown["accountManager"]["name"]
    assert shown["technicalSupport"]["hours"] == "24/7" and shown["emergency"]["phone"] == "+639171234572"
    found = (await portal.call("GET", "/support/training"))["data"]
    assert [(r["type"], r["duration"]) for r in found["resources"]] == [("video", "15 minutes")]
    assert found["upcomingTraining"] == [
        {"title": "Workshop", "date": str(later.date()), "duration": "2 hours", "type": "live", "seats": "25 available"}
    ]


async def test_a_ticket_is_opened_answered_and_closed(portal: Portal) -> None:
    member = await portal.home.member()
    opened = await portal.call("POST", "/support/tickets", {**BODY, "affectedUsers": [str(member)]}, expect=201)
    ticket = opened["data"]["ticket"]
    assert ticket["ticketNumber"].startswith("TKT-") and ticket["expectedResponse"] == "Within 2 hours"
    assert (ticket["status"], ticket["affectedUsers"]) == ("open", [str(member)])
    path, sarah = f"/support/tickets/{ticket['id']}", Actor("admin", str(await staff(portal)))
    async with portal.services.transaction() as tx:
        await tickets.answer(tx, sarah, UUID(ticket["id"]), "We look into it.")
    answered = (await portal.call("GET", path))["data"]["ticket"]
    assert answered["status"] == "waiting" and answered["answeredAt"] is not None
    assert [(r["fromSupport"], r["message"]) for r in answered["replies"]] == [(True, "We look into it.")]
    async with portal.services.transaction() as tx:
        await tickets.settle(tx, sarah, UUID(ticket["id"]), status="resolved", assigned_to=None)
    more = await portal.call("POST", f"{path}/replies", {"message": "Again!"}, expect=201)
    assert more["data"]["ticket"]["status"] == "open" and more["data"]["ticket"]["resolvedAt"] is None
    assert (await portal.call("POST", f"{path}/close"))["data"]["ticket"]["status"] == "closed"
    refused = await portal.call("POST", f"{path}/replies", {"message": "x"}, expect=409)
    assert refused["error"]["code"] == "TICKET_CLOSED"
    listed = (await portal.call("GET", "/support/tickets?status=closed&category=billing"))["data"]["tickets"]
    assert [t["id"] for t in listed] == [ticket["id"]]


async def test_what_a_ticket_cannot_be(portal: Portal) -> None:
    bad = {**BODY, "category": "weather", "priority": "asap", "attachments": ["file:///etc/passwd"], "subject": ""}
    refused = await portal.call("POST", "/support/tickets", bad, expect=422)
    assert set(refused["error"]["details"]) == {"category", "priority", "attachments.0", "subject"}
    other = await add_organisation(portal.services)
    for more in ({"affectedUsers": [str(other.owner_id)]}, {"bookingId": str(uuid4())}):
        await portal.call("POST", "/support/tickets", {**BODY, **more}, expect=404)
    mine = (await portal.call("POST", "/support/tickets", BODY, expect=201))["data"]["ticket"]["id"]
    for method, path, body in (
        ("GET", "", None), ("POST", "/replies", {"message": "x"}), ("POST", "/close", None),
    ):  # fmt: skip
        await portal.call(method, f"/support/tickets/{mine}{path}", body, headers=other.headers(), expect=404)


async def test_a_manager_reaches_what_their_department_opened(portal: Portal) -> None:
    mine, other = await portal.home.department("Askers"), await portal.home.department("Others who ask")
    chief = portal.home.headers(await portal.home.member("manager", department_id=mine.id))
    beside = portal.home.headers(await portal.home.member("manager", department_id=other.id))
    path, whole = [
        f"/support/tickets/{made['data']['ticket']['id']}"
        for made in [await portal.call("POST", "/support/tickets", BODY, headers=h, expect=201) for h in (chief, None)]
    ]
    for headers, out_of_reach in ((beside, path), (chief, whole)):
        await portal.call("GET", out_of_reach, headers=headers, expect=404)
        await portal.call("POST", f"{out_of_reach}/replies", {"message": "x"}, headers=headers, expect=404)
        await portal.call("POST", f"{out_of_reach}/close", headers=headers, expect=404)
    for headers in (chief, portal.home.headers()):
        more = await portal.call("POST", f"{path}/replies", {"message": "More"}, headers=headers, expect=201)
    assert [r["message"] for r in more["data"]["ticket"]["replies"]] == ["More", "More"]
    assert (await portal.call("POST", f"{path}/close", headers=chief))["data"]["ticket"]["status"] == "closed"


async def test_the_docs_name_every_endpoint(portal: Portal) -> None:
    docs = (await portal.call("GET", "/integration/docs"))["data"]["documentation"]
    assert {"method": "GET", "path": "/api/partners/users"}.items() <= next(
        e for e in docs["endpoints"] if e["path"] == "/api/partners/users" and e["method"] == "GET"
    ).items()
    assert "invoice.generated" in docs["webhooks"]["events"] and len(docs["rateLimits"]) == 5
