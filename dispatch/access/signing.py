"""Signing in with an e-mail address and a password: one account, several memberships, a token for one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from dispatch.access import otp, passwords, totp
from dispatch.access.networks import UNKNOWN, network_of
from dispatch.engine import audit
from dispatch.errors import Invalid, Malformed, NotAllowed, NotSignedIn, Throttled
from dispatch.events import Actor, Origin
from dispatch.live.sessions import Ending, Pair
from dispatch.outbox import messages
from dispatch.services import Services, Tx
from dispatch.vault import vault_of
from storage import accounts as rows
from storage import quotas
from storage import sessions as session_rows
from storage.accounts import Credentials, Tie

#: Which membership a sign-in means that names none, the first that the account has.
ORDER = ("provider", "organisation", "erp", "integration", "admin")
#: Wrong passwords within a quarter of an hour: for one address of one place, for a place, for one address from
#: anywhere. The owner, who sits elsewhere, is not locked out by a stranger's guesses until the last is used up.
GUESS_WINDOW_S = 900.0
GUESSES_HERE, GUESSES_PER_NETWORK, GUESSES_PER_ADDRESS = 10, 60, 200


class WrongCredentials(NotSignedIn):
    """The e-mail address or the password is wrong."""

    code = "invalid_credentials"


class TooManyTries(Throttled):
    """Too many tries; wait a while and try again."""

    code = "rate_limit_exceeded"


class SignInOver(NotSignedIn):
    """You are signed out: sign in again."""

    code = "unauthorized"


class NoMembership(NotAllowed):
    """This account belongs to nothing that you could sign in to here."""

    code = "no_membership"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`tie` is the membership that the pair is for; `others` are the rest."""

    pair: Pair
    tie: Tie
    others: tuple[Tie, ...]
    email: str
    must_change_password: bool


def subject_of(tie: Tie) -> UUID:
    """Whom a session of this membership belongs to: staff sign in as themselves, others as the membership."""
    return tie.account_id if tie.realm == "admin" else tie.id


async def sign_in(
    services: Services,
    email: str,
    password: str,
    *,
    audience: str | None = None,
    preferred: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
) -> SignedIn:
    """A token for one membership: that of `audience`, else the `preferred` one, else the first of ORDER.

    Answer and time are the same for an unknown address and a wrong password. Raises WrongCredentials,
    TooManyTries, NoMembership, and SecondStep for staff with a second factor.
    """
    found = await _checked(services, email, password, ip)
    async with services.transaction() as tx:
        ties = await rows.memberships_of(tx.conn, account_id=found.id)
        tie = choose(ties, audience, preferred)
        await _second_factor(tx, tie, found)
        if not await rows.signed_in(tx.conn, id=found.id, password_hash=found.password_hash):
            raise WrongCredentials
        pair = await _open(tx, tie, ip, user_agent)
    return SignedIn(pair, tie, tuple(t for t in ties if t is not tie), email, found.must_change_password)


async def second_step(
    services: Services, challenge: str, code: str, *, ip: str | None = None, user_agent: str | None = None
) -> SignedIn:
    """Ends the sign-in of staff with a code of their app or a recovery code.

    Raises ChallengeOver, WrongCode, TooManyCodes, NoMembership.
    """
    account_id, mark = totp.challenged(services, challenge)
    async with services.read() as conn:
        found = await rows.credentials_of(conn, id=account_id)
        account = await rows.get(conn, id=account_id)
    totp.check_password_stands(services, mark, found.password_hash if found else None)
    if found is None or account is None or not found.is_active:
        raise totp.ChallengeOver
    await totp.use(services, account_id, code)
    async with services.transaction() as tx:
        ties = await rows.memberships_of(tx.conn, account_id=account_id)
        tie = choose(ties, "admin")
        if not await rows.signed_in(tx.conn, id=account_id, password_hash=found.password_hash):
            raise totp.ChallengeOver
        pair = await _open(tx, tie, ip, user_agent)
    others = tuple(t for t in ties if t is not tie)
    return SignedIn(pair, tie, others, account.email or "", found.must_change_password)


