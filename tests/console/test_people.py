"""Customers in a browser: booking, paying, following, and the link that others follow by."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from dispatch.config.money import Payments
from dispatch.local_gateway.server import LocalGateway
from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, make_everybody_a_beautician
from tests.conftest import clone
from tests.console.browsing import Visit, expects, grave_problems, pictures, texts, visit

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
    # All of them come from one address.
    limits = {"customer_per_minute": 10_000}
    async with live_server(
        dsn, folder, technicians=3, customers=3, env="development", payments=payments, limits=limits
    ) as made:
        await make_everybody_a_beautician(made)
        await gateway.control(webhook_url=f"{made.url}/v1/payments/webhook", retry_s=0.05)
        await add_home(await made.person("customer", PHONE))
        yield made


async def add_home(customer: Person) -> None:
    body = {
        "name": "Home", "address_line1": "123 Main St", "city": "Kolkata", "state": "West Bengal", "pincode": "700032",
        "lat": PLACE[0], "lng": PLACE[1], "is_default": True,
    }  # fmt: skip
    await customer.call("POST", "/v1/users/addresses", body, expect=201)


async def as_customer(seen: Visit, live: Live, path: str, name: str = PHONE) -> Any:
    """A page of somebody who has signed in before."""
    await seen.sign_in("customer", await live.pair("customer", name))
    return await seen.open(path)


async def test_a_visit_is_booked_and_paid_online(live: Live, browser: Any, gateway: LocalGateway) -> None:
    async with visit(browser, live.url, friends={gateway.url}) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Facial").click()
        await page.locator(".stepper button").first.click()
        await page.get_by_role("button", name="tomorrow").click()
        await page.get_by_role("group", name="Time").get_by_role("button").nth(3).click()
        await page.get_by_label("Online").check(force=True)
        # The price moves what stands below it.
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        assert await grave_problems(page) == []
        await pictures(page, "book")
        # A reload in the middle forgets nothing but the tick that must be made on purpose.
        await page.reload()
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.get_by_role("button", name="Book and pay").click()
        await page.get_by_role("button", name="Pay", exact=True).click()
        await page.get_by_text("Paid. Thank you.").wait_for()
        await page.get_by_text("Paid", exact=True).wait_for()
        await page.wait_for_url("**/bookings/*-*")
        assert "razorpay" not in page.url
        await page.get_by_role("button", name="Cancel the booking").first.click()
        await page.get_by_text("Cancelling now costs nothing").wait_for()
        await pictures(page, "booking")
        await page.get_by_role("button", name="Cancel the booking").last.click()
        await page.get_by_role("heading", name="Cancelled").wait_for()
        assert await grave_problems(page) == []
        await page.goto(live.url + "/bookings")
        await page.get_by_text("BK-").first.wait_for()
        await pictures(page, "bookings")
        assert await grave_problems(page) == []
        await seen.check()


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        ({"status": 429, "json": {"message": "Too many requests."}, "headers": {"Retry-After": "3600"}}, 1),
        ({"status": 200, "json": {"success": True, "data": {"payment_status": "pending"}}}, 1),
        # It failed for a moment, so it is asked once more.
        ({"status": 503, "json": {"message": "The gateway does not answer."}}, 2),
    ],
)
async def test_a_payment_that_cannot_be_checked_just_now_is_no_failure(
    live: Live, browser: Any, gateway: LocalGateway, answer: dict[str, Any], times: int
) -> None:
    """The gateway itself tells the server; whoever has paid is not told off, and keeps their five checks an hour."""
    checks: list[str] = []

    async def check(route: Any) -> None:
        checks.append(route.request.url)
        await route.fulfill(**answer)

    async with visit(browser, live.url, friends={gateway.url}, is_phone=True) as seen:
        page = await as_customer(seen, live, "/book")
        await page.route("**/v1/payments/verify", check)
        await choose(page, 1)
        await page.get_by_label("Online").check(force=True)
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.get_by_role("button", name="Book and pay").click()
        await page.get_by_role("button", name="Pay", exact=True).click()
        await page.get_by_text("Paid. Thank you.").wait_for()
        await page.get_by_text("Paid", exact=True).wait_for()
        await expects(page.get_by_text("Too many")).to_have_count(0)
        assert len(checks) == times
        await seen.check()
        booking_id = page.url.rsplit("/", 1)[1]
    customer = await live.person("customer", PHONE)
    await customer.call("POST", f"/v1/bookings/{booking_id}/cancel", {})


async def choose_service(page: Any) -> None:
    await page.get_by_role("button", name="Facial").click()
    await page.locator(".stepper button").first.click()


async def choose(page: Any, day: int) -> None:
    """A service, the day so many days ahead, and one of its times."""
    await choose_service(page)
    await page.get_by_role("group", name="Day").get_by_role("button").nth(day).click()
    await page.get_by_role("group", name="Time").get_by_role("button").nth(3).click()


async def test_a_booking_that_is_still_being_made_is_asked_for_again_and_not_made_twice(
    live: Live, browser: Any
) -> None:
    keys: list[str] = []

    async def still_running(route: Any) -> None:
        keys.append(route.request.headers["x-idempotency-key"])
        if len(keys) > 1:
            return await route.continue_()
        error = {"code": "REQUEST_IN_PROGRESS", "message": "It is being carried out; ask again shortly."}
        return await route.fulfill(status=409, json={"success": False, "error": error})

    customer = await live.person("customer", PHONE)
    before = (await customer.call("GET", "/v1/bookings"))["data"]["pagination"]["total"]
    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, "/book")
        await page.route("**/v1/checkout/confirm", still_running)
        await choose(page, 1)
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.locator(".summary").get_by_role("button", name="Book").click()
        await page.get_by_text("Your booking was sent, and no answer came").wait_for()
        assert await grave_problems(page) == []
        await pictures(page, "book-unsure")
        await page.get_by_role("button", name="Ask now").click()
        await page.wait_for_url("**/bookings/*-*")
        assert len(keys) == 2 and keys[0] == keys[1]
        await seen.check()
    assert (await customer.call("GET", "/v1/bookings"))["data"]["pagination"]["total"] == before + 1
    await customer.call("POST", f"/v1/bookings/{page.url.rsplit('/', 1)[1]}/cancel", {})


async def test_a_booking_whose_answer_was_lost_is_asked_for_until_there_is_one(live: Live, browser: Any) -> None:
    """Made at the first time; then the line is dead, the server busy, asked too often. Nobody presses anything."""
    keys: list[str] = []

    async def lost(route: Any) -> None:
        keys.append(route.request.headers["x-idempotency-key"])
        if len(keys) == 1:
            await route.fetch()
        if len(keys) <= 3:
            return await route.abort()
        if len(keys) in (4, 5):
            code, status = ("SERVICE_UNAVAILABLE", 503) if len(keys) == 4 else ("RATE_LIMIT_EXCEEDED", 429)
            # So long that it is not waited for within one request.
            error = {"success": False, "error": {"code": code, "message": "Later."}}
            return await route.fulfill(status=status, json=error, headers={"Retry-After": "6"})
        return await route.continue_()

    customer = await live.person("customer", PHONE)
    before = (await customer.call("GET", "/v1/bookings"))["data"]["pagination"]["total"]
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_customer(seen, live, "/book")
        await page.route("**/v1/checkout/confirm", lost)
        await choose(page, 1)
        await page.get_by_text("kept for you").wait_for()
        await page.get_by_label("I know that cancelling").check()
        await page.locator(".summary").get_by_role("button", name="Book").click()
        await page.get_by_text("Your booking was sent, and no answer came").wait_for()
        await page.get_by_text("Asking again in a moment").wait_for()
        await page.wait_for_url("**/bookings/*-*")
        assert len(keys) == 6 and len(set(keys)) == 1
        # What was booked is no longer wished for.
        await page.go_back()
        await page.get_by_role("heading", name="Book a visit").wait_for()
        await page.get_by_text("Choose a service.").wait_for()
        await seen.check()
    assert (await customer.call("GET", "/v1/bookings"))["data"]["pagination"]["total"] == before + 1
    (made,) = (await customer.call("GET", "/v1/bookings?limit=1"))["data"]["bookings"]
    await customer.call("POST", f"/v1/bookings/{made['id']}/cancel", {})


async def test_a_price_that_cannot_be_had_is_said_where_it_is_chosen_on_a_phone(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_customer(seen, live, "/book")
        refused = {"success": False, "error": {"code": "OUTSIDE_AREA", "message": "Nobody comes to this place."}}
        await page.route("**/v1/checkout/prepare", lambda route: route.fulfill(status=422, json=refused))
        await choose_service(page)
        told = page.locator("section").filter(has=page.get_by_role("heading", name="When")).locator(".notice")
        await told.get_by_text("Nobody comes to this place.").wait_for()
        assert await grave_problems(page) == []
        await pictures(page, "book-refused")
        # Beside a summary that is always seen it would be said twice.
        await page.set_viewport_size({"width": 1280, "height": 800})
        await told.wait_for(state="hidden")
        await page.locator(".summary").get_by_text("Nobody comes to this place.").wait_for()
        await seen.check()


async def test_a_server_that_was_away_is_asked_again_by_itself(live: Live, browser: Any) -> None:
    away = "/v1/auth/me"

    async def lost(route: Any) -> None:
        await (route.abort() if away and away in route.request.url else route.continue_())

    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route("**/v1/**", lost)
        page = await as_customer(seen, live, "/book")
        trying = page.get_by_text("This page keeps trying by itself.")
        for next_away in ("/v1/users/addresses", "/v1/services/catalog"):
            await trying.wait_for()
            away = next_away
            await page.reload()
        await trying.wait_for()
        away = "/v1/checkout/prepare"
        await choose_service(page)
        await page.locator(".summary").get_by_text("This page keeps trying by itself.").wait_for()
        await pictures(page, "book-away")
        assert await grave_problems(page) == []
        away = ""
        await page.get_by_role("group", name="Time").get_by_role("button").first.wait_for()
        await expects(trying).to_have_count(0)
        await seen.check()


async def test_days_are_those_of_the_place_wherever_they_are_read(live: Live, browser: Any) -> None:
    # It is Monday morning there, and late on Sunday where the page is read.
    async with visit(browser, live.url, timezone_id="America/New_York") as seen:
        page = await as_customer(seen, live, "/book")
        await choose(page, 2)
        days = await texts(page.get_by_role("group", name="Day").get_by_role("button"))
        assert days[:2] == ["today", "tomorrow"] and [day.split()[1] for day in days[2:5]] == ["7", "8", "9"], days
        shown = page.locator(".summary").get_by_text(days[2], exact=True)
        await shown.wait_for()
        kept = await page.evaluate("Object.entries(sessionStorage).find(([key]) => key.includes('draft.book'))[1]")
        assert orjson.loads(kept)["day"] == "2026-01-07"
        await seen.check()


async def test_days_go_on_with_the_calendar_on_a_page_that_is_left_open(live: Live, browser: Any) -> None:
    """Whoever looks at it again the next morning books no other day than the one they read."""
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.clock.install()
        page = await as_customer(seen, live, "/book")
        await choose(page, 1)
        days = page.get_by_role("group", name="Day").get_by_role("button")
        before = await texts(days)
        await page.clock.fast_forward(24 * 3600 * 1000)
        await page.clock.run_for(1000)
        after = await texts(days)
        assert after[:2] == ["today", "tomorrow"] and after[2:10] == before[3:11]
        await days.nth(1).click()
        kept = await page.evaluate("Object.entries(sessionStorage).find(([key]) => key.includes('draft.book'))[1]")
        assert orjson.loads(kept)["day"] == "2026-01-07"
        await seen.check()


async def test_a_link_that_is_none_expired_or_taken_back_says_so(live: Live, browser: Any) -> None:
    customer = await live.person("customer", "+911000100002")
    booking = await book(customer, PLACE)
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await seen.open("/track/nonsense")
        await page.get_by_text("There is no such link").wait_for()
        link = (await customer.call("POST", f"/v1/bookings/{booking['id']}/tracking-link"))["data"]
        page = await seen.open(link["path"])
        await page.get_by_text("The map appears here").wait_for()
        assert await grave_problems(page) == []
        words = await page.locator("body").inner_text()
        assert not any(word in words for word in ("123 Main St", "+91", "₹", booking["booking_number"], "A customer"))
        await page.route("**/v1/track/*", lambda route: route.fulfill(status=500, json={}))
        await page.evaluate("dispatchEvent(new Event('online'))")
        before = await page.locator(".notice", has_text="Last news").inner_text()
        await page.wait_for_function(
            "before => [...document.querySelectorAll('.notice')].some("
            "one => one.innerText.includes('Last news') && one.innerText !== before)",
            arg=before,
        )
        await page.unroute("**/v1/track/*")
        await customer.call("DELETE", f"/v1/bookings/{booking['id']}/tracking-link")
        await page.reload()
        await page.get_by_role("main").get_by_text("taken back by whoever sent it").wait_for()
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


async def test_hostile_words_are_words(live: Live, browser: Any) -> None:
    """In every field that people write: shown as it is, run never, and the page keeps its shape."""
    hostile = '<img src=x onerror="document.title=1">\u202eevil'
    customer = await live.person("customer", "+911000100003")
    await customer.call("PATCH", "/v1/users/profile", {"name": hostile})
    address = {"name": hostile, "address_line1": "x" * 255, "city": hostile, "state": hostile, "pincode": "700032"}
    await customer.call("POST", "/v1/users/addresses", {**address, "lat": PLACE[0], "lng": PLACE[1]}, expect=201)
    booking = await book(customer, PLACE, customer_name=hostile)
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": hostile + "y" * 900})
    async with visit(browser, live.url, is_phone=True, is_dark=True) as seen:
        page = await as_customer(seen, live, f"/bookings/{booking['id']}", "+911000100003")
        await page.get_by_role("main").get_by_text("onerror").first.wait_for()
        await page.goto(live.url + "/book")
        await page.get_by_text("xxxxx").wait_for()
        assert await page.evaluate("document.querySelectorAll('img').length") == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await seen.check()


async def test_a_page_of_somebody_elses_booking_is_no_page(live: Live, browser: Any) -> None:
    other = await live.person("customer", "+911000100002")
    booking = await book(other, PLACE)
    async with visit(browser, live.url) as seen:
        page = await as_customer(seen, live, f"/bookings/{booking['id']}")
        await page.get_by_text("Not found").wait_for()
        await seen.check()
    await other.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


async def test_a_phone_that_may_not_say_where_it_is(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Another address").click()
        await page.get_by_role("button", name="Where I am now").click()
        await page.get_by_text("You have not allowed this page").wait_for()
        # A tap on the map does as well.
        await page.get_by_role("application").click()
        await page.get_by_text("Tap again to move the door").wait_for()
        assert await grave_problems(page) == []
        await seen.check()


async def test_an_address_whose_answer_was_lost_is_saved_once(live: Live, browser: Any) -> None:
    count = "SELECT count(*) FROM addresses WHERE line1 = '7 Lost Lane'"

    lost: list[str] = []

    async def lose_the_first(route: Any) -> None:
        if route.request.method != "POST" or lost:
            await route.continue_()
        else:
            lost.append(route.request.post_data)
            await route.fetch()
            await route.abort()

    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_customer(seen, live, "/book")
        await page.get_by_role("button", name="Another address").click()
        told = {"House and street": "7 Lost Lane", "City": "Kolkata", "State": "West Bengal", "Postal code": "700032"}
        for label, value in told.items():
            await page.get_by_label(label).fill(value)
        await page.get_by_role("application").click()
        await page.get_by_text("Tap again to move the door").wait_for()
        await page.route("**/v1/users/addresses", lose_the_first)
        await page.get_by_role("button", name="Save this address").click()
        # The page asks again by itself, under the same key.
        await page.get_by_text("7 Lost Lane").wait_for()
        assert lost and await live.value(count) == 1


async def test_a_code_is_sent_again_within_bounds_and_to_another_number(live: Live, browser: Any) -> None:
    """Once in half a minute, three in an hour: what the server says of waiting is counted down."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await seen.open("/bookings")
        await page.clock.install()
        send, again = (page.get_by_role("button", name=name) for name in ("Send me a code", "Send the code again"))
        await page.get_by_label("Phone number").fill("+91 10001 00097")
        await send.click()
        await page.get_by_text("A code was sent to +91 10001 00097.").wait_for()
        for _ in range(2):
            await page.get_by_text("You can have another code in").wait_for()
            await expects(again).to_be_disabled()
            await page.clock.fast_forward(31_000)
            await again.click()
            await page.get_by_text("A new code is on its way").wait_for()
        assert await grave_problems(page) == []
        await pictures(page, "code-again")
        await page.clock.fast_forward(31_000)
        await again.click()
        await page.get_by_text("Too many codes were asked for").wait_for()
        await page.get_by_text(re.compile(r"You can have another code in \d+ min\.")).wait_for()
        await expects(again).to_be_disabled()
        await pictures(page, "code-wait")
        await page.get_by_role("button", name="Change the number").click()
        number = page.get_by_label("Phone number")
        await expects(number).to_have_value("+91 10001 00097")
        await send.click()
        await page.get_by_text(re.compile(r"You can try again in \d+ min\.")).wait_for()
        await expects(send).to_be_disabled()
        await number.fill("+91 10001 00096")
        await send.click()
        await page.get_by_text("A code was sent to +91 10001 00096.").wait_for()
        await seen.check()


