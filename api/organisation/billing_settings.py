"""How the organisation is billed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from api.audiences import Member, organisation
from api.organisation.fields import Code, Email, Name, organisation_of, whole_organisation
from api.wire.models import CamelBody, CamelView
from api.wire.results import Reply
from dispatch.engine import audit
from dispatch.parties import bank_accounts, billing_settings
from dispatch.parties.billing_settings import BankIn, BillingIn
from dispatch.services import Services
from storage.bank_accounts import BankAccount
from storage.billing_settings import BillingSettings

Method = Literal["bank_transfer", "credit_card"]
Terms = Literal["due_on_receipt", "net_7", "net_15", "net_30", "net_45", "net_60"]
GroupBy = Literal["department", "service", "location"]


def _without_gaps(value: object) -> object:
    return value.replace(" ", "").replace("-", "") if isinstance(value, str) else value


AccountNumber = Annotated[str, BeforeValidator(_without_gaps), StringConstraints(pattern=r"^[0-9A-Za-z]{6,34}$")]


class MethodsIn(CamelBody):
    """What invoices may be paid by at their links, the primary first.

    Banks are at hand there for rupees only; a transfer that names the invoice pays it everywhere.
    """

    primary: Method
    backup: Method | None = None


class BankBody(CamelBody):
    account_name: Name
    account_number: AccountNumber
    bank_name: Name
    bank_code: Code | None = None


def _stated(value: bool) -> bool:
    if not value:
        raise ValueError("every invoice states its tax: it cannot be left out")
    return value


class InvoiceSettingsIn(CamelBody):
    """`detailed`: a line for each service at each price; `summary`: one for each department, service or location.

    `includeTax` can only be true: every invoice states its tax beside the services and in the total.
    """

    format: Literal["detailed", "summary"] = "detailed"
    group_by: GroupBy = "service"
    include_tax: Annotated[bool, AfterValidator(_stated)] = True
    recipients: Annotated[list[Email], Field(max_length=20)] = []


class AutoPaymentIn(CamelBody):
    """On the due date a link goes to the recipients, for this method, else the primary, and for the backup.

    No account is debited.
    """

    enabled: bool = False
    method: Method | None = None


class BillingBody(CamelBody):
    billing_cycle: Literal["monthly", "quarterly"] = "monthly"
    billing_date: Annotated[int, Field(ge=1, le=28)] = 1
    payment_terms: Terms = "net_30"
    payment_method: MethodsIn
    bank_details: BankBody | None = None
    invoice_settings: InvoiceSettingsIn = InvoiceSettingsIn()
    auto_payment: AutoPaymentIn = AutoPaymentIn()

    def settings(self) -> BillingIn:
        return BillingIn(
            self.billing_cycle, self.billing_date, self.payment_terms, self.payment_method.primary,
            self.payment_method.backup, self.invoice_settings.format, self.invoice_settings.group_by,
            self.invoice_settings.recipients, self.auto_payment.enabled, self.auto_payment.method,
        )  # fmt: skip

    def bank(self) -> BankIn | None:
        bank = self.bank_details
        if bank is None:
            return None
        return BankIn(bank.account_name, bank.account_number, bank.bank_name, bank.bank_code)


class MethodsOut(CamelView):
    primary: str
    backup: str | None


class BankOut(CamelView):
    """The number is masked."""

    account_name: str | None
    account_number: str
    bank_name: str | None


class InvoiceSettingsOut(CamelView):
    format: str
    group_by: str
    include_tax: Literal[True] = True
    recipients: list[str]


class AutoPaymentOut(CamelView):
    enabled: bool
    method: str | None


class BillingOut(CamelView):
    """`termsDays` is what counts: terms that were granted to the organisation go before those chosen."""

    billing_cycle: str
    billing_date: int
    payment_terms: str
    terms_days: int
    payment_method: MethodsOut
    bank_details: BankOut | None
    invoice_settings: InvoiceSettingsOut
    auto_payment: AutoPaymentOut


class SettingsOut(CamelView):
    settings: BillingOut


@organisation.route("PUT", "/billing/settings", permission="billing:write", accepts_cards=True, tags=["billing"])
async def set_settings(services: Services, caller: Member, body: BillingBody) -> Reply[SettingsOut]:
    """How we want to be billed. The bank's number is kept sealed and shown masked.

    Example: {"billingCycle": "monthly", "billingDate": 1, "paymentTerms": "net_30", "paymentMethod": {"primary":
    "bank_transfer"}}
    """
    organisation_id = whole_organisation(caller)
    async with services.transaction() as tx:
        found = await billing_settings.put(tx, organisation_id, body.settings(), body.bank())
        bank = await billing_settings.bank_of(tx.conn, organisation_id)
        await audit.record(tx, caller.actor, "billing.settings", "organisation", organisation_id)
    return Reply(SettingsOut(settings=_settings(found, bank)), message="Billing settings updated")


@organisation.route("GET", "/billing/settings", permission="billing:read", tags=["billing"])
async def get_settings(services: Services, caller: Member) -> SettingsOut:
    """How we are billed, also while nobody has said how."""
    async with services.read() as conn:
        found = await billing_settings.get(conn, organisation_of(caller))
        bank = await billing_settings.bank_of(conn, organisation_of(caller))
    return SettingsOut(settings=_settings(found, bank))


def _settings(s: BillingSettings, bank: BankAccount | None) -> BillingOut:
    return BillingOut(
        billing_cycle=s.billing_cycle, billing_date=s.billing_day, payment_terms=s.payment_terms,
        terms_days=s.terms_days, payment_method=MethodsOut(primary=s.primary_method, backup=s.backup_method),
        bank_details=bank and BankOut(
            account_name=bank.account_name, account_number=bank_accounts.masked(bank), bank_name=bank.bank_name
        ),
        invoice_settings=InvoiceSettingsOut(
            format=s.invoice_format, group_by=s.group_by, recipients=s.recipients
        ),
        auto_payment=AutoPaymentOut(enabled=s.auto_payment, method=s.auto_payment_method),
    )  # fmt: skip
