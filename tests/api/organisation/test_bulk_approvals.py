"""Who agrees to a series: those who were asked, whoever stands in for them, and what a month's limit asks for."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from dispatch.parties import members
from tests.api.organisation.conftest import Office
from tests.organisations import add_organisation


async def test_whoever_was_asked_may_be_gone(office: Office) -> None:
    home = await add_organisation(office.services)
    asking, asked = await home.member("admin"), await home.member("finance")
    wish = {"billing": {"approvalRequired": True, "approvers": [str(asked)]}, "floors": 1}
    made = await office.book(home, asking, **wish)
    path = f"/bookings/bulk/{made['id']}"
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(), expect=403)
    await office.call("DELETE", f"/users/{asked}", headers=home.headers())
    # Whoever asks does not stand in, somebody else who decides for the whole does.
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(asking), expect=403)
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers())
    assert agreed["data"]["bulkBooking"]["status"] == "active"


async def test_above_a_months_limit_it_waits_for_a_word_and_no_other_month_counts(office: Office) -> None:
    home = await add_organisation(office.services)
    member = await home.member("coordinator")
    access = {"permissions": {"monthlyLimit": 2000}}
    await office.call("PUT", f"/users/{member}/access", access, headers=home.headers())
    await home.sign_in(member)
    monthly = {"frequency": "monthly", "days": [], "startDate": "2026-06-10", "endDate": "2026-11-10"}
    # 708 in each of six months: below the limit of each, above it together.
    made = await office.book(home, member, floors=1, schedule=monthly)
    assert (made["estimatedBookings"], made["status"]) == (6, "active")
    both = await asyncio.gather(
        *(
            office.client.post(
                "/api/partners/bookings/bulk", json=office.wish(floors=1, schedule=monthly),
                headers=home.headers(member),
            )
            for _ in range(2)
        )
    )  # fmt: skip
    # What is planned counts, also of two at once: one of them is above the limit, and its money is reserved meanwhile.
    answers = [(await reply.json())["data"]["bulkBooking"] for reply in both]
    assert sorted(one["status"] for one in answers) == ["active", "pending_approval"]
    [waits] = [one for one in answers if one["status"] == "pending_approval"]
    assert waits["approvalStatus"]["pending"] == [str(home.owner_id)]
    assert await office.standing(home, None, date(2026, 11, 1)) == (3 * 70_800, 0)
    path = f"/bookings/bulk/{waits['id']}"
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(member), expect=403)
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers())
    assert agreed["data"]["bulkBooking"]["status"] == "active"
    more = await office.book(home, member, floors=1, schedule=monthly)
    await office.call("POST", f"/bookings/bulk/{more['id']}/reject", {"reason": "dear"}, headers=home.headers())
    assert await office.standing(home, None, date(2026, 11, 1)) == (3 * 70_800, 0)


async def test_the_line_of_its_own_months_asks_for_an_approval(office: Office) -> None:
    """Of several months the strictest, whatever today's says."""
    home = await add_organisation(office.services)
    rules = {"allowOverspend": True, "requireApprovalAbove": 700}
    for start, line in (("2026-03-01", rules), ("2026-04-01", {**rules, "requireApprovalAbove": 5000})):
        body = {"period": {"type": "monthly", "startDate": start}, "allocations": [{"amount": 600000}], "rules": line}
        await office.call("POST", "/finance/budget-allocation", body, headers=home.headers(), expect=201)
    coordinator = await home.member("coordinator")
    # 708 for each visit.
    for start, end, waits in (
        ("2026-02-10", "2026-02-10", False), ("2026-03-10", "2026-03-10", True), ("2026-04-10", "2026-04-10", False),
        ("2026-03-10", "2026-04-10", True),
    ):  # fmt: skip
        days = {"frequency": "monthly", "days": [], "startDate": start, "endDate": end}
        made = await office.book(home, coordinator, floors=1, schedule=days)
        assert (made["status"] == "pending_approval") is waits, (start, end)


async def test_whoever_asks_does_not_choose_who_approves_what_the_department_demands(office: Office) -> None:
    home = await add_organisation(office.services)
    boss, sales = await home.member("finance"), await home.department("Sales", code="SAL")
    works = await home.department("Works", code="WRK", approval_required=True, approvers=[boss])
    friend = str(await home.member("manager", department_id=sales.id))
    coordinator = await home.member("coordinator", department_id=works.id)
    made = await office.book(
        home, coordinator, floors=1, billing={"department": str(works.id), "approvers": [friend]}
    )
    assert set(made["approvalStatus"]["pending"]) == {str(boss), friend}
    # What a member's access demands in no department is for somebody who decides for the whole.
    other = await home.member("coordinator")
    access = {"permissions": {"requireApproval": True}}
    await office.call("PUT", f"/users/{other}/access", access, headers=home.headers())
    for named, others in ((friend, {str(home.owner_id), str(boss)}), (str(boss), set[str]())):
        made = await office.book(home, other, floors=1, billing={"approvers": [named]})
        pending = set(made["approvalStatus"]["pending"])
        assert named in pending and len(pending & others) == len(pending) - 1 == bool(others)
    # Whoever wants an approval by themselves says whose.
    made = await office.book(
        home, home.owner_id, floors=1, billing={"approvalRequired": True, "approvers": [friend]}
    )
    assert made["approvalStatus"]["pending"] == [friend]


async def test_whoever_asked_hears_what_became_of_it(office: Office) -> None:
    home = await add_organisation(office.services)
    asking = await home.member("coordinator")
    async with office.services.read() as conn:
        whom = (await members.get(conn, home.by, asking)).email
    day = office.world.now.date() + timedelta(days=3)
    once = {"frequency": "monthly", "days": [], "startDate": f"{day}", "endDate": f"{day}"}

    async def told(made: Any) -> list[str]:
        found = await office.world.fetch(
            "SELECT template FROM outbox WHERE recipient = $1 AND body LIKE '%' || $2 || '%'", whom,
            made["referenceNumber"],
        )  # fmt: skip
        return [row["template"] for row in found]

    approved, rejected, unanswered = [
        await office.book(home, asking, floors=1, schedule=once, billing={"approvalRequired": True}) for _ in range(3)
    ]
    for made, what in ((approved, "approve"), (rejected, "reject")):
        path = f"/bookings/bulk/{made['id']}/{what}"
        await office.call("POST", path, {"reason": "as agreed"}, headers=home.headers())
    assert [await told(made) for made in (approved, rejected, unanswered)] == [["bulk_approved"], ["bulk_rejected"], []]
    await office.world.advance(days=5)
    for _ in range(2):
        await office.make_visits()
    assert await told(rejected) == ["bulk_rejected"]
    assert await told(unanswered) == ["bulk_unanswered"]


async def test_whoever_leaves_out_all_days_themselves_is_not_told_that_nobody_answered(office: Office) -> None:
    home = await add_organisation(office.services)
    asking = await home.member("coordinator")
    day = office.world.now.date() + timedelta(days=3)
    once = {"frequency": "monthly", "days": [], "startDate": f"{day}", "endDate": f"{day}"}
    for reason, says in (("We are closed", "We are closed"), (None, "all its days were left out")):
        made = await office.book(home, asking, floors=1, schedule=once, billing={"approvalRequired": True})
        left_out = {"dates": [f"{day}"], **({"reason": reason} if reason else {})}
        path = f"/bookings/bulk/{made['id']}/exceptions"
        ended = (await office.call("POST", path, left_out, headers=home.headers(asking)))["data"]["bulkBooking"]
        assert (ended["status"], ended["reason"]) == ("cancelled", says)
