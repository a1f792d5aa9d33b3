"""What somebody has begun on a page stays theirs: typed, opened, shown once; whatever the page reads anew meanwhile."""

from __future__ import annotations

from typing import Any

from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, visit


async def open_office(seen: Any, path: str) -> Any:
    page = await seen.open(path)
    await page.get_by_role("button", name="Administrator").click()
    return page


async def out_and_back(seen: Any, page: Any) -> None:
    """The network goes and comes; whatever reads anew has done so."""
    await seen.context.set_offline(True)
    await page.get_by_text("Offline", exact=True).wait_for()
    await seen.context.set_offline(False)
    await page.get_by_text("Live", exact=True).wait_for()
    await page.wait_for_load_state("networkidle")


async def test_what_is_typed_outlives_an_outage(live: Live, browser: Any) -> None:
    """Whoever pressed Save without a network would type it all again: it is then that they are told so."""
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/technicians/new")
        name = page.get_by_label("Name", exact=False).first
        await name.fill("Asha Roy")
        await seen.context.set_offline(True)
        await page.get_by_role("button", name="Create").click()
        await page.get_by_role("alert").get_by_text("The server cannot be reached just now.").wait_for()
        await out_and_back(seen, page)
        await expects(name).to_have_value("Asha Roy")

        for path, button, field in (
            ("/admin/settings", None, "Search radius km"), (f"/admin/technicians/{who}", "Edit", "Address"),
        ):  # fmt: skip
            await page.goto(seen.url + path)
            if button:
                await page.get_by_role("button", name=button).click()
            box = page.get_by_label(field).first
            await box.fill("17")
            await out_and_back(seen, page)
            await expects(box).to_have_value("17")
        await seen.check()


async def test_a_panel_that_was_opened_stays_open_and_what_was_not_is_read_anew(live: Live, browser: Any) -> None:
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-002'")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, f"/admin/technicians/{who}")
        await page.get_by_role("button", name="Edit").click()
        panel = page.locator(".card.panel")
        await panel.wait_for()
        await out_and_back(seen, page)
        await expects(panel).to_have_count(1)
        await panel.get_by_role("button", name="Close").click()
        asked = f"**/v1/admin/partners/{who}"
        async with page.expect_response(asked):
            await out_and_back(seen, page)
        await seen.check()


async def test_a_secret_that_is_shown_once_stays_until_it_was_kept(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/webhooks/new")
        await page.get_by_label("Address").fill("https://hooks.example.com/in")
        await page.get_by_label("Events").fill("booking.created")
        await page.get_by_role("button", name="Create").click()
        secret = page.locator("code.secret")
        told = await secret.inner_text()
        await out_and_back(seen, page)
        await expects(secret).to_have_text(told)
        await seen.check()


async def test_what_is_no_value_is_said_and_not_left_out(live: Live, browser: Any) -> None:
    """A field whose text the browser cannot read has no value, and of a refund nothing said means everything."""
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, f"/admin/technicians/{who}")
        await page.get_by_role("button", name="Edit").click()
        radius = page.get_by_label("Service radius km")
        await radius.fill("")
        await radius.press_sequentially("1-2")
        await page.get_by_label("Address").fill("2 Lake Road")
        sent = list[str]()
        page.on("request", lambda request: sent.append(request.method))
        await page.locator(".panel").get_by_role("button", name="Edit").click()
        await expects(radius).to_be_focused()
        await expects(radius).to_have_accessible_description("This is no number.")
        assert "PATCH" not in sent
        await radius.fill("9")
        await page.locator(".panel").get_by_role("button", name="Edit").click()
        await page.get_by_text("Edit: done.").wait_for()
        kept = await live.value("SELECT service_radius_m FROM technicians WHERE id = $1", who)
        assert kept == 9000
        await seen.check()


async def test_the_first_field_that_is_refused_is_gone_to_and_says_why(live: Live, browser: Any) -> None:
    """Whoever pressed the button is far below it, and a reader of the screen hears only where they are."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await open_office(seen, "/admin/technicians/new")
        await page.get_by_role("button", name="Create").click()
        name = page.get_by_label("Name", exact=False).first
        await expects(name).to_be_focused()
        await expects(name).to_have_attribute("aria-invalid", "true")
        await expects(name).to_have_accessible_description("Name is required.")
        await expects(name).to_be_in_viewport()
        assert await grave_problems(page) == []
        await seen.check()


async def test_a_place_that_is_drawn_anew_keeps_the_keyboard_and_what_was_opened(live: Live, browser: Any) -> None:
    """The dashboard is read every half a minute."""
    async with visit(browser, live.url) as seen:
        await seen.context.clock.install()
        page = await open_office(seen, "/admin")
        table = page.get_by_role("region", name="Revenue of 14 days")
        await page.get_by_text("As a table").click()
        await expects(table).to_be_visible()
        tile = page.get_by_role("link", name="Technicians on duty")
        await tile.focus()
        async with page.expect_response("**/v1/admin/analytics/revenue*"):
            await page.clock.fast_forward(31_000)
        await expects(page.locator("main [aria-busy=true]")).to_have_count(0)
        await expects(tile).to_be_focused()
        await expects(table).to_be_visible()
        await seen.check()


async def test_news_waits_for_whoever_is_about_to_press_on_it(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        await seen.context.clock.install()
        page = await open_office(seen, "/admin/settings")
        box = page.get_by_label("Search radius km")
        before = await box.input_value()
        await box.fill("13")
        await page.get_by_role("button", name="Save").click()
        undo = page.get_by_role("button", name="Undo")
        await undo.focus()
        await page.clock.fast_forward(60_000)
        await expects(undo).to_be_focused()
        async with page.expect_response(lambda answer: answer.request.method == "PUT"):
            await page.keyboard.press("Enter")
        await expects(box).to_have_value(before)
        await seen.check()
