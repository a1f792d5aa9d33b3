"""Where a party's money goes: the number sealed, answers masked, the former account kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from dispatch.errors import Invalid, Missing
from dispatch.outbox import messages
from dispatch.services import Tx
from dispatch.vault import Vault, cell, vault_of
from dispatch.wording import Verbatim
from storage import bank_accounts as rows
from storage.bank_accounts import BankAccount
from storage.database.pool import Conn

_LAST = 4


async def replace(
    tx: Tx,
    party_id: UUID,
    *,
    number: str,
    ifsc: str | None,
    bank_name: str | None,
    account_name: str | None,
    bank_code: str | None = None,
    routing_no: str | None = None,
    swift: str | None = None,
    told_phone: str | None = None,
) -> BankAccount:
    """Makes this the account that the party is paid to, and tells its phone. Raises Missing.

    The caller has checked that it may.
    """
    if await rows.lock_party(tx.conn, party_id=party_id) is None:
        raise Missing("account")
    account_id = uuid4()
    sealed = vault_of(tx.services.settings).seal(number, _cell(account_id))
    await rows.retire_default(tx.conn, party_id=party_id)
    account = await rows.insert(
        tx.conn, id=account_id, party_id=party_id, bank_name=bank_name, account_name=account_name,
        number_enc=sealed, last4=number[-_LAST:], ifsc=ifsc, bank_code=bank_code, routing_no=routing_no, swift=swift,
    )  # fmt: skip
    assert account is not None, "an insert returns its row"
    if told_phone:
        await messages.enqueue(tx, "sms", told_phone, "bank_account_changed", {"last4": account.last4})
    return account


@dataclass(frozen=True, slots=True)
class Change:
    """What of an account changes; None stays. A `number` that is the mask that we showed stays too."""

    number: str | None = None
    bank_name: str | None = None
    account_name: str | None = None
    ifsc: str | None = None
    bank_code: str | None = None
    routing_no: str | None = None
    swift: str | None = None


async def merge(tx: Tx, party_id: UUID, change: Change) -> BankAccount:
    """Changes where a party is paid, and the caller tells of it; what stays the same all over makes no new account.

    Raises Invalid, in the contract's words and by the names under `bankDetails`: a first account needs its number, bank
    and holder, and a mask of another number is none.
    """
    await rows.lock_party(tx.conn, party_id=party_id)
    known = await find(tx.conn, party_id)
    number = change.number
    if number is not None and known is not None and number == short_mask(known):
        number = None
    if number is not None and not number.isalnum():
        raise Invalid({"bankDetails.accountNumber": "must be the whole account number"})
    if known is None:
        _check_first(change, number)
    vault = vault_of(tx.services.settings)
    wanted = Change(
        number or (number_of(vault, known) if known else None),
        change.bank_name or (known.bank_name if known else None),
        change.account_name or (known.account_name if known else None),
        change.ifsc or (known.ifsc if known else None), change.bank_code or (known.bank_code if known else None),
        change.routing_no or (known.routing_no if known else None), change.swift or (known.swift if known else None),
    )  # fmt: skip
    if known is not None and wanted == Change(
        number_of(vault, known), known.bank_name, known.account_name, known.ifsc, known.bank_code, known.routing_no,
        known.swift,
    ):  # fmt: skip
        return known
    assert wanted.number is not None, "checked above"
    return await replace(
        tx, party_id, number=wanted.number, ifsc=wanted.ifsc, bank_name=wanted.bank_name,
        account_name=wanted.account_name, bank_code=wanted.bank_code, routing_no=wanted.routing_no, swift=wanted.swift,
    )  # fmt: skip


def _check_first(change: Change, number: str | None) -> None:
    needed = {
        "bankDetails.accountNumber": (number, "Account number is required"),
        "bankDetails.bankName": (change.bank_name, "Bank name is required"),
        "bankDetails.accountName": (change.account_name, "Account name is required"),
    }  # fmt: skip
    if bad := {name: Verbatim(text) for name, (value, text) in needed.items() if not value}:
        raise Invalid(bad)


async def of_payouts(conn: Conn, party_id: UUID, ids: Collection[UUID]) -> dict[UUID, BankAccount]:
    """The accounts that payouts of a party went to, by their ids."""
    return {a.id: a for a in await rows.of_payouts(conn, party_id=party_id, ids=list(ids))}


async def find(conn: Conn, party_id: UUID) -> BankAccount | None:
    """The account that the party is paid to, if any."""
    return await rows.default_of(conn, party_id=party_id)


def number_of(vault: Vault, account: BankAccount) -> str:
    """The whole number, for the payout itself; no answer ever carries it. Raises SealBroken."""
    return vault.open(account.number_enc, _cell(account.id))


def masked(account: BankAccount) -> str:
    return f"XXXXXX{account.last4}"


def short_mask(account: BankAccount) -> str:
    """As the providers' contract masks (R127)."""
    return f"****{account.last4}"


def _cell(account_id: UUID) -> str:
    return cell("bank_accounts", account_id, "number")
