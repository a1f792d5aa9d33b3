"""What staff must look at, and that somebody has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, View
from api.wire.results import Page
from dispatch.billing import refunds, review
from dispatch.engine import alerts
from dispatch.errors import NotAllowed
from dispatch.services import Services, Tx
from storage import alerts as rows
from storage.alerts import AlertView

Kind = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class ResolveIn(Body):
    note: Note | None = None


class AlertOut(View):
    """`subject` is what it is about where that is not the booking as a whole; `timezone` is of the booking's place.

    `can_retry`: what it is about was tried to the end, and can be tried again.
    """

    id: UUID
    type: str
    message: str
    booking_id: UUID | None
    booking_number: str | None
    timezone: str | None
    partner_id: UUID | None
    partner_name: str | None
    subject: str | None
    status: Literal["open", "resolved"]
    can_retry: bool
    created_at: datetime
    resolved_at: datetime | None


LIST = Grammar(
    key="alerts", source=rows.everything,
    filters={"type": Kind, "status": Once(Literal["open", "resolved"]), "booking_id": UUID, "partner_id": UUID, **DAYS},
    names={"type": "kind", "partner_id": "technician_id"},
)  # fmt: skip


@admin.route("GET", "/alerts", permission="alerts:read", listing=LIST, tags=["alerts"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[AlertOut]:
    """Alerts, the newest first."""
    async with services.read() as conn:
        return Page.of(await alerts.page(conn, listing.wanted, services.settings.timezone), _alert)


@admin.route("GET", "/alerts/{id}", permission="alerts:read", tags=["alerts"])
async def get(services: Services, caller: Admin, id: UUID) -> AlertOut:
    """One alert."""
    async with services.read() as conn:
        return _alert(await alerts.get(conn, id))


@admin.route("POST", "/alerts/{id}/resolve", permission="alerts:write", tags=["alerts"])
async def resolve(services: Services, caller: Admin, id: UUID, body: ResolveIn = ResolveIn()) -> AlertOut:
    """Say that it is settled. Its cause, if it goes on, raises it anew.

    Example: {"note": "Called the customer"}
    """
    async with services.transaction() as tx:
        return _alert(await alerts.resolve_by(tx, caller.actor, id, body.note))


@admin.route("POST", "/alerts/{id}/retry", permission="alerts:write", tags=["alerts"])
async def retry(services: Services, caller: Admin, id: UUID) -> AlertOut:
    """Have what was tried to the end tried again, with its old key: nothing is done twice. It is resolved by itself
    when that works. A refund that failed is sent anew, which needs the right to refund."""

    async def work(tx: Tx) -> AlertView:
        alert = await alerts.get(tx.conn, id)
        if alert.kind == refunds.FAILED and not caller.grants.allow("refunds:write"):
            raise NotAllowed("Only who may pay back sends a refund again.")
        return await review.retry(tx, caller.actor, id)

    return _alert(await services.retrying(work))


def _alert(a: AlertView) -> AlertOut:
    return AlertOut(
        id=a.id, type=a.kind, message=a.message, booking_id=a.booking_id, booking_number=a.booking_number,
        timezone=a.timezone, partner_id=a.technician_id, partner_name=a.technician_name, subject=a.subject,
        status="open" if a.resolved_at is None else "resolved", can_retry=a.kind in review.RETRIED,
        created_at=a.created_at, resolved_at=a.resolved_at,
    )  # fmt: skip
