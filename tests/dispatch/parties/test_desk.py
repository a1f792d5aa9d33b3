"""What waits for somebody of the house is told after a day, every day anew, and no longer once it is done."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from dispatch.billing import provider_payouts
from dispatch.engine import alerts
from dispatch.events import Actor
from dispatch.parties import (
    bank_accounts,
    contact,
    desk,
    integration_onboarding,
    integrations,
    onboarding,
    organisations,
    provider_applications,
    technicians,
    tickets,
)
from dispatch.parties.bank_accounts import Change
from dispatch.parties.contact import Letter
from dispatch.parties.providers import NewProvider
from dispatch.parties.tickets import TicketIn
from tests.dispatch.parties.test_integration_onboarding import STRANGER, ready
from tests.organisations import Home, add_organisation
from tests.providers import add_provider, fund
from tests.world import World

STAFF, ANSWERS = Actor("admin", "somebody"), Actor("admin")


async def told(world: World) -> set[str]:
    async with world.services.transaction() as tx:
        waits = await desk.look(tx)
    found = await world.fetch("SELECT kind FROM alerts WHERE resolved_at IS NULL")
    assert len(found) == waits
    return {row["kind"] for row in found}


async def onboard(world: World, home: Home, steps: tuple[str, ...]) -> None:
    async with world.services.transaction() as tx:
        for step in steps:
            await onboarding.complete(tx, home.id, step, {})


async def test_what_waits_for_longer_than_a_day_is_told_until_it_is_done(world: World) -> None:
    reviewed = world.services.settings.model_copy(update={"integration_activation_requires_review": True})
    services = replace(world.services, settings=reviewed)
    home = await add_organisation(world.services, is_active=False)
    *first, last = onboarding.STEPS
    await onboard(world, home, tuple(first))
    technician = await world.technician(onboarding_status="pending", verification_documents={"pan": "a scan"})
    # Who has sent nothing waits for nobody.
    await world.technician(onboarding_status="pending")
    begun = await ready(world.services)
    owned = await add_provider(world.services)
    large = services.settings.providers.review_above_minor + 1
    await fund(services, owned, large)
    async with services.transaction() as tx:
        change = Change("0123452939", "First Bank", "A Provider", "HDFC0001234")
        await bank_accounts.merge(tx, owned.id, change)
    async with world.services.transaction() as tx:
        letter = await contact.submit(tx, Letter("John", "john@example.com", "Hello?"))
        asked = await provider_applications.apply(tx, NewProvider("Ayur House", "Asha", "asha@example.com"))
        payout = await provider_payouts.request(tx, owned.id, large, "INR", description=None, actor=STAFF)
        ticket = await tickets.open(tx, home.by, TicketIn("Late", "service", "They came late", "low"))
    await world.advance(hours=23)
    assert await told(world) == set()
    await world.advance(hours=2)
    # An app and an organisation that have steps before them are not waited for by anybody of the house.
    assert await told(world) == {
        "letter_waits", "application_waits", "technician_waits", "payout_waits", "ticket_waits"
    }  # fmt: skip
    await onboard(world, home, (last,))
    async with services.transaction() as tx:
        await integration_onboarding.activate(tx, begun.integration.id, begun.token, STRANGER)
    await world.advance(hours=25)
    assert await told(world) == set(desk.WORDS)
    # Somebody says that it is settled, and it is not.
    open_ones = await world.fetch("SELECT id FROM alerts WHERE kind = 'letter_waits' AND resolved_at IS NULL")
    assert len(open_ones) == 1
    async with world.services.transaction() as tx:
        await alerts.resolve_by(tx, STAFF, UUID(str(open_ones[0]["id"])), None)
    assert await told(world) == set(desk.WORDS)
    async with world.services.transaction() as tx:
        await contact.answer(tx, STAFF, letter, "read", None)
        await provider_applications.reject(tx, asked.id, None, STAFF)
        await organisations.set_status(tx, home.id, "active", None, STAFF)
        await integrations.set_status(tx, begun.integration.id, "active", STAFF)
        await technicians.judge(tx, technician, STAFF, "verified", None)
        await provider_payouts.review(tx, payout.id, "reject", None, STAFF)
        await tickets.answer(tx, ANSWERS, ticket.id, "We are sorry")
    assert await told(world) == set()


async def test_a_ticket_waits_from_the_moment_at_which_its_answer_was_promised(world: World) -> None:
    home = await add_organisation(world.services)
    async with world.services.transaction() as tx:
        ticket = await tickets.open(tx, home.by, TicketIn("Late", "service", "Nobody came", "urgent"))
        other = await tickets.open(tx, home.by, TicketIn("Later", "service", "Nobody came either", "urgent"))
    assert await told(world) == set()
    await world.advance(hours=2)
    assert await told(world) == {"ticket_waits"}
    async with world.services.transaction() as tx:
        await tickets.answer(tx, ANSWERS, ticket.id, "On the way")
    assert await told(world) == {"ticket_waits"}, "the other one"
    async with world.services.transaction() as tx:
        await tickets.close(tx, home.by, other.id)
    assert await told(world) == set()
