"""What a booking asks its customer for: opening its payments, its share of old fees, and cash at the door."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from dispatch.billing import ledger, wallet
from dispatch.engine import bookings, facts, offers
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as rows
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.intents import Intent
from storage.payments import Payment

#: Longer than the longest call (10 s): whoever finds a lease over knows that its runner is gone.
ORDER_LEASE_S = 30.0


class CannotSwitch(Conflict):
    """This booking is paid or over; how it is paid cannot be changed any more."""

    code = "cannot_switch"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a new booking has to pay: its row as it is then, the payment that is still to be made, and its order.

    The intent of the order is claimed by whoever opened it: the gateway is asked right after the commit.
    """

    booking: Booking
    payment: Payment | None = None
    intent: Intent | None = None


async def open_first(tx: Tx, booking: Booking, *, use_wallet: bool, may_owe: bool) -> Opened:
    """Opens what a booking of this very transaction has to pay, as `open_payment` does; not `may_owe`: its customer
    has no old fees.
    """
    if booking.payment_method == "account":
        return Opened(booking)
    is_online, held, part = booking.payment_method == "online", dict[str, int](), 0
    if use_wallet or may_owe:
        held = await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)
    if use_wallet:
        part = wallet.part_of(held.get("wallet", 0), booking.grand_total_minor, is_online=is_online)
    if part:
        await wallet.spend(tx, booking, part, held["wallet"], is_new=True)
    due = booking.grand_total_minor - part
    if not due:
        return Opened(await _paid_at_once(tx, booking, part))
    dues = await _unclaimed(tx.conn, booking.account_id, booking.currency, -held.get("receivable", 0)) if may_owe else 0
    payment = await _insert(tx, booking, "online" if is_online else "cash", due + dues, dues)
    intent = await intent_rows.insert_claimed(
        tx.conn, payment_id=payment.id, idempotency_key=_order_key(payment.id), lease_s=ORDER_LEASE_S
    ) if is_online else None  # fmt: skip
    # What the payments' own trigger writes to the row.
    booking = tx.known[booking.id] = replace(
        booking, wallet_minor=part, outstanding_fee_minor=dues, to_collect_minor=0 if is_online else due + dues
    )
    return Opened(booking, payment, intent)


async def _paid_at_once(tx: Tx, booking: Booking, part_minor: int) -> Booking:
    """Nothing is asked for, so old fees wait for another booking."""
    if part_minor or booking.payment_method == "online":
        await mark_paid(tx, booking)
        booking = tx.known[booking.id] = await offers.lock(tx, booking.id)
    return booking


async def open_payment(tx: Tx, booking: Booking, *, use_wallet: bool = False) -> Payment | None:
    """Opens what a booking has to pay, once: the wallet's part, then a cash or online payment for the rest.

    Fees of earlier cancellations that nobody collected yet are added to it (`dues_minor`). An online payment
    gets its order intent in the same transaction; an online booking that needs none is paid at once and may
    be offered. Returns the payment that is still to be made, or None. The caller holds the booking's lock.
    """
    if booking.payment_method == "account":
        return None
    is_online = booking.payment_method == "online"
    existing = await _own_payments(tx, booking)
    open_one = next((p for p in existing if p.kind != "wallet"), None)
    if use_wallet and not any(p.kind == "wallet" for p in existing) and (open_one is None or not is_online):
        held = (await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)).get("wallet", 0)
        part = wallet.part_of(held, booking.grand_total_minor, is_online=is_online)
        if part:
            await wallet.spend(tx, booking, part, held)
            existing = await _own_payments(tx, booking)
            open_one = next((p for p in existing if p.kind != "wallet"), None)
    if open_one is not None:
        return open_one
    due = booking.grand_total_minor - sum(p.captured_minor for p in existing)
    if due:
        return await _ask(tx, booking, due, is_online, await _outstanding(tx, booking))
    # Nothing is asked for, so old fees wait for another booking.
    if is_online or any(p.kind == "wallet" for p in existing):
        await mark_paid(tx, booking)
    return None


async def _own_payments(tx: Tx, booking: Booking) -> list[Payment]:
    return [p for p in await rows.of_booking(tx.conn, booking_id=booking.id) if p.surplus_of is None]


async def _ask(tx: Tx, booking: Booking, due_minor: int, is_online: bool, dues: int) -> Payment | None:
    made = await _insert(tx, booking, "online" if is_online else "cash", due_minor + dues, dues)
    if is_online:
        await intent_rows.insert(
            tx.conn, kind="order", payment_id=made.id, refund_id=None, payout_id=None, gateway_ref=None,
            idempotency_key=_order_key(made.id), delay_s=0.0,
        )  # fmt: skip
    return made


