"""What several endpoints of the provider's dashboard show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, WithJsonSchema

from api.wire.models import CamelView, Money
from dispatch.billing import provider_transactions
from storage.provider_transactions import Transaction
from storage.providers import Provider

#: The words for ways to pay, in files and lists.
METHOD_WORDS = {
    "wallet": "Wallet", "credit_card": "Credit card", "bank_transfer": "Bank transfer", "paypal": "PayPal",
    "cash": "Cash", "link": "Payment link", "online": "Online", "pos": "POS", "account": "On account", "upi": "UPI",
}  # fmt: skip


#: What a provider keeps beside a thing: whatever it likes.
Metadata = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": {"description": "Any value"}})
]


class PersonOut(CamelView):
    id: UUID | None = Field(alias="_id")
    name: str | None
    email: str | None
    phone: str | None


class TransactionOut(CamelView):
    """`status` is the raw one, `uiStatus` one of Settled, Pending, Failed."""

    id: UUID = Field(alias="_id")
    wallet_id: UUID
    user_id: PersonOut
    type: str
    category: str
    amount: Money
    currency: str
    reference: str
    status: str
    ui_status: str
    ui_status_key: str
    #: {providerId, providerName, payerUserId, description, paymentMethod} and what the provider itself keeps.
    metadata: Metadata
    created_at: datetime
    updated_at: datetime


class RelatedOut(CamelView):
    id: UUID = Field(alias="_id")
    type: str
    category: str
    status: str
    amount: Money
    reference: str
    created_at: datetime


class TransactionDetailOut(TransactionOut):
    related_transactions: list[RelatedOut]


def transaction_out(line: Transaction, mine: Provider) -> TransactionOut:
    return TransactionOut(**_fields(line, mine))


def detail_out(line: Transaction, related: list[Transaction], mine: Provider) -> TransactionDetailOut:
    others = [
        RelatedOut(
            id=r.id, type=r.type, category=r.category, status=r.status, amount=r.amount_minor, reference=r.reference,
            created_at=r.created_at,
        )
        for r in related
    ]  # fmt: skip
    return TransactionDetailOut(**_fields(line, mine), related_transactions=others)


def _fields(line: Transaction, mine: Provider) -> dict[str, Any]:
    key = provider_transactions.shown(line.status)
    # Whoever is at the other end: a payer, or of payouts and the like the provider itself.
    if line.customer_id is not None:
        who = PersonOut(id=line.customer_id, name=line.payer_name, email=line.payer_email, phone=line.payer_phone)
    else:
        who = PersonOut(id=mine.id, name=mine.name, email=mine.email, phone=mine.phone)
    metadata = {
        **line.metadata, "providerId": str(mine.id), "providerName": mine.name,
        "payerUserId": str(line.customer_id) if line.customer_id else None, "description": line.description,
        "paymentMethod": line.method,
    }  # fmt: skip
    return {
        "id": line.id, "wallet_id": mine.id, "user_id": who, "type": line.type, "category": line.category,
        "amount": line.amount_minor, "currency": line.currency, "reference": line.reference, "status": line.status,
        "ui_status": key.capitalize(), "ui_status_key": key, "metadata": metadata, "created_at": line.created_at,
        "updated_at": line.updated_at,
    }  # fmt: skip
