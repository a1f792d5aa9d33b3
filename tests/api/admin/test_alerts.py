"""Alerts over HTTP: listed, resolved once, raised anew."""

from __future__ import annotations

from dispatch.engine import alerts
from tests.api.admin.office import Office


async def shout(office: Office) -> bool:
    async with office.live.services.transaction() as tx:
        return await alerts.raise_alert(tx, "payment_odd", "Look at this.", subject="payment:1")


async def test_an_alert_is_listed_until_somebody_resolves_it(office: Office) -> None:
    assert await shout(office)
    path = "/v1/admin/alerts?type=payment_odd&status=open"
    (one,) = (await office.boss.call("GET", path))["data"]["alerts"]
    assert one["message"] == "Look at this." and one["status"] == "open" and one["timezone"] is None
    resolve = f"/v1/admin/alerts/{one['id']}/resolve"
    done = (await office.boss.call("POST", resolve, {"note": "Called them"}))["data"]
    assert done["status"] == "resolved" and done["resolved_at"]
    assert (await office.boss.call("POST", resolve))["data"]["resolved_at"] == done["resolved_at"]
    assert (await office.audited("resolve_alert"))["changes"]["note"] == "Called them"
    assert (await office.boss.call("GET", path))["data"]["alerts"] == []
    assert await shout(office)
    await office.boss.call("POST", "/v1/admin/alerts/11111111-1111-4111-8111-111111111111/resolve", expect=404)
