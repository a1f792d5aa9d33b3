"""What a provider and its people say of themselves: facility, account, billing, cards, clock and language."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, SecretStr, StringConstraints

from api.audiences import TeamMember, provider
from api.edge.request_info import RequestInfo
from api.provider.fields import Name, as_facility_type, as_time_zone
from api.provider.payouts import PayoutSettingsOut, settings_out
from api.provider.platform_plans import BillOut, CurrentPlanOut, bill_out, current_out
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Reply
from dispatch.access import signing
from dispatch.access.permissions import OWN
from dispatch.adapters.card_vault import Card
from dispatch.billing import platform_bills
from dispatch.localtime import local
from dispatch.parties import bank_accounts, payment_methods, provider_people, provider_settings
from dispatch.services import Services
from storage.database.pool import Conn
from storage.payment_methods import PaymentMethod
from storage.providers import Provider

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
Password = Annotated[str, Field(min_length=1, max_length=256)]


def _language(value: str) -> str:
    head, *rest = value.replace("_", "-").split("-")
    if not (2 <= len(head) <= 3 and head.isalpha() and all(part.isalnum() and 2 <= len(part) <= 8 for part in rest)):
        raise ValueError("must be a language such as en or en-US")
    return "-".join([head.lower(), *rest])


class GeneralIn(CamelBody):
    """`amountUnits`: major writes and takes whole units of money everywhere, minor the smallest ones."""

    facility_name: Name | None = None
    facility_type: Annotated[
        Literal["Facility", "Clinic", "Hospital"], BeforeValidator(as_facility_type)
    ] | None = None  # fmt: skip
    provider_description: Long | None = None
    country: Line | None = None
    city: Line | None = None
    address: Line | None = None
    postal_code: Line | None = None
    services: Annotated[list[Name], Field(max_length=200)] | None = None
    amount_units: Literal["minor", "major"] | None = None


class AccountIn(CamelBody):
    full_name: Name | None = None
    email: EmailStr | None = None
    phone: Line | None = None


class PasswordIn(CamelBody):
    current_password: Password
    new_password: Password


class CardIn(CamelBody):
    """One of the cards that are kept, by its id or by what is shown of it."""

    id: UUID | None = None
    type: Line | None = None
    last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] | None = None
    expiry: Line | None = None
    is_default: bool = False


class BillingIn(CamelBody):
    payment_methods: Annotated[list[CardIn], Field(max_length=50)] | None = None
    billing_email: EmailStr | None = None
    billing_period: Literal["monthly", "yearly"] | None = None


class NewCardIn(CamelBody):
    """Nothing of number and security code is kept, but the last four digits."""

    type: Line | None = None
    card_number: SecretStr
    expiry_month: Annotated[int, Field(ge=1, le=12)]
    expiry_year: Annotated[int, Field(ge=2000, le=2100)]
    cvv: SecretStr
    cardholder_name: Name
    is_default: bool = False


class ClockIn(CamelBody):
    timezone: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(as_time_zone)] | None = None
    language: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_language)] | None = None
    date_format: Literal["MM/DD/YYYY", "DD/MM/YYYY"] | None = None
    time_format: Literal["12h", "24h"] | None = None


class GeneralOut(CamelView):
    facility_name: str
    facility_type: str
    provider_description: str
    country: str | None
    city: str | None
    address: str | None
    postal_code: str | None
    services: list[str]
    amount_units: str
    updated_at: datetime


class AccountOut(CamelView):
    """`pendingEmail` waits until whoever reads it has followed the link."""

    full_name: str | None
    email: str | None
    phone: str | None
    avatar: str | None
    pending_email: str | None
    updated_at: datetime


class CardOut(CamelView):
    id: UUID
    type: str
    last4: str
    expiry: str
    is_default: bool
    created_at: datetime


class BillingOut(CamelView):
    payment_methods: list[CardOut]
    billing_email: str | None
    billing_period: str
    current_plan: CurrentPlanOut
    billing_history: list[BillOut]
    updated_at: datetime


class ClockOut(CamelView):
    timezone: str
    language: str
    date_format: str
    time_format: str
    updated_at: datetime


class SettingsOut(CamelView):
    general: GeneralOut
    account: AccountOut
    payouts: PayoutSettingsOut
    payment_billing: BillingOut
    time_language: ClockOut


class ChangedGeneralOut(CamelView):
    general: GeneralOut


class ChangedAccountOut(CamelView):
    account: AccountOut


class ChangedBillingOut(CamelView):
    payment_billing: BillingOut


class ChangedClockOut(CamelView):
    time_language: ClockOut


class AddedCardOut(CamelView):
    payment_method: CardOut


TAGS = ["settings"]


@provider.route("GET", "/settings", permission="settings:read", tags=TAGS)
async def get(services: Services, caller: TeamMember) -> SettingsOut:
    """All settings of the provider, and the account of whoever asks."""
    mine, now = caller.provider, services.clock.now()
    async with services.read() as conn:
        account = await bank_accounts.find(conn, mine.id)
        person = await provider_people.get(conn, caller.account_id)
        cards = await payment_methods.of_party(conn, mine.id)
        billing = await _billing(conn, mine, list(cards), now)
    return SettingsOut(
        general=_general(mine), account=_account(person), payouts=settings_out(mine, account, now),
        payment_billing=billing, time_language=_clock(mine),
    )  # fmt: skip


@provider.route("PUT", "/settings/general", permission="settings:write", tags=TAGS)
async def set_general(services: Services, caller: TeamMember, body: GeneralIn) -> Reply[ChangedGeneralOut]:
    """Change what the facility is; what is not sent stays.

    Example: {"facilityName": "Asha Clinic", "facilityType": "Clinic", "city": "Lagos", "services": ["Massage"]}
    """
    where = {
        "address": body.address, "city": body.city, "country": body.country, "postal_code": body.postal_code,
    }  # fmt: skip
    async with services.transaction() as tx:
        changed = await provider_settings.set_general(
            tx, caller.provider_id, name=body.facility_name, facility_type=body.facility_type,
            description=body.provider_description, services=body.services, money_units=body.amount_units,
            address={key: value for key, value in where.items() if value is not None},
        )  # fmt: skip
    return Reply(ChangedGeneralOut(general=_general(changed)), message="General settings updated successfully")


@provider.route("PUT", "/settings/account", permission=OWN, tags=TAGS)
async def set_account(services: Services, caller: TeamMember, body: AccountIn) -> Reply[ChangedAccountOut]:
    """Change my name and phone; a new e-mail address counts once its link was followed.

    Example: {"fullName": "Bola Ade", "phone": "+2348012345678"}
    """
    async with services.transaction() as tx:
        person = await provider_people.change(
            tx, caller.account_id, name=body.full_name, email=body.email, phone=body.phone
        )
    return Reply(ChangedAccountOut(account=_account(person)), message="Account settings updated successfully")


@provider.route("PUT", "/settings/password", permission=OWN, tags=TAGS)
async def set_password(services: Services, caller: TeamMember, body: PasswordIn, request_info: RequestInfo) -> Message:
    """Change my password; my other sign-ins end.

    Example: {"currentPassword": "correct horse battery", "newPassword": "another password"}
    """
    await signing.renew_password(
        services, caller.account_id, body.current_password, body.new_password, kept=caller.session_id,
        ip=request_info.ip,
    )  # fmt: skip
    return Message("Password updated successfully")


@provider.route("PUT", "/settings/payment-billing", permission="settings:write", tags=TAGS)
async def set_billing(services: Services, caller: TeamMember, body: BillingIn) -> Reply[ChangedBillingOut]:
    """Change where bills go, how often, and which card is the default one.

    Example: {"billingEmail": "bills@example.com", "billingPeriod": "yearly"}
    """
    async with services.transaction() as tx:
        for wanted in body.payment_methods or ():
            if wanted.is_default:
                await payment_methods.choose(
                    tx, caller.provider_id, method_id=wanted.id, last4=wanted.last4, expiry=wanted.expiry
                )
        changed = await provider_settings.set_billing(
            tx, caller.provider_id, email=body.billing_email, period=body.billing_period
        )
        cards = await payment_methods.of_party(tx.conn, caller.provider_id)
        billing = await _billing(tx.conn, changed, list(cards), tx.now)
    shown = ChangedBillingOut(payment_billing=billing)
    return Reply(shown, message="Payment and billing settings updated successfully")


@provider.route(
    "POST", "/settings/payment-methods", permission="settings:write", accepts_cards=True, status=201, tags=TAGS
)
async def add_card(services: Services, caller: TeamMember, body: NewCardIn) -> Reply[AddedCardOut]:
    """Keep a card as a token; its number and security code are not kept.

    Example: {"type": "visa", "cardNumber": "4242424242424242", "expiryMonth": 12, "expiryYear": 2030, "cvv": "123",
      "cardholderName": "Bola Ade", "isDefault": true}
    """
    number = body.card_number.get_secret_value().replace(" ", "").replace("-", "")
    card = Card(number, body.cvv.get_secret_value().strip(), body.expiry_month, body.expiry_year, body.cardholder_name)
    made = await payment_methods.add(services, caller.provider_id, card, is_default=body.is_default)
    return Reply(AddedCardOut(payment_method=_card(made)), message="Payment method added successfully")


@provider.route("DELETE", "/settings/payment-methods/{method_id}", permission="settings:write", tags=TAGS)
async def remove_card(services: Services, caller: TeamMember, method_id: UUID) -> Message:
    """Forget a card."""
    async with services.transaction() as tx:
        await payment_methods.remove(tx, caller.provider_id, method_id)
    return Message("Payment method removed successfully")


@provider.route("PUT", "/settings/time-language", permission="settings:write", tags=TAGS)
async def set_clock(services: Services, caller: TeamMember, body: ClockIn) -> Reply[ChangedClockOut]:
    """Change time zone, language and formats; days, exports and invoices follow.

    Example: {"timezone": "Africa/Lagos", "language": "en-NG", "dateFormat": "DD/MM/YYYY", "timeFormat": "24h"}
    """
    async with services.transaction() as tx:
        changed = await provider_settings.set_time_language(
            tx, caller.provider_id, timezone=body.timezone, language=body.language, date_format=body.date_format,
            time_format=body.time_format,
        )  # fmt: skip
    shown = ChangedClockOut(time_language=_clock(changed))
    return Reply(shown, message="Time and language settings updated successfully")


def _general(mine: Provider) -> GeneralOut:
    where = mine.address or {}
    return GeneralOut(
        facility_name=mine.name, facility_type=mine.facility_type, provider_description=mine.description,
        country=where.get("country"), city=where.get("city"), address=where.get("address"),
        postal_code=where.get("postal_code"), services=mine.services, amount_units=mine.money_units,
        updated_at=mine.updated_at,
    )  # fmt: skip


def _account(person: provider_people.Person) -> AccountOut:
    return AccountOut(
        full_name=person.name, email=person.email, phone=person.phone, avatar=person.avatar_url,
        pending_email=person.pending_email, updated_at=person.updated_at,
    )  # fmt: skip


async def _billing(conn: Conn, mine: Provider, cards: list[PaymentMethod], now: datetime) -> BillingOut:
    standing = await platform_bills.standing(conn, mine, local(now, mine.timezone).date())
    bills = await platform_bills.newest(conn, mine.id)
    return BillingOut(
        payment_methods=[_card(card) for card in cards], billing_email=mine.billing_email,
        billing_period=mine.billing_period, billing_history=[bill_out(bill) for bill in bills],
        updated_at=mine.updated_at, current_plan=current_out(standing, mine),
    )  # fmt: skip


def _card(card: PaymentMethod) -> CardOut:
    return CardOut(
        id=card.id, type=card.brand, last4=card.last4, expiry=payment_methods.expiry_of(card),
        is_default=card.is_default, created_at=card.created_at,
    )  # fmt: skip


def _clock(mine: Provider) -> ClockOut:
    return ClockOut(
        timezone=mine.timezone, language=mine.language, date_format=mine.date_format, time_format=mine.time_format,
        updated_at=mine.updated_at,
    )  # fmt: skip
