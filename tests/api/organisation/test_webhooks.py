"""Webhooks of an organisation: gated by the tier, its own only; what happened to its people is handed on."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from storage import webhook_deliveries as rows
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/integration/webhooks"
BODY: dict[str, Any] = {
    "url": "https://hooks.example.com/x", "events": ["user.enrolled", "user.suspended", "invoice.generated"],
    "secret": "your_webhook_secret",
}  # fmt: skip


async def test_a_webhook_hears_of_people(portal: Portal) -> None:
    made = (await portal.call("POST", PATH, BODY, expect=201))["data"]["webhook"]
    assert made["secret"] == BODY["secret"] and made["events"] == BODY["events"]
    member = await portal.home.member()
    await portal.call("PUT", f"/users/{member}/status", {"status": "suspended", "reason": "Left"})
    log = (await portal.call("GET", f"{PATH}/deliveries"))["data"]["deliveries"]
    assert [d["event"] for d in log] == ["user.suspended", "user.enrolled"]
    assert "secret" not in (await portal.call("GET", f"{PATH}/{made['id']}"))["data"]["webhook"]
    off = await portal.call("PUT", f"{PATH}/{made['id']}", {"isActive": False})
    assert off["data"]["webhook"]["isActive"] is False
    fresh = (await portal.call("POST", f"{PATH}/{made['id']}/rotate"))["data"]["webhook"]["secret"]
    assert fresh != BODY["secret"]
    assert (await portal.call("POST", f"{PATH}/{made['id']}/test"))["data"]["event"] == "ping"
    await portal.call("DELETE", f"{PATH}/{made['id']}")
    assert (await portal.call("GET", PATH))["data"]["webhooks"] == []


async def test_the_log_is_searched_read_try_by_try_and_sent_again(portal: Portal) -> None:
    made = (await portal.call("POST", PATH, BODY, expect=201))["data"]["webhook"]
    assert "user.enrolled" in (await portal.call("GET", f"{PATH}/events"))["data"]["events"]
    await portal.home.member()
    found = await portal.call("GET", f"{PATH}/deliveries?event=user.enrolled&webhookId={made['id']}")
    [waits] = found["data"]["deliveries"]
    assert (waits["state"], waits["attempts"], waits["lastStatus"], waits["url"]) == ("pending", 0, None, BODY["url"])
    assert (await portal.call("GET", f"{PATH}/deliveries?state=failed"))["data"]["deliveries"] == []
    assert (await portal.call("GET", f"{PATH}?isActive=false"))["data"]["webhooks"] == []
    path, span = f"{PATH}/deliveries/{waits['id']}", {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    waiting = await portal.call("POST", f"{path}/replay", expect=409)
    assert waiting["error"]["code"] == "NOT_REPLAYABLE"
    async with portal.services.transaction() as tx:
        for attempt in (1, 2):
            await rows.tried(
                tx.conn, delivery_id=UUID(waits["id"]), attempt=attempt, status=500, error="no", duration_ms=3,
                reply="oh",
            )  # fmt: skip
        await rows.give_up(tx.conn, endpoint_id=UUID(made["id"]), error="no")
    detail = (await portal.call("GET", path))["data"]
    assert [(t["attempt"], t["status"], t["reply"]) for t in detail["tries"]] == [(1, 500, "oh"), (2, 500, "oh")]
    other = await add_organisation(portal.services)
    await portal.call("GET", path, headers=other.headers(), expect=404)
    again = await portal.call("POST", f"{PATH}/deliveries/replay", span, headers=other.headers())
    assert again["data"]["replayed"] == 0
    assert (await portal.call("POST", f"{PATH}/deliveries/replay", span))["data"]["replayed"] == 1
    own = await portal.call("POST", f"{PATH}/{made['id']}/rotate", {"secret": "another secret of ours"})
    assert own["data"]["webhook"]["secret"] == "another secret of ours"
    assert own["data"]["webhook"]["previousSecretUntil"] is not None


async def test_what_a_webhook_cannot_be(portal: Portal) -> None:
    for change, field in (
        ({"url": "https://127.0.0.1/x"}, "url"), ({"url": "https://10.1.2.3/x"}, "url"),
        ({"events": ["user.fired"]}, "events"), ({"secret": "short"}, "secret"),
    ):  # fmt: skip
        refused = await portal.call("POST", PATH, {**BODY, **change}, expect=422)
        assert set(refused["error"]["details"]) == {field}
    small = await add_organisation(portal.services, expected_users=5)
    refused = await portal.call("POST", PATH, BODY, headers=small.headers(), expect=403)
    assert refused["error"]["code"] == "TIER_TOO_LOW"
    made = (await portal.call("POST", PATH, BODY, expect=201))["data"]["webhook"]
    other = await add_organisation(portal.services)
    for method, path, body in (
        ("GET", "", None), ("PUT", "", {"isActive": False}), ("DELETE", "", None), ("POST", "/rotate", None),
        ("POST", "/test", None),
    ):  # fmt: skip
        await portal.call(method, f"{PATH}/{made['id']}{path}", body, headers=other.headers(), expect=404)
    await portal.call("POST", f"{PATH}/deliveries/{uuid4()}/replay", expect=404)
