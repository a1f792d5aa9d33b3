"""Payment links: addresses of a provider at which anybody may pay, and the checkout behind them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from dispatch.billing import provider_requests
from dispatch.billing.provider_requests import NewRequest, RequestClosed
from dispatch.config import Settings
from dispatch.errors import Gone, Invalid, Missing
from dispatch.parties import provider_customers, providers
from dispatch.services import Services, Tx
from storage import payment_links as rows
from storage import payment_requests as request_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.payment_links import OpenLink, PaymentLink
from storage.payment_requests import PaymentRequest

CHECKOUT = "/api/providers/payment-links/public/{code}/checkout"
_CODE_BYTES = 9


class LinkInactive(Gone):
    """This payment link is no longer in use."""

    code = "link_inactive"


@dataclass(frozen=True, slots=True)
class Payer:
    """Whoever pays at a public page, in their own words."""

    name: str
    email: str
    phone: str | None = None


async def create(
    tx: Tx, provider_id: UUID, *, title: str, description: str | None, amount_minor: int | None, currency: str,
    redirect_url: str | None,
) -> PaymentLink:  # fmt: skip
    """Raises Invalid for a page to return to that is not on the list."""
    check_redirect(tx.services.settings, redirect_url)
    made = await rows.insert(
        tx.conn, provider_id=provider_id, code=secrets.token_urlsafe(_CODE_BYTES), title=title,
        description=description, amount_minor=amount_minor, currency=currency, redirect_url=redirect_url,
    )  # fmt: skip
    assert made is not None, "an insert answers with its row"
    return made


async def change(
    tx: Tx, provider_id: UUID, link_id: UUID, *, title: str | None, description: str | None, amount_minor: int | None,
    status: str | None, redirect_url: str | None,
) -> PaymentLink:  # fmt: skip
    """What is None stays. Raises Missing, Invalid."""
    check_redirect(tx.services.settings, redirect_url)
    changed = await rows.change(
        tx.conn, id=link_id, provider_id=provider_id, title=title, description=description, amount_minor=amount_minor,
        status=status, redirect_url=redirect_url,
    )  # fmt: skip
    if changed is None:
        raise Missing("payment link")
    return changed


async def check_out(
    services: Services, code: str, payer: Payer, *, amount_minor: int | None, redirect_url: str | None
) -> PaymentRequest:
    """The request behind a public code, with the gateway's page: the request's own, or a new one of this payer.

    Whoever comes twice goes on with what they began. Raises Missing, LinkInactive, RequestClosed, NotInCash,
    PagePending, PageRefused, PaymentsNotConfigured, Invalid.
    """
    services.require_gateway()
    check_redirect(services.settings, redirect_url)
    async with services.read() as conn:
        known = await request_rows.by_code(conn, code=code)
        link = None if known else await rows.by_code(conn, code=code)
    if known is not None:
        if known.status != "pending":
            raise RequestClosed
        if known.payment_id is None:
            raise provider_requests.NotInCash
        return await provider_requests.page_of(services, known)
    if link is None:
        raise Missing("payment link")
    if link.status != "active":
        raise LinkInactive
    async with services.transaction() as tx:
        made = await _begin(tx, link, payer, amount_minor, redirect_url or link.redirect_url)
    return await provider_requests.page_of(services, made)


async def _begin(
    tx: Tx, link: OpenLink, payer: Payer, amount_minor: int | None, redirect_url: str | None
) -> PaymentRequest:
    provider = await providers.get(tx.conn, link.provider_id)
    amount = link.amount_minor or amount_minor
    if amount is None:
        raise Invalid({"amount": "is required"})
    customer = await provider_customers.of_address(
        tx, provider.id, source="payment", name=payer.name, email=payer.email, phone=payer.phone
    )
    known = await request_rows.open_of_link(tx.conn, link_id=link.id, customer_id=customer.id, amount_minor=amount)
    if known is not None:
        return known
    return await provider_requests.open_request(tx, provider, NewRequest(
        customer, amount, link.currency, "link", link.description or link.title, purpose="link", link_id=link.id,
        redirect_url=redirect_url,
    ))  # fmt: skip


def check_redirect(settings: Settings, url: str | None) -> None:
    """A payment page sends back only to origins of the list, so that nobody lures payers elsewhere. Raises Invalid."""
    if url is None:
        return
    parts = urlsplit(url)
    allowed = {*settings.providers.redirects, *settings.http.allowed_origins, settings.http.public_url.rstrip("/")}
    if f"{parts.scheme}://{parts.netloc}" not in allowed - {""}:
        raise Invalid({"redirectUrl": "must lie at one of the addresses that this server sends back to"})


# ---------------------------------------------------------------- reading

#: A provider's payment links, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[PaymentLink]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def get(conn: Conn, provider_id: UUID, link_id: UUID) -> PaymentLink:
    """Raises Missing."""
    found = await rows.get(conn, id=link_id, provider_id=provider_id)
    if found is None:
        raise Missing("payment link")
    return found
