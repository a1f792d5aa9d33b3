"""What a phone hears of its reports: each fix judged alone, its clock, and when to come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.api.live import Live, Person, live_server
from tests.conftest import clone


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with live_server(await clone(pg_home), tmp_path_factory.mktemp("phone"), technicians=3, customers=1) as made:
        yield made


async def phone(live: Live, code: str) -> Person:
    person = await live.person("technician", code)
    await person.connect()
    return person


def fixes(live: Live, count: int, *tail: Any, behind_s: float = 0.0) -> list[list[Any]]:
    now_ms = (live.services.clock.timestamp() - behind_s) * 1000
    return [[now_ms - 1000 * (count - n), 22.5 + 0.0002 * n, 88.36, *(tail or (8, None, None))] for n in range(count)]


async def test_one_odd_fix_costs_no_batch(live: Live) -> None:
    one = await phone(live, "PT-001")
    batch = fixes(live, 20, 10, -1, -1)
    batch[3][3:], batch[4][3:], batch[5][3:] = [-1, 1850, 361], [None, None, None], ["x", True, "NaN"]
    told = (await one.ask("location.report", {"fixes": [*batch, [], None, {"lat": 1}, [1, 91, 2]]}))["data"]
    assert told["admitted"] == 20 and told["dropped"] == {"decode": 4}
    refused = await one.ask("location.report", {"fixes": [[1, 91, 2], [None, 1, "2"]]})
    assert refused["ok"] is False
    assert refused["error"]["details"].keys() == {"fixes.0.1", "fixes.1.0", "fixes.1.2"}


async def test_the_phone_is_told_how_far_its_clock_is_off(live: Live) -> None:
    two = await phone(live, "PT-002")
    sent_ms = (live.services.clock.timestamp() - 3600) * 1000
    report = {"fixes": fixes(live, 3, behind_s=3600), "sent_at_ms": sent_ms}
    told = (await two.ask("location.report", report))["data"]
    assert told["admitted"] == 3 and told["dropped"] == {}
    assert told["clock_offset_ms"] == pytest.approx(3_600_000, abs=60_000)


async def test_what_comes_too_often_is_not_taken_and_is_told_when(live: Live) -> None:
    three = await phone(live, "PT-003")
    backlog = fixes(live, 50)
    # Oldest first, and it never says when: the times that are kept draw together, and nothing is lost.
    asked = (three.ask("location.report", {"fixes": backlog[n : n + 5]}) for n in range(0, 50, 5))
    answers = await asyncio.gather(*asked)
    assert [a["ok"] for a in answers[:5]] == [True] * 5
    refused = [a["error"] for a in answers if not a["ok"]]
    assert refused
    for error in refused:
        assert error["code"] == "rate_limited" and 0 < error["retry_after_s"] <= 1.0
    taken = [a["data"] for a in answers if a["ok"]]
    assert all(told["dropped"] == {} and told["admitted"] == 5 for told in taken)


async def test_every_phone_hears_that_they_went_online_or_offline_and_who_said_so(live: Live) -> None:
    one, other = await phone(live, "PT-003"), await phone(live, "PT-003")
    staff = await live.person("admin", "admin@dispatch.example")
    who = await live.value("SELECT id FROM parties WHERE code = 'PT-003'")
    await one.ask("presence.set", {"command_id": str(uuid4()), "online": False})
    first = await other.hears("presence.changed", is_available=False)
    assert first["by"] == "technician"
    # What changes nothing is not told.
    await one.ask("presence.set", {"command_id": str(uuid4()), "online": False})
    await staff.call("PATCH", f"/v1/admin/partners/{who}/availability", {"is_available": True})
    by_staff = await one.hears("presence.changed", is_available=True)
    assert by_staff["by"] == "admin" and by_staff["seq"] == first["seq"] + 1
