"""The operations board in a browser: live, by keyboard, with a lost socket, hostile names and without rights."""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from api.realtime.events import OPS
from dispatch.access import totp
from dispatch.access.dev_tokens import open_dev_session
from dispatch.engine import alerts
from tests.api.live import Live, Person
from tests.api.test_story import book, fix, make_everybody_a_beautician
from tests.console.browsing import Visit, expects, grave_problems, held, pictures, visit
from tests.parties import PASSWORD, add_staff

#: What somebody might call themselves: markup, a change of direction, a word without end.
HOSTILE = '<img src=x onerror="document.title=1">\u202e\u2066dlrow ' + "W" * 60


@dataclass
class Scene:
    """A city with two technicians on the map, and a board that watches."""

    live: Live
    place: tuple[float, float]
    technicians: list[Person]
    customer: Person
    boss: Person


@pytest.fixture(scope="module")
async def scene(live: Live) -> Scene:
    place = await make_everybody_a_beautician(live)
    people = [await live.person("technician", f"PT-00{n}") for n in (1, 2)]
    for n, one in enumerate(people):
        await one.connect()
        await one.ask("presence.set", {"command_id": str(uuid.uuid4()), "online": True})
        await one.ask("location.report", {"fixes": [fix(live, place[0] + 0.01 * (n + 1), place[1])]})
    customer = await live.person("customer", "+911000100001")
    return Scene(live, place, people, customer, await live.person("admin", "admin@example.com"))


@pytest.fixture
async def seen(scene: Scene, browser: Any) -> AsyncIterator[Visit]:
    async with visit(browser, scene.live.url) as made:
        yield made
        await made.check()


async def board(seen: Visit, path: str = "/ops") -> Any:
    page = await seen.open(path)
    await page.get_by_role("button", name="Administrator").click()
    await page.get_by_text("Live", exact=True).wait_for()
    return page


async def waiting(scene: Scene, **confirm: Any) -> dict[str, Any]:
    """A booking that waits for people: everybody who was asked has said no."""
    booking = await book(scene.customer, scene.place, **confirm)
    for one in scene.technicians * 2:
        queued = await scene.live.value("SELECT queued_at IS NOT NULL FROM bookings WHERE id = $1", UUID(booking["id"]))
        offers = [d for e, d in one.heard if e == "offer.made" and d["booking_id"] == booking["id"]]
        if queued:
            break
        asked = await scene.live.value(
            "SELECT p.code FROM offers o JOIN parties p ON p.id = o.technician_id"
            " WHERE o.booking_id = $1 AND o.state = 'open'",
            UUID(booking["id"]),
        )  # fmt: skip
        who = next(t for t, code in zip(scene.technicians, ("PT-001", "PT-002"), strict=True) if code == asked)
        offer = offers[-1] if offers and who is one else await who.hears("offer.made", booking_id=booking["id"])
        await who.ask("offer.reject", {"command_id": str(uuid.uuid4()), "offer_id": offer["offer_id"]})
    return booking


async def test_somebody_waits_and_is_given_to_a_technician_by_keyboard(scene: Scene, seen: Visit) -> None:
    booking = await waiting(scene)
    page = await board(seen)
    await page.get_by_text("2 technicians, 1 booking", exact=True).wait_for()
    row = page.get_by_role("button", name=booking["booking_number"])
    await row.get_by_text("Needs a person").wait_for()
    await page.keyboard.press("j")
    await page.get_by_role("heading", name=booking["booking_number"]).wait_for()
    await page.wait_for_url(lambda url: f"booking={booking['id']}" in url)
    await page.get_by_text("was asked already").wait_for()
    assert await grave_problems(page) == []
    await pictures(page, "ops")
    await page.get_by_role("button", name="Offer anyway").first.click()
    await page.get_by_text("Offered to Technician").first.wait_for()
    await page.get_by_text("Others who were looked at").wait_for()
    await (
        page.get_by_role("complementary", name="Details")
        .get_by_role("button", name="Nobody can come")
        .wait_for(state="detached")
    )
    await page.get_by_role("tab", name="Timeline").click()
    await page.get_by_text("Partner assigned").first.wait_for()
    for tab in ("Money", "Messages"):
        await page.get_by_role("tab", name=tab).click()
    await page.get_by_text("Booking Received").wait_for()
    await page.keyboard.press("Escape")
    await page.get_by_role("heading", name=booking["booking_number"]).wait_for(state="detached")
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})
    await page.get_by_text("2 technicians, 0 bookings").wait_for()


