"""What somebody has begun on a page stays theirs: typed, opened, shown once; whatever the page reads anew meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, held, visit


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


async def test_while_something_is_saved_nothing_is_typed_and_nothing_else_is_begun(live: Live, browser: Any) -> None:
    """Its answer would shut the other panel, or be told to a form that is gone."""
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-003'")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, f"/admin/technicians/{who}")
        await page.get_by_role("button", name="Edit").click()
        panel = page.locator(".card.panel")
        address = panel.get_by_label("Address")
        await address.fill("3 Lake Road")
        late = await held(page, f"**/v1/admin/partners/{who}", "PATCH")
        await panel.get_by_role("button", name="Edit").click()
        other = page.get_by_role("button", name="Cash handed in")
        for one in (address, panel.get_by_role("button", name="Close"), other):
            await expects(one).to_be_disabled()
        late.may_go.set()
        await page.locator(".facts").get_by_text("3 Lake Road").wait_for()
        await expects(panel).to_have_count(0)
        await expects(other).to_be_enabled()

        # What is refused is said where it was typed, and can be mended there.
        await page.get_by_role("button", name="Edit").click()
        await address.fill("4 Lake Road")
        refusal = {"error": {"code": "CONFLICT", "message": "Not like this."}}
        await page.route(f"**/v1/admin/partners/{who}", lambda route: route.fulfill(status=409, json=refusal))
        await panel.get_by_role("button", name="Edit").click()
        await panel.get_by_role("alert").get_by_text("Not like this.").wait_for()
        await expects(panel.get_by_role("button", name="Edit")).to_be_enabled()
        await expects(address).to_have_value("4 Lake Road")
        await seen.check()


async def test_what_is_begun_while_a_page_is_read_anew_stays_and_then_it_is_read(live: Live, browser: Any) -> None:
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-003'")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, f"/admin/technicians/{who}")
        await page.get_by_role("button", name="Edit").click()
        panel = page.locator(".card.panel")
        await panel.get_by_label("Address").fill("5 Lake Road")
        late = await held(page, f"**/v1/admin/partners/{who}", "GET", is_done=True)
        await panel.get_by_role("button", name="Edit").click()
        await page.get_by_text("Edit: done.").wait_for()
        await page.get_by_role("button", name="Cash handed in").click()
        amount = panel.get_by_label("Amount")
        await amount.fill("70")
        async with page.expect_response(f"**/v1/admin/partners/{who}"):
            late.may_go.set()
        await expects(page.locator("main [aria-busy=true]")).to_have_count(0)
        await expects(amount).to_have_value("70")
        await panel.get_by_role("button", name="Close").click()
        await page.locator(".facts").get_by_text("5 Lake Road").wait_for()

        # Nor does a way back shut what was opened since.
        await page.get_by_role("button", name="Edit").click()
        await panel.get_by_label("Address").fill("6 Lake Road")
        async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
            await page.get_by_role("button", name="Undo").click()
        await page.evaluate("fetch('/healthz').then(() => true)")
        await expects(page.locator("main [aria-busy=true]")).to_have_count(0)
        await expects(panel.get_by_label("Address")).to_have_value("6 Lake Road")
        await seen.check()


async def test_what_is_typed_after_settings_were_saved_is_not_read_over(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/settings")
        first, then = page.get_by_label("Search radius km"), page.get_by_label("Max booking advance days")
        before = [await first.input_value(), await then.input_value()]
        await first.fill("14")
        late = await held(page, "**/v1/admin/settings", "GET", is_done=True)
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("Saved: it holds from now on.").wait_for()
        await then.fill("31")
        async with page.expect_response("**/v1/admin/settings"):
            late.may_go.set()
        await expects(page.locator("main [aria-busy=true]")).to_have_count(0)
        await expects(then).to_have_value("31")
        # What was saved already is not sent once more.
        async with page.expect_request(lambda request: request.method == "PUT") as sent:
            await page.get_by_role("button", name="Save").click()
        assert list((await sent.value).post_data_json) == [await then.get_attribute("name")]
        boss = await live.person("admin", "admin@example.com")
        names = [await one.get_attribute("name") for one in (first, then)]
        await page.locator("main [aria-busy=true]").first.wait_for(state="detached")
        await boss.call("PUT", "/v1/admin/settings", dict(zip(names, map(float, before), strict=True)))
        await seen.check()


async def test_whoever_went_on_before_it_was_created_stays_where_they_are(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/promos/new")
        await page.get_by_label("Code").fill("SLOWLY1")
        await page.get_by_label("Discount type").select_option("percentage")
        await page.get_by_label("Discount value").fill("15")
        late = await held(page, "**/v1/admin/promo-codes", "POST")
        await page.get_by_role("button", name="Create").click()
        await page.locator(".office-menu").get_by_role("link", name="Settings").click()
        box = page.get_by_label("Search radius km")
        await box.fill("19")
        late.may_go.set()
        await page.get_by_text("Promo code: created.").wait_for()
        await expects(page).to_have_url(f"{seen.url}/admin/settings")
        await expects(box).to_have_value("19")
        await seen.check()


async def test_rows_that_are_picked_for_the_next_deed_outlive_the_answer_to_the_last(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/services")
        rows = page.get_by_label("This row")
        await rows.nth(0).check()
        late = await held(page, "**/v1/admin/services/batch", "POST")
        await page.get_by_role("button", name="Offer", exact=True).click()
        await expects(rows.nth(0)).not_to_be_checked()
        for n in (1, 2):
            await rows.nth(n).check()
        async with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/v1/admin/services")):
            late.may_go.set()
        await page.get_by_text("1 done.").wait_for()
        await expects(page.locator("main [aria-busy=true]")).to_have_count(0)
        await page.get_by_text("2 picked").wait_for()
        for n, is_picked in enumerate((False, True, True)):
            await expects(rows.nth(n)).to_be_checked(checked=is_picked)
        await seen.check()


async def test_a_day_off_that_is_being_chosen_outlives_an_outage_and_the_end_of_another(
    live: Live, browser: Any
) -> None:
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-004'")
    boss = await live.person("admin", "admin@example.com")
    await boss.call("PUT", f"/v1/admin/partners/{who}/days-off/2026-02-02")
    async with visit(browser, live.url) as seen:
        page = await open_office(seen, f"/admin/technicians/{who}")
        day = page.get_by_label("Day off", exact=True)
        await day.fill("2026-02-03")
        await page.get_by_role("button", name="Works on 2026-02-02 after all").click()
        await page.get_by_text("No days off.").wait_for()
        await expects(day).to_have_value("2026-02-03")
        await out_and_back(seen, page)
        await expects(day).to_have_value("2026-02-03")
        await page.get_by_role("button", name="Add a day off").click()
        await page.get_by_role("button", name="Works on 2026-02-03 after all").wait_for()
        await expects(day).to_have_value("")
        assert await grave_problems(page) == []
        await seen.check()


async def test_offers_for_what_was_typed_before_do_not_replace_those_for_what_is_typed_now(
    live: Live, browser: Any
) -> None:
    may_answer = asyncio.Event()

    async def late(route: Any) -> None:
        if "search=" not in route.request.url:
            await may_answer.wait()
        await route.continue_()

    async with visit(browser, live.url) as seen:
        page = await open_office(seen, "/admin/payouts/new")
        await page.route("**/v1/admin/partners?*", late)
        box = page.get_by_role("combobox", name="Technician")
        await box.focus()
        await box.fill("PT-005")
        offered = page.locator(".finder option")
        await expects(offered).to_have_count(1)
        async with page.expect_response(lambda answer: "search=" not in answer.url):
            may_answer.set()
        await page.evaluate("fetch('/healthz').then(() => true)")
        await expects(offered).to_have_count(1)
        await seen.check()
