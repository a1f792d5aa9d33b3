"""The job board of a school: postings, students who apply, a decision; who is accepted begins as a technician."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.engine import audit, catalogue
from dispatch.engine.presence import Shift
from dispatch.errors import Conflict, Invalid, Missing, NotAllowed
from dispatch.localtime import local
from dispatch.outbox import messages
from dispatch.parties import organisations, technicians
from dispatch.parties.members import By
from dispatch.parties.technicians import Profile
from dispatch.services import Tx
from storage import job_applications as rows
from storage import job_postings as posting_rows
from storage import members as member_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.job_applications import Application
from storage.job_postings import Posting
from storage.organisations import Organisation

POSTINGS, APPLICATIONS = posting_rows.of_organisation, rows.of_posting


class NoJobBoard(NotAllowed):
    """Only schools have a job board."""

    code = "schools_only"


class PostingClosed(Conflict):
    """This posting takes no applications any more."""

    code = "posting_closed"


class Applied(Conflict):
    """You have applied for this already."""

    code = "already_applied"


class Left(Conflict):
    """Only an active member of your school can be accepted, and this applicant is none any more."""

    code = "not_a_member"


class Decided(Conflict):
    """This application is decided, or was taken back."""

    code = "wrong_state"


@dataclass(frozen=True, slots=True)
class NewPosting:
    """`hours` are those of whoever is accepted. `closes_on`: the last day on which somebody may apply."""

    title: str
    description: str
    categories: Sequence[str]
    tiers: Sequence[str]
    hours: Shift
    openings: int = 1
    closes_on: date | None = None


async def post(tx: Tx, by: By, new: NewPosting) -> Posting:
    """Categories and tiers are kept as the catalogue spells them.

    Raises NotVerified, NoJobBoard, Invalid (what nobody offers where the school is, a last day that is over).
    """
    home = await organisations.active(tx.conn, by.organisation_id)
    if home.org_type != "school":
        raise NoJobBoard
    categories, tiers = await _checked(tx, home, new)
    posting_id = await posting_rows.insert(
        tx.conn, organisation_id=home.id, title=new.title, description=new.description,
        categories=categories, tiers=tiers, days=sorted(set(new.hours.days)), day_starts=new.hours.start,
        day_ends=new.hours.end, openings=new.openings, closes_on=new.closes_on, posted_by=by.member_id,
    )  # fmt: skip
    assert posting_id is not None, "an insert returns its id"
    await audit.record(tx, by.actor, "job.post", "job_posting", posting_id)
    return await get(tx.conn, by, posting_id)


async def _checked(tx: Tx, home: Organisation, new: NewPosting) -> tuple[list[str], list[str]]:
    """Categories and tiers as the catalogue spells them. Raises Invalid."""
    offered = (await catalogue.current(tx.services)).offered(organisations.currency_of(home))
    categories, unknown = _spelled(new.categories, [service.category for service in offered])
    tiers, unknown_tiers = _spelled(new.tiers, [service.tier for service in offered])
    bad: dict[str, str] = {}
    if unknown:
        bad["categories"] = f"No services of this kind are offered here: {unknown}."
    if unknown_tiers:
        bad["tiers"] = f"No services of this tier are offered here: {unknown_tiers}."
    if new.closes_on is not None and new.closes_on < local(tx.now, organisations.timezone_of(home)).date():
        bad["closesOn"] = "This day is over: nobody could apply."
    if bad:
        raise Invalid(bad)
    return categories, tiers


def _spelled(wanted: Sequence[str], offered: Sequence[str]) -> tuple[list[str], str]:
    """What is wanted, each once and as it is offered; and in words what of it nobody offers."""
    known = {name.casefold(): name for name in offered}
    unknown = [f"'{name}'" for name in wanted if name.casefold() not in known]
    found = [known[name.casefold()] for name in wanted if name.casefold() in known]
    return list(dict.fromkeys(found)), ", ".join(unknown)


async def get(conn: Conn, by: By, posting_id: UUID) -> Posting:
    """Raises Missing."""
    found = await posting_rows.get(conn, id=posting_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("posting")
    return found


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Posting]:
    return await POSTINGS.page(conn, wanted, organisation_id=by.organisation_id)


async def close(tx: Tx, by: By, posting_id: UUID) -> Posting:
    """Nobody applies any more; who has applied is still decided on. Raises Missing, PostingClosed."""
    await get(tx.conn, by, posting_id)
    if await posting_rows.close(tx.conn, id=posting_id) is None:
        raise PostingClosed
    await audit.record(tx, by.actor, "job.close", "job_posting", posting_id)
    return await get(tx.conn, by, posting_id)


# ---------------------------------------------------------------- applications


async def apply(tx: Tx, by: By, posting_id: UUID, phone: str, message: str | None) -> Application:
    """`phone` (E.164) is what they will sign in with.

    Raises Missing, PostingClosed, Applied, Left, NotAllowed for a key.
    """
    if by.member_id is None:
        raise NotAllowed("Only members apply, each for themselves.")
    posting = await posting_rows.lock(tx.conn, id=posting_id, organisation_id=by.organisation_id)
    if posting is None:
        raise Missing("posting")
    if posting.status != "open":
        raise PostingClosed
    await _check_member(tx, by.organisation_id, by.member_id)
    application_id = await rows.insert(
        tx.conn, posting_id=posting_id, member_id=by.member_id, phone=phone, message=message
    )
    if application_id is None:
        raise Applied
    return await application(tx.conn, by, application_id)


async def application(conn: Conn, by: By, application_id: UUID) -> Application:
    """Raises Missing."""
    found = await rows.get(conn, id=application_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("application")
    return found


async def applications(conn: Conn, by: By, posting_id: UUID, wanted: Wanted) -> Slice[Application]:
    """Raises Missing."""
    await get(conn, by, posting_id)
    return await APPLICATIONS.page(conn, wanted, posting_id=posting_id)


async def own(conn: Conn, by: By) -> list[Application]:
    """What somebody has applied for themselves, the newest first."""
    return await rows.of_member(conn, member_id=by.member_id) if by.member_id else []


async def withdraw(tx: Tx, by: By, application_id: UUID) -> None:
    """One's own alone. Raises Missing, Decided."""
    found = await application(tx.conn, by, application_id)
    if by.member_id is None or found.member_id != by.member_id:
        raise Missing("application")
    if await rows.withdraw(tx.conn, id=application_id, member_id=by.member_id) is None:
        raise Decided


