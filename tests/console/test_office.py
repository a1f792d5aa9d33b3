"""The back office in a real browser: every list and page opens, forms say what is wrong, roles see their own part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.console.browsing import Visit, grave_problems, pictures, visit

#: Somebody's name that would like to be more than a name.
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202egnihton " + "y" * 150


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
    entries = await page.locator(".office-menu a").all_inner_texts()
    assert len(entries) > 25
    for title in entries:
        await page.locator(".office-menu").get_by_role("link", name=title, exact=True).click()
        await page.locator("main h1").first.wait_for()
        await settled(page)
        assert await page.locator("main [role=alert]").count() == 0, title
