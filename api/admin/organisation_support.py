"""Support of organisations: tickets, whom they may ask, what they can learn from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, Moment, View
from api.wire.results import Message, Page, Reply
from dispatch.parties import support, tickets
from dispatch.parties.support import ContactIn, TrainingIn
from dispatch.services import Services
from storage.support import Contact, Training
from storage.tickets import Reply as ReplyRow
from storage.tickets import Ticket

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
TicketStatus = Literal["open", "in_progress", "waiting", "resolved", "closed"]
TICKETS = Grammar(
    key="tickets", source=tickets.EVERYBODYS,
    filters={
        "status": TicketStatus, "priority": Literal["low", "medium", "high", "urgent"],
        "category": Literal["billing", "technical", "account", "service", "feature_request", "other"],
        "organisation": UUID, "assigned_to": UUID, **DAYS,
    },
)  # fmt: skip
TAGS = ("organisations",)


class AnswerIn(Body):
    message: Words
    attachments: Annotated[list[Line], Field(max_length=20)] = []
    #: How the ticket stands after the answer.
    status: Literal["in_progress", "waiting", "resolved", "closed"] = "waiting"


class TicketChange(Body):
    status: TicketStatus | None = None
    assigned_to: UUID | None = None


class CardBody(Body):
    kind: Literal["account_manager", "technical", "emergency"]
    account_id: UUID | None = None
    title: Line | None = None
    email: EmailStr | None = None
    phone: Line | None = None
    mobile_phone: Line | None = None
    hours: Line | None = None
    languages: Annotated[list[Line], Field(max_length=20)] = []
    note: Line | None = None


class TrainingBody(Body):
    type: Literal["video", "document", "webinar", "live"]
    title: Line
    url: Line | None = None
    register_url: Line | None = None
    duration_minutes: Annotated[int, Field(ge=1, le=10_000)] | None = None
    pages: Annotated[int, Field(ge=1, le=100_000)] | None = None
    scheduled_at: Moment | None = None
    seats: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    is_active: bool = True


class SaidOut(View):
    id: UUID
    is_staff: bool
    author: str | None
    message: str
    attachments: list[str]
    created_at: datetime


class TicketOut(View):
    id: UUID
    ticket_number: str
    organisation_id: UUID
    organisation_name: str
    subject: str
    category: str
    priority: str
    urgency: str | None
    description: str
    attachments: list[str]
    affected_users: list[UUID]
    booking_id: UUID | None
    status: str
    assigned_to: UUID | None
    assigned_name: str | None
    opened_by: str | None
    due_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    created_at: datetime


class WholeTicketOut(TicketOut):
    replies: list[SaidOut]


class CardOut(View):
    id: UUID
    kind: str
    account_id: UUID | None
    title: str | None
    email: str | None
    phone: str | None
    mobile_phone: str | None
    hours: str | None
    languages: list[str]
    note: str | None


class TrainingOut(View):
    id: UUID
    type: str
    title: str
    url: str | None
    register_url: str | None
    duration_minutes: int | None
    pages: int | None
    scheduled_at: datetime | None
    seats: int | None
    is_active: bool
    created_at: datetime


class MadeOut(View):
    id: UUID


@admin.route("GET", "/organisations/tickets", permission="organisations:read", listing=TICKETS, tags=TAGS)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[TicketOut]:
    """Every organisation's tickets, the newest first; `sort=due` begins with what was promised first."""
    async with services.read() as conn:
        found = await tickets.page_of_all(conn, listing.wanted, services.settings.timezone)
    return Page.of(found, ticket_out)


@admin.route("GET", "/organisations/tickets/{id}", permission="organisations:read", tags=TAGS)
async def get(services: Services, caller: Admin, id: UUID) -> WholeTicketOut:
    """One ticket and all that was said."""
    async with services.read() as conn:
        found, replies = await tickets.get(conn, None, id)
    return whole_out(found, replies)


@admin.route(
    "POST",
    "/organisations/tickets/{id}/replies",
    idempotency="optional",
    status=201,
    permission="contact:write",
    tags=TAGS,
)
async def answer(services: Services, caller: Admin, id: UUID, body: AnswerIn) -> Reply[WholeTicketOut]:
    """Answer; whoever opened the ticket is written to.

    Example: {"message": "We look into it.", "status": "waiting"}
    """
    async with services.transaction() as tx:
        await tickets.answer(tx, caller.actor, id, body.message, body.attachments, body.status)
    return Reply(await get(services, caller, id), message="The answer was sent.")


@admin.route("PATCH", "/organisations/tickets/{id}", permission="contact:write", tags=TAGS)
async def settle(services: Services, caller: Admin, id: UUID, body: TicketChange) -> WholeTicketOut:
    """Move a ticket on, or give it to somebody of the staff.

    Example: {"status": "in_progress"}
    """
    async with services.transaction() as tx:
        await tickets.settle(tx, caller.actor, id, status=body.status, assigned_to=body.assigned_to)
    return await get(services, caller, id)