async def test_news_of_a_booking_does_not_shut_what_somebody_reads_of_it(scene: Scene, seen: Visit) -> None:
    booking = await waiting(scene)
    page = await board(seen, f"/ops?booking={booking['id']}")
    details = page.get_by_role("complementary", name="Details")
    # Both are the other way round than they were drawn.
    await details.locator("summary").filter(has_text="no fresh position").click()
    await details.locator("summary").filter(has_text="was asked already").click()
    offer = page.get_by_role("button", name="Offer anyway to Technician 004 (PT-004)")
    await offer.focus()
    path = f"/v1/admin/bookings/{booking['id']}"
    async with page.expect_response(f"**{path}/candidates"):
        await scene.boss.call("PATCH", path, {"assignment_priority": 7})
    await page.get_by_text("Priority 7").wait_for()
    await expects(page.locator(".detail-side [aria-busy=true]")).to_have_count(0)
    await expects(offer).to_be_focused()
    await expects(offer).to_be_visible()
    await expects(details.get_by_role("button", name="Offer anyway to Technician 001")).to_be_hidden()
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})


async def test_a_search_that_fails_does_not_say_that_there_is_nothing(scene: Scene, seen: Visit) -> None:
    page = await board(seen)
    await page.route("**/v1/admin/partners?*", lambda route: route.fulfill(status=500))
    await page.get_by_label("Search technicians and bookings").fill("PT-001")
    found = page.locator("#found")
    await found.get_by_role("alert").get_by_text("That did not work; please try again.").wait_for()
    await expects(found.get_by_text("Nothing found")).to_have_count(0)
    assert await grave_problems(page) == []
    await page.unroute("**/v1/admin/partners?*")
    await page.get_by_label("Search technicians and bookings").fill("Technician")
    await found.get_by_role("button", name="Technician 003").wait_for()
    await expects(found.get_by_role("alert")).to_have_count(0)


async def test_only_what_was_found_for_what_stands_there_is_opened(scene: Scene, seen: Visit) -> None:
    first = await scene.live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    opened: list[str] = []
    page = await board(seen)
    page.on("request", lambda request: opened.append(request.url) if f"/partners/{first}" in request.url else None)
    box, found = page.get_by_label("Search technicians and bookings"), page.locator("#found")
    await box.fill("PT-001")
    await found.get_by_role("button", name="PT-001").wait_for()
    late = await held(page, "**/v1/admin/partners?*")
    await box.fill("PT-002")
    await box.press("Enter")
    late.may_go.set()
    await found.get_by_role("button", name="PT-002").wait_for()
    await box.press("Enter")
    await page.get_by_role("heading", name="Technician 002").wait_for()
    assert opened == []

    # Whoever has chosen from what was found before does not get the list again.
    await box.fill("PT-003")
    hit = found.get_by_role("button", name="PT-003")
    await hit.wait_for()
    late.may_go.clear()
    async with page.expect_request("**/v1/admin/partners?*"):
        await box.fill("PT-00")
    await hit.click()
    async with page.expect_response("**/v1/admin/partners?*"):
        late.may_go.set()
    await page.evaluate("fetch('/healthz').then(() => true)")
    await expects(found).to_be_hidden()
    await box.focus()
    await found.get_by_role("button", name="PT-004").wait_for()


async def test_a_group_of_alerts_stays_as_it_was_however_many_come_and_go(scene: Scene, seen: Visit) -> None:
    async def happens(*names: str) -> None:
        async with scene.live.services.transaction() as tx:
            for name in names:
                await alerts.raise_alert(tx, "odd_place", f"Look at {name}.", subject=name)

    await happens("one", "two", "three")
    page = await board(seen)
    await page.get_by_role("tab", name="Alerts").click()
    settles = page.get_by_role("button", name="Settle: Look at")
    await expects(settles).to_have_count(3)
    await happens("four")
    await expects(settles).to_have_count(4)
    kind = page.get_by_role("button", name="Odd place")
    await kind.click()
    await expects(settles).to_have_count(0)
    async with scene.live.services.transaction() as tx:
        await alerts.resolve(tx, ["odd_place"], subject="one")
        await alerts.resolve(tx, ["odd_place"], subject="two")
    await page.get_by_role("button", name="Settle all 2").wait_for()
    await expects(kind).to_have_attribute("aria-expanded", "false")
    async with scene.live.services.transaction() as tx:
        for subject in ("three", "four"):
            await alerts.resolve(tx, ["odd_place"], subject=subject)
    await expects(kind).to_have_count(0)


