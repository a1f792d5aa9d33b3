"""What waits for a person: intents, events and work that were tried to the end, and how to have them tried again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.billing import gateway_events, reconciliation, refunds
from dispatch.engine import alerts, audit, tasks
from dispatch.errors import Conflict
from dispatch.events import Actor
from dispatch.services import Tx
from storage import gateway_events as event_rows
from storage import intents as intent_rows
from storage import payments as payment_rows
from storage import refunds as refund_rows
from storage.alerts import AlertView
from storage.database.pool import Conn

#: Kind of an alert -> that of the intent which waits for a person.
_INTENTS = {f"{kind}_review": kind for kind in ("order", "capture", "refund", "payout", "link")}
#: The alerts of which something can be tried again.
RETRIED = frozenset({*_INTENTS, gateway_events.REVIEW, tasks.HELD, refunds.FAILED, reconciliation.OPEN})


class NothingWaits(Conflict):
    """Nothing that this alert is about waits to be tried again."""

    code = "nothing_waits"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing to look at. `about` names the payment, refund or payout."""

    id: UUID
    what: str
    about: str
    error: str


async def page(conn: Conn) -> list[Waiting]:
    """The oldest five hundred of each kind."""
    intents = [
        Waiting(i.id, f"{i.kind} intent", str(i.refund_id or i.payout_id or i.payment_id), i.error or "")
        for i in await intent_rows.in_review(conn)
    ]
    events = [
        Waiting(e.id, f"event {e.event_type}", e.payment_id or "", e.error or "")
        for e in await event_rows.in_review(conn)
    ]
    return intents + events


async def try_again(tx: Tx) -> int:
    """Has everything that waits tried for another day, with its old keys. Returns how many that are."""
    return await intent_rows.try_again(tx.conn) + await event_rows.try_again(tx.conn)


async def retry(tx: Tx, actor: Actor, alert_id: UUID) -> AlertView:
    """Has what an alert is about tried again, as if nobody had tried it yet, with its old key: nothing is done twice.
    The alert ends by itself when it works; work that was held is told of anew when it does not. A refund that failed is
    asked for as a new one, and told of anew should that fail as well. A day that did not agree with the gateway is
    compared again.

    Raises Missing, NothingWaits, OverRefund (it has been given back another way since).
    """
    alert = await alerts.get(tx.conn, alert_id)
    if not await _tried(tx, actor, alert):
        raise NothingWaits
    await audit.record(tx, actor, "retry_alert", "alert", alert_id, {"type": alert.kind, "subject": alert.subject})
    return await alerts.get(tx.conn, alert_id)


async def _tried(tx: Tx, actor: Actor, alert: AlertView) -> bool:
    if alert.kind not in RETRIED or alert.subject is None:
        return False
    if alert.kind == tasks.HELD:
        return await tasks.release_about(tx, alert.subject)
    if alert.kind == reconciliation.OPEN:
        day = alert.subject.partition(":")[2]
        key = f"{reconciliation.TASK}:{day}:{tx.now:%Y%m%d%H%M}"
        await tasks.enqueue(tx, reconciliation.TASK, {"day": day}, key=key)
        return alert.resolved_at is None
    about = UUID(alert.subject.partition(":")[2])
    if alert.kind == refunds.FAILED:
        return await _refunded_anew(tx, actor, alert.id, about)
    if alert.kind == gateway_events.REVIEW:
        return bool(await event_rows.try_one_again(tx.conn, event_row_id=about))
    return bool(await intent_rows.try_one_again(tx.conn, kind=_INTENTS[alert.kind], about=about))


async def _refunded_anew(tx: Tx, actor: Actor, alert_id: UUID, refund_id: UUID) -> bool:
    """The same amount of the same payment goes the same way once more: also a second payment's, which no booking shows.

    Once for an alert, which ends with it. What a provider gives back it asks for itself.
    """
    failed = await refund_rows.get(tx.conn, refund_id=refund_id)
    payment = await payment_rows.get(tx.conn, payment_id=failed.payment_id) if failed else None
    if failed is None or payment is None or payment.payee_id is not None:
        return False
    again = await refunds.request(
        tx, payment.id, failed.amount_minor, reason=failed.reason, requested_by=f"{actor.kind}:{actor.id}",
        to_wallet=failed.to_wallet, notes=failed.notes,
    )  # fmt: skip
    assert again.id != failed.id, "a refund that failed stays as it was"
    # Whoever ends the alert has asked; who comes second takes the refund back with the transaction.
    return await alerts.close(tx, alert_id)
