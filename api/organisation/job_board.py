"""The job board of a school."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.audiences import Member, organisation
from api.organisation.bookings import ReasonIn
from api.organisation.fields import Name, Phone, Word, Words, by_of, phone_of, whole_organisation
from api.wire.listing import Grammar, Listing
from api.wire.models import BookingTime, CamelBody, CamelView, Day
from api.wire.results import Message, Page, Reply
from dispatch.engine.presence import Shift
from dispatch.parties import job_board
from dispatch.parties.job_board import NewPosting
from dispatch.services import Services
from storage.job_applications import Application
from storage.job_postings import Posting

PATH, TAGS = "/job-board", ("job board",)
POSTINGS = Grammar(key="postings", source=job_board.POSTINGS, filters={"status": Literal["open", "closed"]})
APPLICATIONS = Grammar(
    key="applications", source=job_board.APPLICATIONS,
    filters={"status": Literal["applied", "accepted", "rejected", "withdrawn"]},
)  # fmt: skip


class WorkHoursIn(CamelBody):
    """ISO days, Monday is 1, and clock faces of the place."""

    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)] = [1, 2, 3, 4, 5, 6, 7]
    start: BookingTime = time(9)
    end: BookingTime = time(18)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("the end must be later than the start")
        return self

    def shift(self) -> Shift:
        return Shift(self.days, minutes_of(self.start), minutes_of(self.end))


class PostingBody(CamelBody):
    """`categories` and `tiers` are what whoever is accepted will do, in the catalogue's words."""

    title: Name
    description: Words
    categories: Annotated[list[Word], Field(min_length=1, max_length=20)]
    tiers: Annotated[list[Word], Field(min_length=1, max_length=10)]
    working_hours: WorkHoursIn = WorkHoursIn()
    openings: Annotated[int, Field(ge=1, le=1000)] = 1
    closes_on: Day | None = None


class ApplicationBody(CamelBody):
    """`phoneNumber` is what whoever is accepted signs in with as a technician."""

    phone_number: Phone
    message: Words | None = None


class WorkHoursOut(CamelView):
    days: list[int]
    start: str
    end: str


class PostingOut(CamelView):
    id: UUID
    title: str
    description: str
    categories: list[str]
    tiers: list[str]
    working_hours: WorkHoursOut
    openings: int
    accepted: int
    applications: int
    closes_on: date | None
    status: str
    created_at: datetime


class OnePostingOut(CamelView):
    posting: PostingOut


class ApplicationOut(CamelView):
    """`isMember`: the applicant is an active member still; nobody else can be accepted."""

    id: UUID
    posting: UUID
    title: str
    user: UUID
    name: str
    is_member: bool
    phone_number: str
    message: str | None
    status: str
    note: str | None
    technician: UUID | None
    decided_at: datetime | None
    created_at: datetime


class OneApplicationOut(CamelView):
    application: ApplicationOut


class OwnOut(CamelView):
    applications: list[ApplicationOut]


