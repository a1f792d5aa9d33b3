"""What a local government publishes of its programs, and what anybody may read of them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import by_of, whole_organisation
from api.wire.models import CamelView, Money
from api.wire.results import Message
from dispatch.parties import program_reports
from dispatch.parties.program_reports import PublicReport
from dispatch.services import Services

TAGS = ("programs",)


class WorkOut(CamelView):
    service: str
    completed: int
    open: int
    spent: Money
    satisfaction: float | None


class ReachOut(CamelView):
    segment: str
    constituents: int
    served: int


class PublicBudgetOut(CamelView):
    """`committed` is spent or booked; `total` null: the program has no budget of its own."""

    total: Money | None
    committed: Money
    spent: Money
    currency: str


class PublicReportOut(CamelView):
    """`plannedVisits` are still to be booked; `bySegment` leaves out groups of fewer than five people."""

    organization: str
    program: str
    description: str | None
    type: str
    status: str
    start_date: date
    end_date: date
    budget: PublicBudgetOut
    planned_visits: int
    by_service: list[WorkOut]
    by_segment: list[ReachOut]
    published_at: datetime


class OneReportOut(CamelView):
    report: PublicReportOut


@organisation.route("POST", "/programs/{id}/publish", permission="programs:write", tags=TAGS)
async def publish(services: Services, caller: Member, id: UUID) -> Message:
    """Let anybody read the sums of this program; for local governments."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        await program_reports.publish(tx, by_of(caller), id, is_public=True)
    return Message("Report published")


@organisation.route("POST", "/programs/{id}/unpublish", permission="programs:write", tags=TAGS)
async def unpublish(services: Services, caller: Member, id: UUID) -> Message:
    """Nobody but us reads the sums of this program any more."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        await program_reports.publish(tx, by_of(caller), id, is_public=False)
    return Message("Report withdrawn")


@organisation.route("GET", "/public/programs/{id}/report", public=True, tags=TAGS)
async def read(services: Services, id: UUID) -> OneReportOut:
    """What a local government has published of a program: what was done for which money, and whom it reaches."""
    async with services.read() as conn:
        return OneReportOut(report=report_out(await program_reports.read(conn, id)))


def report_out(found: PublicReport) -> PublicReportOut:
    head = found.head
    return PublicReportOut(
        organization=head.organisation, program=head.name, description=head.description, type=head.kind,
        status=head.status, start_date=head.starts_on, end_date=head.ends_on,
        budget=PublicBudgetOut(
            total=head.budget_minor, committed=head.committed_minor, spent=head.spent_minor, currency=head.currency
        ),
        planned_visits=head.planned,
        by_service=[
            WorkOut(
                service=one.service, completed=one.completed, open=one.open, spent=one.spent_minor,
                satisfaction=None if one.satisfaction is None else round(one.satisfaction, 2),
            )
            for one in found.work
        ],
        by_segment=[ReachOut(segment=r.segment, constituents=r.constituents, served=r.served) for r in found.reach],
        published_at=head.published_at,
    )  # fmt: skip
