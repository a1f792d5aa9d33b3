"""A provider's sums per local day: what its dashboards are drawn from, however long its statement is."""

from __future__ import annotations

from uuid import UUID

from storage import provider_sums as rows
from storage.database.pool import Conn
from storage.provider_sums import Totals


async def totals(conn: Conn, provider_id: UUID, currency: str) -> Totals:
    """How many lines there are, and how much was settled in a currency, both ways."""
    found = await rows.totals(conn, provider_id=provider_id, currency=currency)
    assert found is not None, "sums are always there"
    return found