@organisation.route("POST", PATH, idempotency="optional", status=201, permission="jobs:write", tags=TAGS)
async def post(services: Services, caller: Member, body: PostingBody) -> Reply[OnePostingOut]:
    """Post work for our students; for schools.

    Example: {"title": "Room cleaning", "description": "Weekends", "categories": ["Cleaning"], "tiers": ["Minimal"]}
    """
    whole_organisation(caller)
    new = NewPosting(
        body.title, body.description, body.categories, body.tiers, body.working_hours.shift(), body.openings,
        body.closes_on,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await job_board.post(tx, by_of(caller), new)
    return Reply(OnePostingOut(posting=posting_out(made)), message="Job posted")


@organisation.route("GET", PATH, permission="jobs:read", listing=POSTINGS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[PostingOut]:
    """What is posted, the newest first."""
    async with services.read() as conn:
        return Page.of(await job_board.page(conn, by_of(caller), listing.wanted), posting_out)


@organisation.route("GET", f"{PATH}/{{id}}", permission="jobs:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OnePostingOut:
    """One posting."""
    async with services.read() as conn:
        return OnePostingOut(posting=posting_out(await job_board.get(conn, by_of(caller), id)))


@organisation.route("POST", f"{PATH}/{{id}}/close", permission="jobs:write", tags=TAGS)
async def close(services: Services, caller: Member, id: UUID) -> Reply[OnePostingOut]:
    """Take no more applications; those that are there can still be decided."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        found = await job_board.close(tx, by_of(caller), id)
    return Reply(OnePostingOut(posting=posting_out(found)), message="Posting closed")


@organisation.route(
    "POST", f"{PATH}/{{id}}/applications", idempotency="optional", status=201, permission="jobs:read", tags=TAGS
)
async def apply(services: Services, caller: Member, id: UUID, body: ApplicationBody) -> Reply[OneApplicationOut]:
    """Apply for a posting, for oneself.

    Example: {"phoneNumber": "+919812345678", "message": "I can come on Saturdays"}
    """
    phone = phone_of(services, body.phone_number, "phoneNumber") or ""
    async with services.transaction() as tx:
        made = await job_board.apply(tx, by_of(caller), id, phone, body.message)
    return Reply(OneApplicationOut(application=application_out(made)), message="Application received")


@organisation.route("GET", f"{PATH}/{{id}}/applications", permission="jobs:write", listing=APPLICATIONS, tags=TAGS)
async def applications(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[ApplicationOut]:
    """Who has applied for a posting."""
    async with services.read() as conn:
        return Page.of(await job_board.applications(conn, by_of(caller), id, listing.wanted), application_out)


@organisation.route("GET", f"{PATH}/applications/own", permission="jobs:read", tags=TAGS)
async def own(services: Services, caller: Member) -> OwnOut:
    """What I have applied for, and what became of it."""
    async with services.read() as conn:
        found = await job_board.own(conn, by_of(caller))
    return OwnOut(applications=[application_out(one) for one in found])


@organisation.route("POST", f"{PATH}/applications/{{id}}/withdraw", permission="jobs:read", tags=TAGS)
async def withdraw(services: Services, caller: Member, id: UUID) -> Message:
    """Take my application back."""
    async with services.transaction() as tx:
        await job_board.withdraw(tx, by_of(caller), id)
    return Message("Application withdrawn")


@organisation.route("POST", f"{PATH}/applications/{{id}}/accept", permission="jobs:write", tags=TAGS)
async def accept(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneApplicationOut]:
    """Take somebody: they become a technician, who gets jobs once their papers are verified."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        found = await job_board.accept(tx, by_of(caller), id, body.reason)
    return Reply(OneApplicationOut(application=application_out(found)), message="Application accepted")


@organisation.route("POST", f"{PATH}/applications/{{id}}/reject", permission="jobs:write", tags=TAGS)
async def reject(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneApplicationOut]:
    """Take somebody else."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        found = await job_board.reject(tx, by_of(caller), id, body.reason)
    return Reply(OneApplicationOut(application=application_out(found)), message="Application rejected")


def posting_out(p: Posting) -> PostingOut:
    return PostingOut(
        id=p.id, title=p.title, description=p.description, categories=p.categories, tiers=p.tiers,
        working_hours=WorkHoursOut(days=p.days, start=_face(p.day_starts), end=_face(p.day_ends)),
        openings=p.openings, accepted=p.accepted, applications=p.applications, closes_on=p.closes_on, status=p.status,
        created_at=p.created_at,
    )  # fmt: skip


def minutes_of(face: time) -> int:
    return face.hour * 60 + face.minute


def _face(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def application_out(a: Application) -> ApplicationOut:
    return ApplicationOut(
        id=a.id, posting=a.posting_id, title=a.title, user=a.member_id, name=a.name, is_member=a.is_member,
        phone_number=a.phone, message=a.message, status=a.status, note=a.note,
        technician=a.technician_id, decided_at=a.decided_at, created_at=a.created_at,
    )  # fmt: skip
