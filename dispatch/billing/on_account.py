"""Bookings on account: who is billed for one, what it costs them, and what follows for their books. The one seam.

A booking whose payment method is `account` is paid by nobody at checkout: it is billed to a *payer*, a party. There are
kinds of payers, rows of KINDS, and they are asked in their order, the particular before the general; the first that
knows the booker bills:

- a trade partner (trade_orders.py): the customer's own, or that of the organisation in whose name is booked. A booking
  makes an order that takes the partner's credit, completion a delivery note, cancellation gives the credit back, but
  for a fee.
- an integration (the app whose customer it is) that the house sends a bill: at our prices, without documents. Not for
  what is booked in the name of an organisation.
- an organisation without a partner bills by its invoice (organisation_prices.py).

Who is billed is decided once, by the quote. The preview keeps it and the booking after it (`billed_to`), and all that
follows goes by that: what is linked, billed or ended meanwhile changes whom the next booking is for. What happens, and
who calls:

1. `quote` (checkout.prepare): who is billed, and the lines at their prices.
2. `charge` (confirm, in its one transaction, before the promo): books it with the payer, in two statements for a
   partner. A booking that is not taken is refused there with everything else.
3. `delivered` (earnings.on_completed): the documents, and the debtor whose accounts the ledger debits.
4. `released` (cancelled.on_cancelled): the same for a booking that is cancelled, with the fee that is owed.

The journal is the caller's: a kind only says who owes, and that debtor by which lines. All four run under the
booking's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from dispatch.billing import pricing, trade_orders
from dispatch.billing.debtors import Debtor, NobodyBilled
from dispatch.billing.organisation_prices import Organisations
from dispatch.billing.pricing import Line
from dispatch.billing.trade_orders import Booker, CreditExceeded, MayNotOrder, Quote
from dispatch.config import Settings
from dispatch.engine.bookings import NewItem
from dispatch.services import Tx
from storage import integration_customers as app_rows
from storage import payers
from storage import trade_orders as order_rows
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.trade_orders import TradeOrder


class Kind(Protocol):
    """A kind of payer."""

    async def quote(
        self, conn: Conn, settings: Settings, booker: Booker, items: Sequence[NewItem], currency: str
    ) -> Quote | None:
        """What the lines cost the booker's payer; None where none of this kind pays for them. Raises whatever stands
        against it.
        """

    async def charge(self, tx: Tx, booking: Booking, items: Sequence[NewItem], billed_to: UUID) -> None:
        """Books a new booking with its payer. Raises what stands against it."""

    async def delivered(self, tx: Tx, booking: Booking, billed_to: UUID) -> Debtor:
        """The booking is done: its documents. Gives the party that owes it."""

    async def released(
        self, tx: Tx, booking: Booking, billed_to: UUID, fee_minor: int, reason: str | None
    ) -> Debtor:
        """The booking is cancelled: nothing but the fee is owed. Gives the party that owes that."""


@contextmanager
def _in_words_for_bookers() -> Iterator[None]:
    """Whoever books for a firm is told what they can do; how the firm stands with us is between it and us."""
    try:
        yield
    except MayNotOrder as e:
        words = "Whoever pays for your bookings is not billed at the moment: choose another way to pay, or ask them."
        raise MayNotOrder(words) from e
    except CreditExceeded as e:
        words = "This is more than whoever pays for your bookings has left: choose another way to pay, or ask them."
        raise CreditExceeded(words) from e


class TradePartners:
    """Billed by orders against credit."""

    async def quote(
        self, conn: Conn, settings: Settings, booker: Booker, items: Sequence[NewItem], currency: str
    ) -> Quote | None:
        terms = await order_rows.terms_of_booker(
            conn, account_id=booker.account_id, organisation_id=booker.organisation_id
        )
        if terms is None:
            return None
        with _in_words_for_bookers():
            return await trade_orders.quote(conn, settings, terms, items, currency)

    async def charge(self, tx: Tx, booking: Booking, items: Sequence[NewItem], billed_to: UUID) -> None:
        with _in_words_for_bookers():
            await trade_orders.order_for_booking(tx, booking, items, billed_to)

    async def delivered(self, tx: Tx, booking: Booking, billed_to: UUID) -> Debtor:
        found = await _order_of(tx, booking)
        await order_rows.deliver(tx.conn, id=found.id, timezone=tx.services.settings.timezone)
        return Debtor(billed_to)

    async def released(
        self, tx: Tx, booking: Booking, billed_to: UUID, fee_minor: int, reason: str | None
    ) -> Debtor:
        found = await _order_of(tx, booking)
        fee_minor = min(fee_minor, found.total_minor)
        timezone = tx.services.settings.timezone
        await order_rows.cancel(tx.conn, id=found.id, fee_minor=fee_minor, reason=reason, timezone=timezone)
        return Debtor(billed_to)


async def _order_of(tx: Tx, booking: Booking) -> TradeOrder:
    found = await order_rows.of_booking(tx.conn, booking_id=booking.id)
    assert found is not None, "what a trade partner is billed for was ordered with its booking"
    return found


class Integrations:
    """Billed for what their customers book, where the house sends them a bill; at everybody's prices."""

    async def quote(
        self, conn: Conn, settings: Settings, booker: Booker, items: Sequence[NewItem], currency: str
    ) -> Quote | None:
        if booker.organisation_id is not None:
            return None
        billed_to = await app_rows.billed_for(conn, account_id=booker.account_id)
        if billed_to is None:
            return None
        lines = [Line(item.price_minor, item.quantity, item.list_price_minor) for item in items]
        tax_percent = Decimal(str(settings.billing.tax_pct))
        price = pricing.price(lines, discount_minor=0, tax_percent=tax_percent, tax_base=settings.billing.tax_base)
        return Quote(billed_to, tuple(items), price)

    async def charge(self, tx: Tx, booking: Booking, items: Sequence[NewItem], billed_to: UUID) -> None:
        """It owes what is done."""

    async def delivered(self, tx: Tx, booking: Booking, billed_to: UUID) -> Debtor:
        return Debtor(billed_to, has_credit=True)

    async def released(
        self, tx: Tx, booking: Booking, billed_to: UUID, fee_minor: int, reason: str | None
    ) -> Debtor:
        return Debtor(billed_to, has_credit=True)


