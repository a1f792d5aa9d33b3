"""Signing in with a code on a slow line."""

from __future__ import annotations

from typing import Any

from tests.api.live import Live
from tests.console.browsing import expects, held, visit


async def test_the_number_that_is_named_is_the_one_to_which_the_code_went(live: Live, browser: Any) -> None:
    """It may be corrected before the answer is there."""
    async with visit(browser, live.url, is_phone=True) as seen:
        page = await seen.open("/bookings")
        late = await held(page, "**/v1/auth/send-otp", "POST")
        number, send = page.get_by_label("Phone number"), page.get_by_role("button", name="Send me a code")
        await number.fill("+91 10001 00095")
        await send.click()
        await expects(send).to_be_disabled()
        await number.fill("+91 10001 00094")
        late.may_go.set()
        await page.get_by_text("A code was sent to +91 10001 00095.").wait_for()
        await seen.check()
