"""Where a party's money goes: the number sealed, answers masked, the former account kept."""

from __future__ import annotations

from uuid import UUID, uuid4

from dispatch.errors import Missing
from dispatch.outbox import messages
from dispatch.services import Tx
from dispatch.vault import Vault, cell, vault_of
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
    told_phone: str | None,
) -> BankAccount:
    """Makes this the account that the party is paid to, and tells its phone. Raises Missing.

    The caller has checked the step-up.
    """
    if await rows.lock_party(tx.conn, party_id=party_id) is None:
        raise Missing("technician")
    account_id = uuid4()
    sealed = vault_of(tx.services.settings).seal(number, _cell(account_id))
    await rows.retire_default(tx.conn, party_id=party_id)
    account = await rows.insert(
        tx.conn, id=account_id, party_id=party_id, bank_name=bank_name, account_name=account_name,
        number_enc=sealed, last4=number[-_LAST:], ifsc=ifsc,
    )  # fmt: skip
    assert account is not None, "an insert returns its row"
    if told_phone:
        await messages.enqueue(tx, "sms", told_phone, "bank_account_changed", {"last4": account.last4})
    return account


async def find(conn: Conn, party_id: UUID) -> BankAccount | None:
    """The account that the party is paid to, if any."""
    return await rows.default_of(conn, party_id=party_id)


def number_of(vault: Vault, account: BankAccount) -> str:
    """The whole number, for the payout itself; no answer ever carries it. Raises SealBroken."""
    return vault.open(account.number_enc, _cell(account.id))


def masked(account: BankAccount) -> str:
    return f"XXXXXX{account.last4}"


def _cell(account_id: UUID) -> str:
    return cell("bank_accounts", account_id, "number")
