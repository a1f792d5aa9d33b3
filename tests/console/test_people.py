"""Customers in a browser: booking, paying, following, and the link that others follow by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from dispatch.config import Payments
from dispatch.local_gateway.server import LocalGateway
from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, make_everybody_a_beautician
from tests.conftest import clone
from tests.console.browsing import Visit, grave_problems, pictures, visit

PLACE = (22.5726, 88.3639)
PHONE = "+911000100001"


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[LocalGateway]:
    async with LocalGateway(seed=11) as made:
        yield made


@pytest.fixture(scope="module")
async def live(
    pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any, gateway: LocalGateway
) -> AsyncIterator[Live]:
    payments = Payments(
        key_id=gateway.key_id, key_secret=gateway.key_secret, webhook_secret=gateway.webhook_secret,
        base_url=gateway.url,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("people")
    dsn = await clone(pg_home)
    async with live_server(dsn, folder, technicians=3, customers=3, env="development", payments=payments) as made:
        await make_everybody_a_beautician(made)
        await gateway.control(webhook_url=f"{made.url}/v1/payments/webhook", retry_s=0.05)
        await add_home(await made.person("customer", PHONE))
        yield made


async def add_home(customer: Person) -> None:
    body = {
        "name": "Home", "address_line1": "123 Main St", "city": "Kolkata", "state": "West Bengal", "pincode": "700032",
        "lat": PLACE[0], "lng": PLACE[1],
    }  # fmt: skip
    await customer.call("POST", "/v1/users/addresses", body, expect=201)


async def as_customer(seen: Visit, live: Live, path: str, name: str = PHONE) -> Any:
    """A page of somebody who has signed in before."""
    await seen.sign_in("customer", await live.pair("customer", name))
    return await seen.open(path)


async def step(technician: Person, booking_id: str, name: str) -> None:
    answer = await technician.ask(
        "job.advance", {"command_id": str(uuid4()), "booking_id": booking_id, "step": name}
    )
    assert answer["ok"], answer


async def at(technician: Person, north: float) -> None:
    now_ms = int(technician.live.services.clock.timestamp() * 1000)
    fix = [now_ms, PLACE[0] + north, PLACE[1], 8, 5, 180]
    await technician.ask("location.report", {"fixes": [fix], "sent_at_ms": now_ms})


async def test_a_visit_is_booked_and_paid_online(live: Live, browser: Any, gateway: LocalGateway) -> None:
    async with visit(browser, live.url, friends={gateway.url}) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Facial").click()
        await page.locator(".stepper button").first.click()
        await page.get_by_role("button", name="tomorrow").click()
        await page.get_by_role("group", name="Time").get_by_role("button").nth(3).click()
        await page.get_by_label("Online").check(force=True)
        await page.get_by_label("I know that cancelling").check()
        await page.get_by_text("kept for you").wait_for()
        assert await grave_problems(page) == []
        await pictures(page, "book")
        # A reload in the middle forgets nothing but the tick that must be made on purpose.
        await page.reload()
        await page.get_by_label("I know that cancelling").check()
        await page.get_by_role("button", name="Book and pay").click()
        await page.get_by_role("button", name="Pay", exact=True).click()
        await page.get_by_text("Paid", exact=True).wait_for()
        await page.wait_for_url("**/bookings/*-*")
        assert "razorpay" not in page.url
        await page.get_by_role("button", name="Cancel the booking").first.click()
        await page.get_by_text("Cancelling now costs nothing").wait_for()
        await pictures(page, "booking")
        await page.get_by_role("button", name="Cancel the booking").last.click()
        await page.get_by_role("heading", name="Cancelled").wait_for()
        assert await grave_problems(page) == []
        await seen.check()
