"""Approvals whose approver is gone or has another role: complete with the others' words, or another is asked."""

from __future__ import annotations

from datetime import date, time
from uuid import UUID

import pytest

from dispatch.billing import bulk_bookings, member_approvals
from dispatch.billing.bulk_approvals import Wanted
from dispatch.billing.bulk_bookings import NewBulk
from dispatch.billing.bulk_places import Place
from dispatch.engine import tasks
from dispatch.engine.recurrence import Rule
from dispatch.events import Actor
from dispatch.parties import departments, members
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.members import Access, By
from dispatch.process import crons
from storage.bulk_bookings import Bulk
from tests.organisations import Home, add_organisation, books
from tests.world import KOLKATA, World


async def leaves(world: World, home: Home, member_id: UUID, status: str) -> list[str]:
    """And what follows is done; returns who is asked for an approval then. A status may be an access level."""
    before = await world.value("SELECT coalesce(max(id), 0) FROM outbox")
    async with world.services.transaction() as tx:
        if status in members.ACCESS_LEVELS:
            await members.set_access(tx, home.by, member_id, Access(status, None, True, False, None, ()))
        else:
            await members.apply_status(tx, home.id, member_id, status, None)
    [task] = await world.fetch("SELECT id FROM tasks WHERE payload ->> 'member_id' = $1", str(member_id))
    for _ in range(2):
        assert await tasks.work(world.services, crons.HANDLERS, task["id"]) is None
    told = "SELECT recipient FROM outbox WHERE template = 'approval_wanted' AND id > $1"
    return [row["recipient"] for row in await world.fetch(told, before)]


async def address_of(home: Home, member_id: UUID) -> str | None:
    async with home.services.read() as conn:
        return (await members.get(conn, home.by, member_id)).email


@pytest.mark.parametrize("how", ["removed", "viewer"])
@pytest.mark.parametrize("agrees", [True, False])
async def test_a_series_goes_on_without_whoever_left(world: World, agrees: bool, how: str) -> None:
    home = await add_organisation(world.services)
    two = await home.member("admin")
    one = await home.member("finance") if agrees else two
    asking = await home.member("coordinator")
    rule = Rule("weekly", date(2026, 1, 13), date(2026, 1, 13), (time(18),), ("tuesday",))
    place = Place("Lobby", "12 Lake Road", "Kolkata", lat=KOLKATA[0], lng=KOLKATA[1])
    wanted = Wanted(is_required=True, approvers=[one, two])
    by = By(home.id, Actor("organisation", str(asking)), "partner_coordinator", member_id=asking)
    bulk_id = await bulk_bookings.create(
        world.services, by, NewBulk("recurring", world.service_ids["Facial"], rule, [place], {}, approval=wanted)
    )

    async def seen() -> Bulk:
        async with world.services.read() as conn:
            return await bulk_bookings.get(conn, home.by, bulk_id)

    if agrees:
        async with world.services.transaction() as tx:
            approver = By(home.id, Actor("organisation", str(one)), "partner_finance", member_id=one)
            await bulk_bookings.approve(tx, approver, bulk_id)
    assert (await seen()).status == "pending_approval"
    told = await leaves(world, home, two, how)
    if agrees:
        assert (await seen()).status == "active" and told == []
    else:
        # The owner decides for the whole.
        assert (await seen()).status == "pending_approval" and told == [await address_of(home, home.owner_id)]
        async with world.services.transaction() as tx:
            await bulk_bookings.approve(tx, home.by, bulk_id)
        assert (await seen()).status == "active"


async def test_a_booking_of_a_department_that_was_closed_goes_on_without_whoever_left(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    asked = await home.member("finance")
    place = await home.department("Sales", code="SAL", approvers=[asked], approval_required=True)
    asking = await home.member(department_id=place.id)
    booked = (await books(world, home, await home.account_of(asking))).id
    async with world.services.transaction() as tx:
        await members.set_access(tx, home.by, asking, Access("standard", None, True, False, None, ()))
        await departments.delete(tx, home.id, place.id)
    assert await leaves(world, home, asked, "removed") == [await address_of(home, home.owner_id)]
    async with world.services.transaction() as tx:
        await member_approvals.approve(tx, home.by, booked)
    assert "booking.approved" in await world.facts(booked)


@pytest.mark.parametrize("how", ["suspended", "standard"])
async def test_a_member_s_booking_goes_on_without_whoever_left(world: World, how: str) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    place = await home.department("Sales", code="SAL")
    first, second = [await home.member("manager", department_id=place.id) for _ in range(2)]
    asking = await home.member(department_id=place.id)

    async def asked_of(*approvers: UUID) -> UUID:
        async with world.services.transaction() as tx:
            changed = DepartmentIn("Sales", "SAL", approvers=approvers, approval_required=True)
            await departments.change(tx, home.id, place.id, changed, today=world.now.date(), set_by="a test")
        return (await books(world, home, await home.account_of(asking), hour=7 + 4 * len(approvers))).id

    agreed, open_ = await asked_of(first, second), await asked_of(second)
    async with world.services.transaction() as tx:
        by = By(home.id, Actor("organisation", str(first)), "partner_manager", place.id, first)
        await member_approvals.approve(tx, by, agreed)
    assert await leaves(world, home, second, how) == [await address_of(home, home.owner_id)]
    assert "booking.approved" in await world.facts(agreed)
    assert (await world.booking(open_)).next_action == "release_unapproved"
    async with world.services.transaction() as tx:
        await member_approvals.approve(tx, home.by, open_)
    assert "booking.approved" in await world.facts(open_)
