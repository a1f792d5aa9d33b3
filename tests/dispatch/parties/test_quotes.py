"""A quote that is answered while it is declined: what was declined is what had been offered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.engine import offered
from dispatch.engine.catalogue import ServiceIn
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.parties import members, quotes
from dispatch.parties.quotes import Answer, NotOfferedAnyMore, QuoteExpired, Wish
from tests.organisations import APART, NOON, add_organisation
from tests.turns import one_after_the_other
from tests.world import World

STAFF = Actor("admin", "7")


async def test_an_offer_that_came_meanwhile_is_declined_and_not_withdrawn(world: World) -> None:
    services = world.services
    home = await add_organisation(services)
    async with services.transaction() as tx:
        asked = await quotes.request(tx, home.by, Wish("Facial", "For the whole floor", {}))
    offer = Answer(world.service_ids["Facial"], 90000, world.now.date() + timedelta(days=7))
    answered, decided = await one_after_the_other(
        services, lambda tx: quotes.answer(tx, asked.id, offer, STAFF),
        lambda tx: quotes.decide(tx, home.by, asked.id, is_accepted=False),
    )  # fmt: skip
    assert (answered.status, decided.status, decided.price_minor) == ("quoted", "declined", 90000)


@pytest.mark.parametrize("timezone", APART)
async def test_an_offer_holds_through_its_last_day_by_the_organisation_s_clocks(world: World, timezone: str) -> None:
    services = world.services
    home = await add_organisation(services)
    here = await home.in_zone(timezone, NOON)
    for valid_until, holds in ((here, True), (here - timedelta(days=1), False)):
        async with services.transaction() as tx:
            asked = await quotes.request(tx, home.by, Wish("Facial", "For the whole floor", {}))
            await quotes.answer(tx, asked.id, Answer(world.service_ids["Facial"], 90000, here), STAFF)
            await tx.conn.execute("UPDATE quotes SET valid_until = $2 WHERE id = $1", asked.id, valid_until)
        async with services.transaction() as tx:
            if holds:
                assert (await quotes.decide(tx, home.by, asked.id, is_accepted=True)).status == "accepted"
                continue
            with pytest.raises(QuoteExpired):
                await quotes.decide(tx, home.by, asked.id, is_accepted=True)


async def test_an_offer_that_is_over_already_is_not_made(world: World) -> None:
    home = await add_organisation(world.services)
    here = await home.in_zone(APART[0], NOON)
    async with world.services.transaction() as tx:
        asked = await quotes.request(tx, home.by, Wish("Facial", "For the whole floor", {}))
        with pytest.raises(Invalid):
            over = here - timedelta(days=1)
            await quotes.answer(tx, asked.id, Answer(world.service_ids["Facial"], 90000, over), STAFF)


async def test_an_offer_of_what_is_not_offered_any_more_is_not_taken_and_another_is_made(world: World) -> None:
    services = world.services
    home = await add_organisation(services)
    until = world.now.date() + timedelta(days=7)
    async with services.transaction() as tx:
        asked = await quotes.request(tx, home.by, Wish("Facial", "For the whole floor", {}))
        await quotes.answer(tx, asked.id, Answer(world.service_ids["Facial"], 90000, until), STAFF)
        like = ServiceIn("Facial - New", "Facial", "Facial", "Minimal", {"INR": (100_000, None)})
        other = await offered.create(tx, like, STAFF)
    async with services.transaction() as tx:
        await offered.retire(tx, world.service_ids["Facial"], STAFF)
    async with services.transaction() as tx:
        with pytest.raises(NotOfferedAnyMore):
            await quotes.decide(tx, home.by, asked.id, is_accepted=True)
    async with services.transaction() as tx:
        await quotes.answer(tx, asked.id, Answer(other.id, 95000, until), STAFF)
        assert (await quotes.decide(tx, home.by, asked.id, is_accepted=True)).status == "accepted"


async def test_whoever_asked_hears_of_the_offer_beside_their_organisation(world: World) -> None:
    services = world.services
    home = await add_organisation(services)
    asking = await home.member("coordinator")
    by = members.By(home.id, Actor("organisation", "x"), "partner_coordinator", member_id=asking)
    offer = Answer(world.service_ids["Facial"], 90000, world.now.date() + timedelta(days=7))
    async with services.transaction() as tx:
        addresses = [(await members.get(tx.conn, home.by, one)).email for one in (home.owner_id, asking)]
        asked = [await quotes.request(tx, whose, Wish("Facial", "All", {})) for whose in (by, home.by)]
        for one in asked:
            await quotes.answer(tx, one.id, offer, STAFF)
        await members.set_status(tx, home.by, asking, "removed")
        await quotes.answer(tx, asked[0].id, offer, STAFF)
    told = await world.fetch("SELECT recipient FROM outbox WHERE template = 'quote_answered' ORDER BY id")
    assert [row["recipient"] for row in told] == [*addresses, addresses[0], addresses[0]]
