"""Enrolling many people from a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import by_of
from api.organisation.members import Level
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelView
from api.wire.results import Page, Reply
from api.wire.uploads import Upload, UploadRules
from dispatch.errors import Invalid
from dispatch.parties import enrolments
from dispatch.parties.enrolments import Sheet
from dispatch.services import Services
from storage.enrolments import Enrolment, Row

#: Ten thousand rows of names and addresses; spreadsheets call their CSV by several names.
TABLE = UploadRules(
    {"file": 1}, 5 * 1024 * 1024,
    frozenset({"text/csv", "text/plain", "application/csv", "application/vnd.ms-excel", "application/octet-stream"}),
)  # fmt: skip
ROWS = Grammar(key="results", source=enrolments.LIST, filters={"status": Literal["pending", "success", "failed"]})
TAGS = ("users",)


class RowData(CamelView):
    """The row as it was sent."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    employee_id: str | None = None
    department: str | None = None
    phone_number: str | None = None
    employment_status: str | None = None
    hire_date: str | None = None
    segment: str | None = None
    access_level: str | None = None


class ResultOut(CamelView):
    """What became of one row; the first below the heading is row 1."""

    row: int
    email: str | None
    status: str
    user_id: UUID | None
    error: str | None


class FailedOut(CamelView):
    row: int
    data: RowData
    error: str | None


class EnrolmentOut(CamelView):
    """`results` and `failedRows` show the first thousand of each; all are under `…/results`."""

    id: UUID
    status: str
    total_rows: int
    processed: int
    successful: int
    failed: int
    results: list[ResultOut]
    failed_rows: list[FailedOut]


class OneEnrolmentOut(CamelView):
    enrollment: EnrolmentOut


@organisation.route(
    "POST", "/users/bulk-enroll", status=201, permission="users:write", idempotency="optional", tags=TAGS
)
async def enrol(services: Services, caller: Member, upload: Annotated[Upload, TABLE]) -> Reply[OneEnrolmentOut]:
    """Enrol everybody in a CSV (`file`); `department` and `accessLevel` hold for rows that name none.

    Up to a hundred rows are enrolled before the answer; of more the answer says `processing`, and how far it is stands
    at `GET /api/partners/users/bulk-enroll/{id}`.
    """
    if not upload.files:
        raise Invalid({"file": "Send a table in this field."})
    sheet = Sheet(upload.files[0].content, *_defaults(upload.texts))
    async with services.transaction() as tx:
        begun = await enrolments.begin(tx, by_of(caller), sheet)
    if begun.total <= enrolments.AT_ONCE:
        await enrolments.process(services, begun.id)
    return Reply(await get(services, caller, begun.id), message="Bulk enrollment processed")


@organisation.route("GET", "/users/bulk-enroll/{id}", permission="users:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneEnrolmentOut:
    """How far an enrolment is, and what became of its rows."""
    async with services.read() as conn:
        found = await enrolments.get(conn, by_of(caller), id)
        results, failed = await enrolments.results(conn, id)
    return OneEnrolmentOut(enrollment=_enrolment(found, results, failed))


@organisation.route("GET", "/users/bulk-enroll/{id}/results", permission="users:read", listing=ROWS, tags=TAGS)
async def page(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[ResultOut]:
    """What became of each row."""
    async with services.read() as conn:
        await enrolments.get(conn, by_of(caller), id)
        return Page.of(await enrolments.page(conn, id, listing.wanted), result_out)


def result_out(row: Row) -> ResultOut:
    return ResultOut(
        row=row.row, email=row.data.get("email"), status=row.status, user_id=row.member_id, error=row.error
    )


def _enrolment(e: Enrolment, results: list[Row], failed: list[Row]) -> EnrolmentOut:
    return EnrolmentOut(
        id=e.id, status=e.state, total_rows=e.total, processed=e.successful + e.failed, successful=e.successful,
        failed=e.failed, results=[result_out(r) for r in results],
        failed_rows=[FailedOut(row=r.row, data=RowData.model_validate(r.data), error=r.error) for r in failed],
    )  # fmt: skip


def _defaults(texts: dict[str, str]) -> tuple[UUID | None, str]:
    """The form's department and access level. Raises Invalid."""
    bad: dict[str, Any] = {}
    department, level = texts.get("department", "").strip(), texts.get("accessLevel", "").strip() or "standard"
    department_id = None
    if department:
        try:
            department_id = UUID(department)
        except ValueError:
            bad["department"] = "must be an id"
    if level not in get_args(Level):
        bad["accessLevel"] = f"must be one of {', '.join(get_args(Level))}"
    if bad:
        raise Invalid(bad)
    return department_id, level
