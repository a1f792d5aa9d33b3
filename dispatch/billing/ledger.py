"""The double-entry ledger: the chart of accounts, and the one function that posts a journal.

A line is positive when it credits its account (we owe more, or earned) and negative when it debits it (we
hold or spent more). A journal sums to zero per currency; the database refuses any other, and every change of
a posting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.services import Tx
from storage import ledger as rows
from storage.database.pool import Conn

#: What each of the platform's own accounts holds.
PLATFORM = {
    "gateway_clearing": "money that lies with the payment gateway",
    "bank": "money that has left for payouts",
    "prepaid": "captured for bookings that are not done yet",
    "surplus": "captured without a cause: a second payment on one order",
    "refund_clearing": "refunds asked of the gateway and not settled yet",
    "refund_owed": "refunds of cancelled bookings that failed: still the customers', until a person sends them again",
    "payout_clearing": "payouts that are under way",
    "tax_payable": "tax collected for the state",
    "platform_revenue": "the platform's share of done bookings",
    "fee_revenue": "cancellation fees",
    "plan_revenue": "what providers pay for their plans",
    "promo_expense": "discounts that promo codes gave",
    "promo_funding": "the other side of promo_expense: list price that promo codes paid for",
    "refunds": "refunds of money that was earned already",
    "gateway_fees": "what the gateway keeps of a payment",
    "adjustments": "manual deductions of payouts",
}

#: What the accounts of an owner hold; only these cache a balance.
OWNED = {
    "wallet": "the credit that a customer, or a party that is billed, has with the platform",
    "receivable": "what a customer, or a party that is billed, owes the platform",
    "payable": "what the platform owes a technician or a provider",
    "cash_in_hand": "cash that was collected at the door and belongs to the platform",
    "outside_cash": "what a provider took itself, as money that is not with the platform",
    "outside_income": "the same, as what it was for",
}


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A bucket, named by what it is; it comes to be with its first posting."""

    owner_kind: str
    owner_id: UUID | None
    type: str
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    account: Account
    amount_minor: int


def platform(type: str, currency: str) -> Account:
    """One of the platform's own accounts."""
    assert type in PLATFORM, type
    return Account("platform", None, type, currency)


def wallet(account_id: UUID, currency: str) -> Account:
    return Account("account", account_id, "wallet", currency)


def receivable(account_id: UUID, currency: str) -> Account:
    return Account("account", account_id, "receivable", currency)


def party_receivable(party_id: UUID, currency: str) -> Account:
    """What an organisation, a trade partner or an integration owes for bookings on account."""
    return Account("party", party_id, "receivable", currency)


def party_wallet(party_id: UUID, currency: str) -> Account:
    """What an organisation or an integration paid before it was owed."""
    return Account("party", party_id, "wallet", currency)


def payable(party_id: UUID, currency: str) -> Account:
    return Account("party", party_id, "payable", currency)


def cash_in_hand(party_id: UUID, currency: str) -> Account:
    return Account("party", party_id, "cash_in_hand", currency)


def outside_cash(party_id: UUID, currency: str) -> Account:
    return Account("party", party_id, "outside_cash", currency)


def outside_income(party_id: UUID, currency: str) -> Account:
    return Account("party", party_id, "outside_income", currency)


class Unbalanced(ValueError):
    """The lines of a journal do not sum to zero: a bug of the caller, never a request's fault."""


def merged(lines: Iterable[Line]) -> list[Line]:
    """Lines of one account summed up, zeros left out, in the order in which accounts are locked.

    Raises Unbalanced when a currency does not sum to zero.
    """
    sums: dict[Account, int] = {}
    currencies: dict[str, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount_minor
        currencies[line.account.currency] = currencies.get(line.account.currency, 0) + line.amount_minor
    crooked = {currency: left for currency, left in currencies.items() if left}
    if crooked:
        raise Unbalanced(f"a journal is off by {crooked}")

    def key(account: Account) -> tuple[str, str, str, str]:
        return (account.owner_kind, str(account.owner_id or ""), account.type, account.currency)

    return [Line(account, sums[account]) for account in sorted(sums, key=key) if sums[account]]


async def post(
    tx: Tx,
    kind: str,
    reference: str,
    lines: Sequence[Line],
    *,
    booking_id: UUID | None = None,
    description: str | None = None,
) -> bool:
    """Posts a journal once per (kind, reference); False when it was posted before, whatever its lines.

    Raises Unbalanced. A journal whose lines are all zero posts nothing and returns False.
    """
    clean = merged(lines)
    if not clean:
        return False
    keys = await _ensure(tx, [line.account for line in clean])
    posted = await rows.post(
        tx.conn, kind=kind, reference=reference, booking_id=booking_id, description=description,
        amounts=[line.amount_minor for line in clean], **keys,
    )  # fmt: skip
    assert posted in (0, len(clean)), "every line finds its account"
    return posted > 0


async def _ensure(tx: Tx, accounts: Sequence[Account]) -> dict[str, list[Any]]:
    """Makes those accounts that are not there yet; gives all of them as the statements take them."""
    keys: dict[str, list[Any]] = {
        "owner_kinds": [a.owner_kind for a in accounts], "owner_ids": [a.owner_id for a in accounts],
        "types": [a.type for a in accounts], "currencies": [a.currency for a in accounts],
    }  # fmt: skip
    there = tx.services.ledger_accounts
    if any(account not in there for account in accounts):
        await rows.ensure_accounts(tx.conn, **keys)
        tx.after_commit(lambda: there.update(dict.fromkeys(accounts)))
    return keys


async def balance(conn: Conn, account: Account) -> int:
    """The cached balance of an owner's account in minor units; 0 when it was never used."""
    assert account.owner_id is not None, "platform accounts are summed, not cached"
    found = await rows.balance(
        conn,
        owner_kind=account.owner_kind,
        owner_id=account.owner_id,
        type=account.type,
        currency=account.currency,
    )
    return found or 0


async def lock_owner(tx: Tx, owner_kind: str, owner_id: UUID, currency: str) -> dict[str, int]:
    """The balances of all of an owner's accounts in a currency, by type, locked until the end of the transaction.

    All at once and in the order in which journals lock them: whoever needs one of them before posting to another
    would wait for whoever does it the other way round.
    """
    accounts = await rows.lock_owner(tx.conn, owner_kind=owner_kind, owner_id=owner_id, currency=currency)
    return {account.type: account.balance_minor for account in accounts}


async def lock_debtor(tx: Tx, party_id: UUID, currency: str) -> tuple[int, int]:
    """What a party that is billed has as credit and what it owes, locked until the end of the transaction, and made
    where neither is there yet: so nobody finds no credit while the first of it is on its way.
    """
    await _ensure(tx, sorted([party_receivable(party_id, currency), party_wallet(party_id, currency)]))
    held = await lock_owner(tx, "party", party_id, currency)
    return held["wallet"], -held["receivable"]


async def held_for(conn: Conn, booking_id: UUID) -> int:
    """What is still held of a booking's prepaid money, in minor units."""
    return await rows.booking_sum(conn, booking_id=booking_id, type="prepaid") or 0


async def owed_for(conn: Conn, booking_id: UUID) -> int:
    """What failed refunds of a cancelled booking still owe its customer, in minor units."""
    return await rows.booking_sum(conn, booking_id=booking_id, type="refund_owed") or 0
