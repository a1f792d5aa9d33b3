"""The fee of a cancellation: free for five minutes and while nobody has accepted (R76, C72)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.billing import cancellation
from dispatch.billing.cancellation import Outcome, Quote, Terms, outcome
from dispatch.engine import customer_bookings, settings
from storage import staff_bookings
from storage.bookings import Booking
from tests.dispatch.billing.till import GRAND, STAFF, Till
from tests.statements import counted

BOOKED = datetime(2026, 1, 20, 10, tzinfo=UTC)
TERMS = Terms(timedelta(minutes=5), Decimal(10))


@pytest.mark.parametrize(
    ("status", "payment", "minutes", "expected"),
    [
        ("pending", "pending", 60, Outcome(0, 0)),
        ("partner_assigned", "pending", 60, Outcome(0, 0)),
        ("partner_assigned", "paid", 60, Outcome(0, 177_120)),
        ("confirmed", "pending", 4.99, Outcome(0, 0)),
        ("confirmed", "pending", 5, Outcome(17_712, 0)),
        ("confirmed", "paid", 4.99, Outcome(0, 177_120)),
        ("confirmed", "paid", 5, Outcome(17_712, 159_408)),
    ],
)
def test_the_fee_rule(status: str, payment: str, minutes: float, expected: Outcome) -> None:
    booking: Any = SimpleNamespace(status=status, payment_status=payment, created_at=BOOKED, grand_total_minor=177_120)
    paid_minor = 177_120 if payment == "paid" else 0
    assert outcome(booking, BOOKED + timedelta(minutes=minutes), TERMS, paid_minor) == expected


async def test_cancelling_locks_and_reads_each_row_once(till: Till) -> None:
    """Of a booking that is offered eleven statements, of an accepted one with its customer's first fee fourteen."""
    world = till.world
    offered = await world.book(hours=3)
    with counted(world.services.pool) as statements:
        async with world.services.transaction() as tx:
            await cancellation.cancel(tx, offered.id, offered.account_id, "no time")
    assert len(statements) <= 11, statements
    accepted = await world.book(hours=5)
    await world.accept(accepted.id, (await world.open_offer(accepted.id))["technician_id"])
    await world.advance(minutes=10)
    with counted(world.services.pool) as statements:
        async with world.services.transaction() as tx:
            _, cost = await cancellation.cancel(tx, accepted.id, accepted.account_id, "no time")
    assert cost.fee_minor > 0
    assert len(statements) <= 14, statements
    await till.check()


async def test_a_booking_keeps_the_terms_that_were_accepted_with_it(till: Till) -> None:
    """Staff make cancelling dearer meanwhile: that is for whoever books from now on."""
    world = till.world
    before = await world.book(hours=3)
    await world.accept(before.id, (await world.open_offer(before.id))["technician_id"])
    async with world.services.transaction() as tx:
        dearer = {"cancellation_fee_percentage": 50, "free_cancellation_minutes": 0}
        await settings.update(tx, STAFF, dearer)
    after = await world.book(hours=6)
    await world.accept(after.id, (await world.open_offer(after.id))["technician_id"])

    async def quote(booking: Booking) -> Quote:
        async with world.services.read() as conn:
            seen = await customer_bookings.get(conn, booking.account_id, booking.id)
            by_staff = await staff_bookings.get(conn, booking_id=booking.id)
            assert by_staff is not None
            said = await cancellation.quote(world.services, conn, seen)
            assert said is not None and said == await cancellation.quote(world.services, conn, by_staff)
            return said

    await world.advance(minutes=4)
    assert (await quote(before)).outcome.fee_minor == 0
    assert (await quote(before)).free_until == before.created_at + timedelta(minutes=5)
    assert (await quote(after)).outcome.fee_minor == GRAND // 2
    await world.advance(minutes=10)
    assert (await quote(before)).outcome.fee_minor == GRAND // 10
    async with world.services.transaction() as tx:
        _, cost = await cancellation.cancel(tx, before.id, before.account_id, None)
    assert cost.fee_minor == GRAND // 10
    # What was booked by a node of before knows no terms: it goes by those of now.
    await world.execute("UPDATE bookings SET free_cancellation_s = NULL, cancellation_fee_pct = NULL")
    assert (await quote(after)).outcome.fee_minor == GRAND // 2
    await till.check()
