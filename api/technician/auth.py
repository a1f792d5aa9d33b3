"""A technician's sign-in, own profile and bank account. The code comes from POST /v1/auth/send-otp (C44)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import EmailStr, StringConstraints

from api.audiences import Technician, technician
from api.edge.request_info import RequestInfo
from api.shared.notifications import NotificationOut, notification_out
from api.shared.objects import HoursObject
from api.shared.signing import Code, CodeSent, PairOut, PhoneNumber, RefreshIn, StepUpOut, send_code
from api.technician.bank_account import BankAccountOut, bank_account_out
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, View
from api.wire.results import Message, MessageWith, Page
from dispatch.access import phones, step_up
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox.notifications import push_topic
from dispatch.parties import bank_accounts, customers, technician_access, technicians
from dispatch.services import Services
from storage.bank_accounts import BankAccount
from storage.technician_access import TechnicianProfile


class SendOtpIn(Body):
    phone_number: PhoneNumber
    purpose: Literal["login", "reset_password"] = "login"


class LoginIn(Body):
    """`purpose` is what apps say that verify a customer's code and a technician's alike."""

    phone_number: PhoneNumber
    otp_code: Code
    purpose: Literal["login"] = "login"


class StepUpIn(Body):
    otp_code: Code


class OwnIn(Body):
    """What is named is changed; null clears it."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"email"})

    email: Annotated[EmailStr, StringConstraints(max_length=255)] | None = None


class PartnerOut(View):
    id: UUID
    partner_code: str
    name: str


class LoginOut(PairOut):
    partner: PartnerOut


class ProfileOut(PartnerOut):
    phone_number: str | None
    email: str | None
    service_categories: list[str]
    service_tiers: list[str]
    working_hours: HoursObject
    service_radius_km: float
    is_active: bool
    is_available: bool
    #: Said to be available, and not heard of for so long that nobody counts on it: the next position brings it back.
    has_gone_dark: bool
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


# Real front ends ask here too: it is what POST /v1/auth/send-otp does.
@technician.route("POST", "/auth/send-otp", public=True, tags=["auth"])
async def send_otp(services: Services, body: SendOtpIn, request_info: RequestInfo) -> MessageWith[CodeSent]:
    """Send a code by SMS. The answer is the same whether the phone is known or not.

    Example: {"phone_number": "+919876543210", "purpose": "login"}
    """
    return await send_code(services, body.phone_number, body.purpose, request_info.ip)


# Real front ends know it by this name too.
@technician.route("POST", "/auth/verify-otp", public=True, tags=["auth"])
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

    In a refusal `details.reason` says why the sign-in is over, such as "signed_out", to whoever holds its last tokens.

    Example: {"refresh_token": "drt_..."}
    """
    async with services.transaction() as tx:
        pair = await services.sessions.refresh(tx, technician_access.REALM, body.refresh_token)
    return PairOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@technician.route("POST", "/auth/logout", tags=["auth"])
async def logout(services: Services, caller: Technician) -> Message:
    """End this sign-in; its sockets are cut."""
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, caller.session_id, Ending.SIGNED_OUT)
    return Message("Logged out successfully")


# Real front ends know it by this name too.
@technician.route("GET", "/profile", tags=["me"])
@technician.route("GET", "/auth/me", tags=["auth"])
async def me(services: Services, caller: Technician) -> ProfileOut:
    """My profile; what is sensitive in it is masked."""
    async with services.read() as conn:
        who = await technician_access.get(conn, caller.technician_id)
        account = await bank_accounts.find(conn, caller.technician_id)
    return _profile(services, who, account)


@technician.route("PATCH", "/profile", tags=["me"])
async def change_profile(services: Services, caller: Technician, body: OwnIn) -> ProfileOut:
    """Change where mail reaches me; what my papers say is changed by staff.

    Example: {"email": "asha@example.com"}
    """
    actor = Actor(technician_access.REALM, str(caller.technician_id))
    async with services.transaction() as tx:
        await technicians.change(tx, caller.technician_id, actor, body.model_dump(exclude_unset=True))
    return await me(services, caller)


@technician.route("POST", "/auth/step-up", tags=["auth"])
async def confirm_step_up(
    services: Services, caller: Technician, body: StepUpIn, request_info: RequestInfo
) -> StepUpOut:
    """Confirm with a code (purpose reset_password) sent to my phone, for what is sensitive.

    Example: {"otp_code": "123456"}
    """
    token = await technician_access.confirm_step_up(
        services, caller.technician_id, body.otp_code, ip=request_info.ip
    )
    return StepUpOut(step_up_token=token, expires_in=step_up.LIFE_S)


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
    return Page.of(found, notification_out)


@technician.route("PATCH", "/notifications/{notification_id}/read", tags=["notifications"])
async def read_notification(services: Services, caller: Technician, notification_id: UUID) -> NotificationOut:
    """Mark one as read; repeating it changes nothing."""
    async with services.transaction() as tx:
        row = await customers.read_notification(tx, caller.technician_id, notification_id)
    return notification_out(row)


def _profile(services: Services, who: TechnicianProfile, account: BankAccount | None) -> ProfileOut:
    rate = 100 * who.cancelled_bookings / who.total_bookings if who.total_bookings else 0.0
    return ProfileOut(
        id=who.id, partner_code=who.code, name=who.name, phone_number=who.phone, email=who.email,
        service_categories=who.categories, service_tiers=who.tiers, working_hours=who.working_hours,
        service_radius_km=who.service_radius_m / 1000, is_active=who.is_active, is_available=who.is_available,
        has_gone_dark=who.has_gone_dark, onboarding_status=who.onboarding_status, rating=who.rating,
        total_bookings=who.total_bookings,
        completed_bookings=who.completed_bookings, cancelled_bookings=who.cancelled_bookings,
        cancellation_rate=round(rate, 2),
        aadhar_number=f"XXXXXXXX{who.aadhaar_last4}" if who.aadhaar_last4 else None,
        bank_account=bank_account_out(account) if account else None, last_seen_at=who.last_seen_at,
        created_at=who.created_at, push_topic=push_topic(services.settings, technician_access.REALM, who.id),
    )  # fmt: skip
