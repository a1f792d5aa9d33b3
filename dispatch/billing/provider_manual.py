"""What a provider took itself: written into the ledger beside its wallet, where no payout draws on it."""

from __future__ import annotations

import secrets
from datetime import date
from uuid import UUID

from dispatch.billing import ledger, provider_transactions
from dispatch.billing.ledger import Line
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.errors import Conflict, Missing
from dispatch.services import Tx
from storage import manual_transactions as rows
from storage import provider_transactions as transaction_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.manual_transactions import ManualTransaction
from storage.provider_customers import Customer

METHODS = ("cash", "bank_transfer", "pos")
STATUSES = ("recorded", "reconciled", "voided")


class NotOpen(Conflict):
    """This transaction is reconciled or voided, and stays as it is."""

    code = "wrong_state"


async def record(
    tx: Tx, provider_id: UUID, *, amount_minor: int, currency: str, method: str, received_on: date,
    customer: Customer | None, description: str | None, note: str | None, payer_name: str | None = None,
    payer_phone: str | None = None,
) -> ManualTransaction:  # fmt: skip
    """Writes down money that the provider has already."""
    line = await provider_transactions.add(tx, NewTransaction(
        provider_id, "credit", "manual", "settled", amount_minor, currency, f"MAN-{secrets.token_hex(6).upper()}",
        method, customer, description, payer_name=payer_name, payer_phone=payer_phone,
    ))  # fmt: skip
    assert line is not None, "references are not given twice"
    made = await rows.insert(
        tx.conn, provider_id=provider_id, transaction_id=line.id, method=method, received_on=received_on, note=note
    )
    assert made is not None, "an insert answers with its id"
    await ledger.post(
        tx, "manual_transaction", str(made), taken(provider_id, currency, amount_minor), description=line.reference
    )
    return await get(tx.conn, provider_id, made)


def taken(provider_id: UUID, currency: str, amount_minor: int) -> list[Line]:
    """The postings of money that a provider took itself."""
    return [
        Line(ledger.outside_cash(provider_id, currency), -amount_minor),
        Line(ledger.outside_income(provider_id, currency), amount_minor),
    ]


async def change(
    tx: Tx, provider_id: UUID, manual_id: UUID, *, description: str | None, note: str | None, received_on: date | None
) -> ManualTransaction:
    """Words and day of one that is only recorded; its amount never changes: void it and write another one.

    Raises Missing, NotOpen.
    """
    known = await get(tx.conn, provider_id, manual_id)
    if not await rows.change(tx.conn, id=manual_id, provider_id=provider_id, note=note, received_on=received_on):
        raise NotOpen
    if description is not None:
        await transaction_rows.describe(tx.conn, id=known.transaction_id, description=description)
    return await get(tx.conn, provider_id, manual_id)


async def reconcile(tx: Tx, provider_id: UUID, manual_id: UUID) -> ManualTransaction:
    """It was found on the provider's own statement; repeated, it changes nothing. Raises Missing, NotOpen."""
    known = await get(tx.conn, provider_id, manual_id)
    if not await rows.reconcile(tx.conn, id=manual_id, provider_id=provider_id) and known.status != "reconciled":
        raise NotOpen
    return await get(tx.conn, provider_id, manual_id)


async def void(tx: Tx, provider_id: UUID, manual_id: UUID) -> ManualTransaction:
    """It was none: its postings are reversed, once. Raises Missing, NotOpen."""
    known = await get(tx.conn, provider_id, manual_id)
    if not await rows.void(tx.conn, id=manual_id, provider_id=provider_id):
        if known.status != "voided":
            raise NotOpen
        return known
    back = taken(provider_id, known.currency, -known.amount_minor)
    await ledger.post(tx, "manual_voided", str(manual_id), back, description=f"{known.reference} voided")
    await provider_transactions.move(tx, known.transaction_id, "cancel")
    return await get(tx.conn, provider_id, manual_id)


# ---------------------------------------------------------------- reading

#: A provider's own takings, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[ManualTransaction]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def get(conn: Conn, provider_id: UUID, manual_id: UUID) -> ManualTransaction:
    """Raises Missing."""
    found = await rows.get(conn, id=manual_id, provider_id=provider_id)
    if found is None:
        raise Missing("manual transaction")
    return found
