"""The gateway's page: one that nobody wants any more when it is made is closed, and its money still known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dispatch.billing import captures, provider_requests, request_links
from dispatch.billing.provider_requests import Change
from dispatch.ports.gateway import Gateway, GatewayLink
from storage import intents as intent_rows
from storage import payment_requests as request_rows
from storage.payment_requests import PaymentRequest
from tests.dispatch.billing.test_gateway_events import event, send
from tests.dispatch.billing.till import Till
from tests.providers import add_provider, ask
from tests.turns import one_after_the_other


class Slow:
    """The gateway; before it answers to a call for a page something else happens."""

    def __init__(self, gateway: Gateway, meanwhile: Callable[[], Awaitable[Any]]) -> None:
        self._gateway, self._meanwhile = gateway, meanwhile
        self.made: list[GatewayLink] = []

    async def create_payment_link(self, *args: Any, **words: Any) -> GatewayLink:
        self.made.append(await self._gateway.create_payment_link(*args, **words))
        await self._meanwhile()
        return self.made[-1]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a page that does not come."""
    monkeypatch.setattr(provider_requests, "WAIT_S", 0.0)


async def asked_while_away(till: Till) -> PaymentRequest:
    """A request whose page could not be made at once."""
    await till.away(match="* /v1/payment_links*")
    request = await ask(till.world.services, await add_provider(till.world.services))
    await till.back()
    assert request.url is None and request.payment_id is not None
    return request


async def make(till: Till, request: PaymentRequest, gateway: Any) -> None:
    async with till.world.services.read() as conn:
        intent = await intent_rows.of_payment(conn, payment_id=request.payment_id, kind="link")
    assert intent is not None
    await request_links.make(till.world.services, gateway, intent)


@pytest.mark.parametrize("what", ["called off", "another amount"])
async def test_a_page_that_nobody_wants_any_more_is_closed_and_its_money_goes_back(deaf_till: Till, what: str) -> None:
    till, services = deaf_till, deaf_till.world.services
    request = await asked_while_away(till)

    async def change() -> None:
        if what == "called off":
            await provider_requests.cancel(services, request.provider_id, request.id)
        else:
            await provider_requests.change(services, request.provider_id, request.id, Change(amount_minor=90_000))

    slow = Slow(till.gateway, change)
    await make(till, request, slow)
    (link,) = slow.made
    assert (await till.gateway.fetch_payment_link(link.id)).status == "cancelled"
    order = await till.world.value("SELECT gateway_order_id FROM payments WHERE id = $1", request.payment_id)
    assert order == link.order_id, "should it have been paid before it was closed, that money is known"
    async with services.read() as conn:
        now = await provider_requests.get(conn, request.provider_id, request.id)
    assert now.gateway_link_id != link.id and now.url != link.short_url


async def test_of_two_pages_the_first_stays_and_the_other_is_closed(deaf_till: Till) -> None:
    """A sender that was thought dead answers after the one that came in its place."""
    till = deaf_till
    request = await asked_while_away(till)
    first = await till.gateway.create_payment_link(
        request.amount_minor, request.currency, "of-another", description="D", notes={}, callback_url=None
    )

    async def another() -> None:
        async with till.world.services.transaction() as tx:
            kept = {"gateway_link_id": first.id, "url": first.short_url}
            assert await request_rows.linked(tx.conn, id=request.id, payment_id=request.payment_id, **kept)

    slow = Slow(till.gateway, another)
    await make(till, request, slow)
    assert (await till.gateway.fetch_payment_link(slow.made[0].id)).status == "cancelled"
    async with till.world.services.read() as conn:
        now = await provider_requests.get(conn, request.provider_id, request.id)
    assert (now.gateway_link_id, now.url) == (first.id, first.short_url)


class Late:
    """The gateway as it is where an order comes to be only when somebody pays."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.order_id: str | None = None

    async def create_payment_link(self, *args: Any, **words: Any) -> GatewayLink:
        made = await self._gateway.create_payment_link(*args, **words)
        self.order_id = made.order_id
        return replace(made, order_id=None)


@pytest.mark.parametrize("is_called_off", [False, True])
async def test_a_page_whose_order_is_not_known_yet_is_asked_about(deaf_till: Till, is_called_off: bool) -> None:
    till, services = deaf_till, deaf_till.world.services
    request = await asked_while_away(till)
    late = Late(till.gateway)
    await make(till, request, late)
    assert late.order_id is not None
    await till.gw.pay(late.order_id)
    if is_called_off:
        await provider_requests.cancel(services, request.provider_id, request.id)
    await till.later(minutes=3)
    await till.worker.run_due()
    async with services.read() as conn:
        now = await provider_requests.get(conn, request.provider_id, request.id)
    assert now.status == ("cancelled" if is_called_off else "paid")
    refunds = await till.world.value("SELECT count(*) FROM refunds WHERE payment_id = $1", request.payment_id)
    assert refunds == is_called_off, "money that nobody asks for any more goes back"
    await till.check()


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_page_that_has_run_out_gets_another_one_while_its_request_is_open(
    deaf_till: Till, monkeypatch: pytest.MonkeyPatch, is_open: bool
) -> None:
    """The gateway closes its pages by itself after half a year: whoever comes then is led to a dead one."""
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    before = await ask(services, owned)
    if not is_open:
        await provider_requests.cancel(services, owned.id, before.id)
    fetch = type(till.gateway).fetch_payment_link

    async def run_out(gateway: Any, link_id: str) -> GatewayLink:
        return replace(await fetch(gateway, link_id), status="expired")

    monkeypatch.setattr(type(till.gateway), "fetch_payment_link", run_out)
    link = {"id": before.gateway_link_id, "reference_id": "PQ-1", "status": "expired"}
    for _ in range(2):
        await send(till, event("payment_link.expired", {"payment_link": link}))
        await till.worker.run_due()
    assert await till.alerts() == []
    async with services.read() as conn:
        now = await provider_requests.get(conn, owned.id, before.id)
    assert (now.url != before.url, now.status) == (is_open, "pending" if is_open else "cancelled")
    assert now.url is not None
    if is_open:
        assert now.payment_id is not None
        payment, told = await till.reported(now.payment_id)
        async with services.transaction() as tx:
            await captures.captured(tx, payment, told)
        async with services.read() as conn:
            assert (await provider_requests.get(conn, owned.id, before.id)).status == "paid"
    await till.check()


async def test_a_request_that_is_paid_while_its_page_runs_out_stays_paid(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    asked = await ask(services, owned)
    assert asked.payment_id is not None and asked.gateway_link_id is not None
    payment, told = await till.reported(asked.payment_id)
    link_id = asked.gateway_link_id
    outcome = await one_after_the_other(
        services, lambda tx: captures.captured(tx, payment, told),
        lambda tx: provider_requests.page_expired(tx, link_id),
    )  # fmt: skip
    assert outcome == (captures.Outcome.PAID, False)
    await till.drain()
    assert await till.world.value("SELECT count(*) FROM refunds") == 0
    await till.check()