@admin.route("GET", "/organisations/contacts", permission="organisations:read", tags=TAGS)
async def contacts(services: Services, caller: Admin) -> list[CardOut]:
    """Whom organisations may ask: cards of account managers, the technical support, the emergency line."""
    async with services.read() as conn:
        return [card_out(c) for c in await support.all_contacts(conn)]


@admin.route("PUT", "/organisations/contacts", permission="organisations:write", tags=TAGS)
async def put_contact(services: Services, caller: Admin, body: CardBody) -> MadeOut:
    """Put a card in place of the one that was there.

    Example: {"kind": "technical", "email": "partners-support@example.com", "hours": "24/7"}
    """
    new = ContactIn(
        body.kind, body.account_id, body.title, body.email, body.phone, body.mobile_phone, body.hours,
        tuple(body.languages), body.note,
    )  # fmt: skip
    async with services.transaction() as tx:
        return MadeOut(id=await support.put_contact(tx, caller.actor, new))


@admin.route("DELETE", "/organisations/contacts/{id}", permission="organisations:write", tags=TAGS)
async def drop_contact(services: Services, caller: Admin, id: UUID) -> Message:
    """Take a card away."""
    async with services.transaction() as tx:
        await support.drop_contact(tx, caller.actor, id)
    return Message("The contact is gone.")


@admin.route("GET", "/organisations/training", permission="organisations:read", tags=TAGS)
async def trainings(services: Services, caller: Admin) -> list[TrainingOut]:
    """All that organisations can learn from, also what is over or hidden."""
    async with services.read() as conn:
        return [training_out(t) for t in await support.all_training(conn)]


@admin.route(
    "POST", "/organisations/training", idempotency="optional", status=201, permission="organisations:write", tags=TAGS
)
async def add_training(services: Services, caller: Admin, body: TrainingBody) -> MadeOut:
    """Add something to learn from.

    Example: {"type": "video", "title": "Portal Overview", "url": "https://example.com/v", "duration_minutes": 15}
    """
    async with services.transaction() as tx:
        return MadeOut(id=await support.add_training(tx, caller.actor, _training(body)))


@admin.route("PUT", "/organisations/training/{id}", permission="organisations:write", tags=TAGS)
async def change_training(services: Services, caller: Admin, id: UUID, body: TrainingBody) -> Message:
    """Put this in its place, or hide it.

    Example: {"type": "video", "title": "Portal Overview", "is_active": false}
    """
    async with services.transaction() as tx:
        await support.change_training(tx, caller.actor, id, _training(body), body.is_active)
    return Message("The training was changed.")


@admin.route("DELETE", "/organisations/training/{id}", permission="organisations:write", tags=TAGS)
async def drop_training(services: Services, caller: Admin, id: UUID) -> Message:
    """Take it away."""
    async with services.transaction() as tx:
        await support.drop_training(tx, caller.actor, id)
    return Message("The training is gone.")


def _training(b: TrainingBody) -> TrainingIn:
    return TrainingIn(b.type, b.title, b.url, b.register_url, b.duration_minutes, b.pages, b.scheduled_at, b.seats)


def ticket_out(t: Ticket) -> TicketOut:
    return TicketOut(
        id=t.id, ticket_number=t.number, organisation_id=t.organisation_id, organisation_name=t.organisation_name,
        subject=t.subject, category=t.category, priority=t.priority, urgency=t.urgency, description=t.description,
        attachments=t.attachments, affected_users=t.affected, booking_id=t.booking_id, status=t.status,
        assigned_to=t.assigned_to, assigned_name=t.assigned_name, opened_by=t.opened_by_name, due_at=t.due_at,
        answered_at=t.answered_at, resolved_at=t.resolved_at, created_at=t.created_at,
    )  # fmt: skip


def whole_out(t: Ticket, replies: list[ReplyRow]) -> WholeTicketOut:
    said = [
        SaidOut(
            id=r.id, is_staff=r.is_staff, author=r.author_name, message=r.message, attachments=r.attachments,
            created_at=r.created_at,
        )
        for r in replies
    ]  # fmt: skip
    return WholeTicketOut(**ticket_out(t).model_dump(), replies=said)


def card_out(c: Contact) -> CardOut:
    return CardOut(
        id=c.id, kind=c.kind, account_id=c.account_id, title=c.title, email=c.email, phone=c.phone,
        mobile_phone=c.mobile_phone, hours=c.hours, languages=c.languages, note=c.note,
    )  # fmt: skip


def training_out(t: Training) -> TrainingOut:
    return TrainingOut(
        id=t.id, type=t.type, title=t.title, url=t.url, register_url=t.register_url,
        duration_minutes=t.duration_minutes, pages=t.pages, scheduled_at=t.scheduled_at, seats=t.seats,
        is_active=t.is_active, created_at=t.created_at,
    )  # fmt: skip