def _order_key(payment_id: UUID) -> str:
    return f"order-{payment_id.hex}"


async def _insert(tx: Tx, booking: Booking, kind: str, amount_minor: int, dues_minor: int) -> Payment:
    payment_id = uuid4()
    is_online = kind == "online"
    until = tx.now + timedelta(seconds=tx.services.settings.billing.unpaid_release_s) if is_online else None
    made = await rows.insert(
        tx.conn, payment_id=payment_id, booking_id=booking.id, account_id=booking.account_id, kind=kind,
        status="created" if is_online else "pending", currency=booking.currency, amount_minor=amount_minor,
        dues_minor=dues_minor, receipt=f"RC-{payment_id.hex}", expires_at=until,
    )  # fmt: skip
    assert made is not None, "the booking's lock is held, and it has none of this kind"
    return made


async def mark_paid(tx: Tx, booking: Booking) -> None:
    """The booking's money is here: an online one may be offered now. The caller holds the booking's lock."""
    if booking.payment_status in ("pending", "failed"):
        await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status="paid")
    if booking.payment_method == "online":
        await bookings.start_dispatch(tx, booking.id)


async def _outstanding(tx: Tx, booking: Booking) -> int:
    """Fees that this customer owes and no other open payment asks for; the debt is locked until commit."""
    owed = -(await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)).get("receivable", 0)
    return await _unclaimed(tx.conn, booking.account_id, booking.currency, owed)


async def outstanding(conn: Conn, account_id: UUID, currency: str) -> int:
    """Fees of earlier cancellations that the next booking would be asked for, in minor units, as it stands now."""
    owed = -await ledger.balance(conn, ledger.receivable(account_id, currency))
    return await _unclaimed(conn, account_id, currency, owed)


async def _unclaimed(conn: Conn, account_id: UUID, currency: str, owed_minor: int) -> int:
    if owed_minor <= 0:
        return 0
    claimed = await rows.claimed_dues(conn, account_id=account_id, currency=currency)
    return max(0, owed_minor - (claimed or 0))


async def switch_to_cash(tx: Tx, booking_id: UUID, account_id: UUID) -> Booking:
    """The customer of an unpaid online booking pays at the door instead, and the search may begin.

    The wallet's part stays. A payment of the old order that comes all the same gives itself back. Repeated, it
    changes nothing. Raises Missing, CannotSwitch.
    """
    booking = await offers.lock(tx, booking_id)
    if booking.account_id != account_id:
        raise Missing("booking")
    if booking.payment_method == "cash":
        return booking
    payments = await rows.of_booking(tx.conn, booking_id=booking_id)
    online = next((p for p in payments if p.kind == "online" and p.surplus_of is None), None)
    if booking.next_action != "release_unpaid" or (online is not None and online.captured_minor):
        raise CannotSwitch()
    await booking_rows.pay_in_cash(tx.conn, booking_id=booking_id)
    booking = await offers.lock(tx, booking_id)
    if online is None:
        await open_payment(tx, booking)
    else:
        cash = await _insert(tx, booking, "cash", online.amount_minor, online.dues_minor)
        await rows.supersede(tx.conn, payment_id=online.id, by_id=cash.id)
        await intent_rows.expire(tx.conn, payment_id=online.id)
    actor = Actor("customer", str(account_id))
    await facts.record(tx, booking_id, "payment.switched", actor, {"payment_method": "cash"})
    await bookings.start_dispatch(tx, booking_id)
    return await offers.lock(tx, booking_id)


async def collect_cash(tx: Tx, booking: Booking) -> tuple[int, int]:
    """Marks what was asked for at the door as collected.

    Returns how much that is, and how much of it settles old fees: both 0 when nothing was asked for.
    """
    payments = await rows.of_booking(tx.conn, booking_id=booking.id)
    cash = next((p for p in payments if p.kind == "cash" and not p.captured_minor), None)
    if cash is None:
        return 0, 0
    await rows.capture(tx.conn, payment_id=cash.id, gateway_payment_id=None, method="cash", captured_at=None)
    return cash.amount_minor, cash.dues_minor


async def settled_dues(tx: Tx, account_id: UUID, currency: str, dues_minor: int) -> list[ledger.Line]:
    """What a payment's share of old fees posts: of a debt settled elsewhere meanwhile it is the customer's credit."""
    if not dues_minor:
        return []
    held = await ledger.lock_owner(tx, "account", account_id, currency)
    settled = min(dues_minor, max(0, -held.get("receivable", 0)))
    return [
        ledger.Line(ledger.receivable(account_id, currency), settled),
        ledger.Line(ledger.wallet(account_id, currency), dues_minor - settled),
    ]
