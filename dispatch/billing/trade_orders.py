"""Orders of trade partners: priced by the partner's own terms, taken against its credit, delivered, cancelled, paid.

The credit is a constraint of the database: an order moves it as it is written (trigger trade_orders_take_credit), so
however many are written at once, the one that would pass the limit is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dispatch.billing import ledger, pricing
from dispatch.billing.ledger import Line
from dispatch.billing.pricing import Price
from dispatch.config import Settings
from dispatch.engine import audit
from dispatch.engine.bookings import NewItem
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.reports.formats import amount_text
from dispatch.services import Tx
from dispatch.shares import percent_of
from storage import bookings as booking_rows
from storage import trade_orders as rows
from storage import trade_partners as partner_rows
from storage.bookings import Booking
from storage.database.errors import StorageError, constraint_of
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.trade_orders import DeliveryNote, Terms, TradeOrder

#: All orders and all delivery notes, as lists.
LIST, NOTES = rows.every, rows.every_note
_STANDING = {"ON_HOLD": "on hold", "BLOCKED": "blocked", "CLOSED": "closed"}


class MayNotOrder(Conflict):
    """This partner may not order just now."""

    code = "partner_not_active"


class CreditExceeded(Conflict):
    """This order would pass the credit limit."""

    code = "credit_exceeded"


class OtherCurrency(Conflict):
    """Bookings on account are taken in the currency of the credit only; choose another way to pay."""

    code = "other_currency"


class BelowMinimum(Invalid):
    """This order is below the least that is delivered."""

    code = "below_minimum"


class OrderOver(Conflict):
    """This order is no longer open."""

    code = "order_over"


class NothingOwed(Conflict):
    """Nothing is owed for this order: it is not delivered yet, or paid."""

    code = "nothing_owed"


class NotPaid(Conflict):
    """This order is not marked as paid."""

    code = "not_paid"


# ---------------------------------------------------------------- prices


@dataclass(frozen=True, slots=True)
class Booker:
    """Who books, and in whose name."""

    account_id: UUID
    organisation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines at the prices of whoever is billed, and their sums; the party's discount stands among the savings."""

    billed_to: UUID
    items: tuple[NewItem, ...]
    price: Price


async def quote(conn: Conn, settings: Settings, terms: Terms, items: Sequence[NewItem], currency: str) -> Quote:
    """What these lines cost a partner: its price list, its discount, its VAT.

    Raises OtherCurrency, MayNotOrder, BelowMinimum (before tax).
    """
    if currency != settings.erp.currency:
        raise OtherCurrency
    check_standing(terms)
    priced = await _priced(conn, terms, items)
    price = price_of(terms, priced, Decimal(str(settings.billing.tax_pct)))
    if terms.min_order_minor is not None and price.net_minor < terms.min_order_minor:
        least = f"{terms.min_order_minor / 100:.2f} {currency}"
        raise BelowMinimum({"items": f"An order on account is worth at least {least} before tax."})
    return Quote(terms.party_id, priced, price)


def check_standing(terms: Terms) -> None:
    """Raises MayNotOrder."""
    if terms.status != "ACTIVE":
        raise MayNotOrder(f"This partner is {_STANDING[terms.status]} and may not order.")


async def _priced(conn: Conn, terms: Terms, items: Sequence[NewItem]) -> tuple[NewItem, ...]:
    """The lines at the prices of the partner's list; what is not on it costs what the catalogue says."""
    listed: dict[UUID, int] = {}
    if terms.price_list_id is not None:
        ids = [item.service_id for item in items]
        found = await rows.prices(conn, price_list_id=terms.price_list_id, service_ids=ids)
        listed = {price.service_id: price.price_minor for price in found}
    return tuple(_at(item, listed.get(item.service_id, item.price_minor)) for item in items)


def _at(item: NewItem, price_minor: int) -> NewItem:
    return NewItem(
        item.service_id, item.name, item.category, item.tier, item.quantity, item.duration_minutes, price_minor,
        price_minor,
    )  # fmt: skip


def price_of(terms: Terms, items: Sequence[NewItem], tax_percent: Decimal) -> Price:
    """A partner's price, pure: the default discount, never above `max_discount_rate`; then VAT on what is left.

    `tax_percent` is for partners without a VAT group; the exempt pay none. VAT is rounded once, half up.
    """
    subtotal, _ = pricing.sums(pricing.Line(item.price_minor, item.quantity) for item in items)
    discount = percent_of(subtotal, terms.default_discount_rate or Decimal(0)) + (terms.default_discount_minor or 0)
    if terms.max_discount_rate is not None:
        discount = min(discount, percent_of(subtotal, terms.max_discount_rate))
    discount = min(discount, subtotal)
    percent = tax_percent if terms.vat_percent is None else terms.vat_percent
    tax = 0 if terms.tax_exempt else percent_of(subtotal - discount, percent)
    return Price(subtotal, discount, 0, tax)