async def accept(tx: Tx, by: By, application_id: UUID, note: str | None) -> Application:
    """They become a technician whose papers staff are to verify, and take one of the openings.

    Also when nobody may apply any more. Raises Missing, Decided, Left, PhoneTaken, and PostingClosed when no opening
    is left.
    """
    found = await application(tx.conn, by, application_id)
    posting = await posting_rows.lock(tx.conn, id=found.posting_id, organisation_id=by.organisation_id)
    assert posting is not None, "an application has its posting"
    if (await application(tx.conn, by, application_id)).status != "applied":
        raise Decided
    await _check_member(tx, by.organisation_id, found.member_id)
    if await posting_rows.fill(tx.conn, id=posting.id) is None:
        raise PostingClosed("All openings of this posting are taken.")
    profile = Profile(found.name, found.phone, posting.categories, posting.tiers, found.email)
    hours = Shift(posting.days, posting.day_starts, posting.day_ends)
    made = await technicians.create(tx, profile, [hours], by.actor)
    return await _decide(tx, by, found, "accepted", note, made.id)


async def reject(tx: Tx, by: By, application_id: UUID, note: str | None) -> Application:
    """Raises Missing, Decided."""
    return await _decide(tx, by, await application(tx.conn, by, application_id), "rejected", note, None)


async def _check_member(tx: Tx, organisation_id: UUID, member_id: UUID) -> None:
    """Whether somebody belongs to the school just now, and until this transaction is over. Raises Left."""
    found = await member_rows.lock(tx.conn, id=member_id, organisation_id=organisation_id)
    if found is None or found.status != "active":
        raise Left


async def _decide(
    tx: Tx, by: By, found: Application, status: str, note: str | None, technician_id: UUID | None
) -> Application:
    done = await rows.decide(
        tx.conn, id=found.id, status=status, note=note, decided_by=by.member_id, technician_id=technician_id
    )
    if done is None:
        raise Decided
    if found.email:
        params = {"title": found.title, "phone": found.phone, "note": note or ""}
        await messages.enqueue(tx, "email", found.email, f"job_{status}", params)
    await audit.record(tx, by.actor, f"job.{status}", "job_application", found.id)
    return await application(tx.conn, by, found.id)
