"""The technician's page, and the whole story: two people with two phones, a link that is followed, a board,
a server's death."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestServer

from api.app import create_app
from tests.api.live import Live, Person, live_server
from tests.api.live import until as live_until
from tests.api.test_story import book, make_everybody_a_beautician
from tests.conftest import clone
from tests.console.browsing import Visit, expects, grave_problems, pictures, texts, until, visit
from tests.console.test_people import PHONE, PLACE, add_home, choose


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("technician")
    async with live_server(await clone(pg_home), folder, technicians=1, customers=2, env="development") as made:
        await make_everybody_a_beautician(made)
        await add_home(await made.person("customer", PHONE))
        yield made
        # By now it may be another one than that which was started.
        await made.server.close()


def near(north: float) -> dict[str, float]:
    return {"latitude": PLACE[0] + north, "longitude": PLACE[1], "accuracy": 8}


async def as_technician(seen: Visit, live: Live, path: str = "/technician") -> Any:
    await seen.sign_in("technician", await live.pair("technician", "PT-001"))
    return await seen.open(path)


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


async def offered(customer: Person, technician: Person) -> dict[str, Any]:
    """A visit for which there is nobody else to ask."""
    here = {"current_lat": near(0.03)["latitude"], "current_lng": near(0.03)["longitude"]}
    await technician.call("PATCH", "/v1/partner/availability", {"is_available": True, **here})
    return await book(customer, PLACE)


async def accepted(live: Live) -> tuple[Person, Person, dict[str, Any]]:
    """The customer, the technician, and a visit that the technician has accepted."""
    customer, technician = await live.person("customer", PHONE), await live.person("technician", "PT-001")
    await technician.connect()
    booking = await offered(customer, technician)
    await technician.hears("offer.made", booking_id=booking["id"])
    await technician.close()
    await technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
    return customer, technician, booking


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


async def test_whom_staff_set_offline_reads_so_on_an_open_page(live: Live, browser: Any) -> None:
    staff = await live.person("admin", "admin@dispatch.example")
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")

    async def set_available(is_available: bool) -> None:
        await staff.call("PATCH", f"/v1/admin/partners/{who}/availability", {"is_available": is_available})

    await set_available(True)
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await expects(page.get_by_role("heading", name="You are online")).to_be_visible()
        await expects(page.get_by_text("Live", exact=True)).to_be_visible()
        await set_available(False)
        await expects(page.get_by_role("heading", name="You are offline")).to_be_visible()
        await expects(page.get_by_text("The office has set you offline")).to_be_visible()
        await set_available(True)
        await expects(page.get_by_role("button", name="Go offline")).to_be_enabled()
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


NOW_MS = "import('/assets/lib/boot.js').then((boot) => boot.now())"


async def test_what_was_missed_does_not_set_the_clock_back(live: Live, browser: Any) -> None:
    """Facts are told later with the time at which they were; offers are counted down by the page's clock."""
    customer, technician = await live.person("customer", PHONE), await live.person("technician", "PT-001")
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await page.get_by_text("Live", exact=True).wait_for()
        await seen.context.set_offline(True)
        await page.get_by_text("Reconnecting").wait_for()
        booking = await offered(customer, technician)
        async with live.services.transaction() as tx:
            await tx.conn.execute("UPDATE party_events SET at = at - interval '10 minutes'")
        await seen.context.set_offline(False)
        await page.get_by_role("article", name="Offer").get_by_text("Answer within").wait_for()
        await page.get_by_text("Live", exact=True).wait_for()
        assert abs(await page.evaluate(NOW_MS) - live.services.clock.timestamp() * 1000) < 60_000
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


async def test_the_clock_goes_on_while_the_phone_sleeps_and_when_it_is_set_back(live: Live, browser: Any) -> None:
    """Asleep, the page's own clock stands still and the phone's goes on; set back, positions are told all the same."""
    told: list[str] = []

    def listen(socket: Any) -> None:
        socket.on("framesent", lambda frame: told.append(str(frame)) if "location.report" in str(frame) else None)

    async with visit(
        browser, live.url, is_phone=True, permissions=["geolocation"], geolocation=near(0.03)
    ) as seen:
        page = await as_technician(seen, live)
        page.on("websocket", listen)
        await page.reload()
        await page.get_by_text("Position within").wait_for()
        await page.evaluate("window.phone = Date.now")
        before = await page.evaluate(NOW_MS)
        await page.evaluate("Date.now = () => phone() + 600_000")
        passed = await page.evaluate(NOW_MS) - before
        assert 600_000 <= passed < 660_000, passed
        await seen.context.set_geolocation(near(0.031))
        await live_until(lambda: told, "a position should be told")
        told.clear()
        await page.evaluate("Date.now = () => phone() - 3_600_000")
        assert await page.evaluate(NOW_MS) >= before + passed
        await seen.context.set_geolocation(near(0.032))
        await live_until(lambda: told, "a position should be told after the clock was set back")
        await seen.check()


async def test_a_kept_page_knows_how_late_it_is(live: Live, browser: Any) -> None:
    """Without a network it is opened as it was kept, with the server's time of then."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await page.get_by_role("heading", name="You are").wait_for()
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await until(page, "caches.match('/technician').then(found => Boolean(found))")
        before = await page.evaluate(NOW_MS)
        await page.evaluate("""async () => {
            const cache = await caches.open("dispatch-technician"), kept = await cache.match("/technician");
            const headers = new Headers(kept.headers);
            headers.set("X-Kept-Ms", String(Date.now() - 3_600_000));
            await cache.put("/technician", new Response(await kept.text(), {headers}));
        }""")
        await seen.context.set_offline(True)
        await page.reload()
        await page.get_by_text("No connection").wait_for()
        assert await page.evaluate(NOW_MS) - before > 3_500_000
        await seen.context.set_offline(False)
        await page.get_by_role("heading", name="You are").wait_for()
        await seen.check()
