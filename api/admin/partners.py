"""Technicians as staff keep them: found, taken on, changed, verified, and what they do and earn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, StringConstraints

from api.admin.booking_views import BookingOut, booking_out
from api.admin.bookings import BOOKINGS
from api.admin.partner_views import (
    ChangedOut,
    CreatedOut,
    DayOffOut,
    DaysOffOut,
    EarningOut,
    EarningSums,
    PartnerDetail,
    PartnerRow,
    detail_out,
    earning_out,
    partner_out,
    row_out,
)
from api.audiences import Admin, admin
from api.shared.bank import AccountNumber, Ifsc
from api.shared.exports import ExportQuery, file, whole
from api.shared.hours import HoursIn
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body
from api.wire.results import File, Page, PageWith
from dispatch.access import phones
from dispatch.billing import earnings
from dispatch.engine import audit, presence
from dispatch.errors import Invalid
from dispatch.parties import papers, technicians
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services, Tx
from storage import staff_bookings
from storage import technicians as rows
from storage.technicians import TechnicianFile

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[list[Word], Field(min_length=1, max_length=50), AfterValidator(lambda w: list(dict.fromkeys(w)))]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


def _without_gaps(value: Any) -> Any:
    return value.replace(" ", "").replace("-", "").upper() if isinstance(value, str) else value


def _aadhaar(value: str) -> str:
    if not papers.AADHAAR.fullmatch(value):
        raise ValueError("must be twelve digits")
    return value


def _pan(value: str) -> str:
    if not papers.PAN.fullmatch(value):
        raise ValueError("must be five letters, four digits and a letter")
    return value


Aadhaar = Annotated[str, BeforeValidator(_without_gaps), AfterValidator(_aadhaar)]
Pan = Annotated[str, BeforeValidator(_without_gaps), AfterValidator(_pan)]
RadiusKm = Annotated[float, Field(ge=0.1, le=200)]


class DocumentsIn(Body):
    """Ids of files that were sent with the purpose document."""

    aadhar: UUID | None = None
    pan: UUID | None = None


class PartnerIn(Body):
    """What may be changed of a technician; what is absent stays. A null binds them to no zone any more: they serve the
    one in which their base lies."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"zone_id"})

    name: Name | None = None
    phone_number: Phone | None = None
    email: EmailStr | None = None
    address: Address | None = None
    service_categories: Words | None = None
    service_tiers: Words | None = None
    working_hours: HoursIn | None = None
    service_radius_km: RadiusKm | None = None
    base_lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    base_lng: Annotated[float, Field(ge=-180, le=180)] | None = None
    zone_id: UUID | None = None
    is_active: bool | None = None
    aadhar_number: Aadhaar | None = None
    pan_number: Pan | None = None
    bank_account_number: AccountNumber | None = None
    ifsc_code: Ifsc | None = None
    bank_name: Name | None = None
    account_holder_name: Name | None = None
    verification_documents: DocumentsIn | None = None

    def changes(self, region: str) -> dict[str, Any]:
        """The fields of the Profile that are given. Raises Invalid."""
        given: dict[str, Any] = {
            "name": self.name, "email": self.email, "address": self.address, "categories": self.service_categories,
            "tiers": self.service_tiers, "is_active": self.is_active,
        }  # fmt: skip
        found = {name: value for name, value in given.items() if value is not None}
        if "zone_id" in self.model_fields_set:
            found["zone_id"] = self.zone_id
        if self.phone_number is not None:
            found["phone"] = phones.normalise(self.phone_number, region)
        if self.service_radius_km is not None:
            found["radius_m"] = round(self.service_radius_km * 1000)
        if (self.base_lat is None) != (self.base_lng is None):
            raise Invalid({"base_lat": "Send base_lat and base_lng together."})
        if self.base_lat is not None:
            found["base"] = (self.base_lat, self.base_lng)
        if self.verification_documents is not None:
            sent = self.verification_documents.model_dump()
            found["documents"] = {kind: file_id for kind, file_id in sent.items() if file_id is not None}
        return found

    def account(self) -> technicians.Account | None:
        """Where to pay, if that is said. Raises Invalid for a bank without a number."""
        if self.bank_account_number is None:
            if self.ifsc_code or self.bank_name or self.account_holder_name:
                raise Invalid({"bank_account_number": "Send the account number with its bank."})
            return None
        return technicians.Account(
            self.bank_account_number, self.ifsc_code, self.bank_name, self.account_holder_name
        )  # fmt: skip


class NewPartnerIn(PartnerIn):
    """A technician to be taken on; the papers are verified later."""

    name: Name
    phone_number: Phone
    service_categories: Words
    service_tiers: Words
    working_hours: HoursIn


class VerifyIn(Body):
    onboarding_status: Literal["verified", "rejected"]
    notes: Notes | None = None


class AvailabilityIn(Body):
    is_available: bool | None = None
    working_hours: HoursIn | None = None