#: By the kind of their parties, in the order in which they are asked.
KINDS: Mapping[str, Kind] = {
    "trade_partner": TradePartners(), "integration": Integrations(), "organisation": Organisations(),
}  # fmt: skip


async def quote(conn: Conn, settings: Settings, booker: Booker, items: Sequence[NewItem], currency: str) -> Quote:
    """The lines at the prices of whoever is billed for this booker. Raises NobodyBilled and what a kind raises."""
    for kind in KINDS.values():
        found = await kind.quote(conn, settings, booker, items, currency)
        if found is not None:
            return found
    raise NobodyBilled


async def charge(tx: Tx, booking: Booking, items: Sequence[NewItem]) -> None:
    """Books a new booking on account with its payer. Raises NobodyBilled and what a kind raises."""
    billed_to, kind = await _payer(tx, booking)
    await kind.charge(tx, booking, items, billed_to)


async def delivered(tx: Tx, booking: Booking) -> Debtor:
    """The party that owes a done booking on account, whose documents are made."""
    billed_to, kind = await _payer(tx, booking)
    return await kind.delivered(tx, booking, billed_to)


async def released(tx: Tx, booking: Booking, fee_minor: int, reason: str | None) -> Debtor:
    """The party that owes the fee of a cancelled booking on account."""
    billed_to, kind = await _payer(tx, booking)
    return await kind.released(tx, booking, billed_to, fee_minor, reason)


async def _payer(tx: Tx, booking: Booking) -> tuple[UUID, Kind]:
    assert booking.billed_to is not None, "nothing is on account without a payer"
    kind = await payers.kind_of(tx.conn, id=booking.billed_to)
    assert kind is not None, "parties stay"
    return booking.billed_to, KINDS[kind]
