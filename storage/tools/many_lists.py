"""Rows of the lists that are not of bookings, beside the bookings of `many`, for the bench of lists."""

from __future__ import annotations

import hashlib
from uuid import UUID

from storage.database.binder import Statements
from storage.database.pool import Conn
from storage.tools import many


def id_of(name: str) -> UUID:
    """The id of what is made under this name, such as `organisation0`: a hash, as all ids here."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


#: The firms that have very much of their kind.
ORGANISATION_ID, INTEGRATION_ID, PROVIDER_ID = id_of("organisation0"), id_of("integration0"), id_of("provider0")

sql = Statements("many_lists")
quiet = sql.run("quiet")
loud = sql.run("loud")
#: In the order of their keys.
MADE = [
    sql.run(name)
    for name in (
        "people", "crew", "firms", "alerts", "audit_log", "contact_submissions", "files", "rota", "quotes", "invoices",
        "invoice_payments", "support_tickets", "members", "job_board", "programs", "reports", "enrolment", "bulk",
        "integration", "webhooks", "provider", "applications", "payout_requests", "partners", "orders", "statuses",
    )
]  # fmt: skip
tidy = sql.run("tidy")
#: How long one of them may take, in seconds.
SLOW_S = 900.0


async def fill(conn: Conn, rows: int) -> None:
    """Makes what a house of so many bookings has beside them, where `many` has made those."""
    await many.unhurried(conn)
    await quiet(conn)
    for statement in MADE:
        await conn.execute(statement.text, rows, timeout=SLOW_S)
    await loud(conn)
    await conn.execute(tidy.text, timeout=SLOW_S)
