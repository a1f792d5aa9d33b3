"""Plans of the platform: what two of the house do to one at once."""

from __future__ import annotations

from functools import partial

import pytest

from dispatch.billing import platform_plans
from dispatch.errors import Missing
from dispatch.events import Actor
from tests.dispatch.billing.till import Till
from tests.turns import one_after_the_other

STAFF = Actor("admin", "7")


@pytest.mark.parametrize("is_deleted_twice", [True, False])
async def test_whoever_comes_after_a_plan_was_deleted_is_told_that_it_is_gone(
    till: Till, is_deleted_twice: bool
) -> None:
    services = till.world.services
    async with services.transaction() as tx:
        plan = await platform_plans.create(
            tx, STAFF, name="Brief", currency="INR", monthly_minor=50_000, yearly_minor=500_000, features=()
        )  # fmt: skip
    again = partial(platform_plans.remove, actor=STAFF, plan_id=plan.id)
    change = partial(
        platform_plans.change, actor=STAFF, plan_id=plan.id, name="Long", monthly_minor=None, yearly_minor=None,
        features=None, is_active=None,
    )  # fmt: skip
    is_gone, refused = await one_after_the_other(services, again, again if is_deleted_twice else change)
    assert is_gone is True and isinstance(refused, Missing)
