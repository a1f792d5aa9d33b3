"""What the server answers, as types: the keys that clients read. Answers hold more, and may come to hold yet more."""

from __future__ import annotations

from typing import Any, TypedDict


class Service(TypedDict):
    """`product_cost` is what is asked for, `market_price` the list price; both in major units."""

    id: str
    name: str
    description: str | None
    category: str
    tier: str
    product_cost: float
    market_price: float
    currency: str
    duration_minutes: int


class Catalogue(TypedDict):
    categories: dict[str, list[Service]]
    all_services: list[Service]
    last_updated: str


class Address(TypedDict):
    id: str
    name: str
    address_line1: str
    address_line2: str | None
    city: str
    state: str
    pincode: str
    lat: float | None
    lng: float | None
    is_default: bool


class NewAddress(TypedDict, total=False):
    """`name`, `address_line1`, `city`, `state` and `pincode` are wanted; `lat` and `lng` go together."""

    name: str
    address_line1: str
    address_line2: str
    city: str
    state: str
    pincode: str
    lat: float
    lng: float
    is_default: bool


class Pricing(TypedDict):
    subtotal: float
    savings: float
    discount: float
    tax: float
    grand_total: float
    currency: str


class Preview(TypedDict):
    """A price that stands until `expires_at`; the times are clock faces of the address."""

    preview_id: str
    pricing: Pricing
    amount_to_collect: float
    available_time_slots: list[str]
    expires_at: str


class Booked(TypedDict):
    id: str
    booking_number: str
    status: str
    grand_total: float


class Payment(TypedDict, total=False):
    """What the gateway's page is opened with."""

    order_id: str
    amount: int
    currency: str
    key: str


class Confirmed(TypedDict, total=False):
    """`payment` is there when something is to be paid online, `message` when nothing is."""

    booking: Booked
    payment: Payment
    message: str


class Professional(TypedDict):
    id: str
    name: str
    phone: str | None
    rating: float | None
    status: str | None


class Booking(TypedDict):
    id: str
    booking_number: str
    status: str
    booking_date: str
    booking_time: str
    timezone: str
    starts_at: str
    grand_total: float
    currency: str
    payment_method: str
    payment_status: str
    partner: Professional | None
    created_at: str


class Cancelled(TypedDict):
    booking_id: str
    status: str
    cancellation_fee: float
    refund_amount: float
    refund_status: str


class Event(TypedDict):
    """One line of a booking's timeline; `seq` has no gap."""

    seq: int
    action: str
    by: str
    timestamp: str
    data: dict[str, Any]


class Job(TypedDict):
    """A booking as its technician sees it: `assignment_status` is `assigned` while it is an open offer.

    The place is exact when the offer is accepted, and gone when it is over; `offer_id` is of an open offer.
    """

    id: str
    booking_number: str
    status: str
    assignment_status: str
    starts_at: str
    ends_at: str
    lat: float | None
    lng: float | None
    offer_id: str | None


class Pages(TypedDict, total=False):
    """`cursor` leads to the next page; None on the last one."""

    page: int
    limit: int
    total: int
    cursor: str | None


class Bookings(TypedDict):
    bookings: list[Booking]
    pagination: Pages


class Jobs(TypedDict):
    bookings: list[Job]
    pagination: Pages


class AppCustomer(TypedDict):
    """Somebody for whom an app books; its `id` is what X-Customer-ID takes."""

    id: str
    name: str | None
    phoneNumber: str
    email: str | None
    bookings: int


class Usage(TypedDict):
    totalRequests: int
    monthlyRequests: int
    refusedRequests: int
    remainingRequests: int


class Webhook(TypedDict, total=False):
    """`secret` is there in the answer that makes it, and never again."""

    id: str
    url: str
    events: list[str]
    isActive: bool
    secret: str
