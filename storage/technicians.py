"""Rows of technicians as staff keep them: profile, papers, where they are paid, and what they have earned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("technicians")


@dataclass(frozen=True, slots=True)
class TechnicianFile:
    """All that is known; `pan_enc` is sealed to its cell, sums are of the currency that was asked for."""

    id: UUID
    code: str
    name: str
    phone: str | None
    email: str | None
    address: dict[str, Any] | None
    provider_id: UUID | None
    categories: list[str]
    tiers: list[str]
    working_hours: dict[str, Any]
    service_radius_m: int
    base_lat: float | None
    base_lng: float | None
    zone_id: UUID | None
    is_active: bool
    is_available: bool
    onboarding_status: str
    rating: float | None
    rating_count: int
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    aadhaar_last4: str | None
    aadhaar_verified: bool
    aadhaar_is_doubtful: bool
    pan_enc: bytes | None
    verification_documents: dict[str, Any]
    verification_notes: str | None
    verified_by: str | None
    verified_at: datetime | None
    last_seen_at: datetime | None
    bank_name: str | None
    account_name: str | None
    account_last4: str | None
    ifsc: str | None
    created_at: datetime
    updated_at: datetime
    total_minor: int
    paid_minor: int
    pending_minor: int


@dataclass(frozen=True, slots=True)
class Tied:
    booking_id: UUID


get = sql.row("get", TechnicianFile)
hold = sql.scalar("hold", UUID)
lock = sql.scalar("lock", UUID)
insert = sql.scalar("insert", UUID)
change_party = sql.run("change_party")
change = sql.run("change")
set_aadhaar = sql.run("set_aadhaar")
set_pan = sql.run("set_pan")
judge = sql.scalar("judge", UUID)
tied = sql.rows("tied", Tied)

#: How a technician stands in one word (C75): pending and rejected are of the papers, the others of the verified.
STANDING = (
    "CASE WHEN t.onboarding_status <> 'verified' THEN t.onboarding_status WHEN t.is_active THEN 'active'"
    " ELSE 'inactive' END"
)

everybody = Listed(
    sql, "everybody", TechnicianFile,
    key=Sort("p.id", "uuid"),
    sorts={
        "created_at": Sort("p.created_at", "timestamptz"), "name": Sort("p.name", "text"),
        "partner_code": Sort("p.code", "text"), "rating": Sort("(t.rating * 100)::int", "int", is_nullable=True),
        "total_bookings": Sort("t.total_bookings", "int"), "completed_bookings": Sort("t.completed_bookings", "int"),
        "cancelled_bookings": Sort("t.cancelled_bookings", "int"),
    },
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf(f"({STANDING})", "text"), "onboarding_status": AnyOf("t.onboarding_status", "text"),
        "category": "t.categories && {}::text[]", "tier": "t.tiers && {}::text[]",
        "zone_id": AnyOf("t.zone_id", "uuid"), "provider_id": AnyOf("t.provider_id", "uuid"),
        "is_available": "t.is_available = {}::boolean", "is_active": "t.is_active = {}::boolean",
    },
    search="array_to_tsvector(search_words(p.name) || search_words(p.code) || search_words(p.email)"
    " || search_phone(p.phone)) @@ {}",
    indexed=[("created_at", ())],
)  # fmt: skip
