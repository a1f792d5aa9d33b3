"""What an organisation may ask counts for all its people together, by what they ask for; a key has its own."""

from __future__ import annotations

import pytest

from api.auth.organisation_limits import budgets_of
from api.registry import all_routes
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation


@pytest.mark.parametrize(("route", "names"), [
    ("GET /api/partners/users", ["general"]), ("GET /api/partners/organization/overview", ["management"]),
    ("POST /api/partners/users/bulk-enroll", ["bulk", "uploads"]), ("POST /api/partners/bookings/bulk", ["bulk"]),
    ("GET /api/partners/analytics/usage", ["analytics"]), ("GET /api/partners/finance/reports", ["analytics"]),
    ("PUT /api/partners/users/{id}/access", ["management"]), ("GET /api/partners/profile", ["management"]),
    ("GET /api/partners/finance/invoices", ["general"]), ("POST /api/partners/files", ["uploads"]),
    ("PUT /api/partners/billing/settings", ["management"]), ("POST /api/partners/support/tickets", ["general"]),
])  # fmt: skip
def test_what_a_route_takes_from(route: str, names: list[str]) -> None:
    assert [b.name for b in budgets_of(route)] == names


def test_every_route_takes_from_something() -> None:
    for route in all_routes():
        if route.audience.name == "organisation":
            assert budgets_of(route.template)


@pytest.mark.usefixtures("still_windows")
async def test_all_people_of_an_organisation_share_and_others_do_not(portal: Portal) -> None:
    home, other = await add_organisation(portal.services), await add_organisation(portal.services)
    member = await home.member("viewer")
    limits = portal.services.settings.limits
    limits.organisation_analytics_per_quarter, before = 3, limits.organisation_analytics_per_quarter
    try:
        for headers in (home.headers(), home.headers(member), home.headers()):
            await portal.call("GET", "/analytics/providers", headers=headers)
        refused = await portal.call("GET", "/analytics/usage", headers=home.headers(member), expect=429)
        assert refused["error"]["code"] == "RATE_LIMIT_EXCEEDED"
        await portal.call("GET", "/users", headers=home.headers())
        await portal.call("GET", "/analytics/usage", headers=other.headers())
    finally:
        limits.organisation_analytics_per_quarter = before


@pytest.mark.usefixtures("still_windows")
async def test_a_key_has_a_limit_of_its_own(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    body = {"name": "Slow", "permissions": ["read_users"], "rateLimit": 2}
    made = await portal.call("POST", "/integration/api-keys", body, headers=home.headers(), expect=201)
    key = made["data"]["apiKey"]
    sent = {"X-API-Key": key["key"], "X-API-Secret": key["secret"]}
    for _ in range(2):
        await portal.call("GET", "/users", headers=sent)
    await portal.call("GET", "/users", headers=sent, expect=429)
    await portal.call("GET", "/users", headers=home.headers())