async def switch(
    tx: Tx,
    account_id: UUID,
    membership_id: UUID,
    *,
    came_by: UUID,
    ip: str | None = None,
    user_agent: str | None = None,
) -> SignedIn:
    """A token for another membership of somebody who is signed in. Raises NoMembership, another's is none.

    `came_by` is the sign-in that asks. That it stood some seconds ago is not enough: one that has ended meanwhile would
    live on in the new one, so it is asked for here, with the account held. Raises SignInOver. To become staff with a
    second factor raises SecondStep.
    """
    account = await rows.switched(tx.conn, id=account_id)
    if not await session_rows.living(tx.conn, ids=[came_by]):
        raise SignInOver
    ties = await rows.memberships_of(tx.conn, account_id=account_id)
    tie = next((t for t in ties if t.id == membership_id), None)
    if tie is None or account is None:
        raise NoMembership
    known = await rows.credentials_of(tx.conn, id=account_id)
    await _second_factor(tx, tie, known)
    pair = await _open(tx, tie, ip, user_agent)
    must_change = known is not None and known.must_change_password
    return SignedIn(pair, tie, tuple(t for t in ties if t is not tie), account.email or "", must_change)


def choose(ties: Sequence[Tie], audience: str | None, preferred: str | None = None) -> Tie:
    """The membership that a sign-in means. Raises NoMembership."""
    fitting = [t for t in ties if audience in (None, t.realm)]
    if not fitting:
        raise NoMembership
    return min(fitting, key=lambda t: (t.realm != preferred, ORDER.index(t.realm)))


async def ask_new_password(services: Services, email: str, ip: str | None) -> int:
    """Sends a code to the address, whether anybody has it or not; returns the code's life in seconds.

    The message leaves only where somebody signs in with this address: a stranger's mailbox gets nothing.
    """
    email = email.lower()
    async with services.transaction() as tx:
        known = await rows.credentials(tx.conn, email=email)
        # Kept in any case: guesses at no code are answered otherwise than guesses at one.
        return await otp.send(tx, email, "new_password", ip, leaves=known is not None)


async def reset_password(services: Services, email: str, code: str, password: str, *, ip: str | None = None) -> None:
    """Sets a new password with a code from the mailbox; every sign-in of the account ends.

    Raises InvalidOtp, TooManyGuesses, TooManyWrong, Invalid (the password).
    """
    # However it is spelled this time: it is the address that the code went to.
    email = email.lower()
    password_hash = await passwords.hashed(password, "new_password")
    async with services.transaction() as tx:
        verdict = await otp.guess(tx, email, "new_password", code, ip)
        if verdict is otp.Verdict.RIGHT:
            found = await rows.credentials(tx.conn, email=email)
            if found is None:
                verdict = otp.Verdict.WRONG
            else:
                await _change(tx, found.id, email, password_hash, proves_email=True)
    verdict.check()


async def change_password(services: Services, email: str, old: str, new: str, *, ip: str | None = None) -> None:
    """A new password by whoever knows the old or the temporary one. Raises WrongCredentials, TooManyTries, Invalid."""
    passwords.check(new, "new_password")
    found = await _checked(services, email, old, ip)
    if old == new:
        raise Invalid({"new_password": "The new password is the old one; choose another."})
    password_hash = await passwords.hashed(new, "new_password")
    async with services.transaction() as tx:
        if not await _change(tx, found.id, email, password_hash, replaces=found.password_hash):
            raise WrongCredentials


class InvalidPassword(Malformed):
    """Current password is incorrect"""

    code, is_documented = "invalid_password", True


