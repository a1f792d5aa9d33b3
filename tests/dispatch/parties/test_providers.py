"""For whom technicians work: moved by staff, and everybody whose money that changes is told."""

from __future__ import annotations

import pytest

from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.parties import providers
from dispatch.services import Services
from storage import organisation_analytics as analytics_rows
from tests.identity import add_technician
from tests.parties import add_party
from tests.providers import Owned, add_provider
from tests.turns import one_after_the_other
from tests.world import World

STAFF = Actor("admin")


async def told(services: Services, owned: Owned) -> list[str]:
    async with services.read() as conn:
        found = await conn.fetch(
            "SELECT template FROM outbox WHERE recipient = $1 AND template LIKE 'technician%' ORDER BY id", owned.email
        )
    return [row["template"] for row in found]


async def heard(services: Services) -> list[str]:
    """The texts to the one technician."""
    async with services.read() as conn:
        found = await conn.fetch("SELECT body FROM outbox WHERE channel = 'sms' AND template LIKE 'works%' ORDER BY id")
    return [row["body"] for row in found]


async def test_whoever_is_moved_is_told_once_and_so_are_both_providers(services: Services) -> None:
    one, other = await add_provider(services), await add_provider(services)
    technician_id = await add_technician(services.pool)
    for to in (one, one, other):
        async with services.transaction() as tx:
            await providers.enlist(tx, technician_id, to.id, STAFF)
    assert await told(services, one) == ["technician_joined", "technician_left"]
    assert await told(services, other) == ["technician_joined"]
    first, second = await heard(services)
    assert one.provider.name in first and other.provider.name in second and "not to you" in second
    with pytest.raises(Missing):
        async with services.transaction() as tx:
            await providers.release(tx, technician_id, one.id, STAFF)
    async with services.transaction() as tx:
        await providers.release(tx, technician_id, other.id, STAFF)
    assert await told(services, other) == ["technician_joined", "technician_left"]
    assert (await heard(services))[2:] == [
        "You work for yourself from now on: jobs that you accept from now on are paid to you."
    ]
    async with services.read() as conn:
        audited = await conn.fetch(
            "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY id", str(technician_id)
        )
    assert [row["action"] for row in audited] == [
        "technician.enlisted", "technician.enlisted", "technician.released",
    ]  # fmt: skip


async def test_of_two_who_move_one_at_once_the_second_follows_the_first(services: Services) -> None:
    one, other = await add_provider(services), await add_provider(services)
    technician_id = await add_technician(services.pool)
    await one_after_the_other(
        services, lambda tx: providers.enlist(tx, technician_id, one.id, STAFF),
        lambda tx: providers.enlist(tx, technician_id, other.id, STAFF),
    )  # fmt: skip
    assert await told(services, one) == ["technician_joined", "technician_left"]
    assert await told(services, other) == ["technician_joined"]


async def test_what_was_done_counts_for_whom_a_technician_worked_for_then(world: World) -> None:
    services = world.services
    old, new = await add_provider(services, name="Old"), await add_provider(services, name="New")
    home = await add_party(services, "organisation", "P-1")
    technician_id = await world.technician(provider_id=old.id)
    booking = await world.book(organisation_id=home)
    await world.accept(booking.id, technician_id)
    async with services.transaction() as tx:
        await providers.enlist(tx, technician_id, new.id, STAFF)
    async with services.read() as conn:
        found = await analytics_rows.providers(conn, organisation_id=home, within=None)
        assert [(p.id, p.bookings) for p in found] == [(old.id, 1)]
        grouped = await analytics_rows.custom(
            conn, organisation_id=home, dimensions=["provider"], within=None, departments=None,
            from_day=booking.local_date, to_day=booking.local_date,
        )  # fmt: skip
    assert [(g.provider, g.bookings) for g in grouped] == [("Old", 1)]
