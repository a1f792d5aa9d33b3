"""How an organisation wants to be billed: when, on which terms, by which means, to whom; its bank sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from dispatch.parties import organisations
from dispatch.services import Tx
from dispatch.vault import cell, vault_of
from storage import bank_accounts as bank_rows
from storage import billing_settings as rows
from storage import members as member_rows
from storage.bank_accounts import BankAccount
from storage.billing_settings import BillingSettings
from storage.database.pool import Conn
from storage.organisations import Organisation

#: Days from the invoice to its due date.
TERMS = {"due_on_receipt": 0, "net_7": 7, "net_15": 15, "net_30": 30, "net_45": 45, "net_60": 60}
_LAST = 4


@dataclass(frozen=True, slots=True)
class BankIn:
    account_name: str
    account_number: str
    bank_name: str
    bank_code: str | None = None


@dataclass(frozen=True, slots=True)
class BillingIn:
    """`payment_terms` is one of TERMS; `billing_day` the day of the month on which is billed."""

    billing_cycle: str = "monthly"
    billing_day: int = 1
    payment_terms: str = "net_30"
    primary_method: str = "bank_transfer"
    backup_method: str | None = None
    invoice_format: str = "detailed"
    group_by: str = "service"
    recipients: Sequence[str] = ()
    auto_payment: bool = False
    auto_payment_method: str | None = None


async def put(tx: Tx, organisation_id: UUID, new: BillingIn, bank: BankIn | None) -> BillingSettings:
    """Puts these settings in place of what is there; a bank account only where one is sent. Raises Missing."""
    await organisations.lock(tx, organisation_id)
    await rows.put(
        tx.conn, organisation_id=organisation_id, billing_cycle=new.billing_cycle, billing_day=new.billing_day,
        payment_terms=new.payment_terms, terms_days=TERMS[new.payment_terms], primary_method=new.primary_method,
        backup_method=new.backup_method, invoice_format=new.invoice_format, group_by=new.group_by,
        recipients=list(new.recipients), auto_payment=new.auto_payment,
        auto_payment_method=new.auto_payment_method,
    )  # fmt: skip
    if bank is not None:
        await _put_bank(tx, organisation_id, bank)
    return await get(tx.conn, organisation_id)


async def get(conn: Conn, organisation_id: UUID) -> BillingSettings:
    """What was set, else what holds until somebody sets it."""
    found = await rows.get(conn, organisation_id=organisation_id)
    assert found is not None, "defaults are always there"
    return found


async def recipients(conn: Conn, home: Organisation) -> list[str]:
    """Where its bills go: whom its settings name, who are not suspended; without any, its contact for bills."""
    named = (await get(conn, home.id)).recipients
    told = await member_rows.still_told(conn, organisation_id=home.id, addresses=named) if named else []
    return [one.address for one in told] or [organisations.billed_at(home)]


def means(settings: BillingSettings, *, by_itself: bool) -> list[str]:
    """What an invoice may be paid by at its link, the preferred first: the primary method and the backup.

    What is sent by itself on the due date prefers its own method to the primary. Empty, all of them: nobody has chosen.
    """
    if not settings.is_chosen:
        return []
    preferred = settings.auto_payment_method if by_itself else None
    wanted = (preferred or settings.primary_method, settings.backup_method)
    return list(dict.fromkeys(one for one in wanted if one is not None))


async def bank_of(conn: Conn, organisation_id: UUID) -> BankAccount | None:
    return await bank_rows.default_of(conn, party_id=organisation_id)


async def _put_bank(tx: Tx, organisation_id: UUID, bank: BankIn) -> None:
    account_id = uuid4()
    sealed = vault_of(tx.services.settings).seal(bank.account_number, cell("bank_accounts", account_id, "number"))
    await bank_rows.retire_default(tx.conn, party_id=organisation_id)
    await bank_rows.insert(
        tx.conn, id=account_id, party_id=organisation_id, bank_name=bank.bank_name, account_name=bank.account_name,
        number_enc=sealed, last4=bank.account_number[-_LAST:], ifsc=None, bank_code=bank.bank_code, routing_no=None,
        swift=None,
    )  # fmt: skip
