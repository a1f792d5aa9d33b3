"""Whether a trade partner may order: its status, blocks, and what it was before."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from api.audiences import Member, erp
from api.erp.partner_views import Reason, Status
from api.shared.texts import text
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, Day, View
from api.wire.results import Message, Page
from dispatch.parties import partner_status
from dispatch.parties.trade_partners import day_of_block
from dispatch.services import Services

TAGS = ("partners",)


class StatusIn(Body):
    new_status: Status
    status_change_reason: Annotated[str, text(500)]
    notify_partner: bool = False


class BlockIn(Body):
    """Without a day the block stands until somebody lifts it."""

    blocked_until: Day | None = None
    block_reason: Reason | None = None


class StatusChangeOut(View):
    id: int
    old_status: str | None
    new_status: str
    reason: str | None
    notified: bool
    blocked_until: date | None
    by: str
    by_id: str | None
    created_at: datetime


@erp.route("PATCH", "/partners/{id}/toggle", permission="partners:write", tags=TAGS)
async def toggle(services: Services, caller: Member, id: int) -> Message:
    """From active to on hold and back."""
    async with services.transaction() as tx:
        await partner_status.toggle(tx, caller.actor, id)
    return Message("Status toggled")


@erp.route("PATCH", "/partners/{id}/status", permission="partners:write", tags=TAGS)
async def set_status(services: Services, caller: Member, id: int, body: StatusIn) -> Message:
    """Set the status with a reason, and tell the partner by e-mail where that is asked for.

    Example: {"new_status": "ON_HOLD", "status_change_reason": "Payment delay", "notify_partner": false}
    """
    async with services.transaction() as tx:
        has_address = await partner_status.set_status(
            tx, caller.actor, id, body.new_status, body.status_change_reason, notifies=body.notify_partner
        )
    was_not_told = body.notify_partner and not has_address
    more = ". It has no e-mail address, so nothing was sent: tell it yourself" if was_not_told else ""
    return Message(f"Partner status updated successfully{more}")


@erp.route("PATCH", "/partners/{id}/block", permission="partners:write", tags=TAGS)
async def block(services: Services, caller: Member, id: int, body: BlockIn) -> Message:
    """Block a partner, until a day or until it is unblocked."""
    async with services.transaction() as tx:
        await partner_status.block(tx, caller.actor, id, body.blocked_until, body.block_reason)
    return Message("Partner blocked")


@erp.route("PATCH", "/partners/{id}/unblock", permission="partners:write", tags=TAGS)
async def unblock(services: Services, caller: Member, id: int) -> Message:
    """Lift whatever stands against a partner: it is active again."""
    async with services.transaction() as tx:
        await partner_status.unblock(tx, caller.actor, id)
    return Message("Partner unblocked")


@erp.route(
    "GET", "/partners/{id}/status-history", permission="partners:read", listing=Grammar(source=partner_status.LIST),
    tags=TAGS,
)  # fmt: skip
async def status_history(services: Services, caller: Member, id: int, listing: Listing) -> Page[StatusChangeOut]:
    """Every status that a partner had, with who set it and why, the newest first."""
    timezone = services.settings.timezone
    async with services.read() as conn:
        found = await partner_status.page(conn, id, listing.wanted)
    return Page.of(found, lambda s: StatusChangeOut(
        id=s.id, old_status=s.old, new_status=s.new, reason=s.reason, notified=s.is_notified,
        blocked_until=day_of_block(s.blocked_until, timezone), by=s.actor_kind, by_id=s.actor_id, created_at=s.at,
    ))  # fmt: skip
