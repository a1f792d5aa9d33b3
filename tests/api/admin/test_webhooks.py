"""Webhooks of the operator's own systems over the wire: made, told, tested, replayed, with permissions and an audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from tests.api.live import Live, Person, live_server, until
from tests.conftest import clone
from tests.parties import add_party, staff

HOOKS = "/v1/admin/webhooks"
GOT = web.AppKey("got", list)


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("webhooks")
    async with live_server(
        await clone(pg_home), folder, technicians=0, customers=0, webhooks={"open_hosts": ["127.0.0.1"]}
    ) as made:
        yield made


@pytest.fixture(scope="module")
async def boss(live: Live) -> Person:
    return await staff(live, "super_admin")


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[TestServer]:
    async def receive(request: web.Request) -> web.Response:
        request.app[GOT].append((request.headers["webhook-id"], await request.json()))
        return web.Response(text="thanks")

    app = web.Application()
    app[GOT] = []
    app.router.add_post("/in", receive)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def make(boss: Person, url: str = "https://erp.example.com/hooks", **more: Any) -> dict[str, Any]:
    body = {"url": url, "events": ["booking.created"], **more}
    made: dict[str, Any] = (await boss.call("POST", HOOKS, body, expect=201))["data"]
    return made


async def test_a_webhook_is_made_changed_rotated_and_deleted(live: Live, boss: Person) -> None:
    made = await make(boss, description="the ERP")
    assert made["secret"].startswith("whsec_")
    shown = (await boss.call("GET", f"{HOOKS}/{made['id']}"))["data"]
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    found = (await boss.call("GET", f"{HOOKS}?is_active=true&event=booking.created"))["data"]["webhooks"]
    assert shown in found
    off = await boss.call("PATCH", f"{HOOKS}/{made['id']}", {"is_active": False, "events": ["booking.completed"]})
    assert (off["data"]["disabled_reason"], off["data"]["events"]) == ("owner", ["booking.completed"])
    rotated = (await boss.call("POST", f"{HOOKS}/{made['id']}/rotate-secret"))["data"]
    assert rotated["secret"] != made["secret"] and rotated["previous_secret_until"] is not None
    own = await boss.call("POST", f"{HOOKS}/{made['id']}/rotate-secret", {"secret": "a secret of our own"})
    assert own["data"]["secret"] == "a secret of our own"
    await boss.call("DELETE", f"{HOOKS}/{made['id']}")
    await boss.call("GET", f"{HOOKS}/{made['id']}", expect=404)
    actions = await live.value("SELECT array_agg(action ORDER BY id) FROM audit_log WHERE resource_id = $1", made["id"])
    assert actions == [
        "create_webhook", "change_webhook", "rotate_webhook_secret", "rotate_webhook_secret", "delete_webhook",
    ]  # fmt: skip
    kept = await live.value("SELECT count(*) FROM audit_log WHERE changes::text LIKE '%of our own%'")
    assert kept == 0


async def test_a_test_arrives_and_the_log_says_so_and_a_replay_has_the_same_id(
    live: Live, boss: Person, receiver: TestServer
) -> None:
    made = await make(boss, str(receiver.make_url("/in")), events=["booking.created", "user.enrolled"])
    sent = (await boss.call("POST", f"{HOOKS}/{made['id']}/test", expect=202))["data"]
    got = receiver.app[GOT]
    await until(lambda: got, "the ping arrives")
    assert got[0][1]["type"] == "ping"
    path = f"{HOOKS}/deliveries/{sent['id']}"

    async def settled(path: str) -> dict[str, Any]:
        while (found := (await boss.call("GET", path))["data"])["state"] == "pending":
            pass
        return dict(found)

    found = await settled(path)
    assert (found["state"], found["last_status"], found["log"][0]["reply"]) == ("delivered", 200, "thanks")
    await boss.call("POST", f"{path}/replay", expect=409)
    owner = Owner("organisation", await add_party(live.services, "organisation", "HOOKED"))
    async with live.services.transaction() as tx:
        await deliveries.publish(tx, owner, "user.enrolled", {"name": "A member"})
    await until(lambda: len(got) == 2, "the event arrives")
    assert got[1][1]["data"] == {"name": "A member", "owner_kind": "organisation", "owner_id": str(owner.id)}
    [line] = (await boss.call("GET", f"{HOOKS}/deliveries?event=user.enrolled&webhook_id={made['id']}"))["data"][
        "deliveries"
    ]
    await settled(f"{HOOKS}/deliveries/{line['id']}")
    await boss.call("POST", f"{HOOKS}/deliveries/{line['id']}/replay", expect=202)
    await until(lambda: len(got) == 3, "the replay arrives")
    await settled(f"{HOOKS}/deliveries/{line['id']}")
    span = {"since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "states": ["delivered"]}
    assert (await boss.call("POST", f"{HOOKS}/deliveries/replay", span, expect=202))["data"] == {"replayed": 1}
    await until(lambda: len(got) == 4, "the span arrives")
    assert got[1] == got[2] == got[3]


async def test_bad_input_is_named_and_changes_nothing(boss: Person) -> None:
    before = await boss.call("GET", HOOKS)
    bad = {"url": "https://169.254.169.254/latest", "events": ["no.such"], "secret": "short"}
    refused = await boss.call("POST", HOOKS, bad, expect=422)
    assert set(refused["error"]["details"]) == {"url", "events", "secret"}
    for body in ({}, {"url": "https://example.com", "events": []}, {"url": 7, "events": "x"}):
        await boss.call("POST", HOOKS, body, expect=422)
    await boss.call("POST", f"{HOOKS}/deliveries/replay",
                    {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, expect=422)  # fmt: skip
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate-secret")):
        body = {"is_active": True} if method == "PATCH" else None
        await boss.call(method, f"{HOOKS}/11111111-1111-4111-8111-111111111111{path}", body, expect=404)
    assert (await boss.call("GET", HOOKS))["data"] == before["data"]


async def test_whoever_may_not_change_settings_changes_no_webhook(live: Live, boss: Person) -> None:
    support = await staff(live, "support")
    await support.call("GET", HOOKS, expect=403)
    await support.call("POST", HOOKS, {"url": "https://example.com", "events": ["booking.created"]}, expect=403)
    reader = await staff(live, "support", permissions={"settings": "read"})
    names = (await reader.call("GET", f"{HOOKS}/events"))["data"]["events"]
    assert {"booking.created", "booking.confirmed", "booking.cancelled", "partner.assigned", "partner.accepted",
            "booking.completed"} <= set(names)  # fmt: skip
    await reader.call("DELETE", f"{HOOKS}/11111111-1111-4111-8111-111111111111", expect=403)
