"""Booking on a slow line: what was chosen meanwhile stays chosen, and the keyboard stays where it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.console.browsing import expects, held, visit
from tests.console.technicians import city
from tests.console.test_people import as_customer, choose, choose_service

TAKEN = {"success": False, "error": {"code": "SLOT_TAKEN", "message": "Somebody else has this time now."}}


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("book")) as made:
        yield made


async def test_a_time_that_is_gone_takes_no_newer_one_with_it(live: Live, browser: Any) -> None:
    was_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def taken(route: Any) -> None:
        was_asked.set()
        await may_answer.wait()
        await route.fulfill(status=409, json=TAKEN)

    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await choose(page, 1)
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.route("**/v1/checkout/confirm", taken)
        await page.locator(".summary").get_by_role("button", name="Book").click()
        await was_asked.wait()
        other = page.get_by_role("group", name="Time").get_by_role("button").nth(5)
        await other.click()
        may_answer.set()
        await page.get_by_role("alert").get_by_text("Somebody else has this time now.").first.wait_for()
        await expects(other).to_have_attribute("aria-pressed", "true")
        await seen.check()


async def test_a_price_for_an_earlier_time_says_nothing_of_a_newer_one(live: Live, browser: Any) -> None:
    was_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def taken(route: Any) -> None:
        if was_asked.is_set() or route.request.post_data_json["booking_time"] is None:
            return await route.continue_()
        was_asked.set()
        await may_answer.wait()
        return await route.fulfill(status=409, json=TAKEN)

    async with visit(browser, live.url) as seen:
        await seen.context.route("**/v1/checkout/prepare", taken)
        page = await as_customer(seen, live, "/book")
        await choose(page, 1)
        await was_asked.wait()
        other = page.get_by_role("group", name="Time").get_by_role("button").nth(5)
        await other.click()
        may_answer.set()
        await page.get_by_text("kept for you").wait_for()
        await expects(other).to_have_attribute("aria-pressed", "true")
        await expects(page.get_by_text("was just taken")).to_have_count(0)
        await seen.check()


async def test_what_is_offered_elsewhere_empties_no_cart(live: Live, browser: Any) -> None:
    """Before the place is known, what is offered is asked for in the house's own currency."""
    async def elsewhere(route: Any) -> None:
        if "lat=" in route.request.url:
            return await route.continue_()
        answer = await route.fetch()
        told = await answer.json()
        told["data"]["all_services"] = []
        return await route.fulfill(response=answer, json=told)

    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await choose_service(page)
        less = page.get_by_role("button", name=re.compile("^One .* less$"))
        await less.wait_for()
        late = await held(page, "**/v1/users/addresses")
        await page.route("**/v1/services/catalog*", elsewhere)
        await page.reload()
        await page.locator(".service").first.wait_for()
        late.may_go.set()
        await page.get_by_role("group", name="Time").get_by_role("button").first.wait_for()
        await expects(less).to_be_visible()
        await seen.check()


async def test_the_keyboard_stays_where_it_is_whatever_is_priced(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Facial").click()
        await page.locator(".stepper button").first.focus()
        more = page.get_by_role("button", name=re.compile("^One .* more$"))
        for _ in range(2):
            await page.keyboard.press("Enter")
            await expects(more).to_be_focused()
        await page.locator(".summary").get_by_text("× 2").wait_for()
        await expects(more).to_be_focused()
        times = page.get_by_role("group", name="Time").get_by_role("button")
        await times.nth(3).focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("kept for you").wait_for()
        await expects(times.nth(3)).to_be_focused()
        await seen.check()
