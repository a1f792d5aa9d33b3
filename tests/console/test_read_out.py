"""What screen readers and keyboards meet: news is read out once, nothing is read out all the time, focus goes on."""

from __future__ import annotations

from typing import Any

from tests.api.live import Live
from tests.api.test_story import book, make_everybody_a_beautician
from tests.console.browsing import expects, until, visit

PHONE = "+911000100001"
#: Puts what `make` gives into the page, and counts how often something that is read out changes there.
WATCH = """async () => {
    const [{ scoped }, { h }] = await Promise.all([import("/assets/lib/state.js"), import("/assets/lib/dom.js")]);
    %s
    const [made] = scoped(make);
    const place = h("div", {id: "watched"}, made);
    document.querySelector("main").prepend(place);
    await new Promise((done) => setTimeout(done, 50));
    window.readOut = 0;
    const live = "[role=status], [role=alert], [aria-live]";
    new MutationObserver((all) => {
        for (const one of all) {
            const at = one.target instanceof Element ? one.target : one.target.parentElement;
            if (at?.closest(live)) window.readOut++;
        }
    }).observe(place, {subtree: true, childList: true, characterData: true});
    window.before = place.innerText;
}"""
ARRIVAL = """
    const { etaLine } = await import("/assets/people/followmap.js");
    const { now } = await import("/assets/lib/boot.js");
    const here = {lat: 0, lng: 0, at: new Date(now() - 10_000).toISOString(), accuracy_m: 9, eta_s: 615, fix_age_s: 0};
    const make = () => etaLine(() => here, () => "in_transit");
"""
CONNECTION = """
    const { connectionState } = await import("/assets/lib/view.js");
    const begun = Date.now() - 10_000;
    const make = () => connectionState({standing: () => "waiting", lastNews_ms: () => begun, problem: () => ""});
"""


async def test_ages_that_grow_by_the_second_are_not_read_out(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open("/bookings")
        await page.get_by_role("heading", name="My bookings").wait_for()
        for make, word in ((ARRIVAL, "About 10 min away"), (CONNECTION, "Reconnecting")):
            await page.evaluate(WATCH % make)
            await page.locator("#watched [role=status]").get_by_text(word).wait_for()
            await until(page, "watched.innerText !== before")
            assert await page.evaluate("readOut") == 0
            await page.evaluate("watched.remove()")
        await seen.check()


async def test_there_is_a_place_for_news_before_there_is_any(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open("/book")
        await page.locator(".toasts[role=status]").wait_for(state="attached")
        await expects(page.locator(".toast")).to_have_count(0)
        await seen.check()


async def test_the_keyboard_goes_on_in_the_content(live: Live, browser: Any) -> None:
    place = await make_everybody_a_beautician(live)
    customer = await live.person("customer", PHONE)
    booking = await book(customer, place)
    async with visit(browser, live.url) as seen:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open("/bookings")
        tile = page.get_by_role("link", name=booking["booking_number"])
        await tile.wait_for()
        await page.keyboard.press("Tab")
        await expects(page.get_by_role("link", name="To the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expects(page.get_by_role("main")).to_be_focused()
        # The link that was pressed is gone with its list.
        await tile.press("Enter")
        await page.get_by_role("heading", name="Steps").wait_for()
        await expects(page.get_by_role("main")).to_be_focused()
        await page.keyboard.press("Tab")
        await expects(page.get_by_role("link", name="← My bookings")).to_be_focused()
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})
