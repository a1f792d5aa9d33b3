"""Signing in, and staying so: what a renewed token, another's sign-in or a reload in the middle does to a page."""

from __future__ import annotations

from typing import Any

import orjson

from tests.api.live import Live
from tests.api.test_story import make_everybody_a_beautician
from tests.console.browsing import expects, visit
from tests.console.test_people import choose_service

ASHA, RAVI = "+911000100001", "+911000100002"
#: Most of an access token's life.
LATER_MS = 13 * 60 * 1000


async def test_a_renewed_sign_in_leaves_what_is_typed_and_open(live: Live, browser: Any) -> None:
    """A token lasts a quarter of an hour; somebody who writes an address may need longer."""
    await make_everybody_a_beautician(live)
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.sign_in("customer", await live.pair("customer", ASHA))
        # Before the page has timers: it could not end one that it began by another clock.
        await seen.context.clock.install()
        page = await seen.open("/book")
        await page.get_by_role("button", name="Another address").click()
        street = page.get_by_label("House and street")
        await street.fill("12 Lake Road, behind the school")
        await page.clock.fast_forward(LATER_MS)
        async with page.expect_response("**/refresh-token") as renewed, page.expect_response("**/checkout/prepare"):
            await choose_service(page)
            await page.clock.run_for(1000)
        assert (await renewed.value).ok
        await page.locator(".summary").get_by_text("Total").wait_for()
        await expects(street).to_have_value("12 Lake Road, behind the school")
        await seen.check()


async def test_a_page_of_one_becomes_that_of_another_who_signs_in_beside_it(live: Live, browser: Any) -> None:
    people = [await live.person("customer", phone) for phone in (ASHA, RAVI)]
    names = [(await one.call("GET", "/v1/auth/me"))["data"]["name"] for one in people]
    assert names[0] != names[1]
    ravi = await live.pair("customer", RAVI)
    held = {
        "access_token": ravi.access_token, "refresh_token": ravi.refresh_token, "expires_in": ravi.expires_in,
        "sign_in": "another",
    }  # fmt: skip
    async with visit(browser, live.url) as seen:
        await seen.sign_in("customer", await live.pair("customer", ASHA))
        first = await seen.open("/bookings")
        await first.get_by_role("banner").get_by_text(names[0]).wait_for()
        second = await seen.open("/track/nothing")
        # At once, so that nobody is signed in between.
        await second.evaluate(
            f"localStorage.setItem('dispatch.session.customer',"
            f" JSON.stringify({{...{orjson.dumps(held).decode()}, got_ms: Date.now()}}))"
        )
        await first.get_by_role("banner").get_by_text(names[1]).wait_for()
        await seen.check()


async def test_a_code_that_was_sent_may_be_entered_after_a_reload(live: Live, browser: Any) -> None:
    """A phone may forget the page while its message is read; another code would end the first, and few are sent."""
    sent: list[str] = []
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await seen.open("/bookings")
        page.on("request", lambda request: sent.append(request.url) if "send-otp" in request.url else None)
        await page.get_by_label("Phone number").fill("+91 10001 00098")
        await page.get_by_role("button", name="Send me a code").click()
        await page.get_by_text("A code was sent to +91 10001 00098.").wait_for()
        await page.reload()
        await page.get_by_text("A code was sent to +91 10001 00098.").wait_for()
        await page.get_by_text("You can have another code in").wait_for()
        sql = "SELECT substring(body FROM '[0-9]{4,8}') FROM outbox WHERE recipient = $1"
        code = await live.value(sql, "+911000100098")
        await page.get_by_label("Code from the message").fill(code)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_text("No bookings here").wait_for()
        assert len(sent) == 1
        # Who comes next says who they are.
        await page.get_by_label("Account").click()
        await page.get_by_role("button", name="Sign out").click()
        await expects(page.get_by_label("Phone number")).to_have_value("")
        await seen.check()
