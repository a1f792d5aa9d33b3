"""What a provider tells its customers: some or all of them, and how many that reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from dispatch.errors import Invalid
from dispatch.outbox import broadcasts
from dispatch.outbox.broadcasts import Person
from dispatch.services import Tx
from dispatch.wording import Verbatim
from storage import provider_customers as customer_rows
from storage import provider_notifications as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.provider_customers import Customer
from storage.provider_notifications import Notification

#: So many customers are written to at once, and so many at most by one send.
AT_ONCE, MOST = 500, 50_000


async def send(
    tx: Tx, provider_id: UUID, to: Sequence[UUID] | None, *, type: str, title: str, message: str,
    link: str | None = None, metadata: Mapping[str, Any] | None = None,
) -> Notification:  # fmt: skip
    """Sends to the customers that are named, or (None) to all active ones. Raises Invalid for one of another."""
    named = None if to is None else await _named(tx, provider_id, to)
    notification_id, total, sent = uuid4(), 0, 0
    told = {"notification_id": str(notification_id), "link": link, **(metadata or {})}
    after = UUID(int=0)
    while named is not None or total < MOST:
        batch = named or await customer_rows.active(tx.conn, provider_id=provider_id, after_id=after, most=AT_ONCE)
        if not batch:
            break
        reached = [Person(c.account_id, c.email, c.has_app_account) for c in batch if c.is_reachable]
        await broadcasts.send(tx, reached, type=f"provider_{type}", title=title, message=message, metadata=told)
        total, sent, after = total + len(batch), sent + len(reached), batch[-1].id
        if named is not None:
            break
    made = await rows.insert(
        tx.conn, id=notification_id, provider_id=provider_id, type=type, title=title, message=message, link=link,
        metadata=dict(metadata or {}), recipients=total, sent=sent, failed=total - sent,
    )  # fmt: skip
    assert made is not None, "an insert answers with its row"
    return made


async def _named(tx: Tx, provider_id: UUID, to: Sequence[UUID]) -> list[Customer]:
    wanted = list(dict.fromkeys(to))
    found = await customer_rows.of_ids(tx.conn, provider_id=provider_id, ids=wanted)
    known = {c.id for c in found} | {c.account_id for c in found}
    if any(one not in known for one in wanted):
        raise Invalid({"recipients": Verbatim("Customer not found")})
    return found


def status_of(one: Notification) -> str:
    """sent, partial or failed"""
    if one.failed == 0:
        return "sent"
    return "partial" if one.sent else "failed"


#: What a provider has sent, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[Notification]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)
