"""One visit on its customer's page: what it costs to cancel by now, and what stays in sight without a network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, pictures, visit
from tests.console.technicians import accepted, city, offered
from tests.console.test_people import PHONE


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("technician")) as made:
        yield made


async def test_a_fee_that_began_meanwhile_is_shown_before_it_is_paid(live: Live, browser: Any) -> None:
    customer, technician, booking = await accepted(live)
    status = "SELECT status FROM bookings WHERE id = $1"
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        # Without a socket nothing makes the page look by itself.
        await seen.context.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())
        page = await seen.open(f"/bookings/{booking['id']}")
        await page.get_by_role("button", name="Cancel the booking").click()
        await page.get_by_text("Cancelling now costs nothing").wait_for()
        await page.get_by_label("Why?").fill("The children are ill.")
        async with live.services.transaction() as tx:
            await tx.conn.execute(
                "UPDATE bookings SET created_at = created_at - interval '10 minutes' WHERE id = $1", booking["id"]
            )
        await page.get_by_role("button", name="Cancel the booking").last.click()
        await page.get_by_text("Nothing was cancelled.").wait_for()
        pay = page.get_by_role("button", name="Cancel and pay")
        await pay.wait_for()
        assert await live.value(status, booking["id"]) == "confirmed"
        await expects(page.get_by_label("Why?")).to_have_value("The children are ill.")
        await pictures(page, "cancel-fee")
        await pay.click()
        await page.get_by_role("heading", name="Cancelled").wait_for()
        assert await live.value(status, booking["id"]) == "cancelled"
        await seen.check()


async def _answer(answer: dict[str, Any], route: Any) -> None:
    await route.fulfill(**answer)


async def test_a_visit_stays_in_sight_while_it_cannot_be_read_anew(live: Live, browser: Any) -> None:
    """Its code and its technician's number may be needed at a door where there is no network."""
    customer, technician, booking = await accepted(live)
    path = f"/v1/bookings/{booking['id']}"
    answers: list[dict[str, Any]] = [{"status": 503}, {"body": '{"success": tr'}]
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open(f"/bookings/{booking['id']}")
        number = page.get_by_role("link", name="Call")
        await number.wait_for()
        await page.get_by_text("Live", exact=True).wait_for(state="attached")
        old = page.get_by_text("What you see may be old.")
        for answer in answers:
            fail = partial(_answer, answer)
            await page.route(f"**{path}", fail)
            await page.evaluate("dispatchEvent(new Event('offline')), dispatchEvent(new Event('online'))")
            await old.wait_for()
            await expects(number).to_be_visible()
            await pictures(page, "visit-old")
            assert await grave_problems(page) == []
            await page.unroute(f"**{path}", fail)
            await old.wait_for(state="detached")
            await expects(number).to_be_visible()
        await seen.check()
    await customer.call("POST", f"{path}/cancel", {})


async def test_what_was_begun_stays_while_the_visit_goes_on(live: Live, browser: Any) -> None:
    """A technician accepts while the customer shares it, looks for another time, and writes why it is not wanted."""
    customer, technician = await live.person("customer", PHONE), await live.person("technician", "PT-001")
    await technician.connect()
    booking = await offered(customer, technician)
    await technician.hears("offer.made", booking_id=booking["id"])
    await technician.close()
    async with visit(browser, live.url) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open(f"/bookings/{booking['id']}")
        await page.get_by_text("Live", exact=True).wait_for(state="attached")
        await page.get_by_text("Asking a technician").first.wait_for()
        await page.get_by_role("button", name="Share this visit").click()
        await page.get_by_role("button", name="Make a link").click()
        await page.get_by_role("button", name="Move it to another time").click()
        day = page.get_by_role("group", name="Day").get_by_role("button", name="tomorrow")
        await day.click()
        await page.get_by_role("button", name="Cancel the booking").click()
        link, why = page.get_by_label("Link", exact=True), page.get_by_label("Why?")
        url = await link.input_value()
        await why.press_sequentially("The children are")
        await technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
        await page.get_by_text("Confirmed").wait_for()
        await expects(why).to_be_focused()
        await page.keyboard.type(" ill.")
        await expects(why).to_have_value("The children are ill.")
        await expects(day).to_have_attribute("aria-pressed", "true")
        await expects(link).to_have_value(url)
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


async def test_a_rating_that_was_begun_stays_when_the_visit_is_paid_back(live: Live, browser: Any) -> None:
    customer, technician, booking = await accepted(live)
    path = f"/v1/bookings/{booking['id']}"
    states = ["refunded", "completed"]

    async def over(route: Any) -> None:
        answer = await route.fetch()
        told = await answer.json()
        told["data"].update(status=states[-1], cancellation=None, cancellation_quote=None)
        await route.fulfill(response=answer, json=told)

    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        await seen.context.route(f"**{path}", over)
        page = await seen.open(f"/bookings/{booking['id']}")
        await page.get_by_role("radio", name="4 stars").click()
        await page.get_by_label("A few words").fill("Very careful.")
        states.pop()
        await page.evaluate("dispatchEvent(new Event('offline')), dispatchEvent(new Event('online'))")
        await page.locator(".chip", has_text="Refunded").wait_for()
        await expects(page.get_by_role("radio", name="4 stars")).to_have_attribute("aria-checked", "true")
        await expects(page.get_by_label("A few words")).to_have_value("Very careful.")
        await seen.check()
    await customer.call("POST", f"{path}/cancel", {})
