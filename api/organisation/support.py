"""Support: whom to ask, tickets, and what to learn from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import Name, Url, Word, Words, by_of, organisation_of
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelBody, CamelView
from api.wire.results import Page, Reply
from dispatch.localtime import local
from dispatch.parties import organisations, support, tickets
from dispatch.parties.tickets import ANSWER_HOURS, TicketIn
from dispatch.services import Services
from storage.support import Contact, Training
from storage.tickets import Reply as ReplyRow
from storage.tickets import Ticket

Category = Literal["billing", "technical", "account", "service", "feature_request", "other"]
Priority = Literal["low", "medium", "high", "urgent"]
TicketStatus = Literal["open", "in_progress", "waiting", "resolved", "closed"]
TICKETS = Grammar(
    key="tickets", source=tickets.LIST,
    filters={"status": TicketStatus, "category": Category, "priority": Priority, **DAYS},
    aliases={"startDate": "date_from", "endDate": "date_to"},
)  # fmt: skip
TAGS = ("support",)
Attachments = Annotated[list[Url], Field(max_length=20)]


class TicketBody(CamelBody):
    subject: Name
    category: Category
    description: Annotated[str, Field(min_length=1, max_length=10_000)]
    priority: Priority = "medium"
    urgency: Word | None = None
    attachments: Attachments = []
    affected_users: Annotated[list[UUID], Field(max_length=200)] = []
    #: What a complaint about a service is about.
    booking_id: UUID | None = None


class ReplyBody(CamelBody):
    message: Words
    attachments: Attachments = []


class AssigneeOut(CamelView):
    name: str | None
    email: str | None


class TicketReplyOut(CamelView):
    id: UUID
    from_support: bool
    author: str | None
    message: str
    attachments: list[str]
    created_at: datetime


class TicketOut(CamelView):
    """Until `dueAt` a first answer is promised."""

    id: UUID
    ticket_number: str
    subject: str
    category: str
    priority: str
    urgency: str | None
    description: str
    attachments: list[str]
    affected_users: list[UUID]
    booking_id: UUID | None
    status: str
    assigned_to: AssigneeOut | None
    opened_by: str | None
    expected_response: str
    due_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    created_at: datetime


class WholeTicketOut(TicketOut):
    replies: list[TicketReplyOut]


class OneTicketOut(CamelView):
    ticket: WholeTicketOut


class ManagerCardOut(CamelView):
    name: str | None
    title: str | None
    email: str | None
    phone: str | None
    mobile_phone: str | None
    availability: str | None
    languages: list[str]


class TechnicalOut(CamelView):
    email: str | None
    phone: str | None
    hours: str | None


class EmergencyOut(CamelView):
    phone: str | None
    email: str | None
    note: str | None


class ContactsOut(CamelView):
    """What nobody has filled in is null."""

    account_manager: ManagerCardOut | None
    technical_support: TechnicalOut | None
    emergency: EmergencyOut | None


class ResourceOut(CamelView):
    type: str
    title: str
    duration: str | None
    pages: int | None
    url: str | None
    scheduled: datetime | None
    register_url: str | None


class UpcomingOut(CamelView):
    title: str
    date: date
    duration: str | None
    type: str
    seats: str | None


class TrainingOut(CamelView):
    resources: list[ResourceOut]
    upcoming_training: list[UpcomingOut]


@organisation.route("GET", "/support/contact", permission="support:read", tags=TAGS)
async def get_contact(services: Services, caller: Member) -> ContactsOut:
    """Our account manager, the technical support and the emergency line."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        manager = await organisations.manager_of(conn, home)
        cards = await support.contacts(conn, home.account_manager_id)
    card, technical, emergency = (cards.get(kind) for kind in ("account_manager", "technical", "emergency"))
    return ContactsOut(
        account_manager=manager and ManagerCardOut(
            name=manager.name, title=card.title if card else None, email=_of(card, "email") or manager.email,
            phone=_of(card, "phone") or manager.phone, mobile_phone=card.mobile_phone if card else None,
            availability=card.hours if card else None, languages=card.languages if card else [],
        ),
        technical_support=technical and TechnicalOut(
            email=technical.email, phone=technical.phone, hours=technical.hours
        ),
        emergency=emergency and EmergencyOut(phone=emergency.phone, email=emergency.email, note=emergency.note),
    )  # fmt: skip


