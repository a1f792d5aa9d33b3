"""A customer's account: signing in, profile, the phone, notifications, and leaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.access import otp, step_up
from dispatch.access.email_changes import AddressTaken
from dispatch.errors import Conflict, Missing, NotAllowed
from dispatch.live.sessions import Ending, Pair
from dispatch.outbox import messages
from dispatch.services import Services, Tx
from storage import accounts as rows
from storage import erasure as erasure_rows
from storage import notifications as notification_rows
from storage import otp as otp_rows
from storage.accounts import Account
from storage.database.errors import StorageError, constraint_of, is_unique
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.notifications import Notification

REALM = "customer"


class AccountBlocked(NotAllowed):
    """This account is blocked; contact support."""

    code = "account_blocked"


class PhoneTaken(Conflict):
    """Another account has this phone number."""

    code = "phone_taken"


@dataclass(frozen=True, slots=True)
class SignedIn:
    account: Account
    pair: Pair


async def sign_in(
    services: Services, phone: str, code: str, *, ip: str | None = None, user_agent: str | None = None
) -> SignedIn:
    """Signs in with a code; the first time makes the account. Code, account and session are one commit.

    Nobody shares an account by having named this phone: whoever proved a mailbox keeps an account without it, and a
    password that nobody proved is over.

    Raises InvalidOtp, TooManyGuesses, TooManyWrong, AccountBlocked.
    """
    account: Account | None = None
    pair: Pair | None = None
    async with services.transaction() as tx:
        verdict = await otp.guess(tx, phone, "login", code, ip)
        if verdict is otp.Verdict.RIGHT:
            await rows.part_phone(tx.conn, phone=phone)
            account = await rows.sign_in(tx.conn, phone=phone)
            assert account is not None, "an upsert returns its row"
            if account.is_active:
                pair = await services.sessions.open(tx, REALM, account.id, ip=ip, user_agent=user_agent)
    # After the commit: a raise inside would give the guess back.
    verdict.check()
    if account is None or pair is None:
        raise AccountBlocked
    return SignedIn(account, pair)


async def confirm_step_up(services: Services, phone: str, code: str, *, ip: str | None = None) -> tuple[Account, str]:
    """Turns a code for step-up into a token for the phone's account (C46).

    Whoever has no account has nothing to confirm and hears what a wrong code hears. Raises InvalidOtp,
    TooManyGuesses, TooManyWrong, AccountBlocked.
    """
    async with services.transaction() as tx:
        account = await rows.by_phone(tx.conn, phone=phone)
        # A code for a phone without an account stays good for taking the phone over into one.
        verdict = await otp.guess(tx, phone, "step_up", code, ip, consumes=account is not None)
    verdict.check()
    if account is None or account.phone is None:
        raise otp.InvalidOtp
    if not account.is_active:
        raise AccountBlocked
    return account, step_up.mint(services, REALM, account.id, account.phone)


async def get(conn: Conn, account_id: UUID) -> Account:
    """Raises Missing."""
    account = await rows.get(conn, id=account_id)
    if account is None:
        raise Missing("account")
    return account


async def update_profile(tx: Tx, account_id: UUID, changes: dict[str, Any]) -> Account:
    """Changes name and e-mail, those that are named. Customers do not sign in by e-mail, so it may repeat.

    Raises Missing, and AddressTaken for whoever has a password too: their address signs in, and is theirs alone.
    """
    try:
        async with tx.savepoint():
            account = await rows.update_profile(
                tx.conn, id=account_id, sets_name="name" in changes, name=changes.get("name"),
                sets_email="email" in changes, email=changes.get("email"),
            )  # fmt: skip
    except StorageError as error:
        if constraint_of(error) != "accounts_login_email":
            raise
        raise AddressTaken from error
    if account is None:
        raise Missing("account")
    return account


async def fill_profile(tx: Tx, account_id: UUID, name: str, email: str | None) -> None:
    """Completes a profile that lacks a name or an e-mail with what its owner gave at checkout; changes nothing else."""
    await rows.fill_profile(tx.conn, id=account_id, name=name, email=email)


async def change_phone(
    services: Services,
    account_id: UUID,
    session_id: UUID,
    step_up_token: str | None,
    phone: str,
    code: str,
    *,
    ip: str | None = None,
) -> Account:
    """Moves the account to a phone whose code the caller knows; other sign-ins end, the old phone is told.

    Raises StepUpNeeded, Invalid (the code), TooManyGuesses, TooManyWrong, PhoneTaken, Missing.
    """
    async with services.read() as conn:
        before = await get(conn, account_id)
    step_up.check(services, step_up_token, REALM, account_id, before.phone)
    after: Account | None = None
    async with services.transaction() as tx:
        verdict = await otp.guess(tx, phone, "step_up", code, ip)
        if verdict is otp.Verdict.RIGHT:
            try:
                async with tx.savepoint():
                    after = await rows.set_phone(tx.conn, id=account_id, phone=phone)
            except StorageError as error:
                if not is_unique(error):
                    raise
                after = None
            if after is not None:
                await services.sessions.revoke_all(tx, REALM, account_id, Ending.PHONE_CHANGED, but=session_id)
                if before.phone and before.phone != phone:
                    await messages.enqueue(tx, "sms", before.phone, "phone_changed", {}, account_id=account_id)
                    # What left for the old phone stays findable, and its codes have no use any more.
                    await erasure_rows.own_messages(tx.conn, account_id=account_id, recipient=before.phone)
                    await erasure_rows.own_letters(tx.conn, account_id=account_id, phone=before.phone)
                    await otp_rows.forget_phone(tx.conn, phone=before.phone)
    verdict.check_field()
    if after is None:
        raise PhoneTaken
    return after


async def set_blocked(tx: Tx, account_id: UUID, *, is_blocked: bool, reason: str | None = None) -> Account:
    """Blocks (every sign-in ends, R26) or frees an account. Raises Missing."""
    account = await rows.set_active(tx.conn, id=account_id, is_active=not is_blocked, reason=reason)
    if account is None:
        raise Missing("account")
    if is_blocked:
        await tx.services.sessions.revoke_all(tx, None, account_id, Ending.BLOCKED)
    return account


# ---------------------------------------------------------------- notifications


#: What customers and technicians are told, as lists.
LIST, TECHNICIAN_LIST = notification_rows.of_account, notification_rows.of_technician


async def page_notifications(conn: Conn, owner_id: UUID, wanted: Wanted, *, realm: str = REALM) -> Slice[Notification]:
    """What a customer or, with realm technician, a technician was told, newest first."""
    if realm == "technician":
        return await notification_rows.of_technician.page(conn, wanted, technician_id=owner_id)
    return await notification_rows.of_account.page(conn, wanted, account_id=owner_id)


async def latest_notifications(conn: Conn, account_id: UUID, limit: int) -> list[Notification]:
    return await notification_rows.of_account.first(conn, Wanted(limit=limit), account_id=account_id)


async def read_notification(tx: Tx, owner_id: UUID, notification_id: UUID) -> Notification:
    """Marks it read; repeating it changes nothing (C81). Raises Missing for somebody else's."""
    row = await notification_rows.mark_read(tx.conn, id=notification_id, owner_id=owner_id)
    if row is None:
        raise Missing("notification")
    return row
