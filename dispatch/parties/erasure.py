"""Leaving: a copy of one's own data, and the erasure of what names a person. The money rows stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from dispatch.access import step_up
from dispatch.errors import Conflict, Missing
from dispatch.parties import customers
from dispatch.services import Services
from storage import accounts as account_rows
from storage import erasure as rows
from storage import otp as otp_rows
from storage import sessions as session_rows
from storage.database.pool import Conn

_EXPORT_MAX = 10_000


class BookingOpen(Conflict):
    """A booking is still open; cancel it or wait until it is done."""

    code = "booking_open"


async def erase(services: Services, account_id: UUID, step_up_token: str | None) -> None:
    """Wipes the person from account, addresses, bookings, messages and stored answers; every sign-in ends.

    Bookings, payments and the ledger stay, with nobody's name on them. Raises StepUpNeeded, BookingOpen,
    Missing.
    """
    async with services.read() as conn:
        before = await customers.get(conn, account_id)
    step_up.check(services, step_up_token, customers.REALM, account_id, before.phone)
    async with services.transaction() as tx:
        conn = tx.conn
        # Bookings are locked before the account, as everywhere; one that slips in is seen afterwards.
        await rows.lock_bookings(conn, account_id=account_id)
        account = await account_rows.lock(conn, id=account_id)
        if account is None:
            raise Missing("account")
        if await rows.open_bookings(conn, account_id=account_id):
            raise BookingOpen
        await services.sessions.revoke_all(tx, None, account_id, "account erased")
        await session_rows.forget_places(conn, realm=customers.REALM, subject_id=account_id)
        await rows.erase_account(conn, account_id=account_id)
        await rows.erase_addresses(conn, account_id=account_id)
        await rows.erase_bookings(conn, account_id=account_id)
        await rows.erase_booking_events(conn, account_id=account_id)
        await rows.erase_offers_told(conn, account_id=account_id)
        await rows.erase_gateway_payloads(conn, account_id=account_id)
        await rows.erase_notifications(conn, account_id=account_id)
        await rows.erase_contact_submissions(conn, account_id=account_id)
        await rows.erase_previews(conn, account_id=account_id)
        await rows.end_memberships(conn, account_id=account_id)
        principals = [f"customer:{account_id}", f"/customer:{account_id}"]
        await rows.erase_answers(conn, principals=principals)
        await rows.erase_command_answers(conn, principals=principals)
        recipients = [f"customer:{account_id}", *(x for x in (account.phone, account.email) if x)]
        await rows.erase_outbox(conn, recipients=recipients)
        if account.phone:
            await otp_rows.forget_phone(conn, phone=account.phone)


async def export(conn: Conn, account_id: UUID) -> dict[str, Any]:
    """Everything that is kept about a customer and is theirs to have, as plain values. Raises Missing."""
    account = await customers.get(conn, account_id)
    notifications = await customers.latest_notifications(conn, account_id, _EXPORT_MAX)
    bookings = await rows.export_bookings(conn, account_id=account_id, limit=_EXPORT_MAX)
    submissions = await rows.export_contact_submissions(conn, account_id=account_id)
    sessions = await session_rows.of_subject(conn, realm=customers.REALM, subject_id=account_id)
    return {
        "account": asdict(account),
        "addresses": [asdict(row) for row in await rows.export_addresses(conn, account_id=account_id)],
        "bookings": [asdict(row) for row in bookings],
        "notifications": [asdict(row) for row in notifications],
        "contact_submissions": [asdict(row) for row in submissions],
        "sessions": [asdict(row) for row in sessions],
    }
