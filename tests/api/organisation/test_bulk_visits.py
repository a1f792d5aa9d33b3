"""Visits of a series: they become bookings once, and one in trouble keeps nobody waiting."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from dispatch.billing import bulk_bookings, ledger_check
from dispatch.engine import rescheduling
from dispatch.engine.tasks import Run
from dispatch.events import Actor
from dispatch.localtime import to_utc
from dispatch.parties import members, organisations
from tests.api.organisation.conftest import Office, do_job, taken
from tests.organisations import add_organisation
from tests.trade import add_partner, change_partner


async def test_visits_become_bookings_once_and_their_end_moves_the_budget(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Works", code="WRK", budget_minor=1_000_000)
    month = date(2026, 1, 1)
    made = await office.book(
        home, floors=1, schedule={"days": ["tuesday", "friday"], "startDate": "2026-01-13", "endDate": "2026-01-16"},
        billing={"department": str(department.id)}, specialRequirements=["Access cards provided"],
    )  # fmt: skip
    assert made["status"] == "active"
    # The price with its tax is reserved, in the department's budget and in the whole organisation's.
    each = 60_000 + 10_800
    assert await office.standing(home, department.id, month) == (2 * each, 0)
    assert await office.standing(home, None, month) == (2 * each, 0)
    await asyncio.gather(office.make_visits(), office.make_visits())
    assert (await office.make_visits())["booked"] == 0
    assert await office.world.value("SELECT count(*) FROM bookings WHERE organisation_id = $1", home.id) == 2
    path = f"/bookings/bulk/{made['id']}"
    visits = (await office.call("GET", f"{path}/visits?startDate=2026-01-01", headers=home.headers()))["data"]["visits"]
    assert [v["startsAt"] for v in visits] == ["2026-01-13T12:30:00Z", "2026-01-16T12:30:00Z"]
    first, second = (UUID(v["bookingId"]) for v in visits)
    booking = await office.world.booking(first)
    assert (booking.payment_method, booking.organisation_id, booking.grand_total_minor) == ("account", home.id, each)
    # The first is done, the second falls on a day that is left out.
    await office.world.execute("UPDATE technicians SET is_available = true")
    async with office.services.transaction() as tx:
        technician_id = await tx.conn.fetchval("SELECT id FROM technicians LIMIT 1")
    await do_job(office, first, technician_id)
    assert await office.standing(home, department.id, month) == (each, each)
    await office.call("POST", f"{path}/exceptions", {"dates": ["2026-01-16"]}, headers=home.headers())
    assert (await office.world.booking(second)).status == "cancelled"
    assert await office.standing(home, department.id, month) == (0, each)
    after = await office.call("GET", path, headers=home.headers())
    ended = after["data"]["bulkBooking"]
    assert (ended["status"], ended["completedBookings"]) == ("completed", 1)
    async with office.services.read() as conn:
        assert await ledger_check.check(conn) == []


async def test_the_series_of_a_suspended_organisation_rests(office: Office) -> None:
    home = await add_organisation(office.services)
    today = office.world.now.date()
    soon = {"frequency": "daily", "days": [], "startDate": f"{today + timedelta(days=1)}",
            "endDate": f"{today + timedelta(days=2)}"}  # fmt: skip
    made = await office.book(home, floors=1, schedule=soon)
    async with office.services.transaction() as tx:
        await organisations.set_status(tx, home.id, "suspended", "unpaid", Actor("admin", "a test"))
    await office.make_visits()
    booked = "SELECT count(*) FROM bookings WHERE organisation_id = $1"
    assert await office.world.value(booked, home.id) == 0
    async with office.services.transaction() as tx:
        await organisations.set_status(tx, home.id, "active", None, Actor("admin", "a test"))
    await office.make_visits()
    assert await office.world.value(booked, home.id) == 2
    # Whoever cancelled and was interrupted: the task goes on, and a second turn finds nothing.
    await office.world.execute("UPDATE bulk_bookings SET status = 'cancelled' WHERE id = $1", UUID(made["id"]))
    task = {"bulk_id": made["id"], "organisation_id": str(home.id), "actor_id": "x", "days": None, "reason": "moved"}
    for _ in range(2):
        run = cast(Run, SimpleNamespace(services=office.services, task=SimpleNamespace(payload=task)))
        await bulk_bookings.cancel_left(run)
    assert await office.world.value(f"{booked} AND status = 'cancelled'", home.id) == 2


async def test_a_visit_in_trouble_keeps_nobody_waiting(office: Office) -> None:
    home, other = await add_organisation(office.services), await add_organisation(office.services)
    today = office.world.now.date()
    soon = {"frequency": "daily", "days": [], "startDate": f"{today + timedelta(days=3)}",
            "endDate": f"{today + timedelta(days=3)}"}  # fmt: skip
    made = await office.book(home, floors=1, schedule=soon)
    await office.book(other, floors=1, schedule=soon)
    # Billed to somebody who knows nothing of it any more.
    await office.world.execute("UPDATE bulk_bookings SET billed_to = $2 WHERE id = $1", UUID(made["id"]), other.id)
    await office.make_visits()
    visits = await office.call("GET", f"/bookings/bulk/{made['id']}/visits", headers=home.headers())
    assert visits["data"]["visits"][0]["trouble"] and visits["data"]["visits"][0]["status"] == "planned"
    assert await office.world.value("SELECT count(*) FROM bookings WHERE organisation_id = $1", other.id) == 1


async def test_the_fee_of_a_cancelled_visit_is_spent(office: Office) -> None:
    """Of the budget, and in what the organisation reads of its finances."""
    home = await add_organisation(office.services)
    department = await home.department("Fees", code="FEE", budget_minor=1_000_000)
    day = office.world.now.date() + timedelta(days=3)
    soon = {"frequency": "daily", "days": [], "startDate": f"{day}", "endDate": f"{day}"}
    made = await office.book(home, floors=1, schedule=soon, billing={"department": str(department.id)})
    await office.make_visits()
    path = f"/bookings/bulk/{made['id']}"
    [visit] = (await office.call("GET", f"{path}/visits", headers=home.headers()))["data"]["visits"]
    booking_id = UUID(visit["bookingId"])
    await taken(office, booking_id, await office.world.value("SELECT id FROM technicians LIMIT 1"))
    await office.world.advance(minutes=30)
    await office.call("POST", f"{path}/exceptions", {"dates": [f"{day}"]}, headers=home.headers())
    booking = await office.world.booking(booking_id)
    fee = booking.cancellation_fee_minor or 0
    assert booking.status == "cancelled" and fee > 0
    assert await office.standing(home, department.id, day.replace(day=1)) == (0, fee)
    seen = (await office.call("GET", "/finance/overview?period=year", headers=home.headers()))["data"]
    assert seen["overview"]["totalSpent"] == fee / 100 == sum(m["spent"] for m in seen["trends"]["monthly"])
    assert [d["spent"] for d in seen["byDepartment"] if d["department"] == "Fees"] == [fee / 100]
    dates = f"startDate={day}&endDate={day}&format=csv"
    for kind in ("detailed", "departmental", "summary", "tax"):
        report = await office.call("GET", f"/finance/reports?type={kind}&{dates}", headers=home.headers())
        assert f"{fee / 100}".encode() in report, (kind, report)


async def test_a_visit_that_was_moved_is_on_its_new_day(office: Office) -> None:
    home = await add_organisation(office.services)
    old = office.world.now.date() + timedelta(days=2)
    new = old + timedelta(days=2)
    schedule = {"frequency": "monthly", "days": [], "startDate": f"{old}", "endDate": f"{old}"}
    made = await office.book(home, floors=1, schedule=schedule)
    await office.make_visits()
    path = f"/bookings/bulk/{made['id']}"

    async def seen() -> Any:
        return (await office.call("GET", f"{path}/visits", headers=home.headers()))["data"]["visits"][0]

    booking = await office.world.booking(UUID((await seen())["bookingId"]))
    starts_at = to_utc(new, booking.local_time, booking.timezone)
    async with office.services.transaction() as tx:
        await rescheduling.reschedule(tx, booking.id, Actor("admin", "a test"), starts_at)
    assert (await seen())["startsAt"] == f"{starts_at:%Y-%m-%dT%H:%M:%SZ}"
    [line] = (await office.call("GET", "/bookings", headers=home.headers()))["data"]["bookings"]
    assert line["schedule"]["nextBooking"] == f"{starts_at:%Y-%m-%dT%H:%M:%SZ}"
    for day in (old, new):
        await office.call("POST", f"{path}/exceptions", {"dates": [f"{day}"]}, headers=home.headers())
        assert ((await seen())["bookingStatus"] == "cancelled") is (day == new)


async def test_the_first_trouble_of_a_series_is_told_and_its_reason_kept(office: Office) -> None:
    home = await add_organisation(office.services)
    partner = await add_partner(office.services, organisation_id=home.id, credit_limit_minor=10_000_000)
    asking = await home.member("coordinator")
    day = office.world.now.date() + timedelta(days=3)
    soon = {"frequency": "daily", "days": [], "startDate": f"{day}", "endDate": f"{day + timedelta(days=1)}"}
    made = await office.book(home, asking, floors=1, schedule=soon)
    async with office.services.transaction() as tx:
        await change_partner(tx, partner.no, status="ON_HOLD")
    path = f"/bookings/bulk/{made['id']}/visits"
    for days, status in ((0, "planned"), (0, "planned"), (10, "failed")):
        await office.world.advance(days=days)
        await office.make_visits()
        visits = (await office.call("GET", path, headers=home.headers()))["data"]["visits"]
        assert [v["status"] for v in visits] == [status] * 2
        assert all("is not billed at the moment" in v["trouble"] for v in visits)
    number = made["referenceNumber"]
    told = "SELECT recipient FROM outbox WHERE template = 'visits_in_trouble' AND body LIKE '%' || $1 || '%'"
    async with office.services.read() as conn:
        whom = (await members.get(conn, home.by, asking)).email
    assert [row["recipient"] for row in await office.world.fetch(told, number)] == [whom]
    raised = "SELECT count(*) FROM alerts WHERE kind = 'visits_in_trouble' AND message LIKE '%' || $1 || '%'"
    assert await office.world.value(raised, number) == 1


async def test_trouble_that_was_over_is_told_again_when_it_comes_back(office: Office) -> None:
    """One visit that was missed months ago is no reason to say nothing."""
    home = await add_organisation(office.services)
    partner = await add_partner(office.services, organisation_id=home.id, credit_limit_minor=10_000_000)
    day = office.world.now.date() + timedelta(days=3)
    weekly = {
        "frequency": "weekly", "days": [f"{day:%A}".lower()], "startDate": f"{day}",
        "endDate": f"{day + timedelta(days=70)}",
    }  # fmt: skip
    made = await office.book(home, floors=1, schedule=weekly)
    number = made["referenceNumber"]

    async def turn(days: int, status: str) -> tuple[int, int]:
        """(letters, open alerts) after so many days, with the partner standing so."""
        async with office.services.transaction() as tx:
            await change_partner(tx, partner.no, status=status)
        await office.world.advance(days=days)
        await office.make_visits()
        told = "SELECT count(*) FROM outbox WHERE template = 'visits_in_trouble' AND body LIKE '%' || $1 || '%'"
        raised = (
            "SELECT count(*) FROM alerts WHERE kind = 'visits_in_trouble' AND message LIKE '%' || $1 || '%'"
            " AND resolved_at IS NULL"
        )
        return await office.world.value(told, number), await office.world.value(raised, number)

    assert await turn(0, "ON_HOLD") == (1, 1)
    assert await turn(4, "ON_HOLD") == (1, 1), "the first was missed"
    assert await turn(0, "ACTIVE") == (1, 1), "that is not long ago"
    assert await turn(15, "ACTIVE") == (1, 0)
    assert await turn(7, "ON_HOLD") == (2, 1)


async def test_of_a_series_of_somebody_who_is_gone_their_organisation_is_told(office: Office) -> None:
    home = await add_organisation(office.services)
    partner = await add_partner(office.services, organisation_id=home.id, credit_limit_minor=10_000_000)
    asking = await home.member("coordinator")
    day = office.world.now.date() + timedelta(days=3)
    soon = {"frequency": "daily", "days": [], "startDate": f"{day}", "endDate": f"{day}"}
    made = await office.book(home, asking, floors=1, schedule=soon)
    await office.call("DELETE", f"/users/{asking}", headers=home.headers())
    async with office.services.transaction() as tx:
        await change_partner(tx, partner.no, status="ON_HOLD")
    await office.make_visits()
    told = "SELECT recipient FROM outbox WHERE template = 'visits_in_trouble' AND body LIKE '%' || $1 || '%'"
    registered = await office.world.value("SELECT registered_email FROM organisations WHERE id = $1", home.id)
    assert [row["recipient"] for row in await office.world.fetch(told, made["referenceNumber"])] == [registered]


async def test_visits_that_are_booked_once_somebody_is_gone_are_the_owners(office: Office) -> None:
    """Whoever was let go neither reads nor moves what their organisation has booked since."""
    home = await add_organisation(office.services)
    asking = await home.member("coordinator")
    gone, owner = [await home.account_of(one) for one in (asking, home.owner_id)]
    days = [office.world.now.date() + timedelta(days=n) for n in (3, 20)]
    series = {"frequency": "daily", "days": [], "startDate": f"{days[0]}", "endDate": f"{days[1]}"}
    made = await office.book(home, asking, floors=1, schedule=series)
    await office.make_visits()
    whose = "SELECT account_id, count(*) FROM bookings WHERE organisation_id = $1 GROUP BY account_id ORDER BY count(*)"
    [before] = await office.world.fetch(whose, home.id)
    assert before["account_id"] == gone
    await office.call("DELETE", f"/users/{asking}", headers=home.headers())
    await office.world.advance(days=2)
    await office.make_visits()
    assert [(row["account_id"], row["count"]) for row in await office.world.fetch(whose, home.id)] == [
        (owner, 2), (gone, before["count"]),
    ]  # fmt: skip
    # The organisation ends all of them together.
    await office.call("POST", f"/bookings/bulk/{made['id']}/cancel", {}, headers=home.headers())
    open_ones = "SELECT count(*) FROM bookings WHERE organisation_id = $1 AND status <> 'cancelled'"
    assert await office.world.value(open_ones, home.id) == 0
