"""How customers and technicians want to be told, and their apps that take pushes, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live, Person, live_server
from tests.conftest import clone

TOKEN = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"
ROOTS = {"customer": "/v1", "technician": "/v1/partner"}
NAMES = {"customer": "+911000100001", "technician": "PT-001"}


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("told")
    async with live_server(await clone(pg_home), folder, technicians=1, customers=1) as made:
        yield made


@pytest.fixture(scope="module", params=sorted(ROOTS))
async def person(live: Live, request: pytest.FixtureRequest) -> Person:
    return await live.person(request.param, NAMES[request.param])


async def tokens(live: Live) -> list[Any]:
    async with live.services.read() as conn:
        return [row["token"] for row in await conn.fetch("SELECT token FROM push_tokens ORDER BY seen_at")]


async def test_wishes_are_what_they_are_until_they_are_changed(person: Person) -> None:
    path = f"{ROOTS[person.kind]}/notifications/preferences"
    usual = {"sms": True, "email": True, "push": True, "language": "en"}
    assert (await person.call("GET", path))["data"] == usual
    changed = (await person.call("PATCH", path, {"sms": False, "language": "bn"}))["data"]
    assert changed == {**usual, "sms": False, "language": "bn"}
    assert (await person.call("PATCH", path, {"push": False}))["data"] == {**changed, "push": False}
    for bad in ({"language": "fr"}, {"sms": "perhaps"}, {"push": 1}):
        refused = await person.call("PATCH", path, bad, expect=422)
        assert refused["error"]["details"].keys() == bad.keys()
    assert (await person.call("GET", path))["data"] == {**changed, "push": False}


async def test_an_app_is_pushed_to_until_it_says_otherwise(live: Live, person: Person) -> None:
    path = f"{ROOTS[person.kind]}/push-tokens"
    for token in (TOKEN, TOKEN, f"{TOKEN}2"):
        await person.call("PUT", path, {"token": token, "platform": "android"})
    assert await tokens(live) == [f"{TOKEN}2"], "one token for one sign-in"
    other = await live.person(person.kind, NAMES[person.kind])
    await other.call("PUT", path, {"token": TOKEN, "platform": "ios"})
    assert await tokens(live) == [f"{TOKEN}2", TOKEN]
    for _ in range(2):
        await person.call("DELETE", path, {"token": f"{TOKEN}2"})
        await person.call("DELETE", path, {"token": TOKEN})
    assert await tokens(live) == []
    for bad in ({"token": "short", "platform": "ios"}, {"token": TOKEN, "platform": "fax"}, {}, {"token": "a b" * 9}):
        await person.call("PUT", path, bad, expect=422)
    await person.call("DELETE", path, {}, expect=422)


async def test_nobody_takes_anothers_app_away(live: Live) -> None:
    customer, technician = [await live.person(kind, NAMES[kind]) for kind in ("customer", "technician")]
    await customer.call("PUT", "/v1/push-tokens", {"token": TOKEN, "platform": "web"})
    await technician.call("DELETE", "/v1/partner/push-tokens", {"token": TOKEN})
    assert await tokens(live) == [TOKEN]
