"""Integrations in the back office: who they are, how much they ask, and what staff decide about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.admin.integration_account import BalanceOut, balance_out
from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, Moment, View
from api.wire.results import Page
from dispatch.billing import integration_account
from dispatch.parties import integration_onboarding, integration_usage, integrations
from dispatch.services import Services
from storage.integrations import Document, Integration, Note

Status = Literal["pending", "active", "suspended", "inactive", "rejected"]
PartnerType = Literal["technology", "business", "marketplace", "enterprise"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
READ, WRITE = "integrations:read", "integrations:write"
TAGS = ("integrations",)
#: Days of use that a detail sums up.
DAYS_SHOWN = 30


class IntegrationOut(View):
    """`progress` is that of the onboarding, in percent."""

    id: UUID
    name: str
    email: str | None
    phone_number: str | None
    slug: str
    partner_type: str
    status: str
    progress: int
    current_step: str
    tags: list[str]
    monthly_limit: int
    burst_limit: int
    is_billed: bool
    last_request_at: datetime | None
    activated_at: datetime | None
    created_at: datetime


class RouteUse(View):
    route: str
    requests: int
    refused: int


class DocumentOut(View):
    """`url` is null of what was uploaded: it is among the files."""

    id: UUID
    type: str
    name: str
    url: str | None
    file_id: UUID | None
    created_at: datetime


class NoteOut(View):
    id: UUID
    content: str
    added_by: UUID | None
    author: str | None
    created_at: datetime


class UsageOut(View):
    total_requests: int
    monthly_requests: int
    refused_requests: int
    by_route: list[RouteUse]


class BusinessOut(View):
    company_name: str | None
    website: str | None
    industry: str | None
    description: str | None


class IntegrationDetail(IntegrationOut):
    """`by_route` is of the last thirty days, `account` what it owes in each currency."""

    client_id: str | None
    webhook_url: str | None
    callback_url: str | None
    business: BusinessOut
    documents: list[DocumentOut]
    notes: list[NoteOut]
    usage: UsageOut
    account: list[BalanceOut]
    may_become: list[str]


class StatusIn(Body):
    status: Status
    reason: Text | None = None


class LimitsIn(Body):
    """What is left out stays. `is_billed`: the house sends it a bill, so that its customers may book on account."""

    monthly_limit: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    burst_limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    is_billed: bool | None = None


class NoteIn(Body):
    content: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class MaintenanceIn(Body):
    starts_at: Moment
    ends_at: Moment
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ToldOut(View):
    """How many endpoints are told."""

    told: int


LIST = Grammar(
    key="integrations", source=integrations.LIST,
    filters={
        "status": Status, "onboarding_completed": Once(bool), "partner_type": PartnerType, "tag": str, **DAYS,
    },
)  # fmt: skip


@admin.route("GET", "/integrations", permission=READ, listing=LIST, tags=TAGS)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[IntegrationOut]:
    """All integrations, the newest first."""
    async with services.read() as conn:
        return Page.of(await integrations.page(conn, listing.wanted), lambda row: IntegrationOut(**_shown(row)))


@admin.route("GET", "/integrations/{id}", permission=READ, tags=TAGS)
async def get(services: Services, caller: Admin, id: UUID) -> IntegrationDetail:
    """One integration with its documents, notes and use."""
    return await _detail(services, id)


@admin.route("PATCH", "/integrations/{id}/status", permission=WRITE, tags=TAGS)
async def set_status(services: Services, caller: Admin, id: UUID, body: StatusIn) -> IntegrationDetail:
    """Activates, suspends, rejects: along the table of moves only; the integration is told.

    Example: {"status": "suspended", "reason": "Unpaid bills"}
    """
    async with services.transaction() as tx:
        await integrations.set_status(tx, id, body.status, caller.actor, body.reason)
    return await _detail(services, id)


@admin.route("PATCH", "/integrations/{id}/limits", permission=WRITE, tags=TAGS)
async def set_limits(services: Services, caller: Admin, id: UUID, body: LimitsIn) -> IntegrationDetail:
    """How much it may ask, and whether it gets a bill.

    Example: {"monthly_limit": 50000, "burst_limit": 200}
    """
    async with services.transaction() as tx:
        await integrations.set_limits(
            tx, id, caller.actor, monthly=body.monthly_limit, burst=body.burst_limit, is_billed=body.is_billed
        )
    return await _detail(services, id)


@admin.route("GET", "/integrations/{id}/notes", permission=READ, tags=TAGS)
async def notes(services: Services, caller: Admin, id: UUID) -> list[NoteOut]:
    """What staff wrote down about it, the newest first."""
    async with services.read() as conn:
        await integrations.get(conn, id)
        return [_note(n) for n in await integrations.notes(conn, id)]


@admin.route("POST", "/integrations/{id}/notes", idempotency="optional", status=201, permission=WRITE, tags=TAGS)
async def add_note(services: Services, caller: Admin, id: UUID, body: NoteIn) -> NoteOut:
    """Writes something down about it.

    Example: {"content": "Called back; wants a higher limit."}
    """
    async with services.transaction() as tx:
        return _note(await integrations.add_note(tx, id, body.content, caller.account_id, caller.actor))


@admin.route("POST", "/integrations/maintenance", idempotency="optional", status=201, permission=WRITE, tags=TAGS)
async def announce_maintenance(services: Services, caller: Admin, body: MaintenanceIn) -> ToldOut:
    """Tells every integration that asked for it when we shall be away.

    Example: {"starts_at": "2026-02-01T20:00:00Z", "ends_at": "2026-02-01T21:00:00Z", "text": "An hour of maintenance"}
    """
    async with services.transaction() as tx:
        told = await integrations.announce_maintenance(tx, caller.actor, body.starts_at, body.ends_at, body.text)
    return ToldOut(told=told)


async def _detail(services: Services, id: UUID) -> IntegrationDetail:
    today = services.clock.now().date()
    used = await integration_usage.of(services, id, today - timedelta(days=DAYS_SHOWN - 1), today)
    async with services.read() as conn:
        row, documents = await integration_onboarding.shown(conn, id)
        written = await integrations.notes(conn, id)
        held = await integration_account.balances(conn, id)
    totals, info = used.totals, row.business_info
    return IntegrationDetail(
        **_shown(row), client_id=row.client_id, webhook_url=row.webhook_url, callback_url=row.callback_url,
        business=BusinessOut(
            company_name=info.get("companyName"), website=info.get("website"), industry=info.get("industry"),
            description=info.get("description"),
        ),
        documents=[_document(d) for d in documents], notes=[_note(n) for n in written],
        usage=UsageOut(
            total_requests=totals.total, monthly_requests=totals.this_month, refused_requests=totals.refused,
            by_route=[RouteUse(route=r.route, requests=r.requests, refused=r.refused) for r in used.by_route],
        ),
        account=[balance_out(b) for b in held], may_become=list(integrations.MOVES[row.status]),
    )  # fmt: skip


def _shown(row: Integration) -> dict[str, Any]:
    done = integration_onboarding.progress(row)
    return {
        "id": row.id, "name": row.name, "email": row.email, "phone_number": row.phone, "slug": row.slug,
        "partner_type": row.partner_type, "status": row.status, "progress": done.percent,
        "current_step": done.current_step, "tags": row.tags, "monthly_limit": row.monthly_limit,
        "burst_limit": row.burst_limit, "is_billed": row.is_billed, "last_request_at": row.last_request_at,
        "activated_at": row.activated_at, "created_at": row.created_at,
    }  # fmt: skip


def _document(d: Document) -> DocumentOut:
    return DocumentOut(id=d.id, type=d.type, name=d.name, url=d.url, file_id=d.file_id, created_at=d.created_at)


def _note(n: Note) -> NoteOut:
    return NoteOut(id=n.id, content=n.content, added_by=n.added_by, author=n.author, created_at=n.created_at)
