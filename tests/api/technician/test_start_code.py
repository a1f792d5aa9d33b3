"""Guessing the start code, over HTTP and over the socket: wrong ones count although they are refused."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.api.live import live_server
from tests.api.test_story import book, make_everybody_a_beautician


async def test_wrong_codes_are_counted_on_both_ways(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(
        fresh_dsn, tmp_path, technicians=1, customers=1, dispatch={"start_code_required": True}
    ) as live:
        place = await make_everybody_a_beautician(live)
        me, customer = await live.person("technician", "PT-001"), await live.person("customer", "+911000100001")
        await me.call(
            "PATCH", "/v1/partner/availability",
            {"is_available": True, "current_lat": place[0], "current_lng": place[1]},
        )  # fmt: skip
        booking = await book(customer, place)
        path = f"/v1/partner/bookings/{booking['id']}"
        await me.call("POST", f"{path}/accept")
        for step in ("in_transit", "arrived"):
            await me.call("PATCH", f"{path}/status", {"status": step})
        code = (await customer.call("GET", f"/v1/bookings/{booking['id']}"))["data"]["start_code"]
        tries = "SELECT start_code_tries FROM assignments"

        refused = await me.call("PATCH", f"{path}/status", {"status": "in_progress", "start_code": "no"}, expect=422)
        assert refused["error"]["code"] == "WRONG_START_CODE" and await live.value(tries) == 1
        # Without a code nothing was guessed.
        await me.call("PATCH", f"{path}/status", {"status": "in_progress"}, expect=422)
        assert await live.value(tries) == 1
        await me.connect()
        command = {
            "command_id": str(uuid.uuid4()), "booking_id": booking["id"], "step": "in_progress", "start_code": "no",
        }  # fmt: skip
        # A refused command is not kept: its repetition is another try.
        for n in (2, 3, 4, 5):
            answer = await me.ask("job.advance", command)
            assert answer["error"]["code"] == "wrong_start_code" and await live.value(tries) == n
        right = {"status": "in_progress", "start_code": code}
        locked = await me.call("PATCH", f"{path}/status", right, expect=409)
        assert locked["error"]["code"] == "START_CODE_LOCKED"
        answer = await me.ask("job.advance", {**command, "start_code": code, "command_id": str(uuid.uuid4())})
        assert answer["error"]["code"] == "start_code_locked"
        assert await live.value("SELECT kind FROM alerts WHERE resolved_at IS NULL") == "start_code_locked"
