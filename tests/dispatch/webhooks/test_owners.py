"""Whose endpoint hears what."""

from __future__ import annotations

from datetime import timedelta

from dispatch.billing import cancellation
from dispatch.engine import jobs
from dispatch.webhooks.owners import PLATFORM, Kind, Owner
from tests.dispatch.webhooks.hooks import STAFF, Hooks
from tests.dispatch.webhooks.test_deliveries import STORY

KINDS: tuple[Kind, ...] = ("organisation", "integration", "provider")


async def test_a_bookings_facts_go_to_those_who_have_to_do_with_it(hooks: Hooks) -> None:
    world = hooks.world
    owners = {kind: Owner(kind, await hooks.party(kind, "mine")) for kind in KINDS}
    strangers = {kind: Owner(kind, await hooks.party(kind, "other")) for kind in owners}
    for owner in (PLATFORM, *owners.values(), *strangers.values()):
        wanted = STORY if owner.kind != "provider" else STORY[1:]
        await hooks.endpoint(owner, *wanted)
    technician = await world.technician(provider_id=owners["provider"].id)
    customer = await hooks.customer_of(owners["integration"])
    booking = await world.book(customer, organisation_id=owners["organisation"].id)
    await world.accept(booking.id, technician)
    async with world.services.transaction() as tx:
        await cancellation.cancel_by_staff(tx, booking.id, STAFF, "no longer wanted")
    for owner in (PLATFORM, owners["organisation"], owners["integration"]):
        assert [d.type for d in await hooks.log(owner)] == list(STORY), owner.kind
    assert [d.type for d in await hooks.log(owners["provider"])] == list(STORY[1:])
    assert [d.seq for d in await hooks.log(PLATFORM)] == sorted(d.seq or 0 for d in await hooks.log(PLATFORM))
    for stranger in strangers.values():
        assert await hooks.log(stranger) == []


async def test_an_endpoint_hears_only_what_is_of_its_owners_kind(hooks: Hooks) -> None:
    home = await hooks.party("organisation")
    misplaced = Owner("integration", home)
    await hooks.endpoint(misplaced, *STORY)
    await hooks.endpoint(Owner("organisation", home), *STORY)
    await hooks.book(organisation_id=home)
    assert await hooks.log(misplaced) == []
    assert [d.type for d in await hooks.log(Owner("organisation", home))] == ["booking.created"]


#: What a provider hears of a job, from the offer to its end.
JOB = ("partner.assigned", "partner.accepted", "partner.in_transit", "partner.arrived", "booking.completed")


async def test_a_job_is_told_to_whom_it_is_paid_wherever_its_technician_works_by_then(hooks: Hooks) -> None:
    """Whom they have moved to would read what another one earns, and who is paid would not hear that it was done."""
    world = hooks.world
    old, new = [Owner("provider", await hooks.party("provider", name)) for name in ("old", "new")]
    for owner in (old, new):
        await hooks.endpoint(owner, *JOB)
    technician = await world.technician(provider_id=old.id)
    booking = await world.book()
    await world.accept(booking.id, technician)
    await world.execute("UPDATE technicians SET provider_id = $2 WHERE id = $1", technician, new.id)
    await world.services.roster.refresh([technician])
    early = booking.starts_at - timedelta(seconds=world.services.settings.dispatch.steps_ahead_s)
    await world.advance(seconds=max(0.0, (early - world.now).total_seconds()))
    async with world.services.transaction() as tx:
        for step in ("in_transit", "arrived"):
            await jobs.advance(tx, booking.id, technician, step)
        await jobs.complete(tx, booking.id, technician)
    assert [d.type for d in await hooks.log(old)] == list(JOB)
    assert await hooks.log(new) == []
    await world.book()
    assert [d.type for d in await hooks.log(new)] == ["partner.assigned"], "what they are offered is the new one's"
