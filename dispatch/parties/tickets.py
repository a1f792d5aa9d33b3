"""Support tickets of organisations: opened, answered within what is promised, resolved (R139)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dispatch import numbers
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.outbox import messages
from dispatch.parties import organisations
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import members as member_rows
from storage import tickets as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.tickets import Reply, Ticket

LIST, EVERYBODYS = rows.of_organisation, rows.everybodys
#: Within so many hours a first answer is promised, by priority.
ANSWER_HOURS: Mapping[str, int] = {"urgent": 1, "high": 2, "medium": 8, "low": 24}


class TicketClosed(Conflict):
    """This ticket is closed: open another one."""

    code = "ticket_closed"


@dataclass(frozen=True, slots=True)
class TicketIn:
    """`attachments` are addresses: of files that were sent here, or of others elsewhere, which nobody fetches."""

    subject: str
    category: str
    description: str
    priority: str = "medium"
    urgency: str | None = None
    attachments: Sequence[str] = ()
    affected: Sequence[UUID] = ()
    booking_id: UUID | None = None


async def open(tx: Tx, by: By, new: TicketIn) -> Ticket:
    """Opens a ticket with the account manager. Raises Missing (a user or a booking that is not the organisation's)."""
    home = await organisations.get(tx.conn, by.organisation_id)
    people = list(dict.fromkeys(new.affected))
    if people and await member_rows.known(tx.conn, organisation_id=home.id, ids=people) != len(people):
        raise Missing("user")
    if new.booking_id is not None and not await rows.is_ours(
        tx.conn, booking_id=new.booking_id, organisation_id=home.id
    ):
        raise Missing("booking")
    manager = await organisations.manager_of(tx.conn, home)
    number = await numbers.take(tx.conn, "TKT", tx.now.date())
    ticket_id = await rows.insert(
        tx.conn, number=number, organisation_id=home.id, opened_by=by.member_id, subject=new.subject,
        category=new.category, priority=new.priority, urgency=new.urgency, description=new.description,
        attachments=list(new.attachments), affected=people, booking_id=new.booking_id,
        assigned_to=manager.id if manager else None, hours=ANSWER_HOURS[new.priority],
    )  # fmt: skip
    if manager is not None and manager.email:
        await messages.enqueue(
            tx, "email", manager.email, "ticket_opened",
            {"number": number, "organisation": home.name, "subject": new.subject, "priority": new.priority},
            account_id=manager.id,
        )  # fmt: skip
    found = await rows.get(tx.conn, id=ticket_id)
    assert found is not None, "it was just made"
    return found


async def get(conn: Conn, by: By | None, ticket_id: UUID) -> tuple[Ticket, list[Reply]]:
    """A ticket and what was said; `by` None: staff. Raises Missing, also for what is out of reach."""
    found = _reached(by, await rows.get(conn, id=ticket_id))
    return found, await rows.replies(conn, ticket_id=ticket_id)


async def page(conn: Conn, by: By, wanted: Wanted, timezone: str) -> Slice[Ticket]:
    return await LIST.page(conn, wanted, organisation_id=by.organisation_id, within=by.within, timezone=timezone)


async def page_of_all(conn: Conn, wanted: Wanted, timezone: str) -> Slice[Ticket]:
    return await EVERYBODYS.page(conn, wanted, timezone=timezone)


async def reply(tx: Tx, by: By, ticket_id: UUID, text: str, attachments: Sequence[str]) -> None:
    """The organisation says more; what had been resolved is open again. Raises Missing, TicketClosed."""
    found = await _lock(tx, by, ticket_id)
    me = await member_rows.get(tx.conn, id=by.member_id, organisation_id=by.organisation_id) if by.member_id else None
    name = f"{me.first_name} {me.last_name}".strip() if me else None
    await rows.reply(
        tx.conn, ticket_id=ticket_id, is_staff=False, author=f"organisation:{by.actor.id}", author_name=name,
        message=text, attachments=list(attachments),
    )  # fmt: skip
    await rows.set_status(tx.conn, id=ticket_id, status="open" if found.status == "resolved" else found.status)
    address = found.assigned_email
    if address is None:
        # Whoever had it has left, or nobody did: it is for who looks after the organisation by now.
        manager = await organisations.manager_of(tx.conn, await organisations.get(tx.conn, found.organisation_id))
        address = manager.email if manager else None
    if address:
        await messages.enqueue(tx, "email", address, "ticket_reply", _told(found, text))


async def close(tx: Tx, by: By, ticket_id: UUID) -> None:
    """The organisation needs nothing more. Raises Missing, TicketClosed."""
    await _lock(tx, by, ticket_id)
    await rows.set_status(tx.conn, id=ticket_id, status="closed")


async def answer(
    tx: Tx, actor: Actor, ticket_id: UUID, text: str, attachments: Sequence[str] = (), status: str = "waiting"
) -> None:
    """Staff answer, and whoever opened it is written to; where that is nobody, or they are gone, their organisation.

    Raises Missing, TicketClosed.
    """
    found = await _lock(tx, None, ticket_id)
    account = await account_rows.get(tx.conn, id=UUID(actor.id)) if actor.id else None
    await rows.reply(
        tx.conn, ticket_id=ticket_id, is_staff=True, author=f"admin:{actor.id}",
        author_name=account.name or account.email if account else None, message=text, attachments=list(attachments),
    )  # fmt: skip
    await rows.answered(tx.conn, id=ticket_id)
    await rows.set_status(tx.conn, id=ticket_id, status=status)
    await audit.record(
        tx, actor, "ticket.answer", "ticket", ticket_id, {"status": {"old": found.status, "new": status}}
    )
    opener = found.opened_by and await member_rows.get(
        tx.conn, id=found.opened_by, organisation_id=found.organisation_id
    )
    if opener and opener.email:
        await messages.enqueue(
            tx, "email", opener.email, "ticket_reply", _told(found, text), account_id=opener.account_id
        )
    else:
        home = await organisations.get(tx.conn, found.organisation_id)
        await messages.enqueue(tx, "email", organisations.reached_at(home), "ticket_reply", _told(found, text))


async def settle(tx: Tx, actor: Actor, ticket_id: UUID, *, status: str | None, assigned_to: UUID | None) -> None:
    """Staff move a ticket on or give it to somebody of theirs. Raises Missing."""
    found = await rows.lock(tx.conn, id=ticket_id)
    if found is None:
        raise Missing("ticket")
    changes: dict[str, object] = {}
    if status is not None:
        await rows.set_status(tx.conn, id=ticket_id, status=status)
        changes["status"] = {"old": found.status, "new": status}
    if assigned_to is not None:
        await organisations.require_staff(tx.conn, assigned_to)
        await rows.assign(tx.conn, id=ticket_id, account_id=assigned_to)
        changes["assigned_to"] = {"old": str(found.assigned_to), "new": str(assigned_to)}
    await audit.record(tx, actor, "ticket.change", "ticket", ticket_id, changes)


def _reached(by: By | None, found: Ticket | None) -> Ticket:
    """Staff reach every ticket, an organisation its own, and whoever is bound to a department those opened in it."""
    if (
        found is None
        or by is not None
        and (by.organisation_id != found.organisation_id or by.within not in (None, found.opened_within))
    ):
        raise Missing("ticket")
    return found


async def _lock(tx: Tx, by: By | None, ticket_id: UUID) -> Ticket:
    found = _reached(by, await rows.lock(tx.conn, id=ticket_id))
    if found.status == "closed":
        raise TicketClosed
    return found


def _told(ticket: Ticket, text: str) -> dict[str, str]:
    return {"number": ticket.number, "subject": ticket.subject, "message": text[:1000]}
