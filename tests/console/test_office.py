"""The back office in a real browser: every list and page opens, forms say what is wrong, roles see their own part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dispatch.access.dev_tokens import open_dev_session
from dispatch.billing import ledger
from dispatch.engine import alerts
from dispatch.live.sessions import Ending
from tests.api.live import Live
from tests.api.test_story import book, make_everybody_a_beautician
from tests.console.browsing import Visit, expects, grave_problems, pictures, texts, visit
from tests.dispatch.billing.invoiced import issued, last_month
from tests.organisations import add_organisation
from tests.parties import add_staff

#: Somebody's name that would like to be more than a name.
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202egnihton " + "y" * 150
NEW_APP = {"name": "Acme Homes", "email": "dev@acme.example", "phoneNumber": "+911234567890"}


@pytest.fixture
async def office(live: Live, browser: Any) -> AsyncIterator[tuple[Visit, Any]]:
    """The administrator at the beginning of the back office; at the end nothing was wrong."""
    async with visit(browser, live.url) as seen:
        page = await seen.open("/admin")
        await page.get_by_role("button", name="Administrator").click()
        await page.get_by_role("heading", name="Dashboard").wait_for()
        yield seen, page
        assert seen.wrong == []


async def settled(page: Any) -> None:
    """Until everything that the view asked for is there."""
    await page.locator("main h1, main .state").first.wait_for()
    await page.locator("main [aria-busy=true]").first.wait_for(state="detached")


async def test_the_beginning_is_light_enough(office: tuple[Visit, Any]) -> None:
    seen, page = office
    await settled(page)
    await page.get_by_role("img", name="Revenue of 14 days").wait_for()
    assert await grave_problems(page) == []
    await pictures(page, "office")
    await seen.check()


async def test_every_entry_of_the_menu_opens(office: tuple[Visit, Any]) -> None:
    _, page = office
    entries = await texts(page.locator(".office-menu a"))
    assert len(entries) > 25
    for title in entries:
        await page.locator(".office-menu").get_by_role("link", name=title, exact=True).click()
        await page.locator("main h1").first.wait_for()
        await settled(page)
        await expects(page.locator("main [role=alert]")).to_have_count(0)
        await pictures(page, f"office-{title.lower().replace(' ', '-')}")


async def test_a_form_says_at_each_field_what_is_wrong_and_takes_hostile_words_as_words(
    office: tuple[Visit, Any],
) -> None:
    seen, page = office
    await page.goto(f"{seen.url}/admin/promos/new")
    await page.get_by_label("Discount value").fill("-5")
    await page.get_by_role("button", name="Create").click()
    await page.locator(".field .problem").nth(2).wait_for()
    for label in ("Code", "Discount type", "Discount value"):
        field = page.locator(".field").filter(has=page.get_by_text(label, exact=False)).first
        assert (await field.locator(".problem").first.inner_text()).endswith(".")
    assert await grave_problems(page) == []
    await page.get_by_label("Code").fill("HOSTILE1")
    await page.get_by_label("Discount type").select_option("percentage")
    await page.get_by_label("Discount value").fill("15")
    await page.get_by_label("Description").fill(HOSTILE)
    await page.get_by_role("button", name="Create").click()
    await page.get_by_role("heading", name="HOSTILE1").wait_for()
    await page.goto(f"{seen.url}/admin/promos?search=HOSTILE1")
    await page.get_by_role("link", name="HOSTILE1").wait_for()
    await settled(page)
    assert "<img" in await page.locator(".list tbody").inner_text()
    await expects(page.locator(".list tbody img")).to_have_count(0)
    assert "owned" not in await page.title()


async def test_what_was_changed_can_be_taken_back(office: tuple[Visit, Any], live: Live) -> None:
    seen, page = office
    await page.goto(f"{seen.url}/admin/settings")
    box = page.get_by_label("Search radius km")
    before = await box.input_value()
    await box.fill("12")
    await page.get_by_role("button", name="Save").click()
    # It is offered once the first change was answered: what is heard of from here on is the second.
    undo = page.get_by_role("button", name="Undo")
    await undo.wait_for()
    async with page.expect_response(lambda answer: answer.request.method == "PUT"):
        await undo.click()
    boss = await live.person("admin", "admin@example.com")
    await page.reload()
    await page.get_by_label("Search radius km").wait_for()
    assert await page.get_by_label("Search radius km").input_value() == before
    settings = (await boss.call("GET", "/v1/admin/settings"))["data"]
    assert settings["search_radius_km"] == float(before)


async def test_many_are_cancelled_once_and_only_when_nobody_takes_it_back(
    office: tuple[Visit, Any], live: Live
) -> None:
    seen, page = office
    customer = await live.person("customer", "+911000100001")
    booking = await book(customer, await make_everybody_a_beautician(live))
    sent = "SELECT count(*) FROM idempotency_keys WHERE route LIKE '%/bookings/batch/status'"
    await page.goto(f"{seen.url}/admin/bookings?search={booking['booking_number']}")
    row, cancel = page.get_by_label("This row"), page.get_by_role("button", name="Cancel", exact=True)
    await row.check()
    await cancel.click()
    await page.get_by_role("button", name="Undo").click()
    await expects(row).not_to_be_checked()
    assert await live.value(sent) == 0
    await row.check()
    await cancel.click()
    # Whoever leaves the page has not taken it back.
    await page.goto(f"{seen.url}/admin/promos")
    boss = await live.person("admin", "admin@example.com")
    path = f"/v1/admin/bookings/{booking['id']}"
    async with asyncio.timeout(60):
        while (await boss.call("GET", path))["data"]["booking"]["status"] != "cancelled":
            await page.wait_for_timeout(100)
    assert await live.value(sent) == 1


async def test_what_is_pressed_twice_is_done_once(office: tuple[Visit, Any]) -> None:
    seen, page = office
    gate, asked = asyncio.Event(), list[str]()

    async def slowly(route: Any) -> None:
        asked.append(route.request.url)
        await gate.wait()
        await route.continue_()

    await page.route("**/availability", slowly)
    await page.locator(".office-menu").get_by_role("link", name="Technicians").click()
    await page.locator(".list tbody a").first.click()
    await page.get_by_role("button", name="Pause").dblclick()
    await page.locator("button:disabled", has_text="Pause").wait_for()
    gate.set()
    await page.get_by_role("button", name="Resume").wait_for()
    assert len(asked) == 1
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("button", name="Pause").wait_for()
    # And without an answer that settles it, the next press is the same deed.
    keys: list[str] = []

    async def still_running(route: Any) -> None:
        keys.append(route.request.headers["x-idempotency-key"])
        if len(keys) > 1:
            return await route.continue_()
        return await route.fulfill(status=409, json={"error": {"code": "REQUEST_IN_PROGRESS", "message": "Not yet."}})

    await page.route("**/v1/admin/promo-codes", still_running)
    await page.goto(f"{seen.url}/admin/promos/new")
    await page.get_by_label("Code").fill("TWICE1")
    await page.get_by_label("Discount type").select_option("percentage")
    await page.get_by_label("Discount value").fill("15")
    await page.get_by_role("button", name="Create").click()
    await page.get_by_text("Not yet.").wait_for()
    await page.get_by_role("button", name="Create").click()
    await page.get_by_role("heading", name="TWICE1").wait_for()
    assert len(keys) == 2 and keys[0] == keys[1]


async def test_a_role_sees_its_own_part_and_a_direct_address_says_so(live: Live, browser: Any) -> None:
    pair = await open_dev_session(live.services, "admin", str(await add_staff(live.services, "support")))
    async with visit(browser, live.url, is_phone=True, is_dark=True) as seen:
        await seen.sign_in("admin", pair, "Support")
        page = await seen.open("/admin")
        await page.get_by_role("button", name="Menu").click()
        entries = await texts(page.locator(".office-menu a"))
        assert "Bookings" in entries and not {"Payouts", "Staff", "Audit", "Settings", "Analytics"} & set(entries)
        await page.goto(f"{seen.url}/admin/payouts")
        await page.get_by_text("Not for your role").wait_for()
        await page.goto(f"{seen.url}/admin/services")
        await page.get_by_role("link", name="Haircut - Minimal").click()
        await page.get_by_role("heading", name="Prices").wait_for()
        await expects(page.get_by_role("button", name="Edit")).to_have_count(0)
        assert await grave_problems(page) == []
        assert seen.wrong == []


async def test_offline_is_said_and_the_list_comes_back(office: tuple[Visit, Any]) -> None:
    seen, page = office
    await page.locator(".office-menu").get_by_role("link", name="Technicians").click()
    await page.locator(".list tbody a").first.wait_for()
    await seen.context.set_offline(True)
    await page.locator(".list tbody a").first.click()
    await page.get_by_text("No connection").wait_for()
    await page.get_by_text("Offline", exact=True).wait_for()
    await seen.context.set_offline(False)
    await page.get_by_role("heading", name="Papers").wait_for()


async def test_times_are_those_of_the_place_wherever_they_are_read(live: Live, browser: Any) -> None:
    """A visit's are by the clock of its own place, all others by the house's, and so is what a form takes."""
    customer = await live.person("customer", "+911000100002")
    booking = await book(customer, await make_everybody_a_beautician(live))
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE bookings SET timezone = 'Africa/Lagos' WHERE id = $1", booking["id"])
        await alerts.raise_alert(tx, "odd_place", "Look at this.", booking_id=UUID(booking["id"]))
    begins = await live.value("SELECT starts_at FROM bookings WHERE id = $1", booking["id"])
    # Where it is read it is Sunday yet.
    async with visit(browser, live.url, timezone_id="America/New_York") as seen:
        await seen.sign_in("admin", await live.pair("admin", "admin@example.com"))
        page = await seen.open(f"/admin/bookings?search={booking['booking_number']}")
        row = page.get_by_role("row").filter(has_text=booking["booking_number"])
        told = f"today, {begins.astimezone(ZoneInfo('Africa/Lagos')):%I:%M %p}".lower()
        await row.get_by_text(told).wait_for()
        await row.get_by_role("link").click()
        await page.locator(".facts").get_by_text(told).wait_for()
        await pictures(page, "office-booking")
        await page.goto(f"{seen.url}/admin/queue?status=queued,pending,partner_assigned")
        await row.get_by_text(told).wait_for()
        await page.goto(f"{seen.url}/admin/alerts?type=odd_place")
        raised = await live.value("SELECT created_at FROM alerts WHERE kind = 'odd_place'")
        await row.get_by_text(f"{raised.astimezone(ZoneInfo('Africa/Lagos')):%I:%M %p}".lower()).wait_for()
        await page.goto(f"{seen.url}/admin/promos/new")
        await page.get_by_label("Code").fill("NINE1")
        await page.get_by_label("Discount type").select_option("percentage")
        await page.get_by_label("Discount value").fill("15")
        await page.get_by_label("Valid from").fill("2026-02-01T09:00")
        await page.get_by_role("button", name="Create").click()
        await page.locator(".facts").get_by_text("Sun, 1 Feb, 09:00 am").wait_for()
        assert seen.wrong == []
    since = await live.value("SELECT valid_from FROM promo_codes WHERE code = 'NINE1'")
    assert since.astimezone(ZoneInfo("Asia/Kolkata")).isoformat() == "2026-02-01T09:00:00+05:30"


async def test_a_box_to_tick_stands_before_its_words_and_says_nothing_of_false(
    office: tuple[Visit, Any], live: Live
) -> None:
    seen, page = office
    customer = await live.person("customer", "+911000100003")
    booking = await book(customer, await make_everybody_a_beautician(live))
    await page.goto(f"{seen.url}/admin/bookings/{booking['id']}")
    await page.get_by_role("button", name="Cancel booking").click()
    box = page.get_by_label("Into the customer's wallet")
    await box.wait_for()
    form = page.locator("form").filter(has=box)
    assert "Without it" not in await form.inner_text()
    inside, left = await form.bounding_box(), await box.bounding_box()
    assert left["x"] - inside["x"] < 20, (left, inside)
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {})


@pytest.mark.parametrize("kind", ["busy", "gone"])
async def test_a_server_that_was_away_is_asked_again_by_itself(office: tuple[Visit, Any], kind: str) -> None:
    """Nothing tells the browser that it is back: neither is the page looked at anew, nor was the network gone."""
    _, page = office
    is_away = True

    async def away(route: Any) -> None:
        if not is_away:
            await route.continue_()
        elif kind == "gone":
            await route.abort()
        else:
            await route.fulfill(status=503, json={"error": {"code": "UNAVAILABLE", "message": "Not just now."}})

    await page.route("**/v1/**", away)
    await page.locator(".office-menu").get_by_role("link", name="Technicians").click()
    trouble = page.get_by_role("alert")
    await trouble.get_by_text("This page keeps trying by itself.").wait_for()
    said = await trouble.inner_text()
    assert ("Not just now." if kind == "busy" else "The server cannot be reached just now.") in said
    assert await grave_problems(page) == []
    await pictures(page, f"office-{kind}")
    await page.get_by_role("button", name="Try now").click()
    is_away = False
    await page.locator(".list tbody a").first.wait_for()
    await page.get_by_text("Live", exact=True).wait_for()
    await expects(trouble).to_have_count(0)


async def test_what_is_refused_is_told_and_not_asked_for_again(office: tuple[Visit, Any]) -> None:
    _, page = office
    asked = list[str]()

    async def refused(route: Any) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=409, json={"error": {"code": "CONFLICT", "message": "Not like this."}})

    await page.clock.install()
    await page.route("**/v1/admin/partners*", refused)
    await page.locator(".office-menu").get_by_role("link", name="Technicians").click()
    await page.get_by_text("Not like this.").wait_for()
    await page.clock.fast_forward(120_000)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange')); dispatchEvent(new Event('online'))")
    # What they would have set off was sent before this.
    await page.evaluate("fetch('/healthz').then(() => true)")
    assert len(asked) == 1
    async with page.expect_response("**/v1/admin/partners*"):
        await page.get_by_role("button", name="Try again").click()


@pytest.mark.parametrize("remembers", [False, True], ids=["asked again", "remembered"])
async def test_an_entry_that_could_not_be_loaded_opens_when_the_server_is_there(
    office: tuple[Visit, Any], remembers: bool
) -> None:
    """Also in a browser that remembers for as long as the page lives that a module could not be loaded."""
    _, page = office
    away = "/"

    async def lost(route: Any) -> None:
        nonlocal away
        if route.request.is_navigation_request():
            away = ""
        await (route.abort() if away and away in route.request.url else route.continue_())

    await page.route("**/*", lost)
    await page.locator(".office-menu").get_by_role("link", name="Settings").click()
    await page.get_by_text("This page keeps trying by itself.").wait_for()
    assert await grave_problems(page) == []
    # In the second the server is there again, but the module is not for this page.
    away = "/assets/admin/settings." if remembers else ""
    await page.get_by_label("Search radius km").wait_for()
    await page.wait_for_url("**/admin/settings")


async def test_whoever_was_signed_out_is_told_so_and_goes_on_where_they_were(live: Live, browser: Any) -> None:
    account_id = await add_staff(live.services, "support")
    async with visit(browser, live.url) as seen:
        await seen.sign_in("admin", await open_dev_session(live.services, "admin", str(account_id)))
        page = await seen.open("/admin/bookings?status=completed")
        await page.get_by_role("heading", name="Bookings").wait_for()
        await settled(page)
        async with live.services.transaction() as tx:
            await live.services.sessions.revoke_all(tx, "admin", account_id, Ending.CHANGED_BY_STAFF)
        told = page.get_by_role("alert").filter(has_text="Your account was changed by staff.")
        await page.locator(".filter select").first.select_option("cancelled")
        await told.wait_for()
        assert "token" not in await told.inner_text()
        assert await grave_problems(page) == []
        await pictures(page, "signed-out")
        await page.get_by_role("button", name="Administrator").click()
        await page.get_by_role("heading", name="Bookings").wait_for()
        await page.wait_for_url("**/admin/bookings?status=cancelled")
        # A reason that the server gives is told; whoever leaves by themselves is told nothing.
        blocked = {"error": {"code": "ACCOUNT_BLOCKED", "message": "Your account is blocked."}}
        await page.route("**/v1/admin/users*", lambda route: route.fulfill(status=401, json={}))
        await page.route("**/refresh-token", lambda route: route.fulfill(status=403, json=blocked))
        await page.locator(".office-menu").get_by_role("link", name="Customers").click()
        told = page.get_by_role("alert").filter(has_text="You were signed out. Your account is blocked.")
        await told.wait_for()
        await page.unroute_all()
        await page.get_by_role("button", name="Administrator").click()
        await page.get_by_role("heading", name="Customers").wait_for()
        await page.get_by_label("Account").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_label("Password").wait_for()
        await expects(page.get_by_role("alert")).to_have_count(0)
        assert seen.wrong == []


async def test_what_an_app_paid_is_recorded_and_taken_back(office: tuple[Visit, Any], live: Live) -> None:
    seen, page = office
    boss = await live.person("admin", "admin@example.com")
    app = (await boss.call("POST", "/api/partners", NEW_APP, expect=201))["data"]["id"]
    await boss.call("PATCH", f"/v1/admin/integrations/{app}/limits", {"is_billed": True})
    await page.goto(f"{seen.url}/admin/integrations/{app}")
    await page.get_by_text("Nothing was billed or paid yet.").wait_for()
    await page.get_by_role("button", name="Record a payment").click()
    await page.get_by_label("Amount").fill("500")
    await page.get_by_label("Currency").fill("INR")
    await page.get_by_role("button", name="Record a payment").last.click()
    await page.locator(".field .problem").first.wait_for()
    await page.get_by_label("Reference").fill("UTR-1")
    await page.get_by_role("button", name="Record a payment").last.click()
    await page.get_by_text("500.00 in its favour").wait_for()
    await page.get_by_text("Payment UTR-1").wait_for()
    assert await grave_problems(page) == []
    await page.locator("summary", has_text="Take back").click()
    await page.get_by_label("Reason").fill("It was for another app")
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_text("Taken back", exact=True).wait_for()
    await page.get_by_text("It was for another app").wait_for()
    await expects(page.get_by_text("in its favour")).to_have_count(0)
    await pictures(page, "office-integration")


async def test_a_transfer_on_an_invoice_is_recorded_and_taken_back(office: tuple[Visit, Any], live: Live) -> None:
    seen, page = office
    home = await add_organisation(live.services)
    await home.done(last_month(home).end)
    invoice = await issued(home)
    await page.goto(f"{seen.url}/admin/invoices")
    await page.get_by_role("link", name=invoice.number).click()
    await page.get_by_text("Nothing was paid yet.").wait_for()
    await page.get_by_role("button", name="Record a payment").click()
    await page.get_by_label("Reference").fill("UTR-1")
    await page.get_by_role("button", name="Record a payment").last.click()
    await page.get_by_text("UTR-1").wait_for()
    assert await grave_problems(page) == []
    await page.locator("summary", has_text="Take back").click()
    await page.get_by_label("Reason").fill("It was for another invoice")
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_text("Taken back", exact=True).wait_for()
    await page.get_by_text("It was for another invoice").wait_for()
    await pictures(page, "office-invoice")


async def test_a_wallet_is_paid_out_by_hand_and_the_record_taken_back(office: tuple[Visit, Any], live: Live) -> None:
    _, page = office
    account_id = await live.value("SELECT id FROM accounts WHERE phone = '+911000100001'")
    async with live.services.transaction() as tx:
        sides = [ledger.wallet(account_id, "INR"), ledger.platform("fee_revenue", "INR")]
        await ledger.post(tx, "goodwill", "a test", [ledger.Line(sides[0], 50000), ledger.Line(sides[1], -50000)])
    await page.goto(f"{live.url}/admin/users/{account_id}")
    await page.get_by_text("₹500.00 in the wallet").wait_for()
    await page.get_by_role("button", name="Wallet paid out", exact=True).click()
    await page.get_by_label("Amount").fill("300")
    await page.get_by_label("Currency").fill("INR")
    await page.get_by_label("Reference").fill(HOSTILE[:90])
    await page.get_by_role("button", name="Wallet paid out").last.click()
    await page.get_by_text("₹200.00 in the wallet").wait_for()
    await page.locator("summary", has_text="Take back").click()
    await page.get_by_label("Reason").fill("Another customer's")
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_text("₹500.00 in the wallet").wait_for()
    await page.get_by_text("Another customer's").wait_for()
    assert await grave_problems(page) == []
