"""Leaving and being forgotten: a copy of one's own data, and the erasure of what names a person. Money rows stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from dispatch.access import step_up
from dispatch.engine import facts, files, tasks
from dispatch.errors import Conflict, Missing
from dispatch.live.sessions import Ending
from dispatch.outbox import message_settings as preferences
from dispatch.parties import customers, members
from dispatch.reports.formats import amount_text
from dispatch.services import Services, Tx
from storage import accounts as account_rows
from storage import email_changes, message_settings, push_tokens
from storage import erasure as rows
from storage import ledger as ledger_rows
from storage import members as member_rows
from storage import otp as otp_rows
from storage import sessions as session_rows
from storage.database.pool import Conn

_EXPORT_MAX = 10_000


class BookingOpen(Conflict):
    """A booking is still open; cancel it or wait until it is done."""

    code = "booking_open"


class WalletHoldsMoney(Conflict):
    """The wallet still holds money; spend it, or ask us to pay it out, and erase your account then."""

    code = "wallet_holds_money"

    def __init__(self, held_minor: dict[str, int]) -> None:
        amounts = " and ".join(amount_text(minor, currency) for currency, minor in sorted(held_minor.items()))
        super().__init__(
            f"Your wallet still holds {amounts}; spend it, or ask us to pay it out, and erase your account then.",
            details={"held_minor": held_minor},
        )


async def erase(services: Services, account_id: UUID, step_up_token: str | None) -> None:
    """Wipes the person from account, addresses, bookings, letters, messages and stored answers; every sign-in ends.

    Bookings, payments and the ledger stay, with nobody's name on them; a refund that is under way still reaches the
    card it came from. Raises StepUpNeeded, BookingOpen, WalletHoldsMoney, Missing.
    """
    async with services.read() as conn:
        before = await customers.get(conn, account_id)
    step_up.check(services, step_up_token, customers.REALM, account_id, before.phone)
    async with services.transaction() as tx:
        await wipe(tx, account_id)
        # Last, when nothing of theirs can change any more; a refusal takes all of it back.
        accounts = await ledger_rows.accounts_of(tx.conn, owner_kind="account", owner_id=account_id)
        if held := {a.currency: a.balance_minor for a in accounts if a.type == "wallet" and a.balance_minor > 0}:
            raise WalletHoldsMoney(held)


async def wipe(tx: Tx, account_id: UUID) -> None:
    """The same for whoever has the right to ask for it by another way, whatever is in the wallet.

    Raises BookingOpen, Missing.
    """
    conn = tx.conn
    # Bookings are locked before the account, as everywhere; one that slips in is seen afterwards.
    await rows.lock_bookings(conn, account_id=account_id)
    account = await account_rows.lock(conn, id=account_id)
    if account is None:
        raise Missing("account")
    if await rows.open_bookings(conn, account_id=account_id):
        raise BookingOpen
    await tx.services.sessions.revoke_all(tx, None, account_id, Ending.ERASED)
    await session_rows.forget_places(conn, account_id=account_id)
    # Without a phone (an app's customer) the e-mail address is what somebody else wrote down: nothing is theirs by it.
    email = account.email if account.phone else None
    is_proved = bool(await rows.proves_email(conn, account_id=account_id))
    await rows.erase_letters(conn, account_id=account_id, phone=account.phone, email=email)
    await rows.erase_account(conn, account_id=account_id)
    await rows.erase_addresses(conn, account_id=account_id)
    await _forget_bookings(tx, [b.id for b in await rows.bookings_of(conn, account_id=account_id)])
    await rows.erase_notifications(conn, account_id=account_id)
    await message_settings.erase(conn, account_id=account_id)
    await push_tokens.erase(conn, account_id=account_id)
    await email_changes.erase(conn, account_id=account_id)
    await rows.erase_previews(conn, account_id=account_id)
    await rows.erase_payers(conn, account_id=account_id)
    await rows.erase_provider_customers(conn, account_id=account_id)
    await rows.erase_app_customer(conn, account_id=account_id)
    if (no := await rows.lock_erp_customer(conn, account_id=account_id)) is not None:
        await rows.erase_erp_customer(conn, no=no)
    await files.drop_all_of(tx, files.Owner("account", account_id))
    await rows.end_memberships(conn, account_id=account_id)
    known = await rows.members_of(conn, account_id=account_id)
    await member_rows.tell_no_more(conn, ids=[member.id for member in known])
    for member in await rows.erase_members(conn, account_id=account_id):
        # What waits for their word must not wait for ever.
        await tasks.enqueue(tx, members.LEFT, {"member_id": str(member.id)})
    await rows.erase_enrolments(conn, account_id=account_id)
    principals = [f"customer:{account_id}", f"/customer:{account_id}"]
    await rows.erase_answers(conn, principals=principals)
    await rows.erase_command_answers(conn, principals=principals)
    await rows.erase_outbox(
        conn, account_id=account_id, recipients=_recipients(account, is_proved), unproved=None if is_proved else email
    )
    if account.phone:
        await rows.erase_member_phones(conn, phone=account.phone)
        await otp_rows.forget_phone(conn, phone=account.phone)
    if is_proved and account.email:
        await otp_rows.forget_phone(conn, phone=account.email.lower())


async def forget_old_bookings(tx: Tx, most: int) -> int:
    """Takes names, doors and words from a part of the bookings that ended long ago. Returns how many those were."""
    found = await rows.bookings_before(tx.conn, days=tx.services.settings.privacy.bookings_days, most=most)
    await _forget_bookings(tx, [b.id for b in found])
    return len(found)


async def _forget_bookings(tx: Tx, booking_ids: list[UUID]) -> None:
    if not booking_ids:
        return
    for erase_part in (
        rows.erase_bookings, rows.erase_booking_events, rows.erase_answers_given, rows.erase_assignments,
        rows.erase_offers_told, rows.erase_gateway_payloads, rows.erase_order_words,
    ):  # fmt: skip
        await erase_part(tx.conn, booking_ids=booking_ids)


def _recipients(account: account_rows.Account, proves_email: bool) -> list[str]:
    """Where messages of nobody's account are theirs: not at an address that they have only written down."""
    reached = (account.phone, account.email if proves_email else None)
    return [f"customer:{account.id}", *(x for x in reached if x)]


