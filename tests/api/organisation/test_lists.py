"""Every list of the portal, walked: all that it declares runs. Whose rows it shows is told in test_tenancy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.billing import invoices
from dispatch.billing.invoices import last_period
from dispatch.localtime import local
from tests.api.organisation.conftest import Portal
from tests.api.test_lists import queries
from tests.organisations import Home, add_organisation

LISTED = [
    r
    for r in all_routes()
    if r.audience.name == "organisation" and r.listing is not None and r.listing.is_paged and "{" not in r.path
]


@pytest.fixture(scope="module")
async def firms(portal: Portal) -> AsyncIterator[list[Home]]:
    """Two organisations that did the same things."""
    made = []
    for n in range(2):
        home = await add_organisation(portal.services)
        headers = home.headers()
        place = await home.department("Engineering")
        member = await home.member(department_id=place.id)
        hook = {"url": "https://hooks.example.com/x", "events": ["user.enrolled", "invoice.generated"]}
        await portal.call("POST", "/integration/webhooks", hook, headers=headers, expect=201)
        ticket = {"subject": "S", "category": "other", "description": "D"}
        await portal.call("POST", "/support/tickets", ticket, headers=headers, expect=201)
        report = {"reportName": f"R{n}", "metrics": ["bookings"]}
        await portal.call("POST", "/analytics/custom-report", report, headers=headers, expect=201)
        day = last_period(local(portal.services.clock.now(), "Asia/Kolkata").date(), "monthly")
        await home.done(day.end, department_id=place.id, member_id=member)
        async with portal.services.transaction() as tx:
            await invoices.issue(tx, home.id, day, kind="requested")
        made.append(home)
    yield made


def path_of(route: Route, **query: Any) -> str:
    return f"{route.path.removeprefix('/api/partners')}?{urlencode(query, doseq=True)}"


def items_of(route: Route, answer: Any) -> list[Any]:
    assert route.listing is not None
    return list(answer["data"][route.listing.key or "items"])


@pytest.mark.parametrize("route", LISTED, ids=lambda r: r.template)
async def test_every_declared_sort_filter_and_search_runs(portal: Portal, firms: list[Home], route: Route) -> None:
    assert route.listing is not None
    headers = firms[0].headers()
    everything = items_of(route, await portal.call("GET", path_of(route, limit=100), headers=headers))
    for query in queries(route.listing):
        found = items_of(route, await portal.call("GET", path_of(route, limit=100, **query), headers=headers))
        assert len(found) == len(everything) if "sort" in query else len(found) <= len(everything), query


@pytest.mark.parametrize("route", LISTED, ids=lambda r: r.template)
async def test_what_cannot_be_is_refused_by_name(portal: Portal, firms: list[Home], route: Route) -> None:
    for query in ({"cursor": "x"}, {"sort": "drop table"}, {"page": "0"}, {"limit": "x"}):
        refused = await portal.call("GET", path_of(route, **query), headers=firms[0].headers(), expect=422)
        assert set(refused["error"]["details"]) == set(query)
