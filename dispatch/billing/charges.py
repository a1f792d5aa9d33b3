"""What a booking asks its customer for: opening its payments, its share of old fees, and cash at the door."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from dispatch.billing import ledger, wallet
from dispatch.engine import bookings
from dispatch.events import Fact
from dispatch.services import Reactions, Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as rows
from storage.bookings import Booking
from storage.payments import Payment


async def open_payment(tx: Tx, booking: Booking, *, use_wallet: bool = False) -> Payment | None:
    """Opens what a new booking has to pay, once: the wallet's part, then a cash or online payment for the
    rest.

    Fees of earlier cancellations that nobody collected yet are added to it (`dues_minor`). An online payment
    gets its order intent in the same transaction; an online booking that needs none is paid at once and may
    be offered. Returns the payment that is still to be made, or None. The caller holds the booking's lock.
    """
    if booking.payment_method == "account":
        return None
    is_online = booking.payment_method == "online"
    existing = [p for p in await rows.of_booking(tx.conn, booking_id=booking.id) if p.surplus_of is None]
    open_one = next((p for p in existing if p.kind != "wallet"), None)
    if use_wallet and not any(p.kind == "wallet" for p in existing) and (open_one is None or not is_online):
        held = await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)
        part = wallet.part_of(held.get("wallet", 0), booking.grand_total_minor, is_online=is_online)
        if part:
            await wallet.spend(tx, booking, part)
            existing = [p for p in await rows.of_booking(tx.conn, booking_id=booking.id) if p.surplus_of is None]
            open_one = next((p for p in existing if p.kind != "wallet"), None)
    if open_one is not None:
        return open_one
    due = booking.grand_total_minor - sum(p.captured_minor for p in existing)
    if due:
        return await _ask(tx, booking, due, is_online)
    # Nothing is asked for, so old fees wait for another booking.
    if is_online or any(p.kind == "wallet" for p in existing):
        await mark_paid(tx, booking)
    return None


async def _ask(tx: Tx, booking: Booking, due_minor: int, is_online: bool) -> Payment | None:
    dues = await _outstanding(tx, booking)
    payment_id = uuid4()
    await rows.insert(
        tx.conn, payment_id=payment_id, booking_id=booking.id, account_id=booking.account_id,
        kind="online" if is_online else "cash", status="created" if is_online else "pending",
        currency=booking.currency, amount_minor=due_minor + dues, dues_minor=dues,
        receipt=f"RC-{payment_id.hex}", expires_at=tx.now +
        timedelta(seconds=tx.services.settings.billing.unpaid_release_s) if is_online else None,
    )  # fmt: skip
    if is_online:
        await intent_rows.insert(
            tx.conn, kind="order", payment_id=payment_id, refund_id=None, payout_id=None, gateway_ref=None,
            idempotency_key=f"order-{payment_id.hex}", delay_s=0.0,
        )  # fmt: skip
    return await rows.get(tx.conn, payment_id=payment_id)


async def mark_paid(tx: Tx, booking: Booking) -> None:
    """The booking's money is here: an online one may be offered now. The caller holds the booking's lock."""
    if booking.payment_status in ("pending", "failed"):
        await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status="paid")
    if booking.payment_method == "online":
        await bookings.start_dispatch(tx, booking.id)


async def _outstanding(tx: Tx, booking: Booking) -> int:
    """Fees that this customer owes and no other open payment asks for; the debt is locked until commit."""
    owed = -(await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)).get("receivable", 0)
    if owed <= 0:
        return 0
    claimed = await rows.claimed_dues(tx.conn, account_id=booking.account_id, currency=booking.currency)
    return max(0, owed - (claimed or 0))


async def collect_cash(tx: Tx, booking: Booking) -> tuple[int, int]:
    """Marks what was asked for at the door as collected.

    Returns how much that is, and how much of it settles old fees: both 0 when nothing was asked for.
    """
    payments = await rows.lock_of_booking(tx.conn, booking_id=booking.id)
    cash = next((p for p in payments if p.kind == "cash" and not p.captured_minor), None)
    if cash is None:
        return 0, 0
    await rows.capture(tx.conn, payment_id=cash.id, gateway_payment_id=None, method="cash", captured_at=None)
    return cash.amount_minor, cash.dues_minor


async def settled_dues(tx: Tx, account_id: UUID, currency: str, dues_minor: int) -> list[ledger.Line]:
    """What a payment's share of old fees posts: a debt that was settled elsewhere meanwhile is the customer's credit."""
    if not dues_minor:
        return []
    held = await ledger.lock_owner(tx, "account", account_id, currency)
    settled = min(dues_minor, max(0, -held.get("receivable", 0)))
    return [
        ledger.Line(ledger.receivable(account_id, currency), settled),
        ledger.Line(ledger.wallet(account_id, currency), dues_minor - settled),
    ]


async def on_created(tx: Tx, fact: Fact) -> None:
    """A cash booking has its pending payment from the start (R101); an online one opens with its order."""
    booking = await booking_rows.lock(tx.conn, booking_id=fact.booking_id)
    use_wallet = bool(fact.data.get("use_wallet"))
    if booking is not None and (booking.payment_method == "cash" or use_wallet):
        await open_payment(tx, booking, use_wallet=use_wallet)


def register(reactions: Reactions) -> None:
    """Hears of new bookings."""
    reactions.on("booking.created", on_created)
