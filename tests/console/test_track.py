"""The page of a link: what it shows is the latest that it was told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live
from tests.console.browsing import expects, held, visit
from tests.console.technicians import accepted, city


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    async with city(pg_home, tmp_path_factory.mktemp("track")) as made:
        yield made


async def test_an_answer_that_comes_late_is_not_taken_for_the_latest(live: Live, browser: Any) -> None:
    customer, technician, booking = await accepted(live)
    link = (await customer.call("POST", f"/v1/bookings/{booking['id']}/tracking-link"))["data"]
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await seen.open(link["path"])
        await page.get_by_text("The map appears here").wait_for()
        late = await held(page, "**/v1/track/*", is_done=True, is_first=True)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await late.came.wait()
        await technician.call("PATCH", f"/v1/partner/bookings/{booking['id']}/status", {"status": "in_transit"})
        await page.evaluate("dispatchEvent(new Event('online'))")
        title = page.get_by_role("heading", level=1)
        await expects(title).to_have_text("On the way")
        late.may_go.set()
        await late.answered.wait()
        await page.evaluate("fetch('/healthz').then(answer => answer.text())")
        # At once: soon it is asked again.
        assert await title.inner_text() == "On the way"
        await seen.check()
