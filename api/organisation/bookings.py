"""What an organisation books: at many places, again and again, approved by whom it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from api.audiences import Member, organisation
from api.organisation.fields import Code, Email, Name, Phone, Word, Words, by_of, phone_of
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import BookingTime, CamelBody, CamelView, Day, Money
from api.wire.results import Page, PageWith, Reply
from dispatch.billing import bulk_approvals, bulk_bookings
from dispatch.billing.bulk_approvals import Wanted
from dispatch.billing.bulk_bookings import NewBulk
from dispatch.billing.bulk_places import Place
from dispatch.engine.recurrence import Rule
from dispatch.errors import Invalid
from dispatch.localtime import local, to_utc
from dispatch.parties import organisations
from dispatch.services import Services
from storage import bulk_bookings as rows
from storage.bulk_bookings import Bulk, Line, Visit
from storage.database.listing import Wanted as WantedRows
from storage.database.pool import Conn

TAGS = ("bookings",)
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Kind = Literal["one_time", "recurring", "bulk_individual"]

BOOKINGS = Grammar(
    key="bookings", source=bulk_bookings.LIST,
    filters={
        "status": str, "department": UUID, "type": Literal[Kind, "bulk"], "category": str, "member": UUID, **DAYS,
    },
    aliases={"startDate": "date_from", "endDate": "date_to"},
)  # fmt: skip


VISITS = Grammar(
    key="visits", source=bulk_bookings.VISITS,
    filters={
        "status": Literal["planned", "booked", "skipped", "done", "cancelled", "failed"], "location": UUID, **DAYS,
    },
    names={"status": "state"}, aliases={"startDate": "date_from", "endDate": "date_to"},
)  # fmt: skip


class ServiceIn(CamelBody):
    service_id: UUID
    title: Name | None = None
    category: Word | None = None


class ScheduleIn(CamelBody):
    """A `time` is a clock face of the place. `exceptions` and `holidays` are days that fall away."""

    type: Literal["one_time", "recurring"] | None = None
    frequency: Literal["daily", "weekly", "biweekly", "monthly"] | None = None
    days: Annotated[list[Weekday], Field(max_length=7)] = []
    time: BookingTime
    times: Annotated[list[BookingTime], Field(max_length=8)] = []
    start_date: Day
    end_date: Day | None = None
    exceptions: Annotated[list[Day], Field(max_length=366)] = []
    holidays: Annotated[list[Day], Field(max_length=366)] = []
    #: Of a school: only on days of its terms of that year, holidays left out.
    academic_year: Word | None = None


class PlaceAddressIn(CamelBody):
    street: Name
    city: Word
    floor: Word | None = None
    area: Word | None = None
    state: Word | None = None
    zip_code: Code | None = None
    country: Word | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180)] | None = None


class ContactPersonIn(CamelBody):
    name: Name
    phone: Phone | None = None
    email: Email | None = None


class LocationIn(CamelBody):
    name: Name
    address: PlaceAddressIn
    contact_person: ContactPersonIn | None = None


class BillingIn(CamelBody):
    department: UUID | None = None
    budget_code: Code | None = None
    approval_required: bool = False
    approvers: Annotated[list[UUID], Field(max_length=20)] = []


class BulkBody(CamelBody):
    booking_type: Kind
    service: ServiceIn
    schedule: ScheduleIn
    locations: Annotated[list[LocationIn], Field(min_length=1, max_length=200)]
    billing: BillingIn = BillingIn()
    special_requirements: Annotated[list[Name], Field(max_length=20)] = []

    @model_validator(mode="before")
    @classmethod
    def _bulk_is_individual(cls, value: Any) -> Any:
        # The list says "bulk" where the request says "bulk_individual": either is taken (C91).
        if isinstance(value, dict) and value.get("bookingType") == "bulk":
            return {**value, "bookingType": "bulk_individual"}
        return value


class ReasonIn(CamelBody):
    reason: Words | None = None


class DaysIn(CamelBody):
    dates: Annotated[list[Day], Field(min_length=1, max_length=366)]
    reason: Words | None = None


class BulkScheduleOut(CamelView):
    frequency: str
    occurrences: int


class BulkPricingOut(CamelView):
    """Before tax; `discount` is a percentage."""

    per_booking: Money
    total_estimated: Money
    currency: str
    discount: Decimal
    final_amount: Money


class ApprovalStatusOut(CamelView):
    required: bool
    pending: list[UUID]
    approved: list[UUID]
    rejected: list[UUID]


class BulkOut(CamelView):
    id: UUID
    reference_number: str
    booking_type: str
    status: str
    service: str
    department: UUID | None
    budget_code: str | None
    total_locations: int
    estimated_bookings: int
    completed_bookings: int
    schedule: BulkScheduleOut
    pricing: BulkPricingOut
    approval_status: ApprovalStatusOut
    special_requirements: list[str]
    reason: str | None
    created_at: datetime


class OneBulkOut(CamelView):
    bulk_booking: BulkOut


class VisitOut(CamelView):
    """`trouble`: why it is no booking yet."""

    id: UUID
    location: str
    starts_at: datetime
    status: str
    booking_id: UUID | None
    booking_number: str | None
    booking_status: str | None
    trouble: str | None


class LineScheduleOut(CamelView):
    next_booking: datetime | None
    frequency: str | None


class LineDepartmentOut(CamelView):
    id: UUID
    name: str


class LinePricingOut(CamelView):
    per_booking: Money
    total_paid: Money
    remaining: Money
    currency: str


class CreatorOut(CamelView):
    name: str | None
    email: str | None


class LineOut(CamelView):
    id: UUID
    bulk_booking_id: UUID | None
    reference_number: str
    type: str
    service: str
    location: str | None
    status: str
    schedule: LineScheduleOut
    department: LineDepartmentOut | None
    pricing: LinePricingOut
    created_by: CreatorOut
    created_at: datetime


class SummaryOut(CamelView):
    total_bookings: int
    active_bookings: int
    completed_this_month: int
    total_spent: Money


class BesideOut(CamelView):
    summary: SummaryOut


@organisation.route(
    "POST", "/bookings/bulk", status=201, permission="bookings:write", idempotency="optional", tags=TAGS
)
async def create(services: Services, caller: Member, body: BulkBody) -> Reply[OneBulkOut]:
    """Book at many places, once or again and again; where an approval is needed it begins with the last one.

    Example: {"bookingType": "recurring", "service": {"serviceId": "6f1c2d34-5b6a-4c7d-8e9f-0a1b2c3d4e5f"}, "schedule":
    {"frequency": "weekly", "days": ["monday"], "time": "18:00", "startDate": "2027-01-15", "endDate": "2027-12-31"},
    "locations": [{"name": "5th Floor", "address": {"street": "12 Lake Road", "city": "Kolkata"}}]}
    """
    bulk_id = await bulk_bookings.create(services, by_of(caller), _new(services, body))
    return Reply(await get(services, caller, bulk_id), message="Bulk booking created successfully")


@organisation.route("GET", "/bookings", permission="bookings:read", listing=BOOKINGS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> PageWith[LineOut, BesideOut]:
    """What we have booked, a line for each place and each single booking, the newest first.

    A manager sees their department's, and what they were asked to approve.
    """
    by = by_of(caller)
    async with services.read() as conn:
        home = await organisations.get(conn, by.organisation_id)
        found = await bulk_bookings.page(conn, by, _wanted(listing))
        today = local(services.clock.now(), organisations.timezone_of(home)).date()
        summary = await bulk_bookings.summary(conn, by, today.replace(day=1))
    shown = SummaryOut(
        total_bookings=summary.total, active_bookings=summary.active,
        completed_this_month=summary.completed_this_month, total_spent=summary.spent_minor,
    )  # fmt: skip
    return PageWith.among(found, line_out, BesideOut(summary=shown))


@organisation.route("GET", "/bookings/bulk/{id}", permission="bookings:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneBulkOut:
    """One bulk booking: how it stands, and whose approval is waited for."""
    async with services.read() as conn:
        return OneBulkOut(bulk_booking=await _out(conn, await bulk_bookings.get(conn, by_of(caller), id)))


@organisation.route("GET", "/bookings/bulk/{id}/visits", permission="bookings:read", listing=VISITS, tags=TAGS)
async def visits(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[VisitOut]:
    """Its visits by date: which are booked, what became of them, and why one is not booked yet."""
    async with services.read() as conn:
        bulk, found = await bulk_bookings.visits(conn, by_of(caller), id, listing.wanted)
    return Page.of(found, lambda v: visit_out(v, bulk.timezone))


@organisation.route("POST", "/bookings/bulk/{id}/approve", permission="approvals:write", tags=TAGS)
async def approve(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneBulkOut]:
    """Agree, as one of those who were asked; nobody approves what they asked for themselves."""
    async with services.transaction() as tx:
        bulk = await bulk_bookings.approve(tx, by_of(caller), id, body.reason)
        out = OneBulkOut(bulk_booking=await _out(tx.conn, bulk))
    return Reply(out, message="Bulk booking approved")


@organisation.route("POST", "/bookings/bulk/{id}/reject", permission="approvals:write", tags=TAGS)
async def reject(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneBulkOut]:
    """Say no, as one of those who were asked; what was reserved of the budget is free again."""
    async with services.transaction() as tx:
        bulk = await bulk_bookings.reject(tx, by_of(caller), id, body.reason)
        out = OneBulkOut(bulk_booking=await _out(tx.conn, bulk))
    return Reply(out, message="Bulk booking rejected")


@organisation.route("POST", "/bookings/bulk/{id}/pause", permission="bookings:write", tags=TAGS)
async def pause(services: Services, caller: Member, id: UUID) -> Reply[OneBulkOut]:
    """Book no further visits for now; those that are booked already happen."""
    async with services.transaction() as tx:
        out = OneBulkOut(bulk_booking=await _out(tx.conn, await bulk_bookings.pause(tx, by_of(caller), id)))
    return Reply(out, message="Bulk booking paused")


@organisation.route("POST", "/bookings/bulk/{id}/resume", permission="bookings:write", tags=TAGS)
async def resume(services: Services, caller: Member, id: UUID) -> Reply[OneBulkOut]:
    """Go on; the days that passed meanwhile fell away."""
    async with services.transaction() as tx:
        out = OneBulkOut(bulk_booking=await _out(tx.conn, await bulk_bookings.resume(tx, by_of(caller), id)))
    return Reply(out, message="Bulk booking resumed")


@organisation.route("POST", "/bookings/bulk/{id}/cancel", permission="bookings:write", tags=TAGS)
async def cancel(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneBulkOut]:
    """End it: bookings that have not begun are cancelled, at what that costs by then."""
    await bulk_bookings.cancel(services, by_of(caller), id, body.reason)
    return Reply(await get(services, caller, id), message="Bulk booking cancelled")


@organisation.route("POST", "/bookings/bulk/{id}/exceptions", permission="bookings:write", tags=TAGS)
async def skip(services: Services, caller: Member, id: UUID, body: DaysIn) -> Reply[OneBulkOut]:
    """Leave out some days, booked or not.

    Example: {"dates": ["2027-01-26"], "reason": "Holiday"}
    """
    await bulk_bookings.skip(services, by_of(caller), id, body.dates, body.reason)
    return Reply(await get(services, caller, id), message="Days left out")


# ---------------------------------------------------------------- from and to the wire


def _wanted(listing: Listing) -> WantedRows:
    kinds = listing.wanted.filters.get("type")
    if not kinds:
        return listing.wanted
    meant = ["bulk_individual" if kind == "bulk" else kind for kind in kinds]
    return replace(listing.wanted, filters={**listing.wanted.filters, "type": meant})


def _new(services: Services, body: BulkBody) -> NewBulk:
    schedule, is_series = body.schedule, body.booking_type == "recurring"
    bad: dict[str, Any] = {}
    if is_series and schedule.frequency is None:
        bad["schedule.frequency"] = "Say how often: daily, weekly, biweekly, monthly."
    if is_series and schedule.end_date is None:
        bad["schedule.endDate"] = "Say when the series ends."
    if is_series and schedule.frequency in ("weekly", "biweekly") and not schedule.days:
        bad["schedule.days"] = "Name at least one day of the week."
    if bad:
        raise Invalid(bad)
    rule = Rule(
        frequency=(schedule.frequency or "once") if is_series else "once", start=schedule.start_date,
        end=schedule.end_date or schedule.start_date, times=tuple(sorted({schedule.time, *schedule.times})),
        days=tuple(schedule.days), without=frozenset({*schedule.exceptions, *schedule.holidays}),
    )  # fmt: skip
    shown = schedule.model_dump(mode="json", exclude_defaults=True) | {"frequency": rule.frequency}
    return NewBulk(
        body.booking_type, body.service.service_id, rule,
        [place_of(services, place, f"locations.{n}.") for n, place in enumerate(body.locations)], shown,
        body.service.title, body.billing.department, body.billing.budget_code,
        Wanted(body.billing.approval_required, body.billing.approvers), body.special_requirements,
        schedule.academic_year,
    )  # fmt: skip


def place_of(services: Services, place: LocationIn, within: str) -> Place:
    """`within`: the field that it stands in, with a dot."""
    address, person = place.address, place.contact_person
    contact = {"name": person.name, "phone": None, "email": person.email} if person else {}
    if person and person.phone:
        contact["phone"] = phone_of(services, person.phone, f"{within}contactPerson.phone")
    return Place(
        place.name, address.street, address.city, address.floor, address.area, address.state or "",
        address.zip_code or "", address.country or "", address.lat, address.lng, contact,
    )  # fmt: skip


async def _out(conn: Conn, bulk: Bulk) -> BulkOut:
    places = await rows.locations(conn, bulk_id=bulk.id)
    approvals = await bulk_approvals.words_of(conn, bulk.id)
    sums = await rows.sums(conn, bulk_id=bulk.id)
    assert sums is not None, "an aggregate has a row"

    def whose(decision: str | None) -> list[UUID]:
        # Whoever has said nothing and is gone is not waited for.
        return [a.member_id for a in approvals if a.decision == decision and (decision or a.is_there)]

    return BulkOut(
        id=bulk.id, reference_number=bulk.number, booking_type=bulk.type, status=bulk.status, service=bulk.title,
        department=bulk.department_id, budget_code=bulk.budget_code, total_locations=len(places),
        estimated_bookings=sums.visits, completed_bookings=sums.done,
        schedule=BulkScheduleOut(frequency=bulk.schedule["frequency"], occurrences=sums.occurrences),
        pricing=BulkPricingOut(
            per_booking=bulk.list_minor, total_estimated=sums.visits * bulk.list_minor, currency=bulk.currency,
            discount=bulk.discount_pct, final_amount=sums.visits * bulk.price_minor,
        ),
        approval_status=ApprovalStatusOut(
            required=bool(approvals), pending=whose(None), approved=whose("approved"), rejected=whose("rejected")
        ),
        special_requirements=bulk.requirements, reason=bulk.reason, created_at=bulk.created_at,
    )  # fmt: skip


def visit_out(v: Visit, timezone: str) -> VisitOut:
    return VisitOut(
        id=v.id, location=v.location, starts_at=v.starts_at or to_utc(v.on_date, v.at_time, timezone),
        status=v.state,
        booking_id=v.booking_id, booking_number=v.booking_number, booking_status=v.booking_status, trouble=v.trouble,
    )  # fmt: skip


def line_out(line: Line) -> LineOut:
    next_at = None
    if line.next_on is not None and line.next_time is not None:
        next_at = to_utc(line.next_on, line.next_time, line.timezone)
    home = line.department_id and LineDepartmentOut(id=line.department_id, name=line.department_name or "")
    return LineOut(
        id=line.id, bulk_booking_id=line.bulk_id, reference_number=line.number, type=line.type, service=line.service,
        location=line.location, status=line.status,
        schedule=LineScheduleOut(next_booking=next_at, frequency=line.frequency), department=home or None,
        pricing=LinePricingOut(
            per_booking=line.per_booking_minor, total_paid=line.paid_minor, remaining=line.remaining_minor,
            currency=line.currency,
        ),
        created_by=CreatorOut(name=line.member_name, email=line.member_email), created_at=line.created_at,
    )  # fmt: skip
