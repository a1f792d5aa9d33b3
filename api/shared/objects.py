"""Objects that several audiences show as they are kept: what stands in them, and nothing is added to them.

What is not there is left out; further keys of older rows stay.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, WithJsonSchema
from typing_extensions import TypedDict

_AS_KEPT = ConfigDict(extra="allow")


class PlaceObject(TypedDict, total=False):
    """An address as the booking keeps it; before a job is accepted only its outlines."""

    __pydantic_config__ = _AS_KEPT  # type: ignore[misc]

    id: str
    name: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    state: str | None
    pincode: str | None
    lat: float | None
    lng: float | None


class ContactObject(TypedDict, total=False):
    """Whom to call about a booking."""

    __pydantic_config__ = _AS_KEPT  # type: ignore[misc]

    name: str | None
    phone: str | None
    email: str | None


class PrefillObject(TypedDict, total=False):
    contact: str
    email: str
    name: str


class PaymentObject(TypedDict, total=False):
    """How a booking is paid and, while it can be paid online, what the gateway's page is opened with.

    `amount` and `outstanding_fee` are in minor units: the gateway's page takes them so.
    """

    __pydantic_config__ = _AS_KEPT  # type: ignore[misc]

    id: str | None
    payment_method: str | None
    razorpay_payment_id: str | None
    razorpay_order_id: str | None
    status: str
    order_id: str | None
    amount: int
    currency: str
    key: str
    name: str
    description: str
    prefill: PrefillObject
    notes: dict[str, str]
    outstanding_fee: int
    expires_at: datetime | None


class BreakObject(TypedDict):
    start: str
    end: str


class DayObject(TypedDict, total=False):
    day: int
    start: str
    end: str
    breaks: list[BreakObject]


class HoursObject(TypedDict, total=False):
    """When somebody works, by the clock of the place: the same on some days, or by weekday (1 is Monday)."""

    __pydantic_config__ = _AS_KEPT  # type: ignore[misc]

    start: str
    end: str
    days: list[int]
    breaks: list[BreakObject]
    weekly: list[DayObject]


#: What a fact or a message carries beside its words.
FactData = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "additionalProperties": {}, "description": "Keys depend on the kind."}),
]

#: A Polygon or MultiPolygon of GeoJSON (RFC 7946), in [longitude, latitude].
Geometry = Annotated[
    dict[str, Any],
    WithJsonSchema({
        "type": "object", "required": ["type", "coordinates"],
        "properties": {
            "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
            "coordinates": {
                "type": "array", "items": {"description": "A ring of positions; of several polygons the rings of one"},
            },
        },
        "additionalProperties": {}, "description": "GeoJSON, in [longitude, latitude]",
    }),
]  # fmt: skip
