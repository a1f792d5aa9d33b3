"""Subscriptions of a partner over REST: each its own, secrets shown once, the log, sending again."""

from __future__ import annotations

from tests.api.live import Live, Person
from tests.integrations import URLS, begin, onboard, send

BODY = {"url": "https://acme.example/hooks", "events": ["booking.created", "security.alert"], "isActive": False}


async def test_made_changed_rotated_tested_and_deleted(live: Live, admin: Person) -> None:
    app, other = await onboard(live), await onboard(live)
    made = (await app.own("POST", "/webhooks", BODY, expect=201))["data"]
    assert made["secret"].startswith("whsec_") and made["isActive"] is False
    own = f"/webhooks/{made['id']}"
    await app.own("PUT", own, {"isActive": True, "events": ["booking.created"]})
    new = (await app.own("POST", own + "/regenerate-secret"))["data"]
    assert new["secret"] != made["secret"] and new["previousSecretUntil"]
    mine = (await app.own("POST", own + "/regenerate-secret", {"secret": "sixteen bytes or more"}))["data"]
    assert mine["secret"] == "sixteen bytes or more"
    await app.own("PUT", own, {"isActive": False})
    sent = (await app.own("POST", own + "/test"))["data"]
    assert (sent["event"], sent["webhookId"]) == ("ping", made["id"])
    log = (await app.own("GET", f"/webhooks/deliveries?event=ping&webhookId={made['id']}"))["data"]
    assert [d["id"] for d in log["deliveries"]] == [sent["id"]]
    assert "tries" in (await app.own("GET", f"/webhooks/deliveries/{sent['id']}"))["data"]
    refused = await app.own("POST", f"/webhooks/deliveries/{sent['id']}/replay", expect=409)
    assert refused["code"] == "NOT_REPLAYABLE"
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    assert (await app.own("POST", "/webhooks/deliveries/replay", span))["data"] == {"replayed": 0}
    # The list never shows a secret, and staff see the same.
    shown = str(await app.own("GET", "/webhooks"))
    assert made["id"] in shown and "whsec_" not in shown and "sixteen bytes" not in shown
    assert made["id"] in str(await admin.call("GET", f"/api/partners/{app.id}/webhooks"))
    # What is somebody else's does not exist.
    for method, path in (
        ("PUT", own),
        ("DELETE", own),
        ("POST", own + "/test"),
        ("POST", own + "/regenerate-secret"),
        ("POST", f"/webhooks/deliveries/{sent['id']}/replay"),
        ("GET", f"/webhooks/deliveries/{sent['id']}"),
    ):
        await other.own(method, path, {} if method == "PUT" else None, expect=404)
        await other.call(method, f"/api/partners/{app.id}{path}", {} if method == "PUT" else None, expect=404)
    await app.own("DELETE", own)
    await app.own("DELETE", own, expect=404)


async def test_bad_subscriptions_name_every_field(live: Live) -> None:
    app = await onboard(live)
    body = {"url": "http://10.0.0.1/x", "events": ["wallet.updated"], "secret": "short"}
    refused = await app.own("POST", "/webhooks", body, expect=400)
    assert {e["field"] for e in refused["errors"]} == {"url", "events", "secret"}


async def test_the_address_of_the_onboarding_is_told_from_the_activation_on(live: Live, admin: Person) -> None:
    begun = await begin(live)
    for step, body in (
        ("business-info", {}),
        ("api-setup", URLS),
        ("verification", {"documents": [{"type": "other", "name": "A paper", "url": "https://acme.example/p"}]}),
    ):
        await begun.step(step, body)
    keys = (await begun.step("activate", {}))["data"]["apiCredentials"]
    assert keys["webhookSecret"].startswith("whsec_")
    hooks = (await admin.call("GET", f"/api/partners/{begun.id}/webhooks"))["data"]["webhooks"]
    assert [h["url"] for h in hooks] == [URLS["webhookUrl"]] and "api.usage_alert" in hooks[0]["events"]
    await admin.call("PATCH", f"/v1/admin/integrations/{begun.id}/status", {"status": "inactive", "reason": "Asked"})
    log = (await admin.call("GET", f"/api/partners/{begun.id}/webhooks/deliveries"))["data"]["deliveries"]
    assert log[0]["event"] == "partner.status_changed"
    pair = {"x-client-id": keys["clientId"], "x-client-secret": keys["clientSecret"]}
    await send(live, "GET", f"/api/partners/{begun.id}/webhooks", expect=403, headers=pair)