async def test_alerts_stand_together_and_a_settled_one_can_be_taken_back(scene: Scene, seen: Visit) -> None:
    booking = await waiting(scene)
    page = await board(seen)
    await page.get_by_role("tab", name="Alerts").click()
    settle = page.get_by_role("button", name="Settle:").first
    await settle.click()
    await page.get_by_role("button", name="Undo").click()
    await settle.click()
    await page.get_by_text("All quiet").wait_for()
    await page.get_by_role("button", name="Close").click()
    alerts = f"/v1/admin/alerts?booking_id={booking['id']}&status=open"
    async with asyncio.timeout(60):
        while (await scene.boss.call("GET", alerts))["data"]["alerts"]:
            await page.wait_for_timeout(100)
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})


async def test_a_lost_socket_is_said_and_comes_back(scene: Scene, seen: Visit) -> None:
    page = await board(seen)
    await page.get_by_text("2 technicians").wait_for()
    # Looked for before it can be there: back on the line again it may stand for a moment only.
    await page.evaluate(
        "() => { const place = document.querySelector('.connection');"
        " new MutationObserver((_, o) => { const text = place.innerText;"
        " if (text.startsWith('Reconnecting')) { o.disconnect(); window.said = text; } })"
        ".observe(place, {subtree: true, childList: true, characterData: true}); }"
    )
    namespace = scene.live.sockets.namespace_handlers[OPS]
    for grant in list(namespace.members.values()):
        scene.live.sockets.cut(grant.sid, OPS, "lost", 1012)
    assert "last news" in await (await page.wait_for_function("window.said")).json_value()
    await page.get_by_text("Live", exact=True).wait_for()
    # And what happens then is seen.
    await scene.technicians[0].ask("presence.set", {"command_id": str(uuid.uuid4()), "online": False})
    await page.get_by_label("Search technicians and bookings").fill("PT-001")
    await page.get_by_role("button", name="PT-001").click()
    await page.get_by_text("Offline").last.wait_for()
    await scene.technicians[0].ask("presence.set", {"command_id": str(uuid.uuid4()), "online": True})
    assert await grave_problems(page) == []


async def test_hostile_names_are_text_and_break_nothing(scene: Scene, browser: Any) -> None:
    booking = await book(scene.customer, scene.place, customer_name=HOSTILE[:100], notes=HOSTILE)
    who = await scene.live.value("SELECT id FROM parties WHERE code = 'PT-002'")
    await scene.boss.call("PUT", f"/v1/admin/partners/{who}", {"name": HOSTILE[:100]})
    async with visit(browser, scene.live.url, is_phone=True, is_dark=True) as seen:
        page = await board(seen, f"/ops?technician={who}")
        shown = page.get_by_role("heading", level=2).first
        await shown.wait_for()
        assert (await shown.inner_text()).startswith("<img src=x onerror=")
        assert await page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
        assert await page.title() == "Operations"
        await page.goto(f"{scene.live.url}/ops?booking={booking['id']}")
        await page.get_by_role("heading", name=booking["booking_number"]).wait_for()
        await page.get_by_role("tab", name="Who").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await grave_problems(page) == []
        await seen.check()
    await scene.boss.call("PUT", f"/v1/admin/partners/{who}", {"name": "Technician 002"})
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})


async def test_a_day_is_played_again_and_filters_are_kept(scene: Scene, seen: Visit) -> None:
    await scene.live.services.tracker.flush()
    page = await board(seen)
    async with page.expect_response("**/board/replay*") as asked:
        await page.keyboard.press("r")
    assert (await asked.value).status == 200
    await page.get_by_label("Time of the day").fill("3600")
    await page.get_by_label("Speed").select_option("300")
    assert await grave_problems(page) == []
    await page.get_by_role("button", name="Back to live").click()
    await page.keyboard.press("f")
    await page.get_by_label("Offline").uncheck()
    await page.get_by_label("Name of the filter").fill("Night shift")
    await page.get_by_role("button", name="Keep").click()
    await page.reload()
    await page.get_by_text("Live", exact=True).wait_for()
    await page.keyboard.press("f")
    await page.get_by_role("button", name="Night shift", exact=True).click()
    await expects(page.get_by_label("Offline")).not_to_be_checked()
    assert await grave_problems(page) == []


