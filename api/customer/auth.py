"""Signing in with a phone and a code; codes for technicians and for step-up come from here too (C44, C46)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.audiences import Customer, customer
from api.edge.request_info import RequestInfo
from api.shared.signing import Code, CodeSent, PairOut, PhoneNumber, RefreshIn, StepUpOut, send_code
from api.wire.models import Body, View
from api.wire.results import Message, MessageWith
from dispatch.access import phones, step_up
from dispatch.live.sessions import Ending
from dispatch.outbox.notifications import push_topic
from dispatch.parties import customers
from dispatch.services import Services
from storage.accounts import Account

#: The contract's two, and `step_up` for a phone that is not an account's yet.
Purpose = Literal["login", "reset_password", "step_up"]


class SendOtpIn(Body):
    phone_number: PhoneNumber
    purpose: Purpose = "login"


class VerifyOtpIn(Body):
    phone_number: PhoneNumber
    otp_code: Code
    purpose: Purpose = "login"


class UserOut(View):
    id: UUID
    phone_number: str | None
    name: str | None
    email: str | None
    is_verified: bool


class MeOut(UserOut):
    created_at: datetime
    push_topic: str


class SignedInOut(PairOut):
    user: UserOut


# Real front ends know it by this name too.
@customer.route("POST", "/auth/resend-otp", public=True, tags=["auth"])
@customer.route("POST", "/auth/send-otp", public=True, tags=["auth"])
async def send_otp(services: Services, body: SendOtpIn, request_info: RequestInfo) -> MessageWith[CodeSent]:
    """Send a code by SMS. The answer is the same whether the phone is known or not.

    Example: {"phone_number": "+911234567890", "purpose": "login"}
    """
    return await send_code(services, body.phone_number, body.purpose, request_info.ip)


@customer.route("POST", "/auth/verify-otp", public=True, tags=["auth"])
async def verify_otp(services: Services, body: VerifyOtpIn, request_info: RequestInfo) -> SignedInOut | StepUpOut:
    """Sign in with a code; the first time makes the account. Other purposes than login give a step-up token.

    Example: {"phone_number": "+911234567890", "otp_code": "123456", "purpose": "login"}
    """
    phone = phones.normalise(body.phone_number, services.settings.phone_region)
    if body.purpose != "login":
        _, token = await customers.confirm_step_up(services, phone, body.otp_code, ip=request_info.ip)
        return StepUpOut(step_up_token=token, expires_in=step_up.LIFE_S)
    done = await customers.sign_in(
        services, phone, body.otp_code, ip=request_info.ip, user_agent=request_info.user_agent
    )
    return SignedInOut(
        access_token=done.pair.access_token, refresh_token=done.pair.refresh_token,
        expires_in=done.pair.expires_in, user=user_out(done.account),
    )  # fmt: skip


@customer.route("POST", "/auth/refresh-token", public=True, tags=["auth"])
async def refresh_token(services: Services, body: RefreshIn) -> PairOut:
    """A new pair for a refresh token, which is used up by it; one that comes again later ends the sign-in.

    In a refusal `details.reason` says why the sign-in is over, such as "signed_out", to whoever holds its last tokens.

    Example: {"refresh_token": "drt_..."}
    """
    async with services.transaction() as tx:
        pair = await services.sessions.refresh(tx, customers.REALM, body.refresh_token)
    return PairOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@customer.route("POST", "/auth/logout", tags=["auth"])
async def logout(services: Services, caller: Customer) -> Message:
    """End this sign-in; its tokens are refused from now on and its sockets are cut."""
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, caller.session_id, Ending.SIGNED_OUT)
    return Message("Logged out successfully")


@customer.route("GET", "/auth/me", tags=["auth"])
async def me(services: Services, caller: Customer) -> MeOut:
    """Who I am."""
    async with services.read() as conn:
        account = await customers.get(conn, caller.account_id)
    return me_out(services, account)


def user_out(account: Account) -> UserOut:
    return UserOut(
        id=account.id, phone_number=account.phone, name=account.name, email=account.email,
        is_verified=account.is_verified,
    )  # fmt: skip


def me_out(services: Services, account: Account) -> MeOut:
    return MeOut(
        id=account.id, phone_number=account.phone, name=account.name, email=account.email,
        is_verified=account.is_verified, created_at=account.created_at,
        push_topic=push_topic(services.settings, customers.REALM, account.id),
    )  # fmt: skip
