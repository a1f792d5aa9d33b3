"""The technician's page, and the whole story: two people with two phones, a link that is followed, a board,
a server's death."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestServer

from api.app import create_app
from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, pictures, texts, until, visit
from tests.console.technicians import as_technician, city, near
from tests.console.test_people import PHONE, choose


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("technician")) as made:
        yield made
        # By now it may be another one than that which was started.
        await made.server.close()


async def start_again(live: Live, port: int) -> None:
    """Another server at the address of the one that died."""
    live.server = TestServer(create_app(live.services), port=port)
    await live.server.start_server()


async def test_from_booking_to_rating_with_a_death_in_between(live: Live, browser: Any) -> None:
    async with (
        visit(browser, live.url, is_phone=True, permissions=["geolocation"], geolocation=near(0.03)) as van,
        visit(browser, live.url, is_phone=True) as home,
        visit(browser, live.url) as friend,
        visit(browser, live.url) as desk,
    ):
        board = await desk.open("/ops")
        await board.get_by_role("button", name="Administrator").click()
        await board.get_by_text("Live", exact=True).wait_for()
        technician = await as_technician(van, live)
        await technician.get_by_role("button", name="Go offline").click()
        await technician.get_by_role("button", name="Go online").click()
        await technician.get_by_text("Position within").wait_for()
        await technician.get_by_text("No job yet").wait_for()
        await board.get_by_text("1 technician, 0 bookings").wait_for()

        await home.sign_in("customer", await live.pair("customer", PHONE))
        customer = await home.open("/book")
        await customer.get_by_role("button", name="Facial").click()
        await customer.locator(".stepper button").first.click()
        await customer.get_by_role("group", name="Time").get_by_role("button").first.click()
        await customer.get_by_text("kept for you").wait_for()
        await customer.get_by_label("I know that cancelling").check()
        await customer.get_by_role("button", name="Book ·").click()
        await customer.get_by_text("Asking a technician").first.wait_for()

        await board.get_by_text("1 technician, 1 booking", exact=True).wait_for()
        await board.get_by_label("Search technicians and bookings").fill("BK-")
        await board.get_by_role("list").get_by_role("button", name="BK-").click()
        details = board.get_by_role("complementary", name="Details")
        await details.get_by_text("Offered to").wait_for()

        offer = technician.get_by_role("article", name="Offer")
        await offer.get_by_text("Answer within").wait_for()
        assert await grave_problems(technician) == []
        await pictures(technician, "technician-offer")
        # Before it is accepted nobody knows the door.
        assert "123 Main St" not in await offer.inner_text()
        await offer.get_by_role("button", name="Accept").click()
        job = technician.get_by_role("article", name="Job")
        await job.get_by_text("123 Main St").wait_for()
        await customer.get_by_text("Confirmed").wait_for()

        await customer.get_by_role("button", name="Share this visit").click()
        await customer.get_by_role("button", name="Make a link").click()
        link = await customer.get_by_label("Link", exact=True).input_value()
        watcher = await friend.open(link.removeprefix(live.url))
        await watcher.get_by_text("The map appears here").wait_for()

        await job.get_by_role("button", name="Start driving").click()
        for page in (customer, watcher):
            await page.get_by_text("min away").wait_for()
        await details.get_by_text("· In transit").wait_for()
        await pictures(customer, "follow")
        await pictures(watcher, "track")
        assert await grave_problems(customer) == [] and await grave_problems(watcher) == []

        port = live.server.port
        assert port is not None
        await live.server.close()
        for page in (customer, technician, board):
            await page.get_by_text("Reconnecting").wait_for()
        for step in range(1, 4):
            await van.context.set_geolocation(near(0.03 - step * 0.002))
            await technician.wait_for_timeout(1100)
        await start_again(live, port)
        for page in (customer, technician, board):
            await page.get_by_text("Reconnecting").wait_for(state="hidden")
        await job.get_by_role("button", name="I am at the door").click()
        await customer.get_by_text("At the door").first.wait_for()
        await details.get_by_text("· Arrived").wait_for()
        await job.get_by_role("button", name="Start the work").click()
        await watcher.get_by_role("heading", name="Work has begun").wait_for()
        done = job.get_by_role("button", name="The work is done")
        await done.wait_for()
        await expects(done).to_be_disabled()
        await job.get_by_label("I have received").check()
        await pictures(technician, "technician-job")
        await done.click()
        await technician.get_by_text("You earned").wait_for()
        await details.get_by_text("· Completed").wait_for()
        await board.get_by_text("1 technician, 0 bookings").wait_for()
        await watcher.get_by_text("The visit is over").wait_for()

        await customer.get_by_role("radio", name="5 stars").click()
        await customer.get_by_role("button", name="Send").click()
        await customer.get_by_role("heading", name="Your rating").wait_for()
        await technician.get_by_role("link", name="Earnings").click()
        await technician.get_by_text("BK-").wait_for()
        await pictures(technician, "technician-earnings")
        for seen in (van, home, friend, desk):
            await seen.check()
        kept = await live.value("SELECT count(*) FROM bookings WHERE status = 'completed' AND rating = 5")
        assert kept == 1


async def test_a_refused_position_and_the_reasons_for_no_jobs(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True, is_dark=True) as seen:
        page = await as_technician(seen, live)
        await page.get_by_text("You have not allowed this page").wait_for()
        assert await grave_problems(page) == []
        await page.get_by_role("link", name="Chances").click()
        await page.get_by_text("Now:").wait_for()
        await page.get_by_role("link", name="Days off").click()
        await page.get_by_role("button", name="Take this day off").click()
        await page.get_by_role("button", name="Work after all").click()
        await page.get_by_text("No days off ahead").wait_for()
        assert await grave_problems(page) == []
        await seen.check()


async def test_a_lost_network_is_known_at_once(live: Live, browser: Any) -> None:
    """Not only when the heartbeat has failed: the line is given up, and another one opened."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await page.get_by_text("Live", exact=True).wait_for()
        async with page.expect_websocket():
            await page.evaluate("dispatchEvent(new Event('offline'))")
            await page.get_by_text("Reconnecting").wait_for()
        await page.get_by_text("Live", exact=True).wait_for()
        await seen.check()


