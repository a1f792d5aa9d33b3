"""The technician's page subscribes to pushes over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dispatch.ports.web_push import public_key_of
from tests.api.live import Live, live_server
from tests.conftest import clone

KEY = "B" * 43
PATH = "/v1/partner/push-subscriptions"
PAGE = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/one",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("pages")
    push = {"private_key": KEY, "contact": "mailto:ops@example.com"}
    async with live_server(await clone(pg_home), folder, technicians=1, customers=0, push=push) as made:
        yield made


async def test_a_page_gets_the_key_and_says_where_pushes_go(live: Live) -> None:
    person = await live.person("technician", "PT-001")
    assert (await person.call("GET", PATH))["data"] == {"public_key": public_key_of(KEY)}
    for _ in range(2):
        await person.call("PUT", PATH, PAGE)
    async with live.services.read() as conn:
        assert [tuple(r) for r in await conn.fetch("SELECT token, kind FROM push_tokens")] == [
            (PAGE["endpoint"], "page")
        ]
    await person.call("DELETE", "/v1/partner/push-tokens", {"token": PAGE["endpoint"]})
    async with live.services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM push_tokens") == 0


async def test_every_bad_field_is_named(live: Live) -> None:
    person = await live.person("technician", "PT-001")
    bad = {"endpoint": "https://example.com/not-a-push-service", "keys": {"p256dh": "nonsense", "auth": "short"}}
    refused = await person.call("PUT", PATH, bad, expect=422)
    assert refused["error"]["details"].keys() == {"endpoint", "keys.p256dh", "keys.auth"}
    await person.call("PUT", PATH, {}, expect=422)


async def test_without_a_key_there_is_none(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await live.person("technician", "PT-001")
    settings = live.services.settings
    off = settings.push.model_copy(update={"private_key": type(settings.push.private_key)("")})
    monkeypatch.setattr(live.services, "settings", settings.model_copy(update={"push": off}))
    assert (await person.call("GET", PATH))["data"] == {"public_key": None}
    assert (await person.call("PUT", PATH, PAGE, expect=409))["error"]["code"] == "PAGES_NOT_PUSHED"