# ---------------------------------------------------------------- orders


async def order(
    tx: Tx, actor: Actor, terms: Terms, priced: Quote, *, notes: str | None = None, may_pass_limit: bool = False
) -> TradeOrder:
    """An order of its own, without a booking. `may_pass_limit`: a person lets it pass, which is written down.

    Raises MayNotOrder, CreditExceeded.
    """
    if may_pass_limit:
        await partner_rows.lock(tx.conn, no=terms.no)
        await partner_rows.let_over(tx.conn, no=terms.no, amount_minor=priced.price.grand_total_minor)
    currency, total_minor = tx.services.settings.erp.currency, priced.price.grand_total_minor
    try:
        order_id = await _insert(tx, terms.party_id, priced.items, priced.price, currency=currency, notes=notes)
    except CreditExceeded as e:
        left_minor = max(0, terms.credit_available_minor)
        if left_minor >= total_minor:
            # Another order took it in this very moment.
            raise
        worth, left = amount_text(total_minor, currency), amount_text(left_minor, currency)
        raise CreditExceeded(f"This order would pass the credit limit: it is worth {worth}, and {left} is left.") from e
    changes = {"total_minor": total_minor, "may_pass_limit": may_pass_limit}
    await audit.record(tx, actor, "create_order", "trade_order", order_id, changes)
    return await get(tx.conn, order_id)


async def order_for_booking(tx: Tx, booking: Booking, items: Sequence[NewItem], billed_to: UUID) -> int:
    """The order of a booking that was just made: one statement, which takes the credit as well.

    Raises MayNotOrder, CreditExceeded.
    """
    price = Price(booking.subtotal_minor, booking.savings_minor, booking.discount_minor, booking.tax_minor)
    return await _insert(
        tx, billed_to, items, price, currency=booking.currency, booking_id=booking.id,
        organisation_id=booking.organisation_id,
    )  # fmt: skip


async def _insert(
    tx: Tx,
    party_id: UUID,
    items: Sequence[NewItem],
    price: Price,
    *,
    currency: str,
    booking_id: UUID | None = None,
    organisation_id: UUID | None = None,
    notes: str | None = None,
) -> int:
    try:
        order_id = await rows.insert(
            tx.conn, party_id=party_id, booking_id=booking_id, organisation_id=organisation_id, currency=currency,
            lines=[_line(item) for item in items], subtotal_minor=price.subtotal_minor,
            discount_minor=price.savings_minor + price.discount_minor, tax_minor=price.tax_minor,
            total_minor=price.grand_total_minor, notes=notes,
        )  # fmt: skip
    except StorageError as error:
        if constraint_of(error) == "credit_within_limit":
            raise CreditExceeded from error
        raise
    if order_id is None:
        found = await rows.terms_of_party(tx.conn, party_id=party_id)
        if found is None:
            raise MayNotOrder("This partner is gone and may not order.")
        check_standing(found)
        # It was put right in this very moment.
        raise MayNotOrder
    return order_id


def _line(item: NewItem) -> dict[str, object]:
    """At the list price, so that the lines make up the subtotal; what the price stays below it is a discount."""
    return {
        "service_id": str(item.service_id), "name": item.name, "quantity": item.quantity,
        "unit_price_minor": item.list_price_minor, "amount_minor": item.list_price_minor * item.quantity,
    }  # fmt: skip


async def get(conn: Conn, order_id: int) -> TradeOrder:
    """Raises Missing."""
    found = await rows.get(conn, id=order_id)
    if found is None:
        raise Missing("order")
    return found


async def page(conn: Conn, wanted: Wanted, timezone: str) -> Slice[TradeOrder]:
    return await rows.every.page(conn, wanted, timezone=timezone)


async def page_notes(conn: Conn, wanted: Wanted, timezone: str) -> Slice[DeliveryNote]:
    return await rows.every_note.page(conn, wanted, timezone=timezone)


async def get_note(conn: Conn, note_id: int) -> DeliveryNote:
    """Raises Missing."""
    found = await rows.note(conn, id=note_id)
    if found is None:
        raise Missing("delivery note")
    return found


