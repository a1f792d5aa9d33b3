"""What the database does of bookings: many at once, in sets."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from dispatch.engine import timers
from dispatch.engine.timers import Sweeper
from storage import bookings as booking_rows
from tests.dispatch.engine.test_timers import copies, recorder
from tests.world import World


async def test_two_thousand_are_looked_up_in_sets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.technician()
    await world.book(dispatch=False)
    await copies(world, 1999)
    await world.execute("ANALYZE bookings")
    seen, real, looks = recorder(monkeypatch), booking_rows.due, []

    async def counted(conn: Any, **given: Any) -> Any:
        looks.append(given)
        return await real(conn, **given)

    monkeypatch.setattr(booking_rows, "due", counted)
    plan = "\n".join(r[0] for r in await world.fetch(f"EXPLAIN {real.text}", timers.SET))
    assert "bookings_to_dispatch" in plan and "bookings_due" in plan and "Seq Scan on bookings" not in plan
    assert sum(await asyncio.gather(Sweeper(world.services).sweep(), Sweeper(world.services).sweep())) == 2000
    assert len(seen) == len({b.id for b in seen}) == 2000
    # Each set is looked up once by each of the two, who may share one; the last looks find nothing.
    assert len(looks) <= 2 * 2000 // timers.SET + 2


#: What breaks each rule that holds for every booking, of one that waits for an answer to its offer.
BROKEN = {
    "booking_status": "status = 'lost'",
    "booking_payment_method": "payment_method = 'shells'",
    "booking_payment_status": "payment_status = 'owed'",
    "booking_next_action": "next_action = 'sing'",
    "booking_cancelled_by": "cancelled_by = 'nobody'",
    "booking_lat": "lat = 90.1",
    "booking_lng": "lng = 'NaN'",
    "booking_ends_after_start": "ends_at = starts_at",
    "booking_round": "round = 0",
    "booking_attempt": "attempt = 4",
    "booking_looks": "looks = -1",
    "booking_rating": "rating = 6",
    "booking_subtotal": "subtotal_minor = -1, savings_minor = 0",
    "booking_savings": "savings_minor = subtotal_minor + 1",
    "booking_discount": "discount_minor = -1",
    "booking_tax": "tax_minor = -1",
    "booking_grand_total": "grand_total_minor = -1",
    "booking_cancellation_fee": "cancellation_fee_minor = -1",
    "booking_refund": "refund_minor = -1",
    "booking_payer": "payment_method = 'account'",
    "booking_cancellation_terms": "free_cancellation_s = NULL, cancellation_fee_pct = 10",
    "booking_free_cancellation": "free_cancellation_s = -1, cancellation_fee_pct = 10",
    "booking_cancellation_fee_pct": "free_cancellation_s = 60, cancellation_fee_pct = 101",
    "booking_next_action_at": "next_action_at = NULL",
    "booking_technician": "status = 'in_progress', technician_id = NULL",
    "booking_at_rest": "status = 'cancelled'",
    "booking_waits": "next_action = NULL, next_action_at = NULL",
    "booking_watched": "status = 'confirmed', technician_id = (SELECT id FROM technicians)",
    "booking_looks_while_queued": "looks = 1",
    "booking_waits_for": "waits_for = '{offline}'",
}
RULES = """
SELECT array_agg(f[1]) FROM regexp_matches(
  (SELECT prosrc FROM pg_proc WHERE proname = 'booking_is_sound'), $$THEN '(\\w+)'$$, 'g') AS f
"""


async def test_no_booking_breaks_what_holds_for_all(world: World) -> None:
    await world.technician()
    booking = await world.book()
    for rule, change in BROKEN.items():
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await world.execute(f"UPDATE bookings SET {change}")
        assert (caught.value.constraint_name, caught.value.table_name) == (rule, "bookings")
    assert sorted(await world.value(RULES)) == sorted(BROKEN)
    assert await world.booking(booking.id) == booking


async def test_its_words_are_cut_and_said_once(world: World) -> None:
    await world.technician()
    booking = await world.book()
    contact = {"name": f"Anna anna {'b' * 150}", "phone": "+91 98000-00001"}
    await world.execute("UPDATE bookings SET contact = $1", contact)
    words = await world.value("SELECT tsvector_to_array(words) FROM booking_words WHERE booking_id = $1", booking.id)
    assert {"anna", "b" * 100, ">919800000001", "<100000008919"} <= set(words)
    assert len(words) == len(set(words)) and max(map(len, words)) == 100