async def test_another_day_than_today_is_played_again(scene: Scene, seen: Visit) -> None:
    page = await board(seen)
    await page.keyboard.press("r")
    day = page.get_by_label("Day", exact=True)
    async with page.expect_response(lambda answer: "from_at=2026-01-02" in answer.url):
        await day.fill("2026-01-02")
    await expects(day).to_have_value("2026-01-02")
    await page.get_by_role("button", name="Back to live").click()
    await expects(day).to_have_count(0)


async def test_a_filter_is_seen_for_as_long_as_it_holds(scene: Scene, seen: Visit) -> None:
    """Though the last booking of its category is gone from the map."""
    booking = await waiting(scene)
    page = await board(seen)
    await page.get_by_text("2 technicians, 1 booking", exact=True).wait_for()
    await page.keyboard.press("f")
    wish = page.get_by_label("Category")
    await wish.select_option(index=1)
    chosen = await wish.input_value()
    assert chosen
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})
    await page.get_by_text("2 technicians, 0 bookings").wait_for()
    await expects(wish).to_have_value(chosen)
    await page.get_by_role("button", name="Show everything").click()
    await expects(wish).to_have_value("")
    await expects(wish.locator("option")).to_have_count(1)


async def test_what_is_about_to_be_pressed_is_not_drawn_anew_by_the_second(scene: Scene, seen: Visit) -> None:
    who = await scene.live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    page = await board(seen, f"/ops?technician={who}")
    show = page.get_by_role("button", name="Show", exact=True)
    await show.focus()
    where = fix(scene.live, scene.place[0] + 0.01, scene.place[1])
    await scene.technicians[0].ask("location.report", {"fixes": [where]})
    ages = {await page.get_by_text("position ").last.inner_text()}
    async with asyncio.timeout(60):
        while len(ages) < 3:
            await page.wait_for_timeout(100)
            ages.add(await page.get_by_text("position ").last.inner_text())
    await expects(show).to_be_focused()


async def test_whoever_may_not_see_the_board_is_told_so(scene: Scene, browser: Any) -> None:
    account_id = await add_staff(scene.live.services, "support", permissions={"dispatch": None})
    async with visit(browser, scene.live.url) as seen:
        await seen.sign_in("admin", await open_dev_session(scene.live.services, "admin", str(account_id)))
        page = await seen.open("/ops")
        await page.get_by_text("Not for your role").wait_for()
        await seen.check()


async def test_a_second_factor_is_asked_for(scene: Scene, browser: Any) -> None:
    account_id = await add_staff(scene.live.services, "admin", "totp@example.com", password=PASSWORD)
    who = await scene.live.person("admin", str(account_id))
    enrolled = (await who.call("POST", "/v1/admin/auth/totp/enrol", {}, expect=201))["data"]
    secret, step = base64.b32decode(enrolled["secret"]), int(time.time() // totp.STEP_S)
    await who.call("POST", "/v1/admin/auth/totp/confirm", {"code": totp.code_at(secret, step - 1)})
    async with visit(browser, scene.live.url) as seen:
        page = await seen.open("/ops")
        await page.get_by_label("E-mail").fill("totp@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        code = page.get_by_label("Code of your authenticator app")
        await code.fill("000000")
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_role("alert").wait_for()
        await code.fill(totp.code_at(secret, int(time.time() // totp.STEP_S)))
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_text("Live", exact=True).wait_for()
        await seen.check()


async def test_tabs_with_an_old_token_renew_it_once_and_both_go_on(scene: Scene, browser: Any) -> None:
    async with visit(browser, scene.live.url) as seen:
        first = await board(seen)
        renewals: list[str] = []
        seen.context.on("request", lambda r: renewals.append(r.url) if r.url.endswith("/refresh-token") else None)
        await first.evaluate(
            "() => { const key = 'dispatch.session.admin', held = JSON.parse(localStorage[key]);"
            " localStorage[key] = JSON.stringify({...held, access_token: held.access_token + 'x'}); }"
        )
        await first.reload()
        second = await seen.open("/ops")
        for page in (first, second):
            await page.get_by_text("Live", exact=True).wait_for()
        assert len(renewals) == 1
        await seen.check()