async def deliver(tx: Tx, actor: Actor, order_id: int) -> TradeOrder:
    """What was ordered without a booking was delivered: its note, and the debt in the ledger.

    Raises Missing, OrderOver; an order of a booking is delivered by the booking.
    """
    found = await _lock(tx, order_id)
    _without_booking(found)
    if await rows.deliver(tx.conn, id=order_id, timezone=tx.services.settings.timezone) is None:
        raise OrderOver
    await ledger.post(
        tx, "trade_delivery", found.code,
        [
            Line(ledger.party_receivable(found.party_id, found.currency), -found.total_minor),
            Line(ledger.platform("tax_payable", found.currency), found.tax_minor),
            Line(ledger.platform("platform_revenue", found.currency), found.total_minor - found.tax_minor),
        ],
        description=f"Order {found.code} delivered",
    )  # fmt: skip
    await audit.record(tx, actor, "deliver_order", "trade_order", order_id)
    return await get(tx.conn, order_id)


async def cancel(tx: Tx, actor: Actor, order_id: int, reason: str | None) -> TradeOrder:
    """Gives the credit back. Raises Missing, OrderOver; an order of a booking ends with the booking."""
    found = await _lock(tx, order_id)
    _without_booking(found)
    timezone = tx.services.settings.timezone
    if not await rows.cancel(tx.conn, id=order_id, fee_minor=0, reason=reason, timezone=timezone):
        raise OrderOver
    await audit.record(tx, actor, "cancel_order", "trade_order", order_id, {"reason": reason})
    return await get(tx.conn, order_id)


async def pay(tx: Tx, actor: Actor, order_id: int, reference: str | None) -> TradeOrder:
    """The partner has paid what is owed for an order: the credit is free again. Raises Missing, NothingOwed."""
    found = await _lock(tx, order_id)
    owed_minor, undone = _owed(found), await rows.pay(tx.conn, id=order_id, reference=reference)
    if undone is None:
        raise NothingOwed
    await ledger.post(
        tx, "trade_payment", _marking(found, undone),
        [
            Line(ledger.platform("bank", found.currency), -owed_minor),
            Line(ledger.party_receivable(found.party_id, found.currency), owed_minor),
        ],
        booking_id=found.booking_id, description=f"Order {found.code} paid",
    )  # fmt: skip
    if found.booking_id is not None and found.status == "DELIVERED":
        await booking_rows.set_payment_status(tx.conn, booking_id=found.booking_id, payment_status="paid")
    await audit.record(tx, actor, "pay_order", "trade_order", order_id, {"reference": reference})
    return await get(tx.conn, order_id)


async def undo_pay(tx: Tx, actor: Actor, order_id: int, reason: str) -> TradeOrder:
    """It was marked as paid by mistake: it is owed again and takes its credit, also beyond the limit, because the debt
    is there whatever the limit says. Raises Missing, also where the partner was deleted since, and NotPaid.
    """
    found = await _lock(tx, order_id)
    if found.paid_at is None:
        raise NotPaid
    if await partner_rows.lock(tx.conn, no=found.partner_no) is None:
        raise Missing(message="The partner of this order was deleted, and nobody is left who could owe it.")
    owed_minor = _owed(found)
    await partner_rows.let_over(tx.conn, no=found.partner_no, amount_minor=owed_minor)
    undone = await rows.undo_pay(tx.conn, id=order_id)
    if undone is None:
        raise NotPaid
    await ledger.post(
        tx, "trade_payment_undone", _marking(found, undone),
        [
            Line(ledger.platform("bank", found.currency), owed_minor),
            Line(ledger.party_receivable(found.party_id, found.currency), -owed_minor),
        ],
        booking_id=found.booking_id, description=f"Payment of order {found.code} undone",
    )  # fmt: skip
    if found.booking_id is not None and found.status == "DELIVERED":
        await booking_rows.set_payment_status(tx.conn, booking_id=found.booking_id, payment_status="pending")
    changes = {"reference": found.payment_reference, "paid_at": found.paid_at, "reason": reason}
    await audit.record(tx, actor, "undo_order_payment", "trade_order", order_id, changes)
    return await get(tx.conn, order_id)


def _owed(found: TradeOrder) -> int:
    return found.fee_minor if found.status == "CANCELLED" else found.total_minor


def _marking(found: TradeOrder, undone: int) -> str:
    """What the journal of one marking as paid is called, after so many that were undone."""
    return f"{found.code}:{undone + 1}" if undone else found.code


async def _lock(tx: Tx, order_id: int) -> TradeOrder:
    """The booking's lock is that of its order; one without a booking takes one step or another by itself.

    Raises Missing.
    """
    found = await get(tx.conn, order_id)
    if found.booking_id is None:
        return found
    await booking_rows.lock(tx.conn, booking_id=found.booking_id)
    return await get(tx.conn, order_id)


def _without_booking(found: TradeOrder) -> None:
    if found.booking_id is not None:
        raise OrderOver("This order is a booking's: it is delivered and cancelled with the booking.")
