"""What came of an app is counted: asked for, confirmed, done, and what it earned."""

from __future__ import annotations

import uuid
from typing import Any

from dispatch.billing import ledger, ledger_check
from tests.api.integration.test_bookings import PLACE, Caller
from tests.api.live import Live, Person
from tests.api.test_story import book
from tests.integrations import onboard


async def free_technician(live: Live) -> Person:
    """Somebody who is online here and has nothing to do."""
    person = await live.person("technician", "PT-001")
    here = {"is_available": True, "current_lat": PLACE[0], "current_lng": PLACE[1]}
    await person.call("PATCH", "/v1/partner/availability", here)
    return person


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


async def test_what_staff_give_back_of_a_done_job_is_not_earned(live: Live, admin: Person) -> None:
    app = await onboard(live)
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE technicians SET is_available = false")
    await live.services.roster.refresh()
    technician = await free_technician(live)
    booked = await book(Caller(app, await app.customer("+919876500003")), PLACE)  # type: ignore[arg-type]
    await technician.call("POST", f"/v1/partner/bookings/{booked['id']}/accept")
    for step in ("in_transit", "arrived", "in_progress"):
        await technician.call("PATCH", f"/v1/partner/bookings/{booked['id']}/status", {"status": step})
    await technician.call("POST", f"/v1/partner/bookings/{booked['id']}/complete", {})
    given = {"amount": 100, "reason": "They came late"}
    await admin.call("POST", f"/v1/admin/bookings/{booked['id']}/refund", given)
    figures = (await admin.call("GET", f"/api/partners/{app.id}/analytics"))["data"]
    assert (figures["completedJobs"], figures["revenue"]) == (1, booked["grand_total"] - 100)


async def on_account(caller: Caller) -> dict[str, Any]:
    """A checkout whose price is made for whoever gets the bill."""

    class OnAccount(Caller):
        async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
            if path.startswith("/v1/checkout/"):
                body = {**body, "payment_method": "account"}
            return await super().call(method, path, body, expect=expect)

    return await book(OnAccount(caller.app, caller.customer_id), PLACE)  # type: ignore[arg-type]
