"""How a technician sees a job: the customer's name, phone and door only while it is theirs."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from api.shared import amounts
from api.shared.amounts import AmountsOut
from api.wire.models import Money, View
from dispatch.engine.technician_bookings import Entry


class ServiceLine(View):
    name: str
    category: str
    tier: str
    quantity: int


class Job(AmountsOut):
    """A booking as its technician sees it; `assignment_status` is `assigned` while the offer is open."""

    id: UUID
    booking_number: str
    status: str
    assignment_status: str
    booking_date: date
    booking_time: time
    starts_at: datetime
    ends_at: datetime
    services: list[ServiceLine]
    address: dict[str, Any]
    lat: float
    lng: float
    customer: dict[str, Any] | None
    payment_method: str
    payment_status: str
    grand_total: Money
    currency: str
    partner_earning: Money
    offer_id: UUID | None
    offer_expires_at: datetime | None
    estimated_arrival: datetime | None
    accepted_at: datetime | None
    completed_at: datetime | None
    needs_start_code: bool
    rating: int | None


#: Of an address, only this much is shown before the job is accepted.
PUBLIC_ADDRESS = ("city", "state", "pincode")


def job(entry: Entry) -> Job:
    row = entry.job
    is_mine = row.is_mine and row.state != "assigned"
    address = row.address if is_mine else {k: row.address.get(k) for k in PUBLIC_ADDRESS}
    return Job(
        **amounts.shown(row),
        id=row.booking_id, booking_number=row.number, status=row.status, assignment_status=row.state,
        booking_date=row.local_date, booking_time=row.local_time, starts_at=row.starts_at, ends_at=row.ends_at,
        services=[
            ServiceLine(name=i.name, category=i.category, tier=i.tier, quantity=i.quantity) for i in entry.items
        ],
        address=address, lat=row.lat, lng=row.lng, customer=row.contact if is_mine else None,
        payment_method=row.payment_method, payment_status=row.payment_status, grand_total=row.grand_total_minor,
        currency=row.currency, partner_earning=row.earning_minor, offer_id=row.offer_id,
        offer_expires_at=row.offer_expires_at, estimated_arrival=row.estimated_arrival, accepted_at=row.accepted_at,
        completed_at=row.completed_at, needs_start_code=row.needs_start_code and is_mine, rating=row.rating,
    )  # fmt: skip
