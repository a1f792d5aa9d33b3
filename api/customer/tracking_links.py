"""Following a visit by a link: the customer gives and takes it back, whoever has it looks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audiences import Customer, customer
from api.edge.limits import FOLLOWING
from api.wire.models import Degrees, View
from api.wire.results import Message
from dispatch.engine import tracking_links
from dispatch.services import Services


class LinkOut(View):
    """`path` is the page to give away; it shows the visit until `expires_at`."""

    token: str
    path: str
    expires_at: datetime


class StepOut(View):
    """`at` is null while the step is ahead."""

    step: str
    at: datetime | None


class PositionOut(View):
    """`eta_s` is null when nothing honest can be said; `fix_age_s` is how old the position was then."""

    lat: Degrees
    lng: Degrees
    at: datetime
    accuracy_m: float
    heading_deg: float | None
    eta_s: float | None
    eta_confidence: float | None
    fix_age_s: float


class ProgressOut(View):
    """`status`: booked, accepted, in_transit, arrived, in_progress, completed or cancelled. `position` is there from
    on the way to done."""

    status: str
    starts_at: datetime
    timezone: str
    steps: list[StepOut]
    position: PositionOut | None
    expires_at: datetime
    now: datetime


@customer.route("POST", "/bookings/{id}/tracking-link", tags=["tracking"])
async def make_link(services: Services, caller: Customer, id: UUID) -> LinkOut:
    """A link by which others may follow this visit: where the technician is while the job is on, and nothing else."""
    async with services.transaction() as tx:
        link = await tracking_links.make(tx, caller.account_id, id)
    return LinkOut(token=link.token, path=f"/track/{link.token}", expires_at=link.expires_at)


@customer.route("DELETE", "/bookings/{id}/tracking-link", tags=["tracking"])
async def revoke_link(services: Services, caller: Customer, id: UUID) -> Message:
    """Nobody follows by the links given until now; repeating it changes nothing."""
    async with services.transaction() as tx:
        await tracking_links.revoke(tx, caller.account_id, id)
    return Message("The link shows nothing any more")


@customer.route("GET", "/track/{token}", public=True, apart=FOLLOWING, tags=["tracking"])
async def follow(services: Services, token: str) -> ProgressOut:
    """How a visit stands, for whoever has its link; one that has expired or was taken back says so."""
    found = await tracking_links.follow(services, token)
    where = found.position
    return ProgressOut(
        status=found.status, starts_at=found.starts_at, timezone=found.timezone,
        steps=[StepOut(step=s.step, at=s.at) for s in found.steps],
        position=PositionOut(**{name: where[name] for name in PositionOut.model_fields}) if where else None,
        expires_at=found.expires_at, now=services.clock.now(),
    )  # fmt: skip