async def renew_password(
    services: Services, account_id: UUID, old: str, new: str, *, kept: UUID, ip: str | None = None
) -> None:
    """A new password by somebody who is signed in: the other sign-ins of the account end, `kept` stays.

    Raises InvalidPassword, TooManyTries, Invalid (the new one).
    """
    passwords.check(new, "newPassword")
    async with services.read() as conn:
        account = await rows.get(conn, id=account_id)
    if account is None or account.email is None:
        raise InvalidPassword
    try:
        found = await _checked(services, account.email, old, ip)
    except WrongCredentials:
        raise InvalidPassword from None
    if old == new:
        raise Invalid({"newPassword": "The new password is the old one; choose another."})
    password_hash = await passwords.hashed(new, "newPassword")
    async with services.transaction() as tx:
        if not await passwords.set_password(tx, account_id, password_hash, replaces=found.password_hash):
            raise InvalidPassword
        await end_sign_ins(tx, account_id, Ending.PASSWORD_CHANGED, kept=kept)
        await messages.enqueue(tx, "email", account.email, "password_changed", {})


async def use_link(services: Services, token: str, password: str) -> UUID:
    """Sets the password with a link that was sent, and ends every sign-in of its account.

    Returns the account. Raises LinkRefused, Invalid.
    """
    password_hash = await passwords.hashed(password)
    async with services.transaction() as tx:
        account_id = await passwords.use_link(tx, token, password_hash)
        await end_sign_ins(tx, account_id, Ending.PASSWORD_CHANGED)
    return account_id


async def end_sign_ins(tx: Tx, account_id: UUID, reason: Ending, *, kept: UUID | None = None) -> None:
    """Ends all sign-ins of an account with a password but one, in whatever it is a member of."""
    for tie in await rows.memberships_of(tx.conn, account_id=account_id):
        await tx.services.sessions.revoke_all(tx, tie.realm, subject_of(tie), reason, but=kept)


async def _second_factor(tx: Tx, tie: Tie, found: Credentials | None) -> None:
    if tie.realm == "admin" and await totp.is_on(tx.conn, tie.account_id):
        raise totp.challenge(tx.services, tie.account_id, found.password_hash if found else "")


async def _open(tx: Tx, tie: Tie, ip: str | None, user_agent: str | None) -> Pair:
    """A session for a membership; that of staff is in the audit."""
    if tie.realm == "admin":
        actor = Actor("admin", str(tie.account_id), Origin(ip, user_agent))
        await audit.record(tx, actor, "sign_in", "staff", tie.account_id)
    return await tx.services.sessions.open(tx, tie.realm, subject_of(tie), ip=ip, user_agent=user_agent)


async def _change(
    tx: Tx, account_id: UUID, email: str, password_hash: str, *, proves_email: bool = False, replaces: str | None = None
) -> bool:
    """False: the password that it `replaces` is no longer the one."""
    if not await passwords.set_password(tx, account_id, password_hash, proves_email=proves_email, replaces=replaces):
        return False
    await end_sign_ins(tx, account_id, Ending.PASSWORD_CHANGED)
    await messages.enqueue(tx, "email", email, "password_changed", {})
    return True


async def _checked(services: Services, email: str, password: str, ip: str | None) -> Credentials:
    """Counts the try, compares, and forgets the count of a right one."""
    keys = _counters(services, email, ip)
    async with services.transaction() as tx:
        for key, limit in keys:
            if wait_s := await quotas.take(tx.conn, key, limit, GUESS_WINDOW_S):
                raise TooManyTries(retry_after_s=wait_s)
        found = await rows.credentials(tx.conn, email=email)
    is_right = await passwords.matches(found.password_hash if found else None, password)
    if found is None or not is_right or not found.is_active:
        raise WrongCredentials
    async with services.transaction() as tx:
        # Only of this address: a right password must not buy guesses at others from the same place.
        await quotas.forget(tx.conn, keys=[key for key, _ in keys[:2]])
    return found


def _counters(services: Services, email: str, ip: str | None) -> list[tuple[str, int]]:
    """The counters of a try and their limits, always in this order, the one that most share last.

    Neither address is readable in them: they outlive the account by a day.
    """
    vault = vault_of(services.settings)
    place = vault.fingerprint("network", network_of(ip) if ip else UNKNOWN)
    who = vault.fingerprint("email", email.lower())
    return [
        (f"password:{who}:{place}", GUESSES_HERE),
        (f"password:{who}", GUESSES_PER_ADDRESS),
        (f"password:network:{place}", GUESSES_PER_NETWORK),
    ]
