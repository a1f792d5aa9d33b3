"""Letters from the contact form, and how far staff are with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, View
from api.wire.results import Page
from dispatch.parties import contact
from dispatch.services import Services
from storage import contact as rows
from storage.contact import Submission

Status = Literal["new", "read", "replied", "resolved"]
Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]


class AnswerIn(Body):
    status: Status
    admin_notes: Notes | None = None


class SubmissionOut(View):
    """`user_id` where somebody wrote who was signed in."""

    id: UUID
    name: str
    email: str
    phone: str | None
    subject: str | None
    message: str
    status: str
    admin_notes: str | None
    user_id: UUID | None
    created_at: datetime
    updated_at: datetime


class OneOut(View):
    submission: SubmissionOut


LIST = Grammar(key="submissions", source=rows.everything, filters={"status": Status, **DAYS})


@admin.route("GET", "/contact-submissions", permission="contact:read", listing=LIST, tags=["contact"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[SubmissionOut]:
    """What people wrote, the newest first."""
    async with services.read() as conn:
        return Page.of(await contact.page(conn, listing.wanted, services.settings.timezone), _submission)


@admin.route("GET", "/contact-submissions/{id}", permission="contact:read", tags=["contact"])
async def get(services: Services, caller: Admin, id: UUID) -> OneOut:
    """One letter."""
    async with services.read() as conn:
        return OneOut(submission=_submission(await contact.get(conn, id)))


@admin.route("PATCH", "/contact-submissions/{id}", permission="contact:write", tags=["contact"])
async def answer(services: Services, caller: Admin, id: UUID, body: AnswerIn) -> OneOut:
    """Say how far you are with a letter.

    Example: {"status": "replied", "admin_notes": "Responded via email on 2024-01-20"}
    """
    async with services.transaction() as tx:
        done = await contact.answer(tx, caller.actor, id, body.status, body.admin_notes)
    return OneOut(submission=_submission(done))


def _submission(s: Submission) -> SubmissionOut:
    return SubmissionOut(
        id=s.id, name=s.name, email=s.email, phone=s.phone, subject=s.subject, message=s.message, status=s.status,
        admin_notes=s.admin_notes, user_id=s.account_id, created_at=s.created_at, updated_at=s.updated_at,
    )  # fmt: skip
