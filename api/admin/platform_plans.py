"""What providers can pay the platform for, as the back office keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.models import MOST_MINOR, Body, Currency, Money, View, within
from api.wire.results import Message, Reply
from dispatch.billing import platform_plans
from dispatch.services import Services
from storage.platform_plans import PlatformPlan

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Features = Annotated[list[Name], Field(max_length=100)]
#: What the gateway makes a page for at least.
Price = Annotated[Money, within(100, MOST_MINOR)]


class NewPlan(Body):
    name: Name
    currency: Currency
    monthly_price: Price
    yearly_price: Price
    features: Features = []


class PlanChange(Body):
    """What is absent stays; another price counts from each provider's next bill on."""

    name: Name | None = None
    monthly_price: Price | None = None
    yearly_price: Price | None = None
    features: Features | None = None
    is_active: bool | None = None


class PlanOut(View):
    id: UUID
    name: str
    currency: str
    monthly_price: Money
    yearly_price: Money
    features: list[str]
    is_active: bool
    created_at: datetime
    updated_at: datetime


TAGS = ["providers"]


@admin.route("GET", "/provider-plans", permission="providers:read", tags=TAGS)
async def listed(services: Services, caller: Admin) -> list[PlanOut]:
    """Every plan, also those that are off the list, by currency."""
    async with services.read() as conn:
        return [_out(plan) for plan in await platform_plans.all(conn)]


@admin.route("POST", "/provider-plans", permission="providers:write", idempotency="optional", status=201, tags=TAGS)
async def create(services: Services, caller: Admin, body: NewPlan) -> Reply[PlanOut]:
    """A new plan for the providers of one currency.

    Example: {"name": "Professional", "currency": "INR", "monthly_price": 1499, "yearly_price": 14990,
      "features": ["Twenty people"]}
    """
    async with services.transaction() as tx:
        made = await platform_plans.create(
            tx, caller.actor, name=body.name, currency=body.currency, monthly_minor=body.monthly_price,
            yearly_minor=body.yearly_price, features=body.features,
        )  # fmt: skip
    return Reply(_out(made), message="The plan is made.")


@admin.route("PATCH", "/provider-plans/{id}", permission="providers:write", tags=TAGS)
async def change(services: Services, caller: Admin, id: UUID, body: PlanChange) -> PlanOut:
    """Change a plan; providers pay another price from their next bill on.

    Example: {"monthly_price": 1599}
    """
    async with services.transaction() as tx:
        changed = await platform_plans.change(
            tx, caller.actor, id, name=body.name, monthly_minor=body.monthly_price, yearly_minor=body.yearly_price,
            features=body.features, is_active=body.is_active,
        )  # fmt: skip
    return _out(changed)


@admin.route("DELETE", "/provider-plans/{id}", permission="providers:write", tags=TAGS)
async def remove(services: Services, caller: Admin, id: UUID) -> Message:
    """Delete a plan that nobody ever had; others are taken off the list and go on for whoever has them."""
    async with services.transaction() as tx:
        is_gone = await platform_plans.remove(tx, caller.actor, id)
    return Message("The plan is deleted." if is_gone else "The plan is off the list; who has it keeps it.")


def _out(plan: PlatformPlan) -> PlanOut:
    return PlanOut(
        id=plan.id, name=plan.name, currency=plan.currency, monthly_price=plan.monthly_minor,
        yearly_price=plan.yearly_minor, features=plan.features, is_active=plan.is_active, created_at=plan.created_at,
        updated_at=plan.updated_at,
    )  # fmt: skip