@organisation.route(
    "POST", "/support/tickets", idempotency="optional", status=201, permission="support:write", tags=TAGS
)
async def open_ticket(services: Services, caller: Member, body: TicketBody) -> Reply[OneTicketOut]:
    """Ask for help, or complain about a service that was booked (`bookingId`).

    Example: {"subject": "Billing discrepancy", "category": "billing", "description": "Wrong charges"}
    """
    new = TicketIn(
        body.subject, body.category, body.description, body.priority, body.urgency, body.attachments,
        body.affected_users, body.booking_id,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await tickets.open(tx, by_of(caller), new)
    return Reply(OneTicketOut(ticket=whole_out(made, [])), message="Support ticket created")


@organisation.route("GET", "/support/tickets", permission="support:read", listing=TICKETS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[TicketOut]:
    """Our tickets, the newest first; a manager sees those that their department opened."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        found = await tickets.page(conn, by_of(caller), listing.wanted, organisations.timezone_of(home))
    return Page.of(found, ticket_out)


@organisation.route("GET", "/support/tickets/{id}", permission="support:read", tags=TAGS)
async def get_ticket(services: Services, caller: Member, id: UUID) -> OneTicketOut:
    """One ticket and all that was said."""
    async with services.read() as conn:
        found, replies = await tickets.get(conn, by_of(caller), id)
    return OneTicketOut(ticket=whole_out(found, replies))


@organisation.route(
    "POST", "/support/tickets/{id}/replies", idempotency="optional", status=201, permission="support:write", tags=TAGS
)
async def reply(services: Services, caller: Member, id: UUID, body: ReplyBody) -> Reply[OneTicketOut]:
    """Say more; a ticket that was resolved is open again.

    Example: {"message": "It happened again."}
    """
    async with services.transaction() as tx:
        await tickets.reply(tx, by_of(caller), id, body.message, body.attachments)
    return Reply(await get_ticket(services, caller, id), message="Reply sent")


@organisation.route("POST", "/support/tickets/{id}/close", permission="support:write", tags=TAGS)
async def close(services: Services, caller: Member, id: UUID) -> Reply[OneTicketOut]:
    """We need nothing more."""
    async with services.transaction() as tx:
        await tickets.close(tx, by_of(caller), id)
    return Reply(await get_ticket(services, caller, id), message="Ticket closed")


@organisation.route("GET", "/support/training", permission="support:read", tags=TAGS)
async def training(services: Services, caller: Member) -> TrainingOut:
    """What there is to learn from, and what is held soon."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        found = await support.training(conn)
    timezone = organisations.timezone_of(home)
    return TrainingOut(
        resources=[_resource(t) for t in found if t.type != "live"],
        upcoming_training=[_upcoming(t, timezone) for t in found if t.scheduled_at is not None],
    )


def ticket_out(t: Ticket) -> TicketOut:
    hours = ANSWER_HOURS[t.priority]
    return TicketOut(
        id=t.id, ticket_number=t.number, subject=t.subject, category=t.category, priority=t.priority,
        urgency=t.urgency, description=t.description, attachments=t.attachments, affected_users=t.affected,
        booking_id=t.booking_id, status=t.status,
        assigned_to=AssigneeOut(name=t.assigned_name, email=t.assigned_email) if t.assigned_to else None,
        opened_by=t.opened_by_name, expected_response=f"Within {hours} hour{'' if hours == 1 else 's'}",
        due_at=t.due_at, answered_at=t.answered_at, resolved_at=t.resolved_at, created_at=t.created_at,
    )  # fmt: skip


def whole_out(t: Ticket, replies: list[ReplyRow]) -> WholeTicketOut:
    said = [
        TicketReplyOut(
            id=r.id, from_support=r.is_staff, author=r.author_name, message=r.message, attachments=r.attachments,
            created_at=r.created_at,
        )
        for r in replies
    ]  # fmt: skip
    return WholeTicketOut(**ticket_out(t).model_dump(by_alias=False), replies=said)


def _of(card: Contact | None, name: str) -> str | None:
    return getattr(card, name) if card else None


def _length(minutes: int | None) -> str | None:
    if minutes is None:
        return None
    if minutes % 60:
        return f"{minutes} minutes"
    return f"{minutes // 60} hour{'' if minutes == 60 else 's'}"


def _resource(t: Training) -> ResourceOut:
    return ResourceOut(
        type=t.type, title=t.title, duration=_length(t.duration_minutes), pages=t.pages, url=t.url,
        scheduled=t.scheduled_at, register_url=t.register_url,
    )  # fmt: skip


def _upcoming(t: Training, timezone: str) -> UpcomingOut:
    assert t.scheduled_at is not None
    return UpcomingOut(
        title=t.title, date=local(t.scheduled_at, timezone).date(), duration=_length(t.duration_minutes), type=t.type,
        seats=None if t.seats is None else f"{t.seats} available",
    )  # fmt: skip
