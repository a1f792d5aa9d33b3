"""The account of an app that is billed: what it owes in each currency, of which bookings, and what it has paid.

Bookings that are done and fees of cancelled ones debit it (on_account.py), payments credit it; nothing is converted.
In the ledger it is two accounts, as a debt never turns into credit by itself: the receivable is what is owed, the
wallet what was paid before it was owed, which the next bookings take first (debtors.py); one of the two is empty at
any time. The oldest debts are paid first: by that each done booking says whether it is paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.billing import ledger
from dispatch.billing.debtors import Debtor
from dispatch.billing.invoice_payments import TransferKnown
from dispatch.billing.ledger import Line
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties.integrations import REALM, PartnerNotFound
from dispatch.services import Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import integration_payments as rows
from storage import ledger as ledger_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.integration_payments import IntegrationPayment
from storage.ledger import DebtorEntry

#: The lines of an account, and what was paid into it, as lists.
LINES = ledger_rows.of_debtor
PAYMENTS = rows.of_integration
#: The kinds of their journals; the reference of either is the payment.
PAID, REVERSED = "integration_payment", "integration_payment_reversed"
#: What the app is told of either.
RECORDED, TAKEN_BACK = "account.payment_recorded", "account.payment_reversed"


class AlreadyReversed(Conflict):
    """This payment was taken back already."""

    code = "payment_reversed"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What arrived at the bank. The reference is the bank's, and one transfer's alone."""

    amount_minor: int
    currency: str
    reference: str
    paid_on: date


@dataclass(frozen=True, slots=True)
class Balance:
    """How an account stands in a currency: owed, or where it is below zero, in the app's favour."""

    currency: str
    owed_minor: int

    @property
    def due_minor(self) -> int:
        """What is to be paid."""
        return max(0, self.owed_minor)

    @property
    def credit_minor(self) -> int:
        """What the next bookings take."""
        return max(0, -self.owed_minor)


async def balances(conn: Conn, integration_id: UUID) -> list[Balance]:
    """By currency, also where nothing is open; empty for an app that was never billed and never paid."""
    sums: dict[str, int] = {}
    for account in await ledger_rows.accounts_of(conn, owner_kind="party", owner_id=integration_id):
        sums[account.currency] = sums.get(account.currency, 0) - account.balance_minor
    return [Balance(currency, owed_minor) for currency, owed_minor in sorted(sums.items())]


async def check(conn: Conn, integration_id: UUID) -> None:
    """That there is such an app, or was: what a deleted one owes stays owed. Raises PartnerNotFound."""
    if await rows.known(conn, integration_id=integration_id) is None:
        raise PartnerNotFound


async def lines(conn: Conn, integration_id: UUID, wanted: Wanted, timezone: str) -> Slice[DebtorEntry]:
    """What it was billed (negative), whether it is paid by now, and what it paid (positive), newest first; days are
    those of `timezone`.
    """
    return await LINES.page(conn, wanted, owner_id=integration_id, timezone=timezone)


def payment_of(entry: DebtorEntry) -> UUID | None:
    """The payment that a line is of, or that it takes back."""
    return UUID(entry.reference) if entry.kind in (PAID, REVERSED) else None


async def payments(conn: Conn, integration_id: UUID, wanted: Wanted) -> Slice[IntegrationPayment]:
    """What arrived of it, newest first, with what was taken back."""
    return await PAYMENTS.page(conn, wanted, integration_id=integration_id)


async def get(conn: Conn, integration_id: UUID, payment_id: UUID) -> IntegrationPayment:
    """Raises Missing, also for a payment of another app."""
    found = await rows.get(conn, id=payment_id, integration_id=integration_id)
    if found is None:
        raise Missing("payment")
    return found


