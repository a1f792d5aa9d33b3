"""A customer's own account: profile, phone, notifications, a copy of the data, and leaving."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import EmailStr, StringConstraints

from api.audiences import Customer, customer
from api.customer.auth import MeOut, me_out
from api.edge.request_info import RequestInfo
from api.shared.notifications import NotificationOut, notification_out
from api.shared.signing import Code, PhoneNumber, StepUp
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body
from api.wire.results import Bare, Message, Page
from dispatch.access import phones
from dispatch.parties import customers, erasure
from dispatch.services import Services


class ProfileIn(Body):
    """What is named is changed; null clears it."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"name", "email"})

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    email: Annotated[EmailStr, StringConstraints(max_length=255)] | None = None


class PhoneIn(Body):
    phone_number: PhoneNumber
    otp_code: Code


@customer.route("PATCH", "/users/profile", tags=["profile"])
async def update_profile(services: Services, caller: Customer, body: ProfileIn) -> MeOut:
    """Change name or e-mail.

    Example: {"name": "John Doe", "email": "john@example.com"}
    """
    async with services.transaction() as tx:
        changes = body.model_dump(exclude_unset=True)
        account = await customers.update_profile(tx, caller.account_id, changes)
    return me_out(services, account)


@customer.route("PUT", "/users/phone", tags=["profile"])
async def change_phone(
    services: Services, caller: Customer, body: PhoneIn, request_info: RequestInfo, step_up_token: StepUp = None
) -> MeOut:
    """Move to another phone: a step-up token from the old one, and a code (purpose step_up) from the new one.

    Every other sign-in ends.

    Example: {"phone_number": "+919876543210", "otp_code": "123456"}
    """
    phone = phones.normalise(body.phone_number, services.settings.phone_region)
    account = await customers.change_phone(
        services, caller.account_id, caller.session_id, step_up_token, phone, body.otp_code, ip=request_info.ip
    )
    return me_out(services, account)


@customer.route("DELETE", "/users/me", tags=["profile"])
async def erase(services: Services, caller: Customer, step_up_token: StepUp = None) -> Message:
    """Erase my personal data and end every sign-in. Needs a step-up token, no open booking and an empty wallet."""
    await erasure.erase(services, caller.account_id, step_up_token)
    return Message("Your account and your personal data have been erased")


@customer.route("GET", "/users/me/export", tags=["profile"])
async def export(services: Services, caller: Customer) -> Bare[dict[str, Any]]:
    """Everything that is kept about me, as JSON."""
    async with services.read() as conn:
        return Bare(await erasure.export(conn, caller.account_id))


NOTIFICATIONS = Grammar(
    key="notifications", source=customers.LIST, filters={"unread": Once(bool), "type": str}, limit=20
)  # fmt: skip


@customer.route("GET", "/notifications", listing=NOTIFICATIONS, tags=["notifications"])
async def notifications(services: Services, caller: Customer, listing: Listing) -> Page[NotificationOut]:
    """What I was told, newest first."""
    async with services.read() as conn:
        return Page.of(await customers.page_notifications(conn, caller.account_id, listing.wanted), notification_out)


@customer.route("PATCH", "/notifications/{notification_id}/read", tags=["notifications"])
async def read_notification(services: Services, caller: Customer, notification_id: UUID) -> NotificationOut:
    """Mark one as read; repeating it changes nothing."""
    async with services.transaction() as tx:
        row = await customers.read_notification(tx, caller.account_id, notification_id)
    return notification_out(row)
