"""Technicians as staff see them: numbers of papers and accounts masked, files as links."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from api.shared.objects import HoursObject
from api.wire.models import Degrees, Money, View
from dispatch.parties import technicians
from dispatch.services import Services
from dispatch.vault import vault_of
from storage.earnings import Earning
from storage.technicians import TechnicianFile

#: What a verifier is told of a number that is well formed and cannot be right.
DOUBTFUL_AADHAAR = "The check digit of the Aadhaar number does not fit: compare it with the document."


class PartnerRow(View):
    id: UUID
    partner_code: str
    name: str
    phone_number: str | None
    email: str | None
    service_categories: list[str]
    service_tiers: list[str]
    rating: float | None
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    total_earnings: Money
    pending_payout: Money
    onboarding_status: str
    is_active: bool
    is_available: bool
    last_seen_at: datetime | None
    zone_id: UUID | None
    provider_id: UUID | None
    created_at: datetime


class DocumentsOut(View):
    """Where each document is read, by an address of ours that wants the sign-in of staff."""

    aadhar: str | None
    pan: str | None


class PartnerOut(PartnerRow):
    """`warnings` are what a verifier should look at twice."""

    address: str | None
    working_hours: HoursObject
    service_radius_km: float
    base_lat: Degrees | None
    base_lng: Degrees | None
    aadhar_number: str | None
    aadhar_verified: bool
    pan_number: str | None
    bank_account_number: str | None
    ifsc_code: str | None
    bank_name: str | None
    account_holder_name: str | None
    verification_documents: DocumentsOut
    verification_notes: str | None
    verified_by: str | None
    verified_at: datetime | None
    warnings: list[str]
    updated_at: datetime


class ChangedOut(View):
    partner: PartnerOut


class CreatedOut(View):
    partner: PartnerOut
    partner_code: str


class EarningsOut(View):
    total: Money
    pending: Money
    paid: Money
    currency: str


class CountsOut(View):
    total: int
    completed: int
    cancelled: int


class PerformanceOut(View):
    """`cancellation_rate` is in percent of all accepted jobs; ratings are null until somebody rated."""

    rating: float | None
    average_rating: float | None
    rating_count: int
    cancellation_rate: float


class PartnerDetail(View):
    partner: PartnerOut
    earnings: EarningsOut
    bookings: CountsOut
    performance: PerformanceOut


class EarningOut(View):
    id: UUID
    booking_id: UUID
    booking_number: str
    booking_amount: Money
    partner_earning: Money
    platform_commission: Money
    paid_amount: Money
    currency: str
    payment_method: str
    status: str
    payout_number: str | None
    created_at: datetime
    paid_at: datetime | None


class EarningSums(View):
    total_earnings: Money
    pending: Money
    paid: Money
    cash_in_hand: Money
    payable: Money
    currency: str


class DayOffOut(View):
    date: date


class DaysOffOut(View):
    days_off: list[DayOffOut]


def row_out(t: TechnicianFile) -> PartnerRow:
    return PartnerRow(
        id=t.id, partner_code=t.code, name=t.name, phone_number=t.phone, email=t.email,
        service_categories=t.categories, service_tiers=t.tiers, rating=t.rating, total_bookings=t.total_bookings,
        completed_bookings=t.completed_bookings, cancelled_bookings=t.cancelled_bookings,
        total_earnings=t.total_minor, pending_payout=t.pending_minor, onboarding_status=t.onboarding_status,
        is_active=t.is_active, is_available=t.is_available, last_seen_at=t.last_seen_at, zone_id=t.zone_id,
        provider_id=t.provider_id, created_at=t.created_at,
    )  # fmt: skip


def partner_out(services: Services, t: TechnicianFile) -> PartnerOut:
    known = t.verification_documents
    documents = {kind: f"/v1/admin/files/{known[kind]}/content" for kind in technicians.DOCUMENTS if known.get(kind)}
    return PartnerOut(
        **row_out(t).model_dump(), address=technicians.address_of(t), working_hours=t.working_hours,
        service_radius_km=t.service_radius_m / 1000, base_lat=t.base_lat, base_lng=t.base_lng,
        aadhar_number=f"XXXXXXXX{t.aadhaar_last4}" if t.aadhaar_last4 else None, aadhar_verified=t.aadhaar_verified,
        pan_number=technicians.pan_of(vault_of(services.settings), t),
        bank_account_number=f"XXXXXX{t.account_last4}" if t.account_last4 else None, ifsc_code=t.ifsc,
        bank_name=t.bank_name, account_holder_name=t.account_name,
        verification_documents=DocumentsOut(aadhar=documents.get("aadhar"), pan=documents.get("pan")),
        verification_notes=t.verification_notes,
        verified_by=t.verified_by, verified_at=t.verified_at,
        warnings=[DOUBTFUL_AADHAAR] if t.aadhaar_is_doubtful else [], updated_at=t.updated_at,
    )  # fmt: skip


def detail_out(services: Services, t: TechnicianFile) -> PartnerDetail:
    rate = 100 * t.cancelled_bookings / t.total_bookings if t.total_bookings else 0.0
    return PartnerDetail(
        partner=partner_out(services, t),
        earnings=EarningsOut(
            total=t.total_minor, pending=t.pending_minor, paid=t.paid_minor, currency=services.settings.currency
        ),
        bookings=CountsOut(
            total=t.total_bookings, completed=t.completed_bookings, cancelled=t.cancelled_bookings
        ),
        performance=PerformanceOut(
            rating=t.rating, average_rating=t.rating, rating_count=t.rating_count, cancellation_rate=round(rate, 2)
        ),
    )  # fmt: skip


def earning_out(e: Earning) -> EarningOut:
    return EarningOut(
        id=e.id, booking_id=e.booking_id, booking_number=e.booking_number, booking_amount=e.booking_minor,
        partner_earning=e.earning_minor, platform_commission=e.booking_minor - e.earning_minor,
        paid_amount=e.paid_minor, currency=e.currency, payment_method=e.payment_method, status=e.status,
        payout_number=e.payout_number, created_at=e.created_at, paid_at=e.paid_at,
    )  # fmt: skip
