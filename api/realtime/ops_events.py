"""What the operations board asks and is told over its socket."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.realtime.payloads import Payload, Told

Latitude = Annotated[float, Field(ge=-90, le=90, strict=True, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, strict=True, allow_inf_nan=False)]


class Watch(Payload):
    """The visible area: `[west, south, east, north]` in degrees."""

    bbox: tuple[Longitude, Latitude, Longitude, Latitude]


class OpsTechnician(Told):
    """`presence` is online, busy, offline or stale; `is_sure` false: a position that no decision is based on."""

    no: int
    id: UUID
    code: str
    name: str
    lat: float
    lng: float
    heading_deg: int | None
    fix_s: int
    presence: Literal["online", "busy", "offline", "stale"]
    job: str | None
    is_sure: bool


class OpsBooking(Told):
    """`next_look_at` is when the search looks again; `waits_for` what alone stands in its way."""

    id: UUID
    number: str
    status: str
    lat: float
    lng: float
    starts_at: datetime
    priority: int
    categories: list[str]
    zone_id: UUID | None
    is_queued: bool
    queued_at: datetime | None
    queue_reason: str | None
    waits_for: list[str]
    next_look_at: datetime | None
    technician_id: UUID | None
    assignment_state: str | None
    offered_to: UUID | None
    offer_made_at: datetime | None
    offer_expires_at: datetime | None


class OpsOpenAlert(Told):
    id: UUID
    kind: str
    message: str
    booking_id: UUID | None
    timezone: str | None
    created_at: datetime


class OpsSnapshot(Told):
    """The visible area; what does not fit one message follows in deltas at once, and changes once a second.

    `is_cut`: there are more technicians than the 5,000 that are shown.
    """

    at: datetime
    technicians: list[OpsTechnician]
    bookings: list[OpsBooking]
    alerts: list[OpsOpenAlert]
    queue_length: int
    is_cut: bool


class OpsDelta(Told):
    """What is new or changed, by `no` and `id`; names without news are absent.

    `moved` are technicians who only moved: number, latitude, longitude, heading, unix seconds of the fix. One that is
    not known is ignored.
    """

    at: datetime
    technicians: list[OpsTechnician] | None = None
    moved: list[tuple[int, float, float, int | None, int]] | None = None
    technicians_gone: list[int] | None = None
    bookings: list[OpsBooking] | None = None
    bookings_gone: list[UUID] | None = None
    alerts: list[OpsOpenAlert] | None = None
    alerts_gone: list[UUID] | None = None
    queue_length: int | None = None
    is_cut: bool | None = None


class OpsAlert(Told):
    kind: str
    at: datetime
    booking_id: UUID | None = None


class Watched(Told):
    at: datetime
