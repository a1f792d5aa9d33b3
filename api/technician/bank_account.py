"""Where a technician's earnings go: a bank account, changed with a step-up token, shown masked."""

from __future__ import annotations

from uuid import UUID

from api.audiences import Technician, technician
from api.shared.bank import AccountNumber, Ifsc, Line
from api.shared.signing import StepUp
from api.wire.models import Body, View
from dispatch.parties import bank_accounts, technician_access
from dispatch.services import Services
from storage.bank_accounts import BankAccount


class BankAccountIn(Body):
    account_number: AccountNumber
    ifsc_code: Ifsc | None = None
    bank_name: Line | None = None
    account_holder_name: Line | None = None


class BankAccountOut(View):
    id: UUID
    account_number: str
    ifsc_code: str | None
    bank_name: str | None
    account_holder_name: str | None


@technician.route("PUT", "/bank-account", accepts_cards=True, tags=["me"])
async def set_bank_account(
    services: Services, caller: Technician, body: BankAccountIn, step_up_token: StepUp = None
) -> BankAccountOut:
    """Where my earnings go. Needs a step-up token; my phone is told.

    Example: {"account_number": "123456789012", "ifsc_code": "HDFC0001234", "bank_name": "HDFC Bank"}
    """
    async with services.transaction() as tx:
        account = await technician_access.set_bank_account(
            tx, caller.technician_id, step_up_token, number=body.account_number, ifsc=body.ifsc_code,
            bank_name=body.bank_name, account_name=body.account_holder_name,
        )  # fmt: skip
    return bank_account_out(account)


def bank_account_out(account: BankAccount) -> BankAccountOut:
    """The account, its number masked."""
    return BankAccountOut(
        id=account.id, account_number=bank_accounts.masked(account), ifsc_code=account.ifsc,
        bank_name=account.bank_name, account_holder_name=account.account_name,
    )  # fmt: skip