async def export(conn: Conn, account_id: UUID) -> dict[str, Any]:
    """Everything that is kept about a customer and is theirs to have, as plain values. Raises Missing."""
    account = await customers.get(conn, account_id)
    notifications = await customers.latest_notifications(conn, account_id, _EXPORT_MAX)
    sessions = await session_rows.of_subject(conn, realm=customers.REALM, subject_id=account_id)
    mine = {"account_id": account_id, "limit": _EXPORT_MAX}
    timelines: dict[UUID, list[dict[str, Any]]] = {}
    for event in await rows.export_events(conn, **mine):
        told = facts.view(event.type, "customer", event.data, actor_kind=event.actor_kind)
        timelines.setdefault(event.booking_id, []).append(
            {"seq": event.seq, "action": event.type, "by": event.actor_kind, "at": event.at, "data": told}
        )
    letters = await rows.export_letters(conn, account_id=account_id, phone=account.phone)
    is_proved = bool(await rows.proves_email(conn, account_id=account_id))
    messages = await rows.export_messages(conn, recipients=_recipients(account, is_proved), **mine)
    return {
        "account": asdict(account),
        "addresses": [asdict(row) for row in await rows.export_addresses(conn, account_id=account_id)],
        "bookings": [
            {**asdict(row), "timeline": timelines.get(row.id, [])} for row in await rows.export_bookings(conn, **mine)
        ],
        "payments": [asdict(row) for row in await rows.export_payments(conn, **mine)],
        "refunds": [asdict(row) for row in await rows.export_refunds(conn, **mine)],
        "wallet": [asdict(row) for row in await rows.export_wallet(conn, **mine)],
        "notifications": [asdict(row) for row in notifications],
        "messages": [asdict(row) for row in messages],
        "contact_submissions": [asdict(row) for row in letters],
        "sessions": [asdict(row) for row in sessions],
        "message_settings": asdict(await preferences.get(conn, account_id=account_id)),
        "apps": [asdict(row) for row in await push_tokens.of_account(conn, account_id=account_id)],
    }
