"""What the operations board reads over REST: zones as areas, trails, messages of a booking, and a day played again."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.admin.nearby import Latitude, Longitude
from api.audiences import Admin, admin
from api.shared.objects import Geometry
from api.wire.models import Degrees, Moment, Query, View
from dispatch.engine import candidates, explain, replay
from dispatch.engine.board import Box
from dispatch.engine.matching import Judged
from dispatch.errors import Missing
from dispatch.live.roster import Technician
from dispatch.services import Services
from storage import board as rows
from storage import bookings as booking_rows
from storage import zones as zone_rows
from storage.board import Point, Told

MOST_MESSAGES = 100


class AreaOut(View):
    id: UUID
    code: str
    name: str
    city: str | None
    is_active: bool
    boundary: Geometry


class AreasOut(View):
    zones: list[AreaOut]


class MessageOut(View):
    id: UUID
    reader: Literal["customer", "technician"]
    type: str
    title: str
    message: str
    is_read: bool
    created_at: datetime


class MessagesOut(View):
    messages: list[MessageOut]


class CandidateOut(View):
    """`reason` is null for those who may come; `rank` counts them, the best first."""

    partner_id: UUID
    partner_code: str
    partner_name: str
    rank: int | None
    reason: str | None
    may_come_later: bool
    score: float | None
    parts: dict[str, float] | None
    distance_m: int | None
    fix_age_s: int | None
    rating: float | None


class CandidatesOut(View):
    """`radius_m` and `policy` are those of the look that was made for this answer."""

    policy: str
    radius_m: int
    candidates: list[CandidateOut]


class TrailQuery(Query):
    minutes: Annotated[int, Field(ge=1, le=1440)] = 60


class TrailOut(View):
    """`points` are unix seconds, latitude, longitude; oldest first."""

    points: list[list[float]]


class ReplayQuery(Query):
    """A span of at most 15 minutes of an area; of each technician one position every `step_s` seconds."""

    from_at: Moment
    to_at: Moment
    south: Latitude
    west: Longitude
    north: Latitude
    east: Longitude
    step_s: Annotated[int, Field(ge=1, le=300)] = 10


class PersonOut(View):
    no: int
    id: UUID
    code: str
    name: str


class PastFactOut(View):
    booking_id: UUID
    booking_number: str
    lat: Degrees
    lng: Degrees
    starts_at: datetime
    action: str
    at: datetime
    partner_id: str | None
    expires_at: str | None


class ReplayOut(View):
    """`points` are a technician's number, unix seconds, latitude, longitude and heading (-1: unknown).

    `is_cut`: there was more; ask for a smaller area, a shorter span or a greater step.
    """

    points: list[list[float]]
    technicians: list[PersonOut]
    facts: list[PastFactOut]
    is_cut: bool


@admin.route("GET", "/board/zones", permission="zones:read", tags=["board"])
async def areas(services: Services, caller: Admin) -> AreasOut:
    """Every zone with its boundary, for a map."""
    async with services.read() as conn:
        found = await zone_rows.everything(conn)
    return AreasOut(zones=[_area(zone) for zone in found])


@admin.route("GET", "/bookings/{id}/messages", permission="bookings:read", tags=["bookings"])
async def messages(services: Services, caller: Admin, id: UUID) -> MessagesOut:
    """What customer and technician were told of a booking, the newest first."""
    async with services.read() as conn:
        if await booking_rows.get(conn, booking_id=id) is None:
            raise Missing("booking")
        found = await rows.messages_of(conn, booking_id=id, limit=MOST_MESSAGES)
    return MessagesOut(messages=[_message(one) for one in found])


@admin.route("GET", "/bookings/{id}/candidates", permission="dispatch:read", tags=["dispatch"])
async def who_could(services: Services, caller: Admin, id: UUID) -> CandidatesOut:
    """Who could come now, ranked, and why the others could not. Nothing is offered by asking."""
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=id)
        if booking is None:
            raise Missing("booking")
        judged, policy = await candidates.judge(conn, services, booking, services.clock.now())
    ranks = count(1)
    shown = [(one, next(ranks) if one.reason is None else None) for one in explain.kept(judged)]
    found = [(one, rank, services.roster.find(one.candidate.id)) for one, rank in shown]
    return CandidatesOut(
        policy=policy.name, radius_m=int(policy.radius_m),
        candidates=[_candidate(one, rank, who) for one, rank, who in found if who is not None],
    )  # fmt: skip


@admin.route("GET", "/technicians/{id}/trail", permission="technicians:read", tags=["board"])
async def trail(services: Services, caller: Admin, id: UUID, query: TrailQuery) -> TrailOut:
    """Where a technician has been in the last minutes, oldest first."""
    if services.roster.find(id) is None:
        raise Missing("technician")
    found = await replay.trail(services, id, timedelta(minutes=query.minutes))
    return TrailOut(points=[[int(p.at_s), round(p.lat, 6), round(p.lng, 6)] for p in found])


@admin.route("GET", "/board/replay", permission="dispatch:read", tags=["board"])
async def past(services: Services, caller: Admin, query: ReplayQuery) -> ReplayOut:
    """What a span of the past looked like: positions, and the facts of every booking that was not over."""
    box = Box(query.west, query.south, query.east, query.north)
    span = await replay.between(services, box, query.from_at, query.to_at, query.step_s)
    return ReplayOut(
        points=[
            [p.technician_no, int(p.at_s), round(p.lat, 6), round(p.lng, 6), _heading(p)] for p in span.points
        ],
        technicians=[PersonOut(no=p.no, id=p.id, code=p.code, name=p.name) for p in span.people],
        facts=[
            PastFactOut(
                booking_id=f.id, booking_number=f.number, lat=f.lat, lng=f.lng, starts_at=f.starts_at, action=f.type,
                at=f.at, partner_id=f.technician_id, expires_at=f.expires_at,
            )
            for f in span.facts
        ],
        is_cut=span.is_cut,
    )  # fmt: skip


def _heading(point: Point) -> int:
    return -1 if point.heading_deg is None else round(point.heading_deg)


def _area(zone: zone_rows.ZoneRow) -> AreaOut:
    return AreaOut(
        id=zone.id, code=zone.code, name=zone.name, city=zone.city, is_active=zone.is_active, boundary=zone.boundary
    )


def _message(told: Told) -> MessageOut:
    return MessageOut(
        id=told.id, reader="technician" if told.reader == "technician" else "customer", type=told.type,
        title=told.title, message=told.message, is_read=told.is_read, created_at=told.created_at,
    )  # fmt: skip


def _candidate(one: Judged, rank: int | None, who: Technician) -> CandidateOut:
    seen = one.candidate
    return CandidateOut(
        partner_id=who.id, partner_code=who.code, partner_name=who.name, rank=rank, reason=one.reason,
        may_come_later=one.may_come and one.reason is not None, score=one.score, parts=one.parts or None,
        distance_m=None if seen.distance_m is None else int(seen.distance_m),
        fix_age_s=None if seen.fix_age_s is None else round(seen.fix_age_s), rating=who.rating,
    )  # fmt: skip
