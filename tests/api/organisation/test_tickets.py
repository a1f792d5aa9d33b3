"""Tickets: opened, answered and closed, and who reaches them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from dispatch.events import Actor
from dispatch.parties import tickets
from tests.api.organisation.conftest import Portal, staff
from tests.organisations import add_organisation

BODY: dict[str, Any] = {
    "subject": "Billing discrepancy", "category": "billing", "priority": "high", "description": "Wrong charges",
    "attachments": ["https://cloudinary.example/shot.png"], "urgency": "requires_immediate_attention",
}  # fmt: skip


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
