"""What a provider took itself: recorded, found on its own statement, or voided."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AliasChoices, EmailStr, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.payment_requests import Amount, Text
from api.provider.when import When, day, local_today, spanned
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import CamelBody, CamelView, Currency, Money
from api.wire.results import PageWith, Reply
from dispatch.billing import provider_manual
from dispatch.parties import provider_customers
from dispatch.services import Services
from storage.manual_transactions import ManualTransaction

Method = Literal["cash", "bank_transfer", "pos"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ManualIn(CamelBody):
    """Of a customer that is known, or of whoever is named."""

    amount: Amount
    currency: Currency | None = None
    method: Annotated[Method, Field(validation_alias=AliasChoices("method", "paymentMethod"))] = "cash"
    customer_id: UUID | None = None
    payer_name: Name | None = None
    payer_email: EmailStr | None = None
    payer_phone: Name | None = None
    received_at: When | None = None
    description: Text | None = None
    note: Text | None = None


class ChangeIn(CamelBody):
    """`status` voided takes it back."""

    description: Text | None = None
    note: Text | None = None
    received_at: When | None = None
    status: Literal["voided"] | None = None


class PayerOut(CamelView):
    id: UUID | None = Field(alias="_id")
    name: str | None
    email: str | None
    phone: str | None


class ManualOut(CamelView):
    id: UUID = Field(alias="_id")
    transaction_id: UUID
    payer: PayerOut
    amount: Money
    currency: str
    method: str
    payment_method: str
    status: str
    reference: str
    received_at: date
    description: str | None
    note: str | None
    reconciled_at: datetime | None
    voided_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ItemsOut(CamelView):
    transactions: list[ManualOut]


LIST = Grammar(
    key="items", source=provider_manual.LIST,
    filters={
        "status": Literal["recorded", "reconciled", "voided"], "method": Method, "startDate": Once(When),
        "endDate": Once(When),
    },
    aliases={"paymentMethod": "method"}, names={"startDate": "from_at", "endDate": "to_at"},
)  # fmt: skip
TAGS = ["manual transactions"]


@provider.route("GET", "/transactions/manual", permission="transactions:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[ManualOut, ItemsOut]:
    """What the provider took itself, newest first."""
    async with services.read() as conn:
        found = await provider_manual.page(conn, caller.provider_id, spanned(listing, caller.provider))
    shown = [_out(one) for one in found.rows]
    return PageWith.among(found.of(shown), lambda one: one, ItemsOut(transactions=shown))


@provider.route(
    "POST", "/transactions/manual", permission="transactions:write", idempotency="optional", status=201, tags=TAGS
)
async def record(services: Services, caller: TeamMember, body: ManualIn) -> Reply[ManualOut]:
    """Write down money that was taken in cash, by transfer or at a terminal. It does not enter the wallet.

    Example: {"amount": 50000, "method": "cash", "payerName": "John Doe", "description": "Consultation"}
    """
    mine = caller.provider
    async with services.transaction() as tx:
        customer = None
        if body.customer_id is not None:
            customer = await provider_customers.named(tx.conn, mine.id, body.customer_id)
        elif body.payer_email:
            customer = await provider_customers.of_address(
                tx, mine.id, source="manual", name=body.payer_name, email=body.payer_email, phone=body.payer_phone
            )
        received = day(body.received_at, mine.timezone) if body.received_at else local_today(tx.now, mine)
        made = await provider_manual.record(
            tx, mine.id, amount_minor=body.amount, currency=body.currency or mine.currency, method=body.method,
            received_on=received, customer=customer, description=body.description, note=body.note,
            payer_name=body.payer_name, payer_phone=body.payer_phone,
        )  # fmt: skip
    return Reply(_out(made), message="Transaction recorded successfully")


@provider.route("GET", "/transactions/manual/{manual_id}", permission="transactions:read", tags=TAGS)
async def get(services: Services, caller: TeamMember, manual_id: UUID) -> ManualOut:
    """One of them."""
    async with services.read() as conn:
        return _out(await provider_manual.get(conn, caller.provider_id, manual_id))


@provider.route("PATCH", "/transactions/manual/{manual_id}", permission="transactions:write", tags=TAGS)
async def change(services: Services, caller: TeamMember, manual_id: UUID, body: ChangeIn) -> Reply[ManualOut]:
    """Change its words or its day, or void it; the amount stays: void it and record another one.

    Example: {"description": "Consultation and a test"}
    """
    received = day(body.received_at, caller.provider.timezone) if body.received_at else None
    async with services.transaction() as tx:
        found = await provider_manual.get(tx.conn, caller.provider_id, manual_id)
        if body.description is not None or body.note is not None or received is not None:
            found = await provider_manual.change(
                tx, caller.provider_id, manual_id, description=body.description, note=body.note, received_on=received
            )
        if body.status == "voided":
            found = await provider_manual.void(tx, caller.provider_id, manual_id)
    return Reply(_out(found), message="Transaction updated successfully")


@provider.route("POST", "/transactions/manual/{manual_id}/reconcile", permission="transactions:write", tags=TAGS)
async def reconcile(services: Services, caller: TeamMember, manual_id: UUID) -> Reply[ManualOut]:
    """It stands on the provider's own statement too; from now on it stays as it is."""
    async with services.transaction() as tx:
        found = await provider_manual.reconcile(tx, caller.provider_id, manual_id)
    return Reply(_out(found), message="Transaction reconciled successfully")


def _out(one: ManualTransaction) -> ManualOut:
    return ManualOut(
        id=one.id, transaction_id=one.transaction_id,
        payer=PayerOut(id=one.customer_id, name=one.payer_name, email=one.payer_email, phone=one.payer_phone),
        amount=one.amount_minor, currency=one.currency, method=one.method, payment_method=one.method,
        status=one.status, reference=one.reference, received_at=one.received_on, description=one.description,
        note=one.note, reconciled_at=one.reconciled_at, voided_at=one.voided_at, created_at=one.created_at,
        updated_at=one.updated_at,
    )  # fmt: skip
