"""Taps that hit something else than they were meant for: nothing is done by them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.console.browsing import expects, visit
from tests.console.technicians import accepted, as_technician, city, offered


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("technician")) as made:
        yield made


#: Presses a button, and at once whatever has taken its place: the second tap of two. Gives what was pressed then.
PRESS_TWICE = """([first, then]) => new Promise((done) => {
    const find = (name) => [...document.querySelectorAll("button")].find((one) => one.textContent === name);
    new MutationObserver((_, watch) => {
        const next = find(then);
        if (!next) return;
        watch.disconnect();
        next.click();
        done(next.textContent);
    }).observe(document.body, {childList: true, subtree: true});
    find(first).click();
})"""


async def test_the_second_tap_of_two_presses_nothing_else(live: Live, browser: Any) -> None:
    """What comes into the place of a button is its opposite, or the next step of the job."""
    customer, technician, booking = await accepted(live)
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        for first, then, is_online in (("Go offline", "Go online", False), ("Go online", "Go offline", True)):
            await expects(page.get_by_role("button", name=first)).to_be_enabled()
            assert await page.evaluate(PRESS_TWICE, [first, then]) == then
            await expects(page.get_by_role("button", name=then)).to_be_enabled()
            assert await live.value("SELECT is_available FROM technicians") is is_online
        job = page.get_by_role("article", name="Job").filter(has_text=booking["booking_number"])
        await job.wait_for()
        assert await page.evaluate(PRESS_TWICE, ["Start driving", "I am at the door"]) == "I am at the door"
        await expects(job.get_by_role("button", name="I am at the door")).to_be_enabled()
        (now,) = (await technician.call("GET", "/v1/partner/bookings?status=in_transit"))["data"]["bookings"]
        assert now["booking_number"] == booking["booking_number"]
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


#: Presses a button at the very moment at which an offer comes above it.
PRESS_AS_IT_MOVES = """(name) => new Promise((done) => {
    const button = [...document.querySelectorAll("button")].find((one) => one.textContent === name);
    new MutationObserver((_, watch) => {
        if (!document.querySelector("article.offer")) return;
        watch.disconnect();
        button.click();
        done(button.isConnected && button.disabled);
    }).observe(document.body, {childList: true, subtree: true});
})"""


async def test_an_offer_that_comes_above_a_button_takes_no_press_meant_for_it(live: Live, browser: Any) -> None:
    customer, technician, booking = await accepted(live)
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        job = page.get_by_role("article", name="Job").filter(has_text=booking["booking_number"])
        await expects(job.get_by_role("button", name="Start driving")).to_be_enabled()
        await expects(page.get_by_text("Live", exact=True)).to_be_visible()
        pressed = asyncio.create_task(page.evaluate(PRESS_AS_IT_MOVES, "Start driving"))
        neighbour = await live.person("customer", "+911000100002")
        other = await offered(neighbour, technician)
        assert await pressed is True
        await expects(page.get_by_role("button", name="Accept")).to_be_enabled()
        await expects(job.get_by_role("button", name="Start driving")).to_be_enabled()
        (now,) = (await technician.call("GET", "/v1/partner/bookings?status=accepted"))["data"]["bookings"]
        assert now["booking_number"] == booking["booking_number"]
        await seen.check()
    await neighbour.call("POST", f"/v1/bookings/{other['id']}/cancel", {})
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})