async def record(tx: Tx, actor: Actor, integration_id: UUID, transfer: Transfer) -> IntegrationPayment:
    """Staff found money of an app at the bank, whether it owes as much or not: once for each reference, whoever else
    records the same. One balanced journal, and an entry in the audit.

    Raises PartnerNotFound, Invalid for a day to come, TransferKnown.
    """
    await _lock(tx, integration_id)
    if transfer.paid_on > local(tx.now, tx.services.settings.timezone).date():
        raise Invalid({"paid_on": "must not lie in the future"})
    payment_id = await rows.insert(
        tx.conn, integration_id=integration_id, currency=transfer.currency, amount_minor=transfer.amount_minor,
        reference=transfer.reference, paid_on=transfer.paid_on, recorded_by=f"{actor.kind}:{actor.id}",
    )  # fmt: skip
    if payment_id is None:
        raise TransferKnown
    made = await get(tx.conn, integration_id, payment_id)
    came = Line(ledger.platform("bank", made.currency), -made.amount_minor)
    sides = [came, *await _debtor(integration_id).pays(tx, made.currency, made.amount_minor)]
    await ledger.post(tx, PAID, str(made.id), sides, description=f"Payment {made.reference}")
    await rows.settle(tx.conn, integration_id=integration_id, currency=made.currency)
    await _tell(tx, integration_id, RECORDED, made)
    await audit.changed(tx, actor, "record_payment", "integration", integration_id, None, _audited(made))
    return made


async def reverse(tx: Tx, actor: Actor, integration_id: UUID, payment_id: UUID, reason: str) -> IntegrationPayment:
    """Takes back a record that was a mistake, once, by a journal of its own; its reference may be recorded again.

    Raises PartnerNotFound, Missing, AlreadyReversed.
    """
    await _lock(tx, integration_id)
    before = await get(tx.conn, integration_id, payment_id)
    if await rows.reverse(tx.conn, id=payment_id, reversed_by=f"{actor.kind}:{actor.id}", reason=reason) is None:
        raise AlreadyReversed
    never_came = Line(ledger.platform("bank", before.currency), before.amount_minor)
    sides = [never_came, *await _debtor(integration_id).owes(tx, before.currency, before.amount_minor)]
    await ledger.post(tx, REVERSED, str(payment_id), sides, description=f"Payment {before.reference} taken back")
    await rows.settle(tx.conn, integration_id=integration_id, currency=before.currency)
    await _tell(tx, integration_id, TAKEN_BACK, before, reason=reason)
    changes = {**audit.difference(_audited(before), None), "reason": {"old": None, "new": reason}}
    await audit.record(tx, actor, "reverse_payment", "integration", integration_id, changes)
    return await get(tx.conn, integration_id, payment_id)


async def _tell(tx: Tx, integration_id: UUID, event: str, payment: IntegrationPayment, **more: str) -> None:
    """Which of its bookings are paid has changed: the app is told of the payment and how it stands, in their order."""
    held = next(b for b in await balances(tx.conn, integration_id) if b.currency == payment.currency)
    told = {
        "payment_id": str(payment.id), "amount_minor": payment.amount_minor, "currency": payment.currency,
        "reference": payment.reference, "paid_on": payment.paid_on.isoformat(), "owed_minor": held.due_minor,
        "credit_minor": held.credit_minor, **more,
    }  # fmt: skip
    await deliveries.publish(tx, Owner(REALM, integration_id), event, told, stream="account")


async def _lock(tx: Tx, integration_id: UUID) -> None:
    """Whoever writes to the account waits for whoever else does. Raises PartnerNotFound."""
    if await rows.lock(tx.conn, integration_id=integration_id) is None:
        raise PartnerNotFound


def _debtor(integration_id: UUID) -> Debtor:
    return Debtor(integration_id, has_credit=True)


def _audited(payment: IntegrationPayment) -> dict[str, object]:
    return {
        "payment_id": payment.id, "amount_minor": payment.amount_minor, "currency": payment.currency,
        "reference": payment.reference, "paid_on": payment.paid_on,
    }  # fmt: skip
