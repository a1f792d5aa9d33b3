"""A quote that is answered while it is declined: what was declined is what had been offered."""

from __future__ import annotations

from datetime import timedelta

from dispatch.events import Actor
from dispatch.parties import quotes
from dispatch.parties.quotes import Answer, Wish
from tests.organisations import add_organisation
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
