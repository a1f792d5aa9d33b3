"""The providers that an organisation prefers."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import ServiceNames, by_of, organisation_of
from api.wire.models import CamelBody, CamelView
from api.wire.results import Reply
from dispatch.parties import preferred_providers
from dispatch.parties.preferred_providers import Preference
from dispatch.services import Services

TAGS = ("providers",)


class PreferredIn(CamelBody):
    provider_id: UUID
    services: ServiceNames = []
    priority: Annotated[int, Field(ge=1, le=1000)] = 1
    discount: Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)] = Decimal(0)
    exclusivity: bool = False


class PreferredBody(CamelBody):
    providers: Annotated[list[PreferredIn], Field(max_length=100)]
    auto_assign: bool = True
    allow_others: bool = True


class PreferredOut(CamelView):
    """Percentages: `discount` is what was asked for, `agreedDiscount` what prices go by, once staff have agreed."""

    provider_id: UUID
    name: str
    services: list[str]
    priority: int
    discount: Decimal
    agreed_discount: Decimal
    exclusivity: bool


class PreferencesOut(CamelView):
    providers: list[PreferredOut]
    auto_assign: bool
    allow_others: bool


@organisation.route(
    "POST", "/preferred-providers", idempotency="optional", status=201, permission="providers:write", tags=TAGS
)
async def replace_all(services: Services, caller: Member, body: PreferredBody) -> Reply[PreferencesOut]:
    """Put this list in the place of the old one; from then on they are asked first, and others only if allowed.

    Example: {"providers": [], "autoAssign": true, "allowOthers": true}
    """
    wanted = [Preference(p.provider_id, p.services, p.priority, p.discount, p.exclusivity) for p in body.providers]
    async with services.transaction() as tx:
        await preferred_providers.replace_all(
            tx, by_of(caller), wanted, prefers_first=body.auto_assign, allows_others=body.allow_others
        )
    return Reply(await page(services, caller), message="Preferred providers updated")


@organisation.route("GET", "/preferred-providers", permission="providers:read", tags=TAGS)
async def page(services: Services, caller: Member) -> PreferencesOut:
    """Whom we prefer, in the order in which they are asked."""
    async with services.read() as conn:
        found, rules = await preferred_providers.of_organisation(conn, organisation_of(caller))
    return PreferencesOut(
        providers=[
            PreferredOut(
                provider_id=p.provider_id, name=p.name, services=p.services or ["all"], priority=p.priority,
                discount=p.discount_pct, agreed_discount=p.agreed_pct, exclusivity=p.exclusivity,
            )
            for p in found
        ],
        auto_assign=rules.prefers_first, allow_others=rules.allows_others,
    )  # fmt: skip
