"""How a technician sees a job: place and person by the stage of their tie."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from api.shared import amounts
from api.shared.amounts import AmountsOut
from api.shared.objects import ContactObject, PlaceObject
from api.wire.models import Degrees, Money, View
from dispatch.engine import facts
from dispatch.engine.technician_bookings import Entry
from dispatch.services import Services


class ServiceLine(View):
    name: str
    category: str
    tier: str
    quantity: int


class Job(AmountsOut):
    """A booking as its technician sees it; `assignment_status` is `assigned` while the offer is open.

    Until it is accepted `lat` and `lng` are rounded to about 500 m and the address is masked; name, phone and door come
    with the acceptance and go some hours after the end. What is over has no position.
    """

    id: UUID
    booking_number: str
    status: str
    assignment_status: str
    booking_date: date
    booking_time: time
    timezone: str
    starts_at: datetime
    ends_at: datetime
    services: list[ServiceLine]
    address: PlaceObject
    lat: Degrees | None
    lng: Degrees | None
    customer: ContactObject | None
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


def job(services: Services, entry: Entry) -> Job:
    row = entry.job
    stage = facts.stage_of(row.state, row.completed_at, services.clock.now(), services.settings.privacy.contact_hours)
    place = facts.door(stage, row.address, row.lat, row.lng, row.contact)
    return Job(
        **amounts.shown(row),
        id=row.booking_id, booking_number=row.number, status=row.status, assignment_status=row.state,
        booking_date=row.local_date, booking_time=row.local_time, timezone=row.timezone, starts_at=row.starts_at,
        ends_at=row.ends_at,
        services=[
            ServiceLine(name=i.name, category=i.category, tier=i.tier, quantity=i.quantity) for i in entry.items
        ],
        address=place.address, lat=place.lat, lng=place.lng, customer=place.contact,
        payment_method=row.payment_method, payment_status=row.payment_status, grand_total=row.grand_total_minor,
        currency=row.currency, partner_earning=row.earning_minor, offer_id=row.offer_id,
        offer_expires_at=row.offer_expires_at, estimated_arrival=row.estimated_arrival, accepted_at=row.accepted_at,
        completed_at=row.completed_at, needs_start_code=row.needs_start_code and stage is facts.Stage.OWN,
        # What somebody else did later is not theirs to see.
        rating=row.rating if row.is_mine else None,
    )  # fmt: skip
