"""An app books for people of its own: by phone and name, in cash or on account, and sees nothing of anybody else's."""

from __future__ import annotations

import uuid
from typing import Any

from dispatch.billing import ledger, ledger_check
from tests.api.live import Live, Person
from tests.api.test_story import book, check_out
from tests.integrations import App, onboard

PLACE = (22.5726, 88.3639)
#: A seeded customer's, who has an account and bookings of their own.
PHONE = "+911000100001"


class Caller:
    """An app that calls for one of its customers, where the other tests have a signed-in person."""

    def __init__(self, app: App, customer_id: str) -> None:
        self.app, self.customer_id = app, customer_id

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
        return await self.app.call(method, path, body, expect=expect, X_Customer_ID=self.customer_id)


async def free_technician(live: Live) -> Person:
    """Somebody who is online here and has nothing to do."""
    person = await live.person("technician", "PT-001")
    here = {"is_available": True, "current_lat": PLACE[0], "current_lng": PLACE[1]}
    await person.call("PATCH", "/v1/partner/availability", here)
    return person


async def test_a_customer_is_made_once_and_named_on_each_call(live: Live) -> None:
    app = await onboard(live)
    made = await app.own("POST", "/customers", {"name": "Asha Rao", "phoneNumber": "98765 43210"}, expect=201)
    assert (made["data"]["phoneNumber"], made["data"]["bookings"]) == ("+919876543210", 0)
    again = await app.own("POST", "/customers", {"name": "Somebody", "phoneNumber": "+919876543210"})
    assert again["data"] == made["data"]
    listed = (await app.own("GET", "/customers?search=asha"))["data"]
    assert [c["id"] for c in listed["customers"]] == [made["data"]["id"]]
    other = await onboard(live)
    assert await other.customer("+919876543210") != made["data"]["id"]
    bad = await app.own("POST", "/customers", {"name": "x", "phoneNumber": "12"}, expect=400)
    assert {e["field"] for e in bad["errors"]} == {"name"}


async def test_what_the_phone_s_owner_has_is_none_of_the_app_s_business(live: Live, admin: Person) -> None:
    app = await onboard(live)
    owner = await live.person("customer", PHONE)
    theirs = await book(owner, PLACE)
    caller = Caller(app, await app.customer(PHONE))
    assert (await caller.call("GET", "/v1/bookings"))["data"]["bookings"] == []
    assert (await caller.call("GET", "/v1/users/addresses"))["data"] == []
    await caller.call("GET", f"/v1/bookings/{theirs['id']}", expect=404)
    await caller.call("POST", f"/v1/bookings/{theirs['id']}/cancel", {"reason": "x"}, expect=404)
    ours = await book(caller, PLACE)  # type: ignore[arg-type]
    listed = (await caller.call("GET", "/v1/bookings"))["data"]["bookings"]
    assert [b["id"] for b in listed] == [ours["id"]]
    assert ours["id"] not in str(await owner.call("GET", "/v1/bookings"))
    timeline = (await caller.call("GET", f"/v1/bookings/{ours['id']}/timeline"))["data"]
    assert (timeline[0]["action"], timeline[0]["by"]) == ("booking.created", "integration")
    cancelled = (await caller.call("POST", f"/v1/bookings/{ours['id']}/cancel", {"reason": "Plans changed"}))["data"]
    assert cancelled["status"] == "cancelled"
    seen = (await caller.call("GET", f"/v1/bookings/{ours['id']}"))["data"]["cancellation"]
    assert (seen["cancelled_by"], seen["reason"]) == ("integration", "Plans changed")
    figures = (await admin.call("GET", f"/api/partners/{app.id}/analytics"))["data"]
    assert (figures["jobsPosted"], figures["bookings"], figures["cancelledJobs"]) == (1, 0, 1)
    await owner.call("POST", f"/v1/bookings/{theirs['id']}/cancel", {})
    await app.own("DELETE", f"/customers/{caller.customer_id}")
    await app.own("GET", f"/customers/{caller.customer_id}", expect=404)
    await caller.call("GET", "/v1/bookings", expect=404)
    kept = await live.value(
        "SELECT c.phone || b.contact::text || b.address::text FROM bookings b"
        " JOIN integration_customers c ON c.account_id = b.account_id WHERE b.id = $1::text::uuid", ours["id"],
    )  # fmt: skip
    assert PHONE not in kept and "Main St" not in kept and "erased" in kept
    assert await app.customer(PHONE) != caller.customer_id


async def test_cash_or_account_and_nothing_else(live: Live) -> None:
    app = await onboard(live)
    caller = Caller(app, await app.customer("+919876500001"))
    online = await refused(caller, payment_method="online")
    assert "payment_method" in online["error"]["details"]
    # Without a bill there is no account.
    service = (await caller.call("GET", "/v1/services/catalog"))["data"]["all_services"][0]
    cart = {"service_ids": [service["id"]], "payment_method": "account"}
    await caller.call("POST", "/v1/checkout/prepare", cart, expect=409)


async def refused(caller: Caller, **confirm: Any) -> dict[str, Any]:
    """What a confirm is told that is not taken."""
    answers: list[dict[str, Any]] = []

    class Trying(Caller):
        async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
            if path.endswith("/confirm"):
                answers.append(await super().call(method, path, body, expect=422))
                return {"data": {}}
            return await super().call(method, path, body, expect=expect)

    await check_out(Trying(caller.app, caller.customer_id), PLACE, **confirm)  # type: ignore[arg-type]
    return answers[0]


async def test_booked_accepted_done_and_counted(live: Live, admin: Person) -> None:
    app = await onboard(live)
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE integrations SET is_billed = true WHERE id = $1::text::uuid", app.id)
        await tx.conn.execute("UPDATE technicians SET is_available = false")
    await live.services.roster.refresh()
    technician = await free_technician(live)
    caller = Caller(app, await app.customer("+919876500002"))
    booked = await on_account(caller)
    assert booked["status"] == "partner_assigned"
    await technician.call("POST", f"/v1/partner/bookings/{booked['id']}/accept")
    for step in ("in_transit", "arrived", "in_progress"):
        await technician.call("PATCH", f"/v1/partner/bookings/{booked['id']}/status", {"status": step})
    await technician.call("POST", f"/v1/partner/bookings/{booked['id']}/complete", {})
    await caller.call("POST", f"/v1/bookings/{booked['id']}/rate", {"rating": 5})
    figures = (await admin.call("GET", f"/api/partners/{app.id}/analytics"))["data"]
    expected = {
        "jobsPosted": 1, "bookings": 1, "completedJobs": 1, "cancelledJobs": 0, "averageRating": 5.0, "activeUsers": 1,
        "revenue": booked["grand_total"], "currency": "INR", "revenueByCurrency": {"INR": booked["grand_total"]},
    }  # fmt: skip
    assert {name: figures[name] for name in expected} == expected == {n: figures["last30Days"][n] for n in expected}
    async with live.services.read() as conn:
        owed = await ledger.balance(conn, ledger.party_receivable(uuid.UUID(app.id), "INR"))
        assert owed == -round(booked["grand_total"] * 100)
        assert await ledger_check.check(conn) == []


async def on_account(caller: Caller) -> dict[str, Any]:
    """A checkout whose price is made for whoever gets the bill."""

    class OnAccount(Caller):
        async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
            if path.startswith("/v1/checkout/"):
                body = {**body, "payment_method": "account"}
            return await super().call(method, path, body, expect=expect)

    return await book(OnAccount(caller.app, caller.customer_id), PLACE)  # type: ignore[arg-type]
