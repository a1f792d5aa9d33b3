"""Payouts that providers asked for, and the large ones that staff decide about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, StringConstraints

from api.audiences import Admin, provider_desk
from api.provider.payouts import status_of
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import CamelBody, CamelView, Money
from api.wire.results import PageWith, Reply
from dispatch.billing import provider_payouts
from dispatch.services import Services
from storage.payouts import Payout

_ACTIONS = {"approved": "approve", "rejected": "reject", "decline": "reject"}


def _action(value: Any) -> Any:
    return _ACTIONS.get(value.strip().lower(), value.strip().lower()) if isinstance(value, str) else value


class ReviewIn(CamelBody):
    action: Annotated[Literal["approve", "reject"], BeforeValidator(_action)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class PayoutRequestOut(CamelView):
    id: UUID
    invoice: str
    provider_id: UUID
    provider_name: str
    amount: Money
    currency: str
    status: str
    needs_review: bool
    description: str | None
    failure_reason: str | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    created_at: datetime


class ItemsOut(CamelView):
    items: list[PayoutRequestOut]


LIST = Grammar(
    key="payoutRequests", source=provider_payouts.REQUESTS,
    filters={
        "status": Literal["pending", "processing", "completed", "failed"], "currency": str, "providerId": UUID,
        "needsReview": Once(bool),
    },
    names={"providerId": "provider_id", "needsReview": "needs_review"},
    sorts={"date": "created_at", "amount": "amount", "provider": "provider"},
)  # fmt: skip


@provider_desk.route(
    "GET", "/api/payout-requests/admin/all", permission="payouts:read", listing=LIST, tags=["payout requests"]
)
async def page(services: Services, caller: Admin, listing: Listing) -> PageWith[PayoutRequestOut, ItemsOut]:
    """What providers asked for, newest first; `needsReview=true` is what waits for a decision."""
    async with services.read() as conn:
        found = await provider_payouts.requests(conn, listing.wanted)
    shown = [_out(payout) for payout in found.rows]
    return PageWith.among(found.of(shown), lambda one: one, ItemsOut(items=shown))


@provider_desk.route(
    "PATCH", "/api/payout-requests/admin/{payout_id}/review", permission="payouts:write", tags=["payout requests"]
)
async def review(services: Services, caller: Admin, payout_id: UUID, body: ReviewIn) -> Reply[PayoutRequestOut]:
    """Let a large payout go, or give its money back to the wallet.

    Example: {"action": "approve"}
    """
    async with services.transaction() as tx:
        found = await provider_payouts.review(tx, payout_id, body.action, body.reason, caller.actor)
    return Reply(_out(found), message="Payout request reviewed successfully")


def _out(payout: Payout) -> PayoutRequestOut:
    return PayoutRequestOut(
        id=payout.id, invoice=payout.number, provider_id=payout.party_id, provider_name=payout.party_name,
        amount=payout.net_minor, currency=payout.currency, status=status_of(payout), needs_review=payout.needs_review,
        description=payout.notes, failure_reason=payout.failure_reason, reviewed_by=payout.reviewed_by,
        reviewed_at=payout.reviewed_at, created_at=payout.created_at,
    )  # fmt: skip
