"""A provider with a long statement, for the bench, in a database that is thrown away after."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from storage import provider_sums, providers
from storage.database.binder import Statements
from storage.database.pool import Conn
from storage.providers import Provider

sql = Statements("provider_bench")

quiet = sql.run("quiet")
loud = sql.run("loud")
customers = sql.run("customers")
their_customers = sql.run("their_customers")
lines = sql.run("lines")
tidy = sql.run("tidy")
#: Lines that are made in one statement, of how many a customer has one, how long the slow statements may take (s).
BATCH, PER_CUSTOMER, SLOW_S = 20_000, 20, 600.0


async def fill(conn: Conn, count: int) -> Provider:
    """A provider whose statement has so many lines, with the sums of its days."""
    made = await providers.insert_party(
        conn, code="PR-BENCH", name="Bench Clinic", email=None, phone=None, address=None, timezone="Asia/Kolkata",
        currency="INR",
    )  # fmt: skip
    assert isinstance(made, UUID)
    await providers.insert(
        conn, id=made, facility_type="Clinic", description="", services=[], store_currency="INR", min_payout_minor=0,
        payouts_from=date(2026, 1, 1), billing_email=None,
    )  # fmt: skip
    await customers(conn, count=max(1, count // PER_CUSTOMER))
    await their_customers(conn, provider_id=made)
    await quiet(conn)
    for first in range(1, count + 1, BATCH):
        await lines(conn, provider_id=made, first=first, last=min(first + BATCH - 1, count), count=count)
    await loud(conn)
    await conn.execute(provider_sums.fill.text, made, timeout=SLOW_S)
    await conn.execute(tidy.text, timeout=SLOW_S)
    found = await providers.get(conn, id=made)
    assert found is not None, "it was made just now"
    return found
