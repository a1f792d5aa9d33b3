"""A provider's statement: each line written beside its postings, and told on the provider's stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from dispatch.billing import provider_facts
from dispatch.engine.lifecycle import Step, Table
from dispatch.errors import Missing
from dispatch.services import Tx
from storage import provider_transactions as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.provider_customers import Customer
from storage.provider_transactions import Transaction

STATUSES = ("pending", "settled", "failed", "cancelled", "refunded")
#: The three words that people see (R172), and which of ours each stands for.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "settled": ("settled",), "pending": ("pending",), "failed": ("failed", "cancelled", "refunded"),
}  # fmt: skip

TRANSACTION: Table = {
    "settle": Step(("pending",), "settled"),
    # The bank may return what it had taken.
    "fail": Step(("pending", "settled"), "failed"),
    "cancel": Step(("pending", "settled"), "cancelled"),
    "refund": Step(("settled",), "refunded"),
}


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """`reference` is unique within the provider: the same thing stands there once."""

    provider_id: UUID
    type: str
    category: str
    status: str
    amount_minor: int
    currency: str
    reference: str
    method: str
    customer: Customer | None = None
    description: str | None = None
    service: str | None = None
    booking_id: UUID | None = None
    payout_id: UUID | None = None
    related_to: UUID | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Of whoever paid and is no customer.
    payer_name: str | None = None
    payer_phone: str | None = None


def shown(status: str) -> str:
    """Settled, Pending or Failed, in lower case."""
    return next(word for word, ours in SHOWN.items() if status in ours)


async def add(tx: Tx, new: NewTransaction) -> Transaction | None:
    """Writes a line; None when it stands there already."""
    payer = new.customer
    made = await rows.insert(
        tx.conn, provider_id=new.provider_id, type=new.type, category=new.category, status=new.status,
        amount_minor=new.amount_minor, currency=new.currency, reference=new.reference, method=new.method,
        customer_id=payer.id if payer else None, payer_name=payer.name if payer else new.payer_name,
        payer_email=payer.email if payer else None, payer_phone=payer.phone if payer else new.payer_phone,
        description=new.description, service=new.service, booking_id=new.booking_id, payout_id=new.payout_id,
        related_to=new.related_to, metadata=dict(new.metadata),
    )  # fmt: skip
    if made is not None:
        tell(tx, made, "transaction.created")
    return made


async def move(tx: Tx, transaction_id: UUID, step: str) -> Transaction | None:
    """One step of the table above; None when it is past that."""
    row = TRANSACTION[step]
    moved = await rows.move(tx.conn, id=transaction_id, target=row.target, sources=list(row.sources))
    if moved is not None:
        tell(tx, moved, "transaction.updated")
    return moved


async def move_of_payout(tx: Tx, payout_id: UUID, step: str) -> None:
    """The same for the lines of a payout."""
    for line in await rows.of_payout(tx.conn, payout_id=payout_id):
        await move(tx, line.id, step)


def tell(tx: Tx, line: Transaction, fact: str) -> None:
    """Tells the provider of a line; sockets hear it once it is committed."""
    provider_facts.tell(
        tx, line.provider_id, fact,
        {
            "transaction_id": str(line.id), "type": line.type, "category": line.category, "status": line.status,
            "amount_minor": line.amount_minor, "currency": line.currency, "reference": line.reference,
            "method": line.method, "customer_id": str(line.customer_id) if line.customer_id else None,
        },
        about=line.id,
    )  # fmt: skip


# ---------------------------------------------------------------- reading

#: A provider's transactions, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[Transaction]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def newest(conn: Conn, provider_id: UUID, wanted: Wanted, offset: int) -> tuple[list[Transaction], int]:
    """Some lines after the `offset` newest ones, and how many there are in all (counted up to ten thousand)."""
    found = await rows.of_provider.first(conn, wanted, skipped=offset, provider_id=provider_id)
    counted = await rows.of_provider.page(conn, replace(wanted, limit=1), provider_id=provider_id)
    return found, counted.total


async def get(conn: Conn, provider_id: UUID, transaction_id: UUID) -> Transaction:
    """Raises Missing, also for another provider's."""
    found = await rows.get(conn, id=transaction_id, provider_id=provider_id)
    if found is None:
        raise Missing("transaction")
    return found


async def related(conn: Conn, line: Transaction) -> Sequence[Transaction]:
    """What belongs to the same thing: refunds, reversals, the cash that a job brought."""
    return await rows.related(conn, provider_id=line.provider_id, id=line.id, related_to=line.related_to)
