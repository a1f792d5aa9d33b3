"""Asking customers for money: requests with a page to pay at, called off or changed before they are paid."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.views import Metadata
from api.provider.when import When, moment, spanned
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import MOST_MINOR, CamelBody, CamelView, Currency, Money, within
from api.wire.results import PageWith, Reply
from dispatch.billing import provider_links, provider_requests
from dispatch.billing.provider_requests import Change, NewRequest
from dispatch.parties import provider_customers
from dispatch.services import Services
from storage.payment_requests import PaymentRequest

Method = Literal["wallet", "credit_card", "bank_transfer", "paypal", "cash", "link"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Amount = Annotated[Money, within(1, MOST_MINOR)]


class RequestIn(CamelBody):
    customer_id: UUID
    amount: Amount
    currency: Currency | None = None
    payment_method: Method
    description: Text | None = None
    due_date: When | None = None
    metadata: Annotated[Metadata, Field(max_length=50)] | None = None


class ChangeIn(CamelBody):
    amount: Amount | None = None
    payment_method: Method | None = None
    description: Text | None = None
    due_date: When | None = None
    metadata: Annotated[Metadata, Field(max_length=50)] | None = None


class RequestOut(CamelView):
    """`paymentLink` is the address of the page to pay at, or null."""

    id: UUID = Field(alias="_id")
    customer_id: UUID
    amount: Money
    currency: str
    payment_method: str
    description: str | None
    status: str
    reference: str
    payment_link: str | None
    created_at: datetime
    due_date: datetime | None


class LinkOut(CamelView):
    id: UUID
    code: str
    url: str | None
    checkout_endpoint: str


class CustomerOut(CamelView):
    id: UUID = Field(alias="_id")
    name: str
    email: str | None
    phone: str | None


class RequestItemOut(CamelView):
    """`paymentLink` is null where nobody can pay at a page (any more)."""

    id: UUID = Field(alias="_id")
    transaction_id: UUID
    customer_id: UUID
    customer: CustomerOut
    amount: Money
    currency: str
    payment_method: str
    description: str | None
    status: str
    reference: str
    payment_link: LinkOut | None
    metadata: Metadata
    due_date: datetime | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ItemsOut(CamelView):
    payment_requests: list[RequestItemOut]


LIST = Grammar(
    key="items", source=provider_requests.LIST,
    filters={
        "status": Literal["pending", "paid", "cancelled"], "paymentMethod": Method, "customerId": UUID,
        "startDate": Once(When), "endDate": Once(When),
    },
    names={"paymentMethod": "method", "customerId": "customer_id", "startDate": "from_at", "endDate": "to_at"},
)  # fmt: skip
TAGS = ["payment requests"]


@provider.route(
    "POST", "/transactions/payment-request", permission="transactions:write", idempotency="optional", status=201,
    tags=TAGS,
)  # fmt: skip
async def create(services: Services, caller: TeamMember, body: RequestIn) -> Reply[RequestOut]:
    """Ask a customer for an amount; the answer carries the page to pay at, where there is one.

    Example: {"customerId": "11111111-1111-4111-8111-111111111111", "amount": 150000, "currency": "NGN",
      "paymentMethod": "link", "description": "Consultation"}
    """
    mine = caller.provider
    async with services.read() as conn:
        customer = await provider_customers.named(conn, mine.id, body.customer_id)
    made = await provider_requests.create(services, mine, NewRequest(
        customer, body.amount, body.currency or mine.currency, body.payment_method, body.description,
        moment(body.due_date, mine.timezone) if body.due_date else None, body.metadata or {},
    ))  # fmt: skip
    return Reply(_request_out(made), message="Payment request created successfully")


@provider.route("GET", "/transactions/payment-requests", permission="transactions:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[RequestItemOut, ItemsOut]:
    """What was asked for, newest first."""
    async with services.read() as conn:
        found = await provider_requests.page(conn, caller.provider_id, spanned(listing, caller.provider))
    shown = [item_out(request) for request in found.rows]
    return PageWith.among(found.of(shown), lambda one: one, ItemsOut(payment_requests=shown))


@provider.route("GET", "/transactions/payment-requests/{request_id}", permission="transactions:read", tags=TAGS)
async def get(services: Services, caller: TeamMember, request_id: UUID) -> RequestItemOut:
    """One request, with its page."""
    async with services.read() as conn:
        return item_out(await provider_requests.get(conn, caller.provider_id, request_id))


@provider.route("PATCH", "/transactions/payment-requests/{request_id}", permission="transactions:write", tags=TAGS)
async def change(services: Services, caller: TeamMember, request_id: UUID, body: ChangeIn) -> Reply[RequestItemOut]:
    """Change a request that nobody has paid yet; another amount gets another page.

    Example: {"paymentMethod": "link", "description": "Consultation and a test"}
    """
    what = Change(
        body.amount, body.payment_method, body.description,
        moment(body.due_date, caller.provider.timezone) if body.due_date else None, body.metadata,
    )  # fmt: skip
    changed = await provider_requests.change(services, caller.provider_id, request_id, what)
    return Reply(item_out(changed), message="Payment request updated successfully")


@provider.route(
    "POST", "/transactions/payment-requests/{request_id}/cancel", permission="transactions:write", tags=TAGS
)
async def cancel(services: Services, caller: TeamMember, request_id: UUID) -> Reply[RequestItemOut]:
    """Call a request off; money that comes all the same goes back."""
    found = await provider_requests.cancel(services, caller.provider_id, request_id)
    return Reply(item_out(found), message="Payment request cancelled successfully")


@provider.route(
    "POST", "/transactions/payment-requests/{request_id}/received", permission="transactions:write", tags=TAGS
)
async def receive(services: Services, caller: TeamMember, request_id: UUID) -> Reply[RequestItemOut]:
    """The cash that was asked for is there."""
    async with services.transaction() as tx:
        found = await provider_requests.receive(tx, caller.provider_id, request_id)
    return Reply(item_out(found), message="Payment request marked as received")


def _request_out(request: PaymentRequest) -> RequestOut:
    return RequestOut(
        id=request.id, customer_id=request.customer_id, amount=request.amount_minor, currency=request.currency,
        payment_method=request.method, description=request.description, status=request.status,
        reference=request.reference, payment_link=request.url, created_at=request.created_at, due_date=request.due_at,
    )  # fmt: skip


def item_out(request: PaymentRequest) -> RequestItemOut:
    link = None
    if request.payment_id is not None and request.status == "pending":
        endpoint = provider_links.CHECKOUT.format(code=request.code)
        link = LinkOut(id=request.id, code=request.code, url=request.url, checkout_endpoint=endpoint)
    return RequestItemOut(
        id=request.id, transaction_id=request.transaction_id, customer_id=request.customer_id,
        customer=CustomerOut(
            id=request.customer_id, name=request.customer_name, email=request.customer_email,
            phone=request.customer_phone,
        ),
        amount=request.amount_minor, currency=request.currency, payment_method=request.method,
        description=request.description, status=request.status, reference=request.reference, payment_link=link,
        metadata=request.metadata, due_date=request.due_at, paid_at=request.paid_at,
        cancelled_at=request.cancelled_at, created_at=request.created_at, updated_at=request.updated_at,
    )  # fmt: skip
