"""A series that two decide on at once: with the last word it begins."""

from __future__ import annotations

from datetime import date, time
from uuid import UUID

from dispatch.billing import bulk_bookings
from dispatch.billing.bulk_approvals import Wanted
from dispatch.billing.bulk_bookings import NewBulk
from dispatch.billing.bulk_places import Place
from dispatch.engine.recurrence import Rule
from dispatch.events import Actor
from dispatch.parties.members import By
from tests.organisations import add_organisation
from tests.turns import Work, one_after_the_other
from tests.world import KOLKATA, World


async def test_the_last_two_who_agree_at_once_begin_it(world: World) -> None:
    home = await add_organisation(world.services)
    asked = [await home.member("admin") for _ in range(2)]
    rule = Rule("weekly", date(2026, 1, 13), date(2026, 1, 13), (time(18),), ("tuesday",))
    place = Place("Lobby", "12 Lake Road", "Kolkata", lat=KOLKATA[0], lng=KOLKATA[1])
    wanted = Wanted(is_required=True, approvers=asked)
    bulk_id = await bulk_bookings.create(
        world.services, home.by, NewBulk("recurring", world.service_ids["Facial"], rule, [place], {}, approval=wanted)
    )

    def agreeing(member_id: UUID) -> Work:
        by = By(home.id, Actor("organisation", str(member_id)), "partner_admin", member_id=member_id)
        return lambda tx: bulk_bookings.approve(tx, by, bulk_id)

    one, two = await one_after_the_other(world.services, agreeing(asked[0]), agreeing(asked[1]))
    assert (one.status, two.status) == ("pending_approval", "active")