async def test_what_is_under_way_is_first(live: Live, browser: Any) -> None:
    def job(number: str, state: str, day: int) -> dict[str, Any]:
        return {
            "id": str(uuid4()), "booking_number": number, "assignment_status": state, "timezone": "Asia/Kolkata",
            "starts_at": f"2026-01-{day:02}T06:00:00Z", "ends_at": f"2026-01-{day:02}T07:00:00Z", "services": [],
            "address": {"city": "Kolkata"}, "lat": None, "lng": None, "customer": None, "payment_method": "online",
            "payment_status": "paid", "amount_to_collect": 0, "currency": "INR", "partner_earning": 100,
        }  # fmt: skip

    jobs = [job("BK-LAST", "accepted", 9), job("BK-SOON", "accepted", 6), job("BK-DRIVING", "in_transit", 8)]
    told = {"success": True, "data": {"bookings": jobs, "pagination": {"page": 1, "total_pages": 1, "total": 3}}}
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route("**/v1/partner/bookings?*", lambda route: route.fulfill(json=told))
        page = await as_technician(seen, live)
        cards = page.get_by_role("article", name="Job")
        await cards.nth(2).wait_for()
        shown = [re.search(r"BK-[A-Z]+", text) for text in await texts(cards)]
        assert [found and found[0] for found in shown] == ["BK-DRIVING", "BK-SOON", "BK-LAST"]
        await seen.check()


async def test_what_is_typed_on_a_job_outlives_the_news_of_it(live: Live, browser: Any) -> None:
    """The server finds that they are there, the customer pays otherwise: the card is theirs all the same."""
    job = {
        "id": str(uuid4()), "booking_number": "BK-LONG", "assignment_status": "accepted", "timezone": "Asia/Kolkata",
        "starts_at": "2026-01-09T06:00:00Z", "ends_at": "2026-01-09T07:00:00Z", "services": [],
        "address": {"city": "Kolkata"}, "lat": None, "lng": None, "customer": None, "payment_method": "cash",
        "payment_status": "pending", "amount_to_collect": 500, "currency": "INR", "partner_earning": 100,
        "needs_start_code": True,
    }  # fmt: skip
    told = {"success": True, "data": {"bookings": [job], "pagination": {"page": 1, "total_pages": 1, "total": 1}}}
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route("**/v1/partner/bookings?*", lambda route: route.fulfill(json=told))
        page = await as_technician(seen, live)

        async def becomes(**news: Any) -> None:
            job.update(news)
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        await page.get_by_role("button", name="Give the job back").click()
        reason = page.get_by_label("Why you give it back")
        await reason.press_sequentially("The van is br")
        await becomes(assignment_status="arrived")
        code = page.get_by_label("The code that the customer shows")
        await code.wait_for()
        await expects(reason).to_be_focused()
        await expects(reason).to_have_value("The van is br")
        await code.press_sequentially("12")
        await becomes(amount_to_collect=400)
        await page.get_by_text("₹400.00 in cash").wait_for()
        await expects(code).to_be_focused()
        await expects(code).to_have_value("12")
        await becomes(assignment_status="in_progress", address={"city": "Howrah"})
        cash, done = page.get_by_label("I have received"), page.get_by_role("button", name="The work is done")
        await expects(reason).to_have_count(0)
        await cash.check()
        await becomes(address={"city": "Kolkata"})
        await page.get_by_text("Kolkata").wait_for()
        await expects(cash).to_be_checked()
        await expects(done).to_be_enabled()
        # What was received is another amount than what is to be.
        await becomes(amount_to_collect=600)
        await page.get_by_label("I have received ₹600.00").wait_for()
        await expects(cash).not_to_be_checked()
        await expects(done).to_be_disabled()
        await seen.check()


