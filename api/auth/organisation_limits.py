"""How much an organisation may ask (R48 to R53): by what it asks for, all its people together; keys have their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.edge.limits import HOUR_S, QUARTER_S, TooManyRequests
from dispatch.parties.organisation_keys import DEFAULT_LIMIT
from dispatch.services import Services
from storage.ratelimits import RateCounters


@dataclass(frozen=True, slots=True)
class Budget:
    """`setting` names the amount in settings.limits; `routes` matches the method and the path after /api/partners."""

    name: str
    setting: str
    window_s: int
    routes: re.Pattern[str]


#: A route takes from every budget that it matches, else from the general one.
BUDGETS: Sequence[Budget] = (
    Budget(
        "bulk", "organisation_bulk_per_quarter", QUARTER_S,
        re.compile(r"POST /(bookings/bulk|users/bulk-enroll|programs/[^/]+/bookings)$"),
    ),
    Budget(
        "uploads", "organisation_uploads_per_hour", HOUR_S, re.compile(r"POST /(users/bulk-enroll|files)$"),
    ),
    Budget(
        "analytics", "organisation_analytics_per_quarter", QUARTER_S,
        re.compile(r"\w+ /(analytics/|finance/(overview|reports)$)"),
    ),
    Budget(
        "management", "organisation_management_per_quarter", QUARTER_S,
        re.compile(
            r"(\w+ /(organization|profile|integration/(api-keys|webhooks)|preferred-providers)"
            r"|PUT /(users|billing)/|POST /(programs|billing/invoice-request|finance/budget-allocation))"
        ),
    ),
)  # fmt: skip
GENERAL = Budget("general", "organisation_general_per_quarter", QUARTER_S, re.compile(""))
_PREFIX = "/api/partners"


async def meter(counters: RateCounters, services: Services, caller: Any, route: str) -> bool:
    """Counts a request. Raises TooManyRequests."""
    if caller.key_id is not None:
        await _count(counters, f"organisation:key:{caller.key_id}", caller.rate_limit or DEFAULT_LIMIT, QUARTER_S)
        return True
    for budget in budgets_of(route):
        amount: int = getattr(services.settings.limits, budget.setting)
        await _count(counters, f"organisation:{budget.name}:{caller.party_id}", amount, budget.window_s)
    return True


def budgets_of(route: str) -> Sequence[Budget]:
    """What a route ("GET /api/partners/users") takes from."""
    asked = route.replace(_PREFIX, "", 1)
    return [b for b in BUDGETS if b.routes.match(asked)] or [GENERAL]


async def _count(counters: RateCounters, key: str, amount: int, window_s: int) -> None:
    wait_s = await counters.hit(key, amount, window_s)
    if wait_s:
        raise TooManyRequests(retry_after_s=wait_s)
