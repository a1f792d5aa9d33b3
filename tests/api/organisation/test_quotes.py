"""Quotes: asked, answered by staff, accepted into a price; and what is refused."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest

from dispatch.billing import on_account
from dispatch.billing.trade_orders import Booker
from dispatch.engine import catalogue
from dispatch.engine.bookings import NewItem
from dispatch.engine.catalogue import ServiceIn
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import quotes
from dispatch.parties.quotes import Answer, QuoteOver
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

WISH = {
    "serviceType": "facility_management", "description": "Ten floors", "requirements": {"locations": 1},
    "budget": {"estimated": 500000, "flexible": True, "currency": "INR"},
}  # fmt: skip
STAFF = Actor("admin", "a test")


async def test_an_accepted_quote_is_the_price_until_its_day(portal: Portal) -> None:
    services, home = portal.services, await add_organisation(portal.services)
    headers = home.headers()
    async with services.transaction() as tx:
        service_id = await catalogue.upsert_service(
            tx, ServiceIn("Deep cleaning", "cleaning", "Deep", "Minimal", {"INR": (60_000, None)})
        )
    asked = (await portal.call("POST", "/quotes/request", WISH, headers=headers, expect=201))["data"]["quote"]
    assert asked["referenceNumber"].startswith("QTE-") and asked["status"] == "pending"
    assert asked["expectedResponse"] == "2-3 business days"
    path = f"/quotes/{asked['id']}"
    early = await portal.call("POST", f"{path}/accept", headers=headers, expect=409)
    assert early["message"] == "There is no offer to decide on."
    async with services.transaction() as tx:
        with pytest.raises(Missing):
            await quotes.answer(tx, UUID(asked["id"]), Answer(uuid4(), 1, date(2099, 1, 1)), STAFF)
        with pytest.raises(Invalid):
            await quotes.answer(tx, UUID(asked["id"]), Answer(service_id, 1, date(2020, 1, 1)), STAFF)
    async with services.transaction() as tx:
        await quotes.answer(tx, UUID(asked["id"]), Answer(service_id, 45_000, date(2099, 1, 1)), STAFF)
    offered = (await portal.call("GET", path, headers=headers))["data"]["quote"]["offer"]
    assert (offered["price"], offered["currency"], offered["validUntil"]) == (450, "INR", "2099-01-01")
    taken = await portal.call("POST", f"{path}/accept", headers=headers)
    assert taken["data"]["quote"]["status"] == "accepted"
    async with services.transaction() as tx:
        with pytest.raises(QuoteOver):
            await quotes.answer(tx, UUID(asked["id"]), Answer(service_id, 1, date(2099, 1, 1)), STAFF)
    item = NewItem(service_id, "Deep cleaning", "cleaning", "Minimal", 1, 60, 60_000, 60_000)
    booker = Booker(await home.account_of(home.owner_id), home.id)
    async with services.read() as conn:
        priced = await on_account.quote(conn, services.settings, booker, [item], "INR")
    assert (priced.price.subtotal_minor, priced.price.net_minor, priced.billed_to) == (60_000, 45_000, home.id)
    listed = await portal.call("GET", "/quotes?status=accepted", headers=headers)
    assert [q["id"] for q in listed["data"]["quotes"]] == [asked["id"]]


async def test_a_request_is_taken_back_and_belongs_to_its_organisation(portal: Portal) -> None:
    stranger = await add_organisation(portal.services)
    asked = (await portal.call("POST", "/quotes/request", WISH, expect=201))["data"]["quote"]
    for method, tail in (("GET", ""), ("POST", "/accept"), ("POST", "/decline")):
        await portal.call(method, f"/quotes/{asked['id']}{tail}", headers=stranger.headers(), expect=404)
    assert (await portal.call("GET", "/quotes", headers=stranger.headers()))["data"]["quotes"] == []
    gone = await portal.call("POST", f"/quotes/{asked['id']}/decline")
    assert gone["data"]["quote"]["status"] == "withdrawn"
    bad = await portal.call("POST", "/quotes/request", {"budget": {"estimated": -1}}, expect=422)
    assert set(bad["error"]["details"]) == {"serviceType", "description", "requirements", "budget.estimated"}
    async with portal.services.transaction() as tx:
        with pytest.raises(Missing):
            await quotes.answer(tx, UUID(int=1), Answer(UUID(int=2), 1, date(2099, 1, 1)), STAFF)
