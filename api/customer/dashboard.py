"""The customer's first screen, and the contact form."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import EmailStr, StringConstraints

from api.audiences import Customer, customer
from api.customer.addresses import AddressOut, address_out
from api.edge.limits import CONTACT
from api.shared.amounts import AmountsOut, shown
from api.shared.signing import PhoneNumber
from api.shared.texts import BLANK_IS_ABSENT, text
from api.wire.models import Body, Money, View
from api.wire.results import Message
from dispatch.engine import customer_bookings
from dispatch.parties import addresses, contact, customers
from dispatch.parties.contact import Letter
from dispatch.services import Services
from storage.customer_bookings import BookingView
from storage.notifications import Notification

#: How much of each the first screen shows.
RECENT_BOOKINGS, RECENT_NOTIFICATIONS = 5, 10


class UserOut(View):
    id: UUID
    name: str | None
    phone_number: str | None
    email: str | None


class ServiceName(View):
    name: str
    quantity: int


class RecentBooking(AmountsOut):
    id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    grand_total: Money
    currency: str
    services: list[ServiceName]


class NotificationOut(View):
    id: UUID
    title: str
    message: str
    is_read: bool
    created_at: datetime


class DashboardOut(View):
    user: UserOut
    addresses: list[AddressOut]
    recent_bookings: list[RecentBooking]
    notifications: list[NotificationOut]


class ContactIn(Body):
    name: Annotated[str, text(255)]
    email: Annotated[EmailStr, StringConstraints(max_length=255)]
    phone: Annotated[PhoneNumber | None, BLANK_IS_ABSENT] = None
    subject: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    message: Annotated[str, text(10_000)]


@customer.route("GET", "/dashboard", tags=["dashboard"])
async def dashboard(services: Services, caller: Customer) -> DashboardOut:
    """The customer, their addresses, their last bookings and what they were told."""
    async with services.read() as conn:
        user = await customers.get(conn, caller.account_id)
        places = await addresses.page(conn, caller.account_id)
        recent = await customer_bookings.latest(conn, caller.account_id, RECENT_BOOKINGS)
        told = await customers.latest_notifications(conn, caller.account_id, RECENT_NOTIFICATIONS)
    return DashboardOut(
        user=UserOut(id=user.id, name=user.name, phone_number=user.phone, email=user.email),
        addresses=[address_out(services, a) for a in places],
        recent_bookings=[_recent(b) for b in recent],
        notifications=[_told(n) for n in told],
    )  # fmt: skip


@customer.route("POST", "/contact", status=201, public=True, quota=CONTACT, body_limit=64 * 1024, tags=["contact"])
async def contact_us(services: Services, body: ContactIn, caller: Customer | None = None) -> Message:
    """A letter to the people behind the service; anybody may write, and who is signed in has it among their data."""
    letter = Letter(body.name, body.email, body.message, body.phone, body.subject)
    async with services.transaction() as tx:
        await contact.submit(tx, letter, caller.account_id if caller else None)
    return Message("Thank you for contacting us. We'll get back to you soon.")


def _told(n: Notification) -> NotificationOut:
    return NotificationOut(id=n.id, title=n.title, message=n.message, is_read=n.is_read, created_at=n.created_at)


def _recent(b: BookingView) -> RecentBooking:
    return RecentBooking(
        id=b.id, booking_number=b.number, status=b.status, booking_date=b.local_date,
        booking_time=b.local_time,
        grand_total=b.grand_total_minor, **shown(b), currency=b.currency,
        services=[ServiceName(name=i["name"], quantity=i["quantity"]) for i in b.items],
    )  # fmt: skip
