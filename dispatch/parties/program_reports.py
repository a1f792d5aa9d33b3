"""What a local government publishes of a program: what is done, for what money, and whom it reaches; never of whom."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Missing, NotAllowed
from dispatch.parties import organisations, programs
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import program_reports as rows
from storage.database.pool import Conn
from storage.program_reports import Head, Reach, Work

#: Smaller groups are not told apart: a number of two or three would be people.
LEAST_PEOPLE = 5


class NotPublishing(NotAllowed):
    """Only local governments publish reports of their programs."""

    code = "program_not_allowed"


@dataclass(frozen=True, slots=True)
class PublicReport:
    """Of each service what was done; of each barangay or district, unless too small, how many use it."""

    head: Head
    work: list[Work]
    reach: list[Reach]


async def publish(tx: Tx, by: By, program_id: UUID, *, is_public: bool) -> None:
    """From now on anybody may read its report, or nobody any more. Raises Missing, NotPublishing."""
    home = await organisations.active(tx.conn, by.organisation_id)
    program = await programs.get(tx.conn, home.id, program_id)
    if home.org_type != "lgu":
        raise NotPublishing
    await rows.publish(tx.conn, id=program.id, is_public=is_public)
    await audit.record(tx, by.actor, "program.publish" if is_public else "program.unpublish", "program", program.id)


async def read(conn: Conn, program_id: UUID) -> PublicReport:
    """For anybody. Raises Missing for what is not published."""
    head = await rows.head(conn, id=program_id)
    if head is None:
        raise Missing("report")
    return PublicReport(
        head, await rows.work(conn, id=program_id), await rows.reach(conn, id=program_id, least=LEAST_PEOPLE)
    )
