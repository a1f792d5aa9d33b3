"""Alerts over HTTP: listed, resolved once, raised anew."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from dispatch.engine import alerts, tasks
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


async def held(office: Office, kind: str, key: str | None, owner: str | None) -> tuple[UUID, UUID]:
    """Work that was tried to the end; its id and its alert's."""
    live, task_id = office.live, uuid4()
    async with live.services.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO tasks (id, kind, key, owner, state, attempts, error, finished_at)"
            " VALUES ($1, $2, $3, $4, 'held', 8, 'x', now())", task_id, kind, key, owner,
        )  # fmt: skip
        subject = f"task:{kind if key and not owner else task_id}"
        await alerts.raise_alert(tx, tasks.HELD, "It was tried in vain.", subject=subject)
    return task_id, await live.value("SELECT id FROM alerts WHERE subject = $1", subject)


@pytest.mark.parametrize(
    ("kind", "key", "owner"), [("asked", None, None), ("turn", "turn:1", None), ("mine", "mine:1", "organisation:1")]
)
async def test_staff_have_held_work_tried_again_by_its_alert(
    office: Office, kind: str, key: str | None, owner: str | None
) -> None:
    task_id, alert_id = await held(office, kind, key, owner)
    path = f"/v1/admin/alerts/{alert_id}"
    one = (await office.boss.call("GET", path))["data"]
    assert one["can_retry"] and one["status"] == "open"
    assert (await office.boss.call("POST", f"{path}/retry"))["data"]["status"] == "resolved"
    assert await office.live.value("SELECT state FROM tasks WHERE id = $1", task_id) != "held"
    assert (await office.audited("retry_alert"))["changes"]["type"] == "task_held"
    refused = await office.boss.call("POST", f"{path}/retry", expect=409)
    assert refused["error"]["code"] == "NOTHING_WAITS"


async def test_an_alert_of_what_cannot_be_tried_again_says_so(office: Office) -> None:
    await shout(office)
    found = await office.boss.call("GET", "/v1/admin/alerts?type=payment_odd&status=open")
    (one,) = found["data"]["alerts"]
    assert one["can_retry"] is False
    await office.boss.call("POST", f"/v1/admin/alerts/{one['id']}/retry", expect=409)
    await office.boss.call("POST", "/v1/admin/alerts/11111111-1111-4111-8111-111111111111/retry", expect=404)
