"""Customers: who they are, what they booked, and whether they may come in."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Admin, admin
from api.shared.amounts import AmountsOut, shown
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, Day, Money, View
from api.wire.results import Page
from dispatch.engine import customer_bookings
from dispatch.parties import addresses, users
from dispatch.services import Services
from storage import users as rows
from storage.addresses import Address
from storage.customer_bookings import BookingView
from storage.database.listing import Wanted
from storage.users import User

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Status = Literal["pending", "partner_assigned", "confirmed", "in_progress", "completed", "cancelled", "refunded"]
#: So many of the newest bookings stand beside the person.
NEWEST = 10


class StatusIn(Body):
    is_active: bool
    reason: Reason | None = None


class UserLine(View):
    """`total_spent` is in the business's currency: what was paid and not given back."""

    id: UUID
    name: str | None
    phone_number: str | None
    email: str | None
    total_bookings: int
    total_spent: Money
    is_active: bool
    last_login_at: datetime | None
    created_at: datetime


class UserOut(UserLine):
    avatar_url: str | None
    is_verified: bool
    blocked_reason: str | None


class BookingLine(AmountsOut):
    id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    services: list[str]
    payment_method: str
    payment_status: str
    grand_total: Money
    currency: str
    partner_id: UUID | None
    partner_name: str | None
    created_at: datetime


class AddressLine(View):
    id: UUID
    label: str
    address_line1: str
    address_line2: str | None
    city: str
    state: str
    postal_code: str
    country: str
    is_default: bool


class StatsOut(View):
    """`average_order_value` is over the bookings that were paid."""

    total_bookings: int
    total_spent: Money
    average_order_value: Money
    currency: str


class DetailOut(View):
    user: UserOut
    bookings: list[BookingLine]
    addresses: list[AddressLine]
    stats: StatsOut


class BlockedOut(View):
    user: UserOut


LIST = Grammar(key="users", source=rows.everybody, filters={"is_active": Once(bool), "id": UUID, **DAYS})
BOOKINGS = Grammar(
    key="bookings", source=customer_bookings.LIST, limit=20,
    filters={
        "status": Status, "payment_status": Literal["pending", "paid", "failed", "refunded", "partially_refunded"],
        "payment_method": Literal["cash", "online", "account"], "date": Day, **DAYS,
    },
)  # fmt: skip


@admin.route("GET", "/users", permission="users:read", listing=LIST, tags=["users"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[UserLine]:
    """Customers, found by name, phone or e-mail address."""
    settings = services.settings
    async with services.read() as conn:
        found = await users.page(conn, listing.wanted, currency=settings.currency, timezone=settings.timezone)
    return Page.of(found, _line)


@admin.route("GET", "/users/{id}", permission="users:read", tags=["users"])
async def get(services: Services, caller: Admin, id: UUID) -> DetailOut:
    """One customer, with the newest bookings, the addresses and what they come to."""
    currency = services.settings.currency
    async with services.read() as conn:
        user = await users.get(conn, id, currency)
        newest = await customer_bookings.page(conn, id, Wanted(limit=NEWEST))
        places = await addresses.page(conn, id)
    stats = StatsOut(
        total_bookings=user.bookings, total_spent=user.spent_minor, currency=currency,
        average_order_value=user.spent_minor // user.paid if user.paid else 0,
    )  # fmt: skip
    return DetailOut(
        user=_user(user), bookings=[_booking(b) for b in newest.rows], stats=stats,
        addresses=[_address(a) for a in places],
    )  # fmt: skip


@admin.route("GET", "/users/{id}/bookings", permission="bookings:read", listing=BOOKINGS, tags=["users"])
async def bookings(services: Services, caller: Admin, id: UUID, listing: Listing) -> Page[BookingLine]:
    """The bookings of one customer."""
    async with services.read() as conn:
        await users.get(conn, id, services.settings.currency)
        return Page.of(await customer_bookings.page(conn, id, listing.wanted), _booking)


@admin.route("PATCH", "/users/{id}/status", permission="users:write", tags=["users"])
async def set_status(services: Services, caller: Admin, id: UUID, body: StatusIn) -> BlockedOut:
    """Block a customer, which ends their sign-ins and sockets, or let them in again.

    Example: {"is_active": false, "reason": "Violation of terms"}
    """
    async with services.transaction() as tx:
        done = await users.set_active(tx, caller.actor, id, is_active=body.is_active, reason=body.reason)
    return BlockedOut(user=_user(done))


def _line(u: User) -> UserLine:
    return UserLine(
        id=u.id, name=u.name, phone_number=u.phone, email=u.email, total_bookings=u.bookings,
        total_spent=u.spent_minor, is_active=u.is_active, last_login_at=u.last_login_at, created_at=u.created_at,
    )  # fmt: skip


def _user(u: User) -> UserOut:
    return UserOut(
        **_line(u).model_dump(), avatar_url=u.avatar_url, is_verified=u.is_verified, blocked_reason=u.blocked_reason
    )


def _booking(b: BookingView) -> BookingLine:
    return BookingLine(
        id=b.id, booking_number=b.number, status=b.status, booking_date=b.local_date, booking_time=b.local_time,
        services=[item["name"] for item in b.items], payment_method=b.payment_method, payment_status=b.payment_status,
        grand_total=b.grand_total_minor, currency=b.currency, partner_id=b.technician_id,
        partner_name=b.technician_name, created_at=b.created_at, **shown(b),
    )  # fmt: skip


def _address(a: Address) -> AddressLine:
    return AddressLine(
        id=a.id, label=a.label, address_line1=a.line1, address_line2=a.line2, city=a.city, state=a.state,
        postal_code=a.postal_code, country=a.country, is_default=a.is_default,
    )  # fmt: skip