async def test_the_outbox_shows_what_would_have_been_sent(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await seen.open("/bookings")
        await page.get_by_label("Phone number").fill("+91 10001 00099")
        await page.get_by_role("button", name="Send me a code").click()
        async with page.expect_popup() as popped:
            await page.get_by_role("link", name="outbox").click()
        outbox = await popped.value
        told = outbox.get_by_text("is your sign-in code")
        code = (await told.inner_text()).split()[0]
        assert await grave_problems(outbox) == []
        await page.get_by_label("Code from the message").fill(code)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_text("No bookings here").wait_for()
        await outbox.goto(live.url + "/outbox")
        await outbox.locator("article").first.wait_for()
        await pictures(outbox, "outbox")
        await seen.check()


async def test_the_map_shows_the_door_and_whoever_comes_to_it(live: Live, browser: Any) -> None:
    """It is made before it is put into the page, and has no size until then."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_customer(seen, live, "/bookings")
        await page.get_by_role("heading", name="My bookings").wait_for()
        await page.evaluate("""async () => {
            const make = L.map;
            L.map = (...all) => (window.made = make(...all));
            const { followMap } = await import("/assets/people/followmap.js");
            window.both = [[22.55, 88.35], [22.6, 88.4]];
            const [[lat, lng], door] = window.both;
            const place = followMap(() => ({ lat, lng, at: "", accuracy_m: 9 }), { lat: door[0], lng: door[1] });
            const frame = document.createElement("div");
            frame.className = "map-frame";
            frame.append(place);
            document.querySelector("main").prepend(frame);
        }""")
        await page.wait_for_function("made.getSize().y > 0 && both.every(at => made.getBounds().contains(at))")
        apart = await page.evaluate("both.map(at => made.latLngToContainerPoint(at)).reduce((a, b) => a.distanceTo(b))")
        assert apart > 100, "as near as both can be seen"
        await seen.check()