PARTNERS = Grammar(
    key="partners", source=rows.everybody,
    filters={
        "status": Literal["active", "inactive", "pending", "rejected"],
        "onboarding_status": Literal["pending", "verified", "rejected"], "service_category": str, "service_tier": str,
        "zone_id": UUID, "provider_id": UUID, "is_available": Once(bool), "is_active": Once(bool),
    },
    aliases={"category": "service_category", "tier": "service_tier"},
    names={"service_category": "category", "service_tier": "tier"},
)  # fmt: skip
_NOT_THEIRS = ("partner_id", "is_assigned", "is_queued")
THEIR_BOOKINGS = replace(
    BOOKINGS, filters={n: k for n, k in BOOKINGS.filters.items() if n not in _NOT_THEIRS},
    aliases={a: n for a, n in BOOKINGS.aliases.items() if n != "partner_id"},
)  # fmt: skip
EARNINGS = Grammar(
    key="earnings", source=earnings.LIST, filters={"status": Literal["pending", "paid", "cancelled"], **DAYS}
)  # fmt: skip


async def _get(services: Services, technician_id: UUID) -> TechnicianFile:
    async with services.read() as conn:
        return await technicians.get(conn, technician_id, services.settings.currency)


@admin.route("GET", "/partners", permission="technicians:read", listing=PARTNERS, tags=["partners"])
async def list_partners(services: Services, caller: Admin, listing: Listing) -> Page[PartnerRow]:
    """Technicians, the newest first; `pending` are those whose papers wait, active and inactive the verified ones."""
    async with services.read() as conn:
        found = await rows.everybody.page(conn, listing.wanted, currency=services.settings.currency)
    return Page.of(found, row_out)


COLUMNS = (
    "Code", "Name", "Phone", "E-mail", "Categories", "Tiers", "Papers", "Active", "Available", "Rating", "Bookings",
    "Done", "Cancelled", "Earned", "Waiting", "Since",
)  # fmt: skip


