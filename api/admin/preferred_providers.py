"""What organisations pay less with the providers that they prefer: agreed by staff."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Admin, admin
from api.wire.models import Body, View
from dispatch.parties import organisations, preferred_providers
from dispatch.services import Services


class AgreeIn(Body):
    agreed_discount: Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]


class PreferredOut(View):
    """Percentages: what the organisation asks for, and what prices go by."""

    provider_id: UUID
    name: str
    services: list[str]
    priority: int
    discount: Decimal
    agreed_discount: Decimal
    exclusivity: bool


class PreferencesOut(View):
    providers: list[PreferredOut]


@admin.route("GET", "/organisations/{id}/preferred-providers", permission="organisations:read")
async def page(services: Services, caller: Admin, id: UUID) -> PreferencesOut:
    """Whom an organisation prefers, what it asks for and what was agreed."""
    async with services.read() as conn:
        await organisations.get(conn, id)
        found, _ = await preferred_providers.of_organisation(conn, id)
    return PreferencesOut(providers=[
        PreferredOut(
            provider_id=p.provider_id, name=p.name, services=p.services, priority=p.priority,
            discount=p.discount_pct, agreed_discount=p.agreed_pct, exclusivity=p.exclusivity,
        )
        for p in found
    ])  # fmt: skip


@admin.route("PUT", "/organisations/{id}/preferred-providers/{provider_id}", permission="organisations:write")
async def agree(services: Services, caller: Admin, id: UUID, provider_id: UUID, body: AgreeIn) -> PreferencesOut:
    """Say what an organisation pays less with a provider.

    Example: {"agreed_discount": 10}
    """
    async with services.transaction() as tx:
        await preferred_providers.agree(tx, id, provider_id, body.agreed_discount, caller.actor)
    return await page(services, caller, id)
