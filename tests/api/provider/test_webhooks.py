"""A provider's webhooks: made, told in its own units, and never another's."""

from __future__ import annotations

from typing import Any

from api.provider.webhooks import WEBHOOKS
from dispatch.billing import provider_transactions
from dispatch.billing.provider_transactions import NewTransaction
from tests.api.provider.conftest import Office, Teammate

HOOK = {"url": "https://hooks.example.com/provider", "events": ["transaction.created", "payout.updated"]}


async def line(office: Office, owner: Teammate, reference: str, minor: int) -> None:
    async with office.world.services.transaction() as tx:
        await provider_transactions.add(tx, NewTransaction(
            owner.owned.id, "credit", "wallet", "settled", minor, "INR", reference, "wallet",
        ))  # fmt: skip


async def told(office: Office, hook: dict[str, Any]) -> list[dict[str, Any]]:
    rows = await office.world.fetch(
        "SELECT data FROM webhook_deliveries WHERE endpoint_id = $1::text::uuid ORDER BY created_at, id", hook["id"]
    )
    return [row["data"] for row in rows]


async def test_facts_go_to_whoever_asked_for_them_in_the_providers_units(office: Office) -> None:
    owner, other = await office.owner(units="major"), await office.owner()
    hook = (await owner.call("POST", "/webhooks", HOOK, expect=201))["data"]
    foreign = (await other.call("POST", "/webhooks", HOOK, expect=201))["data"]
    assert hook["secret"] and (await owner.call("GET", f"/webhooks/{hook['id']}"))["data"].get("secret") is None
    await line(office, owner, "W-1", 150_050)
    assert [(d["reference"], d["amount"]) for d in await told(office, hook)] == [("W-1", 1500.5)]
    assert await told(office, foreign) == []
    log = (await owner.call("GET", "/webhooks/deliveries?event=transaction.created"))["data"]["deliveries"]
    assert [d["webhookId"] for d in log] == [hook["id"]]
    await owner.call("PATCH", f"/webhooks/{hook['id']}", {"isActive": False})
    await line(office, owner, "W-2", 100)
    assert len(await told(office, hook)) == 1
    detail = (await owner.call("GET", f"/webhooks/deliveries/{log[0]['id']}"))["data"]
    assert (detail["state"], detail["tries"]) == ("pending", [])
    await other.call("GET", f"/webhooks/deliveries/{log[0]['id']}", expect=404)
    span = {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "states": ["failed", "delivered"]}
    assert (await owner.call("POST", "/webhooks/deliveries/replay", span))["data"]["replayed"] == 0
    rotated = await owner.call("POST", f"/webhooks/{hook['id']}/rotate-secret", {"secret": "a secret of our own"})
    assert rotated["data"]["secret"] == "a secret of our own"
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate-secret")):
        await other.call(method, f"/webhooks/{hook['id']}{path}", expect=404)


async def test_every_sort_goes_on_from_its_own_cursors(office: Office) -> None:
    owner = await office.owner()
    long = f"https://hooks.example.com/{'x' * 1_900}"
    for url in (f"{long}b", HOOK["url"], f"{long}a"):
        await owner.call("POST", "/webhooks", {**HOOK, "url": url}, expect=201)
    everything = {hook["id"] for hook in (await owner.call("GET", "/webhooks"))["data"]["webhooks"]}
    for sort in WEBHOOKS.public_sorts:
        for sign in ("", "-"):
            found = await owner.walked("/webhooks", "webhooks", f"{sign}{sort}")
            assert len(found) == 3 and set(found) == everything, (sign, sort)


async def test_what_a_webhook_may_not_be(office: Office) -> None:
    owner = await office.owner()
    assert "subscription.updated" in (await owner.call("GET", "/webhooks/events"))["data"]["events"]
    answer = await owner.call("POST", "/webhooks", {**HOOK, "events": ["user.enrolled"]}, expect=400)
    assert "events" in answer["errors"]
    await owner.call("POST", "/webhooks", {**HOOK, "url": "nonsense"}, expect=400)
    manager = await office.member(owner, "Manager")
    await manager.call("POST", "/webhooks", HOOK, expect=403)
