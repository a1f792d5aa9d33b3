"""What the run of bookings through a failing gateway looks at when everything has come to rest."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements
from storage.database.pool import Conn

sql = Statements("money_run")


@dataclass(frozen=True, slots=True)
class Captured:
    gateway_id: str
    captured_minor: int
    refunded_minor: int
    in_review_minor: int


@dataclass(frozen=True, slots=True)
class Payee:
    payee_id: UUID


waiting = sql.scalar("waiting", int)
captured = sql.rows("captured", Captured)
_payees = sql.rows("payees", Payee)


async def payees(conn: Conn) -> list[UUID]:
    """Everybody who has something to be paid out."""
    return [p.payee_id for p in await _payees(conn)]