@admin.route("GET", "/partners/export", permission="technicians:read", listing=whole(PARTNERS), tags=["partners"])
async def export_partners(services: Services, caller: Admin, query: ExportQuery, listing: Listing) -> File:
    """All technicians that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(
        services, query.format, "Technicians", COLUMNS, rows.everybody, listing.wanted, _line,
        currency=services.settings.currency,
    )  # fmt: skip
    return file(pieces, "technicians", query.format)


def _line(t: TechnicianFile) -> list[Cell]:
    money = admin.dialect.money
    return [
        t.code, t.name, t.phone, t.email, ", ".join(t.categories), ", ".join(t.tiers), t.onboarding_status,
        t.is_active, t.is_available, t.rating, t.total_bookings, t.completed_bookings, t.cancelled_bookings,
        money(t.total_minor), money(t.pending_minor), t.created_at,
    ]  # fmt: skip


@admin.route(
    "POST",
    "/partners",
    idempotency="optional",
    status=201,
    permission="technicians:write",
    accepts_cards=True,
    tags=["partners"],
)
async def create(services: Services, caller: Admin, body: NewPartnerIn) -> CreatedOut:
    """Take a technician on; the code is the next of the series, and the papers wait to be verified."""
    made = await create_one(services, caller, body)
    return CreatedOut(partner=partner_out(services, made), partner_code=made.code)


async def create_one(services: Services, caller: Admin, body: NewPartnerIn) -> TechnicianFile:
    """Takes one technician on, in a transaction of its own. Raises Invalid, PhoneTaken, AadhaarTaken."""
    profile = technicians.Profile(**body.changes(services.settings.phone_region))
    shifts, account = body.working_hours.shifts(), body.account()

    async def work(tx: Tx) -> TechnicianFile:
        return await technicians.create(
            tx, profile, shifts, caller.actor, aadhaar=body.aadhar_number, pan=body.pan_number, account=account
        )  # fmt: skip

    return await services.retrying(work)


@admin.route("GET", "/partners/{id}", permission="technicians:read", tags=["partners"])
async def detail(services: Services, caller: Admin, id: UUID) -> PartnerDetail:
    """One technician with figures; what a verifier should look at twice is among `warnings`."""
    return detail_out(services, await _get(services, id))


async def _change(services: Services, caller: Admin, technician_id: UUID, body: PartnerIn) -> ChangedOut:
    changes, account = body.changes(services.settings.phone_region), body.account()
    shifts = body.working_hours.shifts() if body.working_hours is not None else None
    found = await services.retrying(
        lambda tx: technicians.change(
            tx, technician_id, caller.actor, changes, shifts=shifts, aadhaar=body.aadhar_number, pan=body.pan_number,
            account=account,
        )
    )  # fmt: skip
    return ChangedOut(partner=partner_out(services, found))


@admin.route("PUT", "/partners/{id}", permission="technicians:write", accepts_cards=True, tags=["partners"])
async def put(services: Services, caller: Admin, id: UUID, body: PartnerIn) -> ChangedOut:
    """Change a technician; what is absent stays. Who is no longer active is signed out, and their jobs go to others."""
    return await _change(services, caller, id, body)


@admin.route("PATCH", "/partners/{id}", permission="technicians:write", accepts_cards=True, tags=["partners"])
async def patch(services: Services, caller: Admin, id: UUID, body: PartnerIn) -> ChangedOut:
    """The same under another method."""
    return await _change(services, caller, id, body)


@admin.route("POST", "/partners/{id}/verify", permission="technicians:write", tags=["partners"])
async def verify(services: Services, caller: Admin, id: UUID, body: VerifyIn) -> ChangedOut:
    """Verify or reject the papers; the technician is told."""
    found = await services.retrying(
        lambda tx: technicians.judge(tx, id, caller.actor, body.onboarding_status, body.notes)
    )
    return ChangedOut(partner=partner_out(services, found))


@admin.route("PATCH", "/partners/{id}/availability", permission="technicians:write", tags=["partners"])
async def availability(services: Services, caller: Admin, id: UUID, body: AvailabilityIn) -> ChangedOut:
    """Put a technician online or offline, or set the hours."""
    shifts = body.working_hours.shifts() if body.working_hours is not None else None
    async with services.transaction() as tx:
        before = await technicians.get(tx.conn, id, services.settings.currency)
        if body.is_available is not None:
            await presence.set_available(tx, id, body.is_available, by=caller.actor)
        if shifts is not None:
            await presence.set_working_hours(tx, id, shifts)
        found = await technicians.get(tx.conn, id, services.settings.currency)
        await audit.changed(
            tx, caller.actor, "set_availability", "technician", id,
            {"is_available": before.is_available, "working_hours": before.working_hours},
            {"is_available": found.is_available, "working_hours": found.working_hours},
        )  # fmt: skip
    return ChangedOut(partner=partner_out(services, found))


@admin.route("GET", "/partners/{id}/bookings", permission="technicians:read", listing=THEIR_BOOKINGS, tags=["partners"])
async def their_bookings(services: Services, caller: Admin, id: UUID, listing: Listing) -> Page[BookingOut]:
    """Bookings that a technician has accepted, the newest first."""
    await _get(services, id)
    wanted = replace(listing.wanted, filters={**listing.wanted.filters, "technician_id": [id]})
    async with services.read() as conn:
        found = await staff_bookings.everybodys.page(conn, wanted, timezone=services.settings.timezone)
    return Page.of(found, booking_out)


@admin.route("GET", "/partners/{id}/earnings", permission="technicians:read", listing=EARNINGS, tags=["partners"])
async def their_earnings(
    services: Services, caller: Admin, id: UUID, listing: Listing
) -> PageWith[EarningOut, EarningSums]:
    """What a technician has earned, the newest first, and the sums of the days asked for."""
    await _get(services, id)
    timezone = services.settings.timezone
    from_at, to_at = earnings.span(listing.filters.get("date_from"), listing.filters.get("date_to"), timezone)
    async with services.read() as conn:
        found = await earnings.page(conn, id, listing.wanted, timezone)
        sums = await earnings.summary(conn, id, from_at=from_at, to_at=to_at, currency=services.settings.currency)
    extra = EarningSums(
        total_earnings=sums.total_minor, pending=sums.pending_minor, paid=sums.paid_minor,
        cash_in_hand=sums.cash_in_hand_minor, payable=sums.payable_minor, currency=sums.currency,
    )  # fmt: skip
    return PageWith.among(found, earning_out, extra)


@admin.route("GET", "/partners/{id}/days-off", permission="technicians:read", tags=["partners"])
async def days_off(services: Services, caller: Admin, id: UUID) -> DaysOffOut:
    """The days, from today on, on which a technician does not work."""
    await _get(services, id)
    async with services.read() as conn:
        found = await presence.days_off(conn, services, id)
    return DaysOffOut(days_off=[DayOffOut(date=day) for day in found])


@admin.route("PUT", "/partners/{id}/days-off/{date}", permission="technicians:write", tags=["partners"])
async def take_day_off(services: Services, caller: Admin, id: UUID, date: date) -> DayOffOut:
    """The technician does not work on this day; with accepted jobs on it this is refused, and names them."""
    async with services.transaction() as tx:
        await presence.take_off(tx, id, date)
        await audit.record(tx, caller.actor, "take_day_off", "technician", id, {"date": date})
    return DayOffOut(date=date)


@admin.route("DELETE", "/partners/{id}/days-off/{date}", permission="technicians:write", tags=["partners"])
async def work_day(services: Services, caller: Admin, id: UUID, date: date) -> DayOffOut:
    """The technician works on this day after all."""
    async with services.transaction() as tx:
        await presence.work_again(tx, id, date)
        await audit.record(tx, caller.actor, "drop_day_off", "technician", id, {"date": date})
    return DayOffOut(date=date)
