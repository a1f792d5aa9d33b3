"""Custom reports: any metric by any dimension, once or by e-mail again and again."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import Email, Name, by_of
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Day, Money
from api.wire.results import Message, Page, Reply
from dispatch.engine import audit, files
from dispatch.parties import custom_reports, organisations, overviews
from dispatch.parties.custom_reports import Dimension, Frequency, Metric, ReportIn, Span, dimensions_of, values_of
from dispatch.ports.files import FilesAway
from dispatch.reports.rows import Format
from dispatch.services import Services
from storage.custom_reports import Definition
from storage.organisation_analytics import Group

FORMATS: dict[str, Format] = {"pdf": "pdf", "excel": "xlsx", "xlsx": "xlsx", "csv": "csv"}
REPORTS = Grammar(key="reports", source=custom_reports.LIST)
TAGS = ("analytics",)
log = logging.getLogger(__name__)


class ReportFiltersIn(CamelBody):
    start_date: Day | None = None
    end_date: Day | None = None
    departments: Annotated[list[UUID], Field(max_length=200)] = []


class ScheduleIn(CamelBody):
    """Each letter covers the days since the one before; the days of the filters are those of what is made at once."""

    recurring: bool = True
    frequency: Frequency = "monthly"
    recipients: Annotated[list[Email], Field(max_length=20)] = []


class ReportBody(CamelBody):
    report_name: Name
    metrics: Annotated[list[Metric], Field(min_length=1)]
    dimensions: list[Dimension] = []
    filters: ReportFiltersIn = ReportFiltersIn()
    format: Literal["pdf", "excel", "xlsx", "csv"] = "csv"
    schedule: ScheduleIn | None = None


class RowOut(CamelView):
    """Only what was asked for is not null; `userAdoption` in per cent of all members."""

    department: str | None = None
    service_type: str | None = None
    provider: str | None = None
    location: str | None = None
    month: str | None = None
    user: str | None = None
    bookings: int | None = None
    spending: Money | None = None
    user_adoption: float | None = None
    satisfaction: float | None = None


class ReportOut(CamelView):
    """`nextRun` is the day on which it is sent next, null for one that is made once."""

    id: UUID
    report_name: str
    metrics: list[str]
    dimensions: list[str]
    format: str
    frequency: str | None
    recipients: list[str]
    next_run: date | None
    last_run_at: datetime | None
    created_at: datetime


class MadeOut(CamelView):
    """`downloadUrl` is good for some minutes; null where the file cannot be kept just now."""

    report: ReportOut
    rows: list[RowOut]
    download_url: str | None


@organisation.route(
    "POST", "/analytics/custom-report", idempotency="optional", status=201, permission="reports:write", tags=TAGS
)
async def create(services: Services, caller: Member, body: ReportBody) -> Reply[MadeOut]:
    """A report now, as rows and as a file; with a schedule it is sent to its recipients again and again.

    Example: {"reportName": "Q1 Usage", "metrics": ["bookings", "spending"], "dimensions": ["department"]}
    """
    schedule = body.schedule if body.schedule and body.schedule.recurring else None
    new = ReportIn(
        body.report_name, body.metrics, body.dimensions, body.filters.start_date, body.filters.end_date,
        body.filters.departments, FORMATS[body.format], schedule.frequency if schedule else None,
        schedule.recipients if schedule else (),
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await custom_reports.define(tx, by_of(caller), new)
        await audit.record(tx, caller.actor, "report.create", "report", made.id)
    answer = await _made(services, made)
    kept = "Custom report generated"
    return Reply(answer, message=kept if answer.download_url else f"{kept}; open it again later for its file")


@organisation.route("GET", "/analytics/custom-reports", permission="reports:read", listing=REPORTS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[ReportOut]:
    """Our reports, the newest first."""
    async with services.read() as conn:
        return Page.of(await custom_reports.page(conn, by_of(caller), listing.wanted), report_out)


@organisation.route("GET", "/analytics/custom-reports/{id}", permission="reports:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> MadeOut:
    """A report, made anew."""
    async with services.read() as conn:
        found = await custom_reports.get(conn, by_of(caller), id)
    return await _made(services, found)


@organisation.route("DELETE", "/analytics/custom-reports/{id}", permission="reports:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID) -> Message:
    """It is not made any more."""
    async with services.transaction() as tx:
        await custom_reports.delete(tx, by_of(caller), id)
    return Message("Report deleted")


async def _made(services: Services, definition: Definition) -> MadeOut:
    async with services.read() as conn:
        home = await organisations.get(conn, definition.organisation_id)
    span = custom_reports.days_of(definition, overviews.today_of(home, services.clock.now()))
    file_id = await _file(services, definition, span)
    async with services.read() as conn:
        found = await custom_reports.rows_of(conn, definition, span)
        url = files.link_to(services, await files.get(conn, file_id)) if file_id else None
    rows = [_row(definition, g, home.member_count) for g in found]
    return MadeOut(report=report_out(definition), rows=rows, download_url=url)


async def _file(services: Services, definition: Definition, span: Span) -> UUID | None:
    """None: the store is away. The report stands, its rows are answered, and whoever opens it again gets a file."""
    try:
        return await custom_reports.run(services, definition, span)
    except FilesAway as e:
        log.warning("the file of report %s cannot be kept: %s", definition.id, e)
        return None


def report_out(d: Definition) -> ReportOut:
    return ReportOut(
        id=d.id, report_name=d.name, metrics=d.metrics, dimensions=d.dimensions, format=d.format,
        frequency=d.frequency, recipients=d.recipients, next_run=d.next_on, last_run_at=d.last_run_at,
        created_at=d.created_at,
    )  # fmt: skip


def _row(d: Definition, g: Group, members: int) -> RowOut:
    return RowOut.model_validate({**dimensions_of(d.dimensions, g), **values_of(d.metrics, g, members)})
