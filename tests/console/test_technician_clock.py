"""The page's clock, by which offers are counted down and positions told, when the phone's stands still or is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.api.live import until as live_until
from tests.console.browsing import until, visit
from tests.console.technicians import as_technician, city, near, offered
from tests.console.test_people import PHONE


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("technician")) as made:
        yield made


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
