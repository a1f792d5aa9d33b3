"""The base of all pages, by the first of them: signing in, the shell, what a page must not do."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.api.live import Live
from tests.console.browsing import expects, grave_problems, pictures, visit

TYPESCRIPT = Path(__file__).parents[1] / "clients" / "ts"


@pytest.mark.skipif(
    not ((TYPESCRIPT / "node_modules").exists() and shutil.which("node")),
    reason="needs node, and `npm ci` in tests/clients/ts",
)
def test_the_pages_scripts_have_the_types_that_they_say() -> None:
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "-p", "console.tsconfig.json"],
        cwd=TYPESCRIPT, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


async def test_one_click_signs_in_and_the_board_is_live(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        page = await seen.open("/ops")
        await page.get_by_role("button", name="Administrator").click()
        await page.get_by_text("Live", exact=True).wait_for()
        assert await grave_problems(page) == []
        await seen.check()


async def test_a_wrong_password_is_said_in_words(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True, is_dark=True) as seen:
        page = await seen.open("/ops")
        await page.get_by_label("E-mail").fill("admin@example.com")
        await page.get_by_label("Password").fill("certainly wrong")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        said = await page.get_by_role("alert").inner_text()
        assert said.endswith(".") and "password" in said
        assert await grave_problems(page) == []
        await seen.check()


@pytest.mark.parametrize(("path", "is_dark"), [("/docs", False), ("/docs/events", True)])
async def test_documents_read_well_on_a_desk_and_on_a_phone(
    live: Live, browser: Any, path: str, is_dark: bool
) -> None:
    async with visit(browser, live.url, is_dark=is_dark) as seen:
        page = await seen.open(path)
        await page.locator("#docs .response, section table").first.wait_for()
        await pictures(page, path.strip("/").replace("/", "-"))
        assert await grave_problems(page) == []
        # What draws the reference takes long for it, so the same page becomes a phone's.
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.wait_for_function("document.documentElement.scrollWidth <= 390")
        await seen.check()


async def test_a_password_is_set_once_however_often_it_is_pressed(live: Live, browser: Any) -> None:
    answers = [(400, "Choose another one."), (200, "It is set."), (400, "It was used.")]
    gate = asyncio.Event()

    async def answer(route: Any) -> None:
        await gate.wait()
        status, words = answers.pop(0)
        await route.fulfill(status=status, json={"message": words})

    async with visit(browser, live.url) as seen:
        link = {"data": {"kind": "reset", "email": "asha@example.com"}}
        await seen.context.route("**/api/auth/link", lambda route: route.fulfill(json=link))
        await seen.context.route("**/api/auth/set-password", answer)
        page = await seen.open("/account/whatever")
        await page.get_by_label("New password").fill("correct horse")
        await pictures(page, "account")
        await page.get_by_role("button", name="Continue").dblclick()
        await page.locator("button:disabled").wait_for()
        gate.set()
        await page.get_by_text("Choose another one.").wait_for()
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_text("It is set.").wait_for()
        assert len(answers) == 1
        await seen.check()


async def test_tabs_share_a_sign_in_and_its_end(live: Live, browser: Any) -> None:
    async with visit(browser, live.url) as seen:
        first = await seen.open("/ops")
        await first.get_by_role("button", name="Administrator").click()
        await first.get_by_text("Live", exact=True).wait_for()
        second = await seen.open("/ops")
        await second.get_by_text("Live", exact=True).wait_for()
        await second.get_by_label("Account").click()
        await second.get_by_role("button", name="Sign out").click()
        await first.get_by_label("Password").wait_for()
        await first.get_by_text("You signed out in another tab").wait_for()
        await expects(second.get_by_role("alert")).to_have_count(0)
        # It is told once, not to whoever comes back later.
        await first.reload()
        await first.get_by_label("Password").wait_for()
        await expects(first.get_by_role("alert")).to_have_count(0)
        await seen.check()


async def test_assets_are_immutable_and_named_by_what_they_hold(live: Live) -> None:
    """The map of a page's modules leads to names with a hash; under any other name there is nothing."""
    async with live.http.get(live.url + "/ops") as shell:
        html = await shell.text()
        policy = shell.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    modules = orjson.loads(html.split('type="importmap">')[1].split("</script>")[0])["imports"]
    hashed = modules["/assets/lib/dom.js"]
    async with live.http.get(live.url + hashed, headers={"Accept-Encoding": "gzip"}) as answer:
        tag = answer.headers["ETag"]
        assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Content-Encoding"] == "gzip"
        assert answer.content_type == "text/javascript"
    async with live.http.get(live.url + hashed, headers={"If-None-Match": tag}) as again:
        assert again.status == 304
    for path in ("/assets/lib/dom.js", "/assets/lib/dom.000000000000.js", "/assets/../pages.py", "/assets/"):
        async with live.http.get(live.url + path) as nothing:
            assert nothing.status == 404
