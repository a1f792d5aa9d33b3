"""What an organisation pays: the negotiated price of a visit, and the kind of payer that it is by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from dispatch.billing import pricing
from dispatch.billing.debtors import Debtor, NobodyBilled
from dispatch.billing.trade_orders import Booker, Quote
from dispatch.config import Settings
from dispatch.engine.bookings import NewItem
from dispatch.errors import Conflict
from dispatch.parties import organisations
from dispatch.services import Tx
from dispatch.shares import percent_of
from storage import preferred_providers as rows
from storage.bookings import Booking
from storage.database.pool import Conn


class OtherMoney(Conflict):
    """This place is paid for in another currency than your organisation's account."""

    code = "other_currency"


class Organisations:
    """Billed by the month, from the bookings that are done; nothing is written before that."""

    async def quote(
        self, conn: Conn, settings: Settings, booker: Booker, items: Sequence[NewItem], currency: str
    ) -> Quote | None:
        """The lines at negotiated prices; the tax is on the list price (C11). Raises OtherMoney, NotVerified."""
        if booker.organisation_id is None:
            return None
        home = await organisations.active(conn, booker.organisation_id)
        if currency != organisations.currency_of(home):
            raise OtherMoney
        priced = tuple([await _negotiated(conn, home.id, item, currency) for item in items])
        price = pricing.price(
            [pricing.Line(i.price_minor, i.quantity, i.list_price_minor) for i in priced],
            tax_percent=Decimal(str(settings.billing.tax_pct)),
        )
        return Quote(home.id, priced, price)

    async def charge(self, tx: Tx, booking: Booking, items: Sequence[NewItem], billed_to: UUID) -> None:
        """Its bill is made of what is done. Raises NobodyBilled for what is booked in another's name."""
        if billed_to != booking.organisation_id:
            raise NobodyBilled

    async def delivered(self, tx: Tx, booking: Booking, billed_to: UUID) -> Debtor:
        return Debtor(billed_to)

    async def released(
        self, tx: Tx, booking: Booking, billed_to: UUID, fee_minor: int, reason: str | None
    ) -> Debtor:
        return Debtor(billed_to)


async def _negotiated(conn: Conn, organisation_id: UUID, item: NewItem, currency: str) -> NewItem:
    """An accepted quote's price, else the selling price less the negotiated share. What is saved shows as savings."""
    found = await rows.negotiated(
        conn, organisation_id=organisation_id, service_id=item.service_id, category=item.category, currency=currency
    )
    assert found is not None, "the organisation is there"
    listed = item.price_minor
    price = listed - percent_of(listed, found.discount_pct)
    if found.price_minor is not None:
        price = found.price_minor
    return replace(item, list_price_minor=max(listed, price), price_minor=price)