async def test_payouts_stand_in_words_and_their_amounts_below_each_other(live: Live, browser: Any) -> None:
    payouts = [
        {"payout_number": f"PO-{n}", "created_at": f"2026-01-0{n}T06:00:00Z", "status": status, "net_amount": amount,
         "currency": "INR"}
        for n, (status, amount) in enumerate([("completed", 768.6), ("processing", 12345.9)], 1)
    ]  # fmt: skip
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route(
            "**/v1/partner/payouts?*", lambda route: route.fulfill(json={"success": True, "data": {"payouts": payouts}})
        )
        page = await as_technician(seen, live, "/technician/earnings")
        await page.get_by_text("Completed", exact=True).wait_for()
        await page.get_by_text("Processing", exact=True).wait_for()
        rights = await page.locator(".lines .money").evaluate_all("all => all.map(a => a.getClientRects()[0].right)")
        assert max(rights) - min(rights) < 1, rights
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await seen.check()


async def test_it_opens_without_a_network_once_it_has_been_there(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await page.get_by_role("heading", name="You are").wait_for()
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await until(page, "caches.match('/technician').then(found => Boolean(found))")
        await seen.context.set_offline(True)
        await page.reload()
        await page.get_by_text("No connection").wait_for()
        await seen.context.set_offline(False)
        await page.get_by_role("heading", name="You are").wait_for()
        async with live.http.get(live.url + "/technician.webmanifest") as manifest:
            told = await manifest.json(content_type=None)
        assert told["scope"] == "/technician" and told["icons"]


async def test_a_visit_that_was_moved_shows_its_new_time(live: Live, browser: Any) -> None:
    customer = await live.person("customer", PHONE)
    async with visit(browser, live.url, is_phone=True) as van, visit(browser, live.url, is_phone=True) as home:
        technician = await as_technician(van, live)
        # A browser lets a page shake the phone only after a touch.
        await technician.get_by_role("heading", name="You are").click()
        await home.sign_in("customer", await live.pair("customer", PHONE))
        page = await home.open("/book")
        await choose(page, 1)
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.get_by_role("button", name="Book ·").click()
        await page.wait_for_url("**/bookings/*-*")
        path = f"/v1/bookings/{page.url.rsplit('/', 1)[1]}"
        await technician.get_by_role("article", name="Offer").get_by_role("button", name="Accept").click()
        shown = technician.get_by_role("article", name="Job").get_by_role("time")
        before = await shown.inner_text()
        booking = (await customer.call("GET", path))["data"]
        hour, minute, *_ = booking["booking_time"].split(":")
        wish = {"booking_date": booking["booking_date"], "booking_time": f"{int(hour) + 1:02}:{minute}"}
        await customer.call("POST", f"{path}/reschedule", wish)
        await shown.filter(has_not_text=before).wait_for()
        # By the clock of its place, which is not the house's here.
        async with live.services.transaction() as tx:
            await tx.conn.execute("UPDATE bookings SET timezone = 'Africa/Lagos' WHERE id = $1", booking["id"])
        begins = await live.value("SELECT starts_at FROM bookings WHERE id = $1", booking["id"])
        await technician.reload()
        told = f"{begins.astimezone(ZoneInfo('Africa/Lagos')):%I:%M %p}".lower()
        await shown.filter(has_text=told).wait_for()
        await technician.get_by_role("link", name="Jobs").click()
        await technician.get_by_text(told).wait_for()
        await van.check()
    await customer.call("POST", f"{path}/cancel", {})


async def test_what_could_not_be_reached_is_no_longer_said_once_it_can_be(live: Live, browser: Any) -> None:
    """The socket stays meanwhile, so that nothing else tells the page that the server answers again."""
    is_away = True
    async with visit(browser, live.url, is_phone=True, service_workers="block") as seen:
        page = await as_technician(seen, live)
        toggle = page.get_by_role("button", name="Go o")
        await toggle.wait_for()
        await page.get_by_text("Live", exact=True).wait_for()
        await page.route("**/*", lambda route: route.abort() if is_away else route.continue_())
        await toggle.click()
        await page.get_by_role("alert").get_by_text("The server cannot be reached just now.").wait_for()
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.get_by_text("What you see may be old.").wait_for()
        await pictures(page, "technician-away")
        assert await grave_problems(page) == []
        is_away = False
        for text in ("What you see may be old.", "The server cannot be reached just now."):
            await page.get_by_text(text).wait_for(state="detached")
        await page.get_by_text("Live", exact=True).wait_for()
        await seen.check()


async def test_whoever_waits_long_for_an_answer_is_told_that_they_wait(live: Live, browser: Any) -> None:
    answered = asyncio.Event()

    async def slow(route: Any) -> None:
        await answered.wait()
        await route.continue_()

    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await page.route("**/v1/partner/availability", slow)
        await page.get_by_role("button", name="Go o").click()
        waiting = page.get_by_role("status").get_by_text("Still waiting for an answer.")
        await waiting.wait_for()
        answered.set()
        await waiting.wait_for(state="detached")
        await seen.check()
