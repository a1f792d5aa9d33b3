"""Signing in with an e-mail address and a password, for every realm that has members (C42)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Member, account, organisation
from api.auth.principals import MEMBER_REALMS
from api.edge.request_info import RequestInfo
from api.shared.signing import Code, RefreshToken
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, MessageWith, ReplyWith
from dispatch.access import email_changes, passwords, signing
from dispatch.access.permissions import OWN
from dispatch.access.signing import SignedIn
from dispatch.live.sessions import Ending, Pair
from dispatch.services import Services
from storage import accounts as account_rows
from storage.accounts import Tie

Password = Annotated[str, Field(min_length=1, max_length=256)]
Realm = Literal["provider", "organisation", "erp", "integration", "admin"]


class SignInIn(CamelBody):
    email: EmailStr
    password: Password
    #: Which membership is meant, where there are several.
    audience: Realm | None = None


class RefreshIn(CamelBody):
    """Without a token there is no sign-in, which is said as of one that is over: clients know a dead session by 401."""

    refresh_token: RefreshToken = ""


class SwitchIn(CamelBody):
    membership_id: UUID


class ForgotIn(CamelBody):
    email: EmailStr


class ResetIn(CamelBody):
    email: EmailStr
    otp: Code
    new_password: Password


class FirstLoginIn(CamelBody):
    email: EmailStr
    temporary_password: Password
    new_password: Password


class SetPasswordIn(CamelBody):
    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    password: Password


class LinkIn(CamelBody):
    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class LinkOut(CamelView):
    """`partyName` is what one is invited to."""

    kind: Literal["password", "invitation", "email"]
    email: str | None
    party_name: str | None


class UserOut(CamelView):
    """`role` is admin for the platform's own staff only; a member's role in a team is the team role."""

    id: UUID
    email: str | None
    name: str | None
    role: str
    team_role: str | None


class MembershipOut(CamelView):
    id: UUID
    audience: str
    role: str
    party_id: UUID | None
    party_name: str | None


class TokensOut(CamelView):
    token: str
    refresh_token: str
    expires_in: int


class SignedInOut(TokensOut):
    """`memberships` are the others that this account could sign in as."""

    user: UserOut
    membership: MembershipOut
    memberships: list[MembershipOut]
    requires_password_change: bool


class MeOut(CamelView):
    user: UserOut
    membership: MembershipOut
    permissions: dict[str, str]


class CodeSentOut(CamelView):
    """Seconds for which the code is good."""

    expires_in: int


async def sign_in(services: Services, body: SignInIn, request_info: RequestInfo) -> ReplyWith[SignedInOut, SignedInOut]:
    """Sign in. With several memberships the token is for the one of `audience`, else provider, organisation, ERP.

    Example: {"email": "owner@example.com", "password": "correct horse battery"}
    """
    done = await signing.sign_in(
        services, body.email, body.password, audience=body.audience, ip=request_info.ip,
        user_agent=request_info.user_agent,
    )  # fmt: skip
    return await _answer(services, done)


async def sign_in_here(
    services: Services, body: SignInIn, request_info: RequestInfo
) -> ReplyWith[SignedInOut, SignedInOut]:
    """Sign in. With several memberships the token is for the one of `audience`, else organisation, provider, ERP.

    Example: {"email": "owner@example.com", "password": "correct horse battery"}
    """
    done = await signing.sign_in(
        services, body.email, body.password, audience=body.audience, preferred="organisation", ip=request_info.ip,
        user_agent=request_info.user_agent,
    )  # fmt: skip
    return await _answer(services, done)


async def refresh(services: Services, body: RefreshIn) -> ReplyWith[TokensOut, TokensOut]:
    """A new pair for a refresh token, which is used up by it; one that comes again later ends the sign-in.

    In a refusal `details.reason` says why the sign-in is over, such as "signed_out", to whoever holds its last tokens.

    Example: {"refreshToken": "drt_..."}
    """
    async with services.transaction() as tx:
        pair = await services.sessions.refresh(tx, MEMBER_REALMS, body.refresh_token)
    out = _tokens(pair)
    return ReplyWith(out, extra=out)


async def me(services: Services, caller: Member) -> ReplyWith[MeOut, MeOut]:
    """Who I am here, and what I may do."""
    out = await _me(services, caller)
    return ReplyWith(out, extra=out)


async def switch(
    services: Services, caller: Member, body: SwitchIn, request_info: RequestInfo
) -> ReplyWith[SignedInOut, SignedInOut]:
    """A token for another of my memberships.

    Example: {"membershipId": "11111111-1111-4111-8111-111111111111"}
    """
    account_id = _account_of(caller)
    assert caller.session_id is not None, "people have signed in"
    async with services.transaction() as tx:
        done = await signing.switch(
            tx, account_id, body.membership_id, came_by=caller.session_id, ip=request_info.ip,
            user_agent=request_info.user_agent,
        )  # fmt: skip
    return await _answer(services, done)


async def log_out(services: Services, caller: Member) -> Message:
    """End this sign-in; its tokens are refused from now on and its sockets are cut."""
    if caller.session_id is not None:
        async with services.transaction() as tx:
            await services.sessions.revoke(tx, caller.session_id, Ending.SIGNED_OUT)
    return Message("You are signed out.")


async def forgot_password(services: Services, body: ForgotIn, request_info: RequestInfo) -> MessageWith[CodeSentOut]:
    """Send a code by e-mail. The answer is the same whether the address is known or not.

    Example: {"email": "owner@example.com"}
    """
    life_s = await signing.ask_new_password(services, body.email, request_info.ip)
    text = "If somebody signs in with this address, a code is on its way."
    return MessageWith(text, extra=CodeSentOut(expires_in=life_s))


async def reset_password(services: Services, body: ResetIn, request_info: RequestInfo) -> Message:
    """Choose a new password with the code from the e-mail; every sign-in of the account ends.

    Example: {"email": "owner@example.com", "otp": "123456", "newPassword": "another password"}
    """
    await signing.reset_password(services, body.email, body.otp, body.new_password, ip=request_info.ip)
    return Message("The password was changed: sign in with the new one.")


async def first_login(services: Services, body: FirstLoginIn, request_info: RequestInfo) -> Message:
    """Choose a password in place of the temporary one.

    Example: {"email": "owner@example.com", "temporaryPassword": "temporary one", "newPassword": "another password"}
    """
    await signing.change_password(services, body.email, body.temporary_password, body.new_password, ip=request_info.ip)
    return Message("The password was changed: sign in with the new one.")


async def set_password(services: Services, body: SetPasswordIn) -> Message:
    """Choose a password with the link that was sent.

    Example: {"token": "the-token-of-the-link", "password": "correct horse battery"}
    """
    await signing.use_link(services, body.token, body.password)
    return Message("The password is set: sign in with it.")


async def link(services: Services, body: LinkIn) -> LinkOut:
    """What a link that was sent is for, without using it.

    Example: {"token": "the-token-of-the-link"}
    """
    async with services.read() as conn:
        address = await email_changes.find(conn, body.token)
        found = None if address else await passwords.find_link(conn, body.token)
    if address is not None:
        return LinkOut(kind="email", email=address, party_name=None)
    if found is None:
        raise passwords.LinkRefused
    return LinkOut(
        kind="invitation" if found.is_invitation else "password", email=found.email, party_name=found.party_name
    )


async def verify_email(services: Services, body: LinkIn) -> Message:
    """Confirm a new e-mail address with the link that was sent to it.

    Example: {"token": "the-token-of-the-link"}
    """
    async with services.transaction() as tx:
        await email_changes.confirm(tx, body.token)
    return Message("Your e-mail address is confirmed: sign in with it from now on.")


TAGS = ("auth",)
for _path in ("/signin", "/login"):
    account.route("POST", _path, public=True, tags=TAGS)(sign_in)
account.route("POST", "/refresh", public=True, tags=TAGS)(refresh)
account.route("GET", "/me", permission=OWN, tags=TAGS)(me)
account.route("POST", "/switch", permission=OWN, tags=TAGS)(switch)
account.route("POST", "/logout", permission=OWN, tags=TAGS)(log_out)
account.route("POST", "/forgot-password", public=True, tags=TAGS)(forgot_password)
account.route("POST", "/reset-password", public=True, tags=TAGS)(reset_password)
account.route("POST", "/first-login/change-password", public=True, tags=TAGS)(first_login)
account.route("POST", "/set-password", public=True, tags=TAGS)(set_password)
account.route("POST", "/link", public=True, tags=TAGS)(link)
account.route("POST", "/verify-email", public=True, tags=TAGS)(verify_email)
# The organisation portal's front ends know these by names of their own.
organisation.route("POST", "/auth/login", public=True, tags=TAGS)(sign_in_here)
organisation.route("POST", "/auth/refresh", public=True, tags=TAGS)(refresh)
organisation.route("GET", "/auth/me", permission=OWN, tags=TAGS)(me)


async def _answer(services: Services, done: SignedIn) -> ReplyWith[SignedInOut, SignedInOut]:
    async with services.read() as conn:
        found = await account_rows.get(conn, id=done.tie.account_id)
    tokens = _tokens(done.pair)
    out = SignedInOut(
        token=tokens.token, refresh_token=tokens.refresh_token, expires_in=tokens.expires_in,
        user=_user(done.tie.account_id, found.email if found else None, found.name if found else None, done.tie),
        membership=_membership(done.tie), memberships=[_membership(tie) for tie in done.others],
        requires_password_change=done.must_change_password,
    )  # fmt: skip
    return ReplyWith(out, extra=out)


async def _me(services: Services, caller: Member) -> MeOut:
    async with services.read() as conn:
        found = await account_rows.get(conn, id=_account_of(caller))
        tie = await account_rows.tie(conn, id=caller.membership_id)
    if found is None or tie is None:
        raise signing.NoMembership
    levels: dict[str, Any] = dict(caller.grants.levels)
    return MeOut(user=_user(found.id, found.email, found.name, tie), membership=_membership(tie), permissions=levels)


def _account_of(caller: Member) -> UUID:
    """Raises NoMembership for a key: it is nobody who could be somebody else."""
    if caller.account_id is None:
        raise signing.NoMembership
    return caller.account_id


def _tokens(pair: Pair) -> TokensOut:
    return TokensOut(token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


def _user(account_id: UUID, email: str | None, name: str | None, tie: Tie) -> UserOut:
    is_staff = tie.realm == "admin"
    return UserOut(
        id=account_id, email=email, name=name, role="admin" if is_staff else tie.realm,
        team_role=None if is_staff else tie.role,
    )  # fmt: skip


def _membership(tie: Tie) -> MembershipOut:
    return MembershipOut(id=tie.id, audience=tie.realm, role=tie.role, party_id=tie.party_id, party_name=tie.party_name)
