"""Addresses at which anybody may pay a provider, and the public checkout behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AliasChoices, EmailStr, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.edge.limits import CHECKOUT
from api.provider.payment_requests import Amount, Text
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Currency, Money, View
from api.wire.results import PageWith, Reply
from dispatch.billing import provider_links
from dispatch.billing.provider_links import Payer
from dispatch.services import Services
from storage.payment_links import PaymentLink

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]


class LinkIn(CamelBody):
    """Without an amount whoever pays says how much."""

    title: Annotated[Title, Field(validation_alias=AliasChoices("title", "name"))]
    description: Text | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    redirect_url: Address | None = None


class ChangeIn(CamelBody):
    title: Title | None = None
    description: Text | None = None
    amount: Amount | None = None
    status: Literal["active", "inactive"] | None = None
    redirect_url: Address | None = None


class CheckoutIn(CamelBody):
    """`amount` where the link has none of its own."""

    name: Title
    email: EmailStr
    phone: Phone | None = None
    amount: Amount | None = None
    redirect_url: Address | None = None


class LinkOut(CamelView):
    id: UUID
    code: str
    title: str
    description: str | None
    amount: Money | None
    currency: str
    status: str
    checkout_endpoint: str
    redirect_url: str | None
    payments: int
    created_at: datetime
    updated_at: datetime


class ItemsOut(CamelView):
    payment_links: list[LinkOut]


class PaymentOut(View):
    """As payment pages call it."""

    checkout_url: str | None
    reference: str
    amount: Money
    currency: str
    status: str


class CheckoutOut(CamelView):
    payment: PaymentOut


LIST = Grammar(key="items", source=provider_links.LIST, filters={"status": Literal["active", "inactive"]})
TAGS = ["payment links"]


@provider.route("GET", "/payment-links", permission="transactions:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[LinkOut, ItemsOut]:
    """The provider's links, newest first."""
    async with services.read() as conn:
        found = await provider_links.page(conn, caller.provider_id, listing.wanted)
    shown = [_out(link) for link in found.rows]
    return PageWith.among(found.of(shown), lambda one: one, ItemsOut(payment_links=shown))


@provider.route(
    "POST", "/payment-links", permission="transactions:write", idempotency="optional", status=201, tags=TAGS
)
async def create(services: Services, caller: TeamMember, body: LinkIn) -> Reply[LinkOut]:
    """Make an address at which anybody may pay.

    Example: {"title": "Consultation", "amount": 150000, "currency": "NGN"}
    """
    async with services.transaction() as tx:
        made = await provider_links.create(
            tx, caller.provider_id, title=body.title, description=body.description, amount_minor=body.amount,
            currency=body.currency or caller.provider.currency, redirect_url=body.redirect_url,
        )  # fmt: skip
    return Reply(_out(made), message="Payment link created successfully")


@provider.route("GET", "/payment-links/{link_id}", permission="transactions:read", tags=TAGS)
async def get(services: Services, caller: TeamMember, link_id: UUID) -> LinkOut:
    """One link."""
    async with services.read() as conn:
        return _out(await provider_links.get(conn, caller.provider_id, link_id))


@provider.route("PATCH", "/payment-links/{link_id}", permission="transactions:write", tags=TAGS)
async def change(services: Services, caller: TeamMember, link_id: UUID, body: ChangeIn) -> Reply[LinkOut]:
    """Change a link, or take it out of use; who has begun to pay may finish.

    Example: {"status": "inactive"}
    """
    async with services.transaction() as tx:
        changed = await provider_links.change(
            tx, caller.provider_id, link_id, title=body.title, description=body.description, amount_minor=body.amount,
            status=body.status, redirect_url=body.redirect_url,
        )  # fmt: skip
    return Reply(_out(changed), message="Payment link updated successfully")


@provider.route("POST", "/payment-links/public/{code}/checkout", public=True, quota=CHECKOUT, status=201, tags=TAGS)
async def check_out(services: Services, code: str, body: CheckoutIn) -> CheckoutOut:
    """Begin to pay at a link, or go on with what was begun: the answer carries the page to pay at.

    Example: {"name": "John Doe", "email": "john@example.com", "phone": "+2348012345678"}
    """
    made = await provider_links.check_out(
        services, code, Payer(body.name, body.email, body.phone), amount_minor=body.amount,
        redirect_url=body.redirect_url,
    )  # fmt: skip
    return CheckoutOut(
        payment=PaymentOut(
            checkout_url=made.url, reference=made.reference, amount=made.amount_minor, currency=made.currency,
            status=made.status,
        )
    )  # fmt: skip


def _out(link: PaymentLink) -> LinkOut:
    return LinkOut(
        id=link.id, code=link.code, title=link.title, description=link.description, amount=link.amount_minor,
        currency=link.currency, status=link.status, checkout_endpoint=provider_links.CHECKOUT.format(code=link.code),
        redirect_url=link.redirect_url, payments=link.payments, created_at=link.created_at, updated_at=link.updated_at,
    )  # fmt: skip
