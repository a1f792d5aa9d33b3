"""Online or offline: what the page says of it is so, whoever changed it and however that was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live, Person
from tests.console.browsing import expects, visit
from tests.console.technicians import as_technician, city, near, offered
from tests.console.test_people import PHONE


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("technician")) as made:
        yield made


async def set_available(live: Live, staff: Person, is_available: bool) -> None:
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    await staff.call("PATCH", f"/v1/admin/partners/{who}/availability", {"is_available": is_available})


async def test_whom_staff_set_offline_reads_so_on_an_open_page(live: Live, browser: Any) -> None:
    staff = await live.person("admin", "admin@dispatch.example")
    await set_available(live, staff, True)
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live)
        await expects(page.get_by_role("heading", name="You are online")).to_be_visible()
        await expects(page.get_by_text("Live", exact=True)).to_be_visible()
        await set_available(live, staff, False)
        await expects(page.get_by_role("heading", name="You are offline")).to_be_visible()
        await expects(page.get_by_text("The office has set you offline")).to_be_visible()
        await set_available(live, staff, True)
        await expects(page.get_by_role("button", name="Go offline")).to_be_enabled()
        await seen.check()


async def test_presence_is_asked_for_where_it_is_not_told(live: Live, browser: Any) -> None:
    """Before the first connection, and in a history that is not told again (`reset`)."""
    staff = await live.person("admin", "admin@dispatch.example")
    await set_available(live, staff, True)
    opened = asyncio.Event()
    lines = list[Any]()

    async def between(line: Any) -> None:
        await opened.wait()
        server = line.connect_to_server()
        server.on_message(lambda text: None if "presence.changed" in text else line.send(text))
        line.on_message(server.send)
        lines.append(line)

    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route_web_socket("**/socket.io/**", between)
        page = await as_technician(seen, live)
        online = page.get_by_role("heading", name="You are online")
        offline = page.get_by_role("heading", name="You are offline")
        await online.wait_for()
        await set_available(live, staff, False)
        opened.set()
        await offline.wait_for()
        await expects(page.get_by_text("Live", exact=True)).to_be_visible()
        await set_available(live, staff, True)
        lines[-1].send('42/technician,["reset",{"streams":{},"snapshot":{}}]')
        await online.wait_for()
        await seen.check()


async def test_whoever_was_silent_for_too_long_comes_back_by_opening_the_page(live: Live, browser: Any) -> None:
    """They had said that they are online: nothing is offered to them until a position comes, which a page that takes
    them for offline does not send."""
    await set_available(live, await live.person("admin", "admin@dispatch.example"), True)
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE technicians SET is_available = false, dark_since = app_now()")
    async with visit(
        browser, live.url, is_phone=True, permissions=["geolocation"], geolocation=near(0.03)
    ) as seen:
        page = await as_technician(seen, live)
        await page.get_by_role("heading", name="You are online").wait_for()
        async with asyncio.timeout(60):
            while not await live.value("SELECT is_available AND dark_since IS NULL FROM technicians"):
                await page.wait_for_timeout(100)
        await expects(page.get_by_role("button", name="Go offline")).to_be_enabled()
        await seen.check()


async def test_an_offer_is_seen_from_everywhere_and_jobs_are_as_they_stand(live: Live, browser: Any) -> None:
    customer, technician = await live.person("customer", PHONE), await live.person("technician", "PT-001")
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await as_technician(seen, live, "/technician/jobs")
        # A browser lets a page shake the phone only after a touch.
        await page.get_by_role("heading", name="Jobs").click()
        await page.get_by_text("Live", exact=True).wait_for()
        booking = await offered(customer, technician)
        await page.get_by_text("A job is offered to you.").wait_for()
        tile = page.get_by_role("article").filter(has_text=booking["booking_number"])
        await tile.get_by_text("Offered to you").wait_for()
        await technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
        await tile.get_by_text("Confirmed").wait_for()
        await page.get_by_role("button", name="Look at it").click()
        await page.get_by_role("article", name="Job").get_by_text(booking["booking_number"]).wait_for()
        await seen.check()
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


async def test_an_answer_that_comes_after_the_opposite_was_said_turns_nothing_back(live: Live, browser: Any) -> None:
    await set_available(live, await live.person("admin", "admin@dispatch.example"), False)
    may_answer, answered = asyncio.Event(), asyncio.Event()

    async def late(route: Any) -> None:
        answer = await route.fetch()
        if route.request.post_data_json["is_available"]:
            await may_answer.wait()
        await route.fulfill(response=answer)
        if route.request.post_data_json["is_available"]:
            answered.set()

    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.route("**/v1/partner/availability", late)
        page = await as_technician(seen, live)
        await expects(page.get_by_text("Live", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Go online").click()
        # It is told by the socket before it is answered.
        await page.get_by_role("button", name="Go offline").click()
        offline = page.get_by_role("heading", name="You are offline")
        await offline.wait_for()
        may_answer.set()
        await answered.wait()
        await page.evaluate("fetch('/healthz').then(() => true)")
        await expects(offline).to_be_visible()
        await expects(page.get_by_role("button", name="Go online")).to_be_enabled()
        await seen.check()


async def test_a_position_that_cannot_be_had_is_said_once_and_not_by_the_second(live: Live, browser: Any) -> None:
    """Whoever is about to press on "Try again" finds it still there, and a reader of the screen hears it once."""
    await set_available(live, await live.person("admin", "admin@dispatch.example"), True)
    async with visit(browser, live.url, is_phone=True) as seen:
        await seen.context.clock.install()
        page = await as_technician(seen, live)
        again = page.get_by_role("button", name="Try again")
        await again.focus()
        for _ in range(3):
            await page.clock.run_for(1000)
            # Asked after the page has asked, and so answered after it.
            await page.evaluate(
                "new Promise((done) => navigator.geolocation.getCurrentPosition(done, () => done(true)))"
            )
        await expects(again).to_be_focused()
        await seen.check()
