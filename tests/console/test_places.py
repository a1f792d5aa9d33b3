"""Where a visit is: the door on the map without a mouse, and the calendar of the place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, held, visit
from tests.console.technicians import city
from tests.console.test_people import PLACE, as_customer, choose_service


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("places")) as made:
        yield made


async def test_the_door_is_set_by_keyboard(live: Live, browser: Any) -> None:
    """Without a pin nobody is led to the door, and a phone that tells where it is is not always there."""
    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Another address").click()
        told = {"House and street": "9 Key Lane", "City": "Kolkata", "State": "West Bengal", "Postal code": "700032"}
        for label, value in told.items():
            await page.get_by_label(label).fill(value)
        chart = page.get_by_role("application")
        await chart.focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Tap again to move the door").wait_for()
        assert await grave_problems(page) == []
        await page.get_by_role("button", name="Save this address").press("Enter")
        await page.get_by_text("9 Key Lane").wait_for()
        lng = await live.value("SELECT lng FROM addresses WHERE line1 = '9 Key Lane'")
        assert abs(lng - PLACE[1]) < 0.1
        await seen.check()


async def test_days_are_those_of_a_place_with_another_clock_than_the_house(live: Live, browser: Any) -> None:
    """It is Monday where the house is, and Sunday still at the door."""

    async def elsewhere(route: Any) -> None:
        answer = await route.fetch()
        told = await answer.json()
        for one in told["data"]:
            assert one["timezone"] == "Asia/Kolkata"
            one["timezone"] = "Pacific/Honolulu"
        await route.fulfill(response=answer, json=told)

    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route("**/v1/users/addresses", elsewhere)
        page = await as_customer(seen, live, "/book")
        await choose_service(page)
        today = page.get_by_role("group", name="Day").get_by_role("button", name="today")
        await expects(today).to_have_attribute("aria-pressed", "true")
        kept = await page.evaluate("Object.entries(sessionStorage).find(([key]) => key.includes('draft.book'))[1]")
        assert orjson.loads(kept)["day"] == "2026-01-04"


async def test_an_answer_that_comes_late_leaves_the_form_that_somebody_opened(live: Live, browser: Any) -> None:
    """On a slow line "Another address" is there before the addresses are."""
    async with visit(browser, live.url, is_phone=True) as seen:
        late = await held(seen.context, "**/v1/users/addresses")
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Another address").click()
        street = page.get_by_label("House and street")
        await street.fill("12 Lake Road")
        await expects(page.get_by_role("button", name="Not now")).to_have_count(0)
        late.may_go.set()
        # Now there is something to go back to.
        await page.get_by_role("button", name="Not now").wait_for()
        await expects(street).to_have_value("12 Lake Road")
        await page.get_by_role("button", name="Not now").click()
        await expects(street).to_have_count(0)
        await seen.check()


async def tell(page: Any, street: str) -> None:
    """A new address, with its door on the map."""
    await page.get_by_role("button", name="Another address").click()
    told = {"House and street": street, "City": "Kolkata", "State": "West Bengal", "Postal code": "700032"}
    for label, value in told.items():
        await page.get_by_label(label).fill(value)
    await page.get_by_role("application").focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("Tap again to move the door").wait_for()


async def test_an_address_that_is_saved_late_takes_the_place_of_no_other(live: Live, browser: Any) -> None:
    """Whoever did not wait for it has chosen where and when by then."""
    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await tell(page, "13 Late Lane")
        late = await held(page, "**/v1/users/addresses", "POST")
        await page.get_by_role("button", name="Save this address").click()
        await page.get_by_role("button", name="Not now").click()
        home = page.get_by_role("radio", name="123 Main St")
        await home.check(force=True)
        await choose_service(page)
        time = page.get_by_role("group", name="Time").get_by_role("button").nth(3)
        await time.click()
        await page.get_by_text("kept for you").wait_for()
        late.may_go.set()
        await page.get_by_text("13 Late Lane").wait_for()
        await expects(home).to_be_checked()
        await expects(time).to_have_attribute("aria-pressed", "true")
        await seen.check()


async def test_addresses_that_are_read_late_do_not_hide_a_newer_one(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        late = await held(seen.context, "**/v1/users/addresses", is_done=True, is_first=True)
        page = await as_customer(seen, live, "/book")
        await tell(page, "14 New Lane")
        await late.came.wait()
        await page.get_by_role("button", name="Save this address").click()
        made = page.get_by_role("radio", name="14 New Lane")
        await expects(made).to_be_checked()
        late.may_go.set()
        await late.answered.wait()
        await page.evaluate("fetch('/healthz').then(answer => answer.text())")
        await expects(made).to_be_checked()
        await seen.check()


async def test_a_door_that_was_shown_is_not_moved_to_where_the_phone_is(live: Live, browser: Any) -> None:
    """A phone may look for itself for a quarter of a minute."""
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.add_init_script(
            "navigator.geolocation.getCurrentPosition = found => { window.found = found; }"
        )
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Another address").click()
        locate = page.get_by_role("button", name="Where I am now")
        await locate.click()
        await expects(locate).to_be_disabled()
        await page.get_by_role("button", name="Not now").click()
        await tell(page, "15 Own Lane")
        await page.get_by_role("button", name="Where I am now").click()
        await page.get_by_role("application").click()
        await page.evaluate("found({coords: {latitude: 1, longitude: 2}})")
        await expects(locate).to_be_enabled()
        await page.get_by_role("button", name="Save this address").click()
        await page.get_by_text("15 Own Lane").wait_for()
        lng = await live.value("SELECT lng FROM addresses WHERE line1 = '15 Own Lane'")
        assert abs(lng - PLACE[1]) < 0.1
        await seen.check()
