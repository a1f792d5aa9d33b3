"""The customer's wallet: a ledger account with the platform that refunds fill and bookings spend."""

from __future__ import annotations

from uuid import UUID, uuid4

from dispatch.billing import ledger
from dispatch.errors import Conflict
from dispatch.services import Tx
from storage import ledger as ledger_rows
from storage import payments as payment_rows
from storage.bookings import Booking
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.ledger import Entry

#: The smallest amount that the gateway makes an order for: a wallet leaves that much, or nothing.
LEAST_ORDER_MINOR = 100


class WalletTooSmall(Conflict):
    """The wallet does not hold that much."""

    code = "wallet_too_small"


async def balance(conn: Conn, account_id: UUID, currency: str) -> int:
    """What the customer may spend, in minor units."""
    return await ledger.balance(conn, ledger.wallet(account_id, currency))


async def balances(conn: Conn, account_id: UUID) -> dict[str, int]:
    """The wallet per currency; empty for a customer who never had one."""
    accounts = await ledger_rows.accounts_of(conn, owner_kind="account", owner_id=account_id)
    return {a.currency: a.balance_minor for a in accounts if a.type == "wallet"}


#: What came into a wallet and went out, as a list.
LIST = ledger_rows.of_owner


async def entries(conn: Conn, account_id: UUID, wanted: Wanted) -> Slice[Entry]:
    """What came in (positive) and went out (negative), newest first."""
    return await ledger_rows.of_owner.page(conn, wanted, owner_kind="account", owner_id=account_id, type="wallet")


def part_of(balance_minor: int, due_minor: int, *, is_online: bool) -> int:
    """How much of `due_minor` a wallet pays: never so much that the rest is too small to order."""
    part = min(balance_minor, due_minor)
    rest = due_minor - part
    if is_online and 0 < rest < LEAST_ORDER_MINOR:
        part = max(0, due_minor - LEAST_ORDER_MINOR)
    return part


async def spend(tx: Tx, booking: Booking, amount_minor: int, held_minor: int, *, is_new: bool = False) -> UUID:
    """Pays `amount_minor` of a booking from its customer's wallet, once per booking. Returns the payment's
    id.

    What the booking's other payment still asks for shrinks by as much; one that `is_new` has none. The caller holds
    the booking's lock and, which told it what the wallet holds, those of its customer's accounts. Raises
    WalletTooSmall.
    """
    if amount_minor < 1 or amount_minor > booking.grand_total_minor:
        raise ValueError("a wallet pays between one minor unit and the whole booking")
    account = ledger.wallet(booking.account_id, booking.currency)
    if held_minor < amount_minor:
        raise WalletTooSmall()
    payment_id = uuid4()
    inserted = await payment_rows.insert_captured(
        tx.conn, payment_id=payment_id, booking_id=booking.id, account_id=booking.account_id, kind="wallet",
        method="wallet", currency=booking.currency, amount_minor=amount_minor, receipt=f"WL-{payment_id.hex}",
        gateway_payment_id=None, surplus_of=None, captured_at=None, review_reason=None,
    )  # fmt: skip
    if inserted is None:
        raise Conflict("The wallet has paid its part of this booking already.")
    for payment in [] if is_new else await payment_rows.of_booking(tx.conn, booking_id=booking.id):
        if payment.kind in ("cash", "online") and payment.surplus_of is None:
            await _ask_less(tx, payment.id, amount_minor)
    await ledger.post(
        tx, "wallet_spent", str(payment_id),
        [
            ledger.Line(account, -amount_minor),
            ledger.Line(ledger.platform("prepaid", booking.currency), amount_minor),
        ],
        booking_id=booking.id, description=f"Booking {booking.number}",
    )  # fmt: skip
    return payment_id


async def _ask_less(tx: Tx, payment_id: UUID, by_minor: int) -> None:
    if await payment_rows.shrink(tx.conn, payment_id=payment_id, by_minor=by_minor):
        return
    if not await payment_rows.drop_unasked(tx.conn, payment_id=payment_id):
        raise Conflict("The payment of this booking is under way already.")
