"""An organisation changes whom it prefers: who waits for that looks again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from dispatch.parties import preferred_providers
from dispatch.parties.preferred_providers import Preference
from storage.bookings import Booking
from tests.organisations import add_organisation
from tests.providers import add_provider
from tests.world import World


async def test_its_bookings_that_wait_look_again_and_nobody_elses(world: World) -> None:
    office = await add_provider(world.services, email="office@example.com")
    home = await add_organisation(world.services)
    preferred = await world.technician(provider_id=office.id)
    near = await world.technician(km_north=2)

    async def set_rules(*, others: bool) -> None:
        async with world.services.transaction() as tx:
            wanted = [Preference(office.id)]
            await preferred_providers.replace_all(tx, home.by, wanted, prefers_first=True, allows_others=others)

    async def waiting(booking: Booking, *refusing: UUID) -> Booking:
        for one in refusing:
            await world.reject(booking.id, one)
        await world.sweep()
        made = await world.booking(booking.id)
        assert (made.status, made.waits_for, made.next_action) == ("pending", [], "start")
        return made

    await set_rules(others=False)
    mine = await waiting(await world.book(organisation_id=home.id, payment_method="account", hours=5), preferred)
    other = await waiting(await world.book(hours=29), preferred, near)
    refused = "SELECT reason FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id "
    refused += "WHERE a.booking_id = $1 AND c.technician_id = $2 ORDER BY a.id DESC LIMIT 1"
    assert await world.value(refused, mine.id, near) == "org_rule"
    await set_rules(others=True)
    woken = (await world.booking(mine.id)).next_action_at
    assert woken is not None and world.now <= woken <= world.now + timedelta(minutes=1)
    # Saying the same again postpones nothing.
    await set_rules(others=True)
    assert (await world.booking(mine.id)).next_action_at == woken
    await world.advance(minutes=1)
    assert await world.sweep() == 1
    assert (await world.open_offer(mine.id))["technician_id"] == near
    assert (await world.booking(other.id)).next_action == "start"
