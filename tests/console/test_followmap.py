"""Whoever comes, on a map: it is drawn once for a visit, and is theirs who look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.api.test_story import fix
from tests.console.browsing import expects, until, visit
from tests.console.technicians import accepted, city, near
from tests.console.test_people import PHONE

#: Keeps the maps that a page makes from here on.
KEEP = "(() => { const make = L.map; window.maps = []; L.map = (...all) => (maps.push(make(...all)), maps.at(-1)); })()"
VIEW = "[maps.length, maps[0].getZoom(), maps[0].getCenter()]"


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("followmap")) as made:
        yield made


async def test_a_map_goes_after_whoever_comes_until_somebody_moves_it(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await seen.open("/bookings")
        await page.evaluate(KEEP)
        await page.evaluate("""async () => {
            const { followMap } = await import("/assets/people/followmap.js");
            const { append } = await import("/assets/lib/dom.js");
            const { signal } = await import("/assets/lib/state.js");
            window.position = signal({ lat: 22.55, lng: 88.35, at: "", accuracy_m: 9 });
            const frame = document.createElement("div");
            frame.className = "map-frame";
            document.querySelector("main").prepend(frame);
            append(frame, () => followMap(position, { lat: 22.6, lng: 88.4 }));
        }""")
        move = """async ([lat, lng]) => {
            position.set({ lat, lng, at: "", accuracy_m: 9 });
            await new Promise(requestAnimationFrame);
            return maps[0].getBounds().contains([lat, lng]);
        }"""
        await until(page, "maps[0].getSize().y > 0 && maps[0].getBounds().contains([22.55, 88.35])")
        assert await page.evaluate(move, [22.4, 88.2])
        for _ in range(3):
            await page.get_by_label("Zoom in").click()
        before = await page.evaluate(VIEW)
        assert not await page.evaluate(move, [22.41, 88.21])
        assert await page.evaluate(VIEW) == before and before[0] == 1
        await seen.check()


async def test_a_map_stays_as_it_was_moved_when_the_visit_is_read_anew(live: Live, browser: Any) -> None:
    customer, technician, booking = await accepted(live)
    path = f"/v1/partner/bookings/{booking['id']}/status"
    link = (await customer.call("POST", f"/v1/bookings/{booking['id']}/tracking-link"))["data"]
    async with visit(browser, live.url) as seen, visit(browser, live.url) as friend:
        await seen.sign_in("customer", await live.pair("customer", PHONE))
        page = await seen.open(f"/bookings/{booking['id']}")
        await page.get_by_text("Live", exact=True).wait_for()
        watcher = await friend.open(link["path"])
        await watcher.get_by_text("The map appears here").wait_for()
        for one in (page, watcher):
            await one.evaluate(KEEP)
        await technician.call("PATCH", path, {"status": "in_transit"})
        await live.services.tracker.refresh_jobs()
        await technician.connect()
        here = near(0.03)
        await technician.ask("location.report", {"fixes": [fix(live, here["latitude"], here["longitude"])]})
        await watcher.evaluate("dispatchEvent(new Event('online'))")
        views = []
        for one in (page, watcher):
            await until(one, "maps.length && maps[0].getSize().y > 0")
            await one.get_by_label("Zoom in").click()
            await one.get_by_label("Zoom in").click()
            views.append(await one.evaluate(VIEW))
        await technician.call("PATCH", path, {"status": "arrived"})
        await watcher.evaluate("dispatchEvent(new Event('online'))")
        for one, view in zip((page, watcher), views, strict=True):
            await expects(one.locator(".eta-big")).to_have_text("At the door")
            assert await one.evaluate(VIEW) == view and view[0] == 1
            await expects(one.get_by_role("region", name="Map")).to_be_visible()
        await seen.check()
        await friend.check()
    await technician.close()
