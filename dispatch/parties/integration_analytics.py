"""What came of an app: bookings asked for, confirmed, done, and what they earned; all of it counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from dispatch.services import Services
from storage import integration_analytics as rows
from storage.database.pool import Conn
from storage.integration_analytics import Figures, Revenue

_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Analytics:
    """`revenue` by currency, the largest first."""

    figures: Figures
    revenue: Sequence[Revenue]


async def ever(conn: Conn, id: UUID) -> Analytics:
    """Since the app began."""
    return await _since(conn, id, _EVER)


async def lately(services: Services, conn: Conn, id: UUID, days: int = 30) -> Analytics:
    """Of what was asked for within the last days."""
    return await _since(conn, id, services.clock.now() - timedelta(days=days))


async def _since(conn: Conn, id: UUID, since: datetime) -> Analytics:
    figures = await rows.figures(conn, id=id, since=since)
    assert figures is not None, "a count has one row"
    return Analytics(figures, await rows.revenue(conn, id=id, since=since))
