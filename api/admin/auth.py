"""Staff sign in: e-mail address and password, then a code for those who want a second factor."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Admin, admin
from api.edge.request_info import RequestInfo
from api.shared.signing import PairOut, RefreshIn
from api.wire.models import Body, View
from api.wire.results import Message
from dispatch.access import signing, totp
from dispatch.access.permissions import OWN
from dispatch.access.signing import SignedIn
from dispatch.engine import audit
from dispatch.live.sessions import Ending
from dispatch.parties import staff
from dispatch.services import Services

Password = Annotated[str, Field(min_length=1, max_length=256)]
AnyCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=6, max_length=32)]


class LoginIn(Body):
    email: EmailStr
    password: Password


class SecondStepIn(Body):
    """`challenge` is in the details of the first step's answer; `code` of the app, or a recovery code."""

    challenge: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)]
    code: AnyCode


class CodeIn(Body):
    code: AnyCode


class AdminOut(View):
    id: UUID
    name: str | None
    email: str | None
    role: str


class SignedInOut(PairOut):
    """`token` is the access token once more, as front ends read it."""

    token: str
    admin: AdminOut
    requires_password_change: bool


class MeOut(AdminOut):
    """`permissions` are those of the role with one's own in their place."""

    permissions: dict[str, list[str]]
    totp_enabled: bool
    recovery_codes_left: int


class SecretOut(View):
    """`uri` is what an authenticator app reads from a picture; `secret` the same to type."""

    secret: str
    uri: str


class CodesOut(View):
    """Shown once: each signs in once in place of the app."""

    recovery_codes: list[str]


@admin.route("POST", "/auth/login", public=True, tags=["auth"])
async def login(services: Services, body: LoginIn, request_info: RequestInfo) -> SignedInOut:
    """Sign in. Whoever has a second factor gets 401 totp_required with a challenge for /auth/totp.

    Example: {"email": "admin@minuteserv.com", "password": "password123"}
    """
    done = await signing.sign_in(
        services, body.email, body.password, audience=staff.REALM, ip=request_info.ip,
        user_agent=request_info.user_agent,
    )  # fmt: skip
    return await _signed_in(services, done)


@admin.route("POST", "/auth/totp", public=True, tags=["auth"])
async def second_step(services: Services, body: SecondStepIn, request_info: RequestInfo) -> SignedInOut:
    """The second step of signing in, within five minutes of the first.

    Example: {"challenge": "eyJhbGci...", "code": "123456"}
    """
    done = await signing.second_step(
        services, body.challenge, body.code, ip=request_info.ip, user_agent=request_info.user_agent
    )
    return await _signed_in(services, done)


@admin.route("POST", "/auth/refresh-token", public=True, tags=["auth"])
async def refresh_token(services: Services, body: RefreshIn) -> PairOut:
    """A new pair for a refresh token, which is used up by it; one that comes again later ends the sign-in.

    In a refusal `details.reason` says why the sign-in is over, such as "signed_out", to whoever holds its last tokens.

    Example: {"refresh_token": "drt_..."}
    """
    async with services.transaction() as tx:
        pair = await services.sessions.refresh(tx, staff.REALM, body.refresh_token)
    return PairOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@admin.route("POST", "/auth/logout", permission=OWN, tags=["auth"])
async def logout(services: Services, caller: Admin) -> Message:
    """End this sign-in; its tokens are refused from now on and its sockets are cut."""
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, caller.session_id, Ending.SIGNED_OUT)
        await audit.record(tx, caller.actor, "sign_out", "staff", caller.account_id)
    return Message("You are signed out.")


@admin.route("GET", "/auth/me", permission=OWN, tags=["auth"])
async def me(services: Services, caller: Admin) -> MeOut:
    """Who I am and what I may do."""
    async with services.read() as conn:
        found = await staff.get(conn, caller.account_id)
        left = await totp.codes_left(conn, caller.account_id)
    return MeOut(
        id=found.id, name=found.name, email=found.email, role=found.role, totp_enabled=found.has_totp,
        permissions=staff.reach_of(found.role, found.permissions), recovery_codes_left=left,
    )  # fmt: skip


@admin.route("POST", "/auth/totp/enrol", permission=OWN, status=201, tags=["auth"])
async def enrol(services: Services, caller: Admin) -> SecretOut:
    """A secret for an authenticator app. It counts once a code of it is confirmed."""
    async with services.transaction() as tx:
        found = await staff.get(tx.conn, caller.account_id)
        secret, uri = await totp.enrol(tx, caller.account_id, found.email or str(found.id))
        await audit.record(tx, caller.actor, "enrol_totp", "staff", caller.account_id)
    return SecretOut(secret=secret, uri=uri)


@admin.route("POST", "/auth/totp/confirm", permission=OWN, tags=["auth"])
async def confirm(services: Services, caller: Admin, body: CodeIn) -> CodesOut:
    """Turn the second factor on with a code of the app; the answer has the recovery codes.

    Example: {"code": "123456"}
    """
    async with services.transaction() as tx:
        codes = await totp.confirm(tx, caller.account_id, body.code)
        await audit.record(tx, caller.actor, "confirm_totp", "staff", caller.account_id)
    return CodesOut(recovery_codes=codes)


@admin.route("POST", "/auth/totp/recovery-codes", permission=OWN, tags=["auth"])
async def recovery_codes(services: Services, caller: Admin, body: CodeIn) -> CodesOut:
    """New recovery codes in place of all earlier ones, for a code of the app.

    Example: {"code": "123456"}
    """
    await totp.use(services, caller.account_id, body.code)
    async with services.transaction() as tx:
        codes = await totp.new_codes(tx, caller.account_id)
        await audit.record(tx, caller.actor, "renew_recovery_codes", "staff", caller.account_id)
    return CodesOut(recovery_codes=codes)


@admin.route("POST", "/auth/totp/disable", permission=OWN, tags=["auth"])
async def disable(services: Services, caller: Admin, body: CodeIn) -> Message:
    """Turn the second factor off, with a code of the app or a recovery code.

    Example: {"code": "123456"}
    """
    await totp.use(services, caller.account_id, body.code)
    async with services.transaction() as tx:
        await totp.remove(tx, caller.account_id)
        await audit.record(tx, caller.actor, "disable_totp", "staff", caller.account_id)
    return Message("The second factor is off.")


async def _signed_in(services: Services, done: SignedIn) -> SignedInOut:
    async with services.read() as conn:
        found = await staff.get(conn, done.tie.account_id)
    pair = done.pair
    return SignedInOut(
        access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in,
        token=pair.access_token, requires_password_change=done.must_change_password,
        admin=AdminOut(id=found.id, name=found.name, email=found.email, role=found.role),
    )  # fmt: skip
