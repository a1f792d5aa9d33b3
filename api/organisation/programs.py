"""Programs: benefits for our people, and what local governments and schools run for theirs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from api.audiences import Member, organisation
from api.organisation.fields import Name, ServiceNames, Word, Words, by_of, organisation_of, whole_organisation
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Currency, Day, Money
from api.wire.results import Page, Reply
from dispatch.errors import Invalid
from dispatch.parties import programs
from dispatch.parties.programs import NewProgram
from dispatch.services import Services
from storage.programs import Program, Stats, TopService

TAGS = ("programs",)
Kind = Literal[
    "employee_benefit", "wellness_program", "facility_services", "community_program", "student_services",
    "emergency_response",
]  # fmt: skip
#: Other words for kinds, as registrations and the special endpoints write them (C92).
_ALIASES = {
    "employee_benefits": "employee_benefit", "community_service": "community_program",
    "campus_services": "student_services",
}  # fmt: skip


def _kind(value: Any) -> Any:
    return _ALIASES.get(value, value) if isinstance(value, str) else value


AnyKind = Annotated[Kind, BeforeValidator(_kind)]
PROGRAMS = Grammar(
    key="programs", source=programs.LIST,
    filters={"status": Literal["active", "inactive", "ended"], "type": Kind}, names={"type": "kind"},
)  # fmt: skip


def _departments(value: Any) -> Any:
    return [] if value == ["all"] or value == "all" else value


class EligibilityIn(CamelBody):
    """`minimumTenure` in months; of whom that is not known is not eligible."""

    departments: Annotated[list[UUID], BeforeValidator(_departments), Field(max_length=100)] = []
    employment_status: Annotated[list[Word], Field(max_length=20)] = []
    minimum_tenure: Annotated[int, Field(ge=0, le=600)] | None = None
    segments: Annotated[list[Word], Field(max_length=100)] = []


class BenefitsIn(CamelBody):
    """A credit for each member in each period."""

    type: Literal["credit"] = "credit"
    amount: Annotated[Money, Field(ge=0)]
    currency: Currency | None = None
    frequency: Literal["monthly", "quarterly", "semester", "annual", "once"] = "annual"
    rollover: bool = False


class RestrictionsIn(CamelBody):
    max_bookings_per_month: Annotated[int, Field(ge=1, le=1000)] | None = None
    advance_booking_days: Annotated[int, Field(ge=0, le=365)] | None = None
    #: So many hours before the start, like 24_hours; whoever cancels later has used the credit.
    cancellation_policy: Annotated[str, Field(pattern="^[0-9]{1,3}_hours$")] | None = None


class ValidityIn(CamelBody):
    start_date: Day
    end_date: Day


class ProgramBody(CamelBody):
    program_type: AnyKind
    name: Name
    description: Words | None = None
    eligibility: EligibilityIn = EligibilityIn()
    benefits: BenefitsIn
    allowed_services: ServiceNames = []
    restrictions: RestrictionsIn = RestrictionsIn()
    validity: ValidityIn


class ProgramBudgetIn(CamelBody):
    total: Annotated[Money, Field(ge=0)]
    source: Word | None = None
    fiscal_year: Annotated[int, Field(ge=2000, le=2100)] | None = None


class ProgramServiceIn(CamelBody):
    """What is done how often, where."""

    service: Word
    frequency: Literal["daily", "weekly", "monthly", "2_times_daily", "3_times_daily", "4_times_daily"] | None = None
    coverage: Word | None = None
    areas: Annotated[list[Word], Field(max_length=100)] = []
    buildings: Annotated[list[Word], Field(max_length=100)] = []
    locations: Annotated[list[Word], Field(max_length=100)] = []


Coverage = Annotated[dict[str, Any], Field(max_length=50)]


class CommunityBody(CamelBody):
    program_name: Name
    program_type: Literal["community_service"]
    coverage: Coverage = {}
    services: Annotated[list[ProgramServiceIn], Field(min_length=1, max_length=100)]
    budget: ProgramBudgetIn | None = None
    duration: ValidityIn | None = None


class StudentBenefitsIn(CamelBody):
    """`eligibility`: the segments of members whom it is for; "all_students" are all."""

    enabled: bool = True
    eligibility: Annotated[list[Word], Field(max_length=20)] = []
    allowed_services: ServiceNames = []
    credit_per_semester: Annotated[Money, Field(ge=0)] | None = None


class CampusScheduleIn(CamelBody):
    """`semesterBased`: it goes by our terms of the academic year, where we have told them."""

    academic_year: Word | None = None
    semester_based: bool = False
    #: Whether it is served on holidays as well.
    holidays: Annotated[list[Literal["include", "exclude"]], Field(max_length=1)] = []


class CampusBody(CamelBody):
    program_name: Name
    program_type: Literal["campus_services"]
    coverage: Coverage = {}
    services: Annotated[list[ProgramServiceIn], Field(min_length=1, max_length=100)]
    schedule: CampusScheduleIn = CampusScheduleIn()
    student_benefits: StudentBenefitsIn | None = None
    duration: ValidityIn | None = None


class ProtocolIn(CamelBody):
    trigger_events: Annotated[list[Word], Field(min_length=1, max_length=20)]
    response_levels: Annotated[list[Word], Field(min_length=1, max_length=20)]
    authorities: Annotated[list[Word], Field(min_length=1, max_length=20)]


class EmergencyProvidersIn(CamelBody):
    pre_approved: Annotated[list[UUID], Field(max_length=100)] = []
    auto_activate: bool = False


class EmergencyBody(CamelBody):
    program_name: Name
    program_type: Literal["emergency_response"]
    services: Annotated[list[Word], Field(min_length=1, max_length=100)]
    coverage: Coverage = {}
    activation_protocol: ProtocolIn
    providers: EmergencyProvidersIn | None = None
    duration: ValidityIn | None = None


class ActivationIn(CamelBody):
    """`providers`: which of the pre-approved ones are asked first; unsaid, all of them where the program says so."""

    event: Word
    level: Word
    authority: Word
    providers: Annotated[list[UUID], Field(max_length=100)] | None = None


class AuthorityIn(CamelBody):
    authority: Word


class ProgramStatusIn(CamelBody):
    status: Literal["active", "inactive"]


class ProgramStatsOut(CamelView):
    """`utilization` in percent, to a tenth."""

    total_budget: Money
    utilized: Money
    remaining: Money
    utilization: float


class TopServiceOut(CamelView):
    service: str
    bookings: int
    amount: Money


class ActivationOut(CamelView):
    """By which event, at which level, in whose name and by whom it was opened, and which providers are asked first."""

    event: str
    level: str
    authority: str
    by: str
    at: datetime
    providers: list[UUID] = []


class ProgramOut(CamelView):
    id: UUID
    name: str
    type: str
    description: str | None
    status: str
    eligible_users: int
    enrolled_users: int
    total_budget: Money
    currency: str
    credit: Money | None
    frequency: str | None
    allowed_services: list[str]
    start_date: date
    end_date: date
    stats: ProgramStatsOut
    top_services: list[TopServiceOut]
    details: dict[str, Any]
    activation: ActivationOut | None


class OneProgramOut(CamelView):
    program: ProgramOut


@organisation.route("POST", "/programs", idempotency="optional", status=201, permission="programs:write", tags=TAGS)
async def create(services: Services, caller: Member, body: ProgramBody) -> Reply[OneProgramOut]:
    """Give our people a credit for services.

    Example: {"programType": "employee_benefit", "name": "Home Services", "benefits": {"type": "credit", "amount": 5000,
    "frequency": "annual"}, "validity": {"startDate": "2027-01-01", "endDate": "2027-12-31"}}
    """
    limits, who, policy = body.restrictions, body.eligibility, body.restrictions.cancellation_policy
    return await _create(services, caller, NewProgram(
        body.program_type, body.name, body.validity.start_date, body.validity.end_date, body.description,
        who.departments, who.employment_status, who.minimum_tenure, who.segments, body.benefits.amount,
        body.benefits.frequency, body.benefits.rollover, body.allowed_services, limits.max_bookings_per_month,
        limits.advance_booking_days, int(policy.removesuffix("_hours")) if policy else None,
    ), body.benefits.currency)  # fmt: skip


@organisation.route("GET", "/programs", permission="programs:read", listing=PROGRAMS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[ProgramOut]:
    """Our programs with how they are used, the newest first."""
    async with services.read() as conn:
        found = await programs.page(conn, organisation_of(caller), listing.wanted)
        stats = await programs.stats(conn, [p.id for p in found.rows])
    return Page.of(found, lambda p: program_out(p, *stats[p.id]))


@organisation.route("GET", "/programs/{id}", permission="programs:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneProgramOut:
    """One program."""
    async with services.read() as conn:
        found = await programs.get(conn, organisation_of(caller), id)
        return OneProgramOut(program=program_out(found, *(await programs.stats(conn, [id]))[id]))


@organisation.route(
    "POST", "/programs/community", idempotency="optional", status=201, permission="programs:write", tags=TAGS
)
async def community(services: Services, caller: Member, body: CommunityBody) -> Reply[OneProgramOut]:
    """Serve a community; for local governments.

    Example: {"programName": "Clean streets", "programType": "community_service", "services": [{"service":
    "street_cleaning", "frequency": "daily"}]}
    """
    return await _create(services, caller, NewProgram(
        "community_program", body.program_name, *_span(body.duration),
        segments=_named(body.coverage, "barangays") + _named(body.coverage, "districts"),
        budget_minor=body.budget.total if body.budget else None, details=_details(body),
    ))  # fmt: skip


@organisation.route(
    "POST", "/programs/campus", idempotency="optional", status=201, permission="programs:write", tags=TAGS
)
async def campus(services: Services, caller: Member, body: CampusBody) -> Reply[OneProgramOut]:
    """Serve a campus and its students; for schools.

    Example: {"programName": "Campus", "programType": "campus_services", "services": [{"service": "classroom_cleaning",
    "frequency": "daily"}]}
    """
    given = body.student_benefits if body.student_benefits and body.student_benefits.enabled else None
    return await _create(services, caller, NewProgram(
        "student_services", body.program_name, *_span(body.duration),
        credit_minor=given.credit_per_semester if given else None, frequency="semester",
        allowed_services=given.allowed_services if given else (), details=_details(body),
        segments=_segments(given.eligibility) if given else (),
        academic_year=body.schedule.academic_year if body.schedule.semester_based else None,
    ))  # fmt: skip


@organisation.route(
    "POST", "/programs/emergency", idempotency="optional", status=201, permission="programs:write", tags=TAGS
)
async def emergency(services: Services, caller: Member, body: EmergencyBody) -> Reply[OneProgramOut]:
    """Prepare for an emergency; for local governments. It opens when an authority activates it.

    Example: {"programName": "Storms", "programType": "emergency_response", "services": ["debris_removal"],
    "activationProtocol": {"triggerEvents": ["typhoon"], "responseLevels": ["alert1"], "authorities": ["mayor"]}}
    """
    return await _create(services, caller, NewProgram(
        "emergency_response", body.program_name, *_span(body.duration), allowed_services=body.services,
        details=_details(body), is_active=False,
    ))  # fmt: skip


@organisation.route("PUT", "/programs/{id}/status", permission="programs:write", tags=TAGS)
async def set_status(services: Services, caller: Member, id: UUID, body: ProgramStatusIn) -> Reply[OneProgramOut]:
    """Close a program, or open it again; while it is closed nobody books under it, and what is booked stays.

    Example: {"status": "inactive"}
    """
    whole_organisation(caller)
    async with services.transaction() as tx:
        await programs.set_status(tx, by_of(caller), id, body.status)
    words = "Program closed" if body.status == "inactive" else "Program opened"
    return Reply(await get(services, caller, id), message=words)


@organisation.route("POST", "/programs/{id}/activate", permission="programs:write", tags=TAGS)
async def activate(services: Services, caller: Member, id: UUID, body: ActivationIn) -> Reply[OneProgramOut]:
    """Open an emergency program, in the name of an authority that it names.

    Example: {"event": "typhoon", "level": "alert1", "authority": "mayor"}
    """
    whole_organisation(caller)
    async with services.transaction() as tx:
        await programs.activate(tx, by_of(caller), id, body.event, body.level, body.authority, body.providers)
    return Reply(await get(services, caller, id), message="Program activated")


@organisation.route("POST", "/programs/{id}/deactivate", permission="programs:write", tags=TAGS)
async def deactivate(services: Services, caller: Member, id: UUID, body: AuthorityIn) -> Reply[OneProgramOut]:
    """Close an emergency program again.

    Example: {"authority": "mayor"}
    """
    whole_organisation(caller)
    async with services.transaction() as tx:
        await programs.deactivate(tx, by_of(caller), id, body.authority)
    return Reply(await get(services, caller, id), message="Program deactivated")


async def _create(
    services: Services, caller: Member, new: NewProgram, currency: str | None = None
) -> Reply[OneProgramOut]:
    whole_organisation(caller)
    async with services.transaction() as tx:
        made = await programs.create(tx, by_of(caller), new)
        if currency not in (None, made.currency):
            raise Invalid({"benefits.currency": f"Programs of this organization are in {made.currency}."})
    return Reply(await get(services, caller, made.id), message="Program created successfully")


def _named(coverage: dict[str, Any], what: str) -> list[str]:
    named = coverage.get(what)
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def _segments(words: list[str]) -> list[str]:
    return [] if {"all", "all_students"} & {word.lower() for word in words} else words


def _span(duration: ValidityIn | None) -> tuple[date | None, date | None]:
    return (duration.start_date, duration.end_date) if duration is not None else (None, None)


def _details(body: CamelBody) -> dict[str, Any]:
    return body.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"program_name", "duration"})


def program_out(program: Program, stats: Stats, tops: list[TopService]) -> ProgramOut:
    total = programs.total_minor(program, stats.eligible)
    return ProgramOut(
        id=program.id, name=program.name, type=program.kind, description=program.description, status=program.status,
        eligible_users=stats.eligible, enrolled_users=stats.enrolled, total_budget=total, currency=program.currency,
        credit=program.credit_minor, frequency=program.frequency, allowed_services=program.allowed_services or ["all"],
        start_date=program.starts_on, end_date=program.ends_on,
        stats=ProgramStatsOut(
            total_budget=total, utilized=stats.used_minor, remaining=max(0, total - stats.used_minor),
            utilization=round(100 * stats.used_minor / total, 1) if total else 0.0,
        ),
        top_services=[TopServiceOut(service=t.service, bookings=t.bookings, amount=t.amount_minor) for t in tops],
        details=program.details,
        activation=ActivationOut.model_validate(program.activation) if program.activation else None,
    )  # fmt: skip
