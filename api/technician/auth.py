"""A technician's sign-in, own profile and bank account. The code comes from POST /v1/auth/send-otp (C44)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from api.audiences import Technician, technician
from api.route import RequestInfo
from api.shared.objects import FactData, HoursObject
from api.signature import Header
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, View
from api.wire.results import Message, Page
from dispatch.access import phones, step_up
from dispatch.outbox.notifications import push_topic
from dispatch.parties import bank_accounts, customers, technician_access
from dispatch.services import Services
from storage.bank_accounts import BankAccount
from storage.notifications import Notification
from storage.technician_access import TechnicianProfile

PhoneNumber = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]
RefreshToken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)]
StepUp = Annotated[str | None, Header("X-Step-Up-Token")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


def _without_gaps(value: Any) -> Any:
    """People copy account numbers in groups."""
    return value.replace(" ", "").replace("-", "") if isinstance(value, str) else value


#: Banks in India give 9 to 18 digits; others use letters too, and more of them (IBAN).
AccountNumber = Annotated[str, BeforeValidator(_without_gaps), StringConstraints(pattern=r"^[0-9A-Za-z]{6,34}$")]
Ifsc = Annotated[str, StringConstraints(strip_whitespace=True, min_length=11, max_length=11), AfterValidator(str.upper)]


class LoginIn(Body):
    phone_number: PhoneNumber
    otp_code: Code


class RefreshIn(Body):
    refresh_token: RefreshToken


class StepUpIn(Body):
    otp_code: Code


class BankAccountIn(Body):
    account_number: AccountNumber
    ifsc_code: Ifsc | None = None
    bank_name: Line | None = None
    account_holder_name: Line | None = None


class PartnerOut(View):
    id: UUID
    partner_code: str
    name: str


class PairOut(View):
    access_token: str
    refresh_token: str
    expires_in: int


class LoginOut(PairOut):
    partner: PartnerOut


class StepUpOut(View):
    """Send the token as X-Step-Up-Token within `expires_in` seconds."""

    step_up_token: str
    expires_in: int


class BankAccountOut(View):
    id: UUID
    account_number: str
    ifsc_code: str | None
    bank_name: str | None
    account_holder_name: str | None


class ProfileOut(PartnerOut):
    phone_number: str | None
    email: str | None
    service_categories: list[str]
    service_tiers: list[str]
    working_hours: HoursObject
    service_radius_km: float
    is_active: bool
    is_available: bool
    onboarding_status: str
    rating: float | None
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    cancellation_rate: float
    aadhar_number: str | None
    bank_account: BankAccountOut | None
    last_seen_at: datetime | None
    created_at: datetime
    push_topic: str


class NotificationOut(View):
    id: UUID
    booking_id: UUID | None
    type: str
    title: str
    message: str
    is_read: bool
    metadata: FactData
    created_at: datetime


@technician.route("POST", "/auth/login", public=True, tags=["auth"])
async def login(services: Services, body: LoginIn, request_info: RequestInfo) -> LoginOut:
    """Sign in with a code that POST /v1/auth/send-otp sent to a technician's phone.

    Example: {"phone_number": "+919876543210", "otp_code": "123456"}
    """
    phone = phones.normalise(body.phone_number, services.settings.phone_region)
    done = await technician_access.sign_in(
        services, phone, body.otp_code, ip=request_info.ip, user_agent=request_info.user_agent
    )
    who = done.technician
    return LoginOut(
        access_token=done.pair.access_token, refresh_token=done.pair.refresh_token,
        expires_in=done.pair.expires_in, partner=PartnerOut(id=who.id, partner_code=who.code, name=who.name),
    )  # fmt: skip


@technician.route("POST", "/auth/refresh-token", public=True, tags=["auth"])
async def refresh_token(services: Services, body: RefreshIn) -> PairOut:
    """A new pair for a refresh token, which is used up by it (C43).

    Example: {"refresh_token": "drt_..."}
    """
    async with services.transaction() as tx:
        pair = await services.sessions.refresh(tx, technician_access.REALM, body.refresh_token)
    return PairOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@technician.route("POST", "/auth/logout", tags=["auth"])
async def logout(services: Services, caller: Technician) -> Message:
    """End this sign-in; its sockets are cut."""
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, caller.session_id, "logout")
    return Message("Logged out successfully")


@technician.route("GET", "/auth/me", tags=["auth"])
async def me(services: Services, caller: Technician) -> ProfileOut:
    """My profile; what is sensitive in it is masked."""
    async with services.read() as conn:
        who = await technician_access.get(conn, caller.technician_id)
        account = await bank_accounts.find(conn, caller.technician_id)
    return _profile(services, who, account)


@technician.route("POST", "/auth/step-up", tags=["auth"])
async def confirm_step_up(services: Services, caller: Technician, body: StepUpIn) -> StepUpOut:
    """Confirm with a code (purpose reset_password) sent to my phone, for what is sensitive.

    Example: {"otp_code": "123456"}
    """
    token = await technician_access.confirm_step_up(services, caller.technician_id, body.otp_code)
    return StepUpOut(step_up_token=token, expires_in=step_up.LIFE_S)


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
    return _bank_account(account)


NOTIFICATIONS = Grammar(
    key="notifications", source=customers.TECHNICIAN_LIST, filters={"unread": Once(bool), "type": str}
)  # fmt: skip


@technician.route("GET", "/notifications", listing=NOTIFICATIONS, tags=["notifications"])
async def notifications(services: Services, caller: Technician, listing: Listing) -> Page[NotificationOut]:
    """What I was told, newest first."""
    async with services.read() as conn:
        found = await customers.page_notifications(
            conn, caller.technician_id, listing.wanted, realm=technician_access.REALM
        )
    return Page.of(found, _notification)


@technician.route("PATCH", "/notifications/{notification_id}/read", tags=["notifications"])
async def read_notification(services: Services, caller: Technician, notification_id: UUID) -> NotificationOut:
    """Mark one as read; repeating it changes nothing."""
    async with services.transaction() as tx:
        row = await customers.read_notification(tx, caller.technician_id, notification_id)
    return _notification(row)


def _notification(row: Notification) -> NotificationOut:
    return NotificationOut(
        id=row.id, booking_id=row.booking_id, type=row.type, title=row.title, message=row.message,
        is_read=row.is_read, metadata=row.metadata, created_at=row.created_at,
    )  # fmt: skip


def _bank_account(account: BankAccount) -> BankAccountOut:
    return BankAccountOut(
        id=account.id, account_number=bank_accounts.masked(account), ifsc_code=account.ifsc,
        bank_name=account.bank_name, account_holder_name=account.account_name,
    )  # fmt: skip


def _profile(services: Services, who: TechnicianProfile, account: BankAccount | None) -> ProfileOut:
    rate = 100 * who.cancelled_bookings / who.total_bookings if who.total_bookings else 0.0
    return ProfileOut(
        id=who.id, partner_code=who.code, name=who.name, phone_number=who.phone, email=who.email,
        service_categories=who.categories, service_tiers=who.tiers, working_hours=who.working_hours,
        service_radius_km=who.service_radius_m / 1000, is_active=who.is_active, is_available=who.is_available,
        onboarding_status=who.onboarding_status, rating=who.rating, total_bookings=who.total_bookings,
        completed_bookings=who.completed_bookings, cancelled_bookings=who.cancelled_bookings,
        cancellation_rate=round(rate, 2),
        aadhar_number=f"XXXXXXXX{who.aadhaar_last4}" if who.aadhaar_last4 else None,
        bank_account=_bank_account(account) if account else None, last_seen_at=who.last_seen_at,
        created_at=who.created_at, push_topic=push_topic(services.settings, technician_access.REALM, who.id),
    )  # fmt: skip
