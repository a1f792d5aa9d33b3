"""The rota over HTTP, and that whoever is on duty hears of an alert."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dispatch.engine import alerts
from tests.api.admin.office import Office
from tests.parties import add_staff, staff

TOLD = "SELECT body FROM outbox WHERE recipient = 'duty@example.com' AND body LIKE '%BK-1 waits%'"


def span(office: Office, from_h: float, to_h: float) -> dict[str, str]:
    now = office.live.services.clock.now()
    return {
        "starts_at": (now + timedelta(hours=from_h)).isoformat(), "ends_at": (now + timedelta(hours=to_h)).isoformat()
    }  # fmt: skip


async def test_who_is_on_duty_hears_of_an_alert_at_once(office: Office) -> None:
    sam = await add_staff(office.live.services, "support", "duty@example.com")
    body = {"staff_id": str(sam), "channels": ["email"], **span(office, -1, 1)}
    shift = (await office.boss.call("POST", "/v1/admin/rota", body, expect=201))["data"]
    assert shift["is_now"] and shift["staff"]["email"] == "duty@example.com"
    async with office.live.services.transaction() as tx:
        await alerts.raise_alert(tx, "queue_waits", "BK-1 waits for a person.")
    async with asyncio.timeout(60):
        while (told := await office.live.value(TOLD)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert told == "Queue waits: BK-1 waits for a person."
    listed = (await office.boss.call("GET", f"/v1/admin/rota?is_now=true&staff_id={sam}"))["data"]["shifts"]
    assert [one["id"] for one in listed] == [shift["id"]]
    moved = await office.boss.call("PATCH", f"/v1/admin/rota/{shift['id']}", {"channels": ["push", "email"]})
    assert moved["data"]["channels"] == ["push", "email"]
    await office.boss.call("DELETE", f"/v1/admin/rota/{shift['id']}")
    await office.boss.call("DELETE", f"/v1/admin/rota/{shift['id']}", expect=404)


@pytest.mark.parametrize(("hours", "change", "field"), [
    ((1, -1), {}, "ends_at"), ((0, 24 * 40), {}, "ends_at"), ((0, 1), {"channels": []}, "channels"),
    ((0, 1), {"channels": ["pigeon"]}, "channels"), ((0, 1), {"starts_at": "now"}, "starts_at"),
    ((0, 1), {"staff_id": "11111111-1111-4111-8111-111111111111"}, "staff_id"),
])  # fmt: skip
async def test_what_is_wrong_is_named(
    office: Office, hours: tuple[float, float], change: dict[str, object], field: str
) -> None:
    me = (await office.boss.call("GET", "/v1/admin/auth/me"))["data"]["id"]
    body = {"staff_id": me, **span(office, *hours), **change}
    answer = await office.boss.call("POST", "/v1/admin/rota", body, expect=422)
    assert any(name.startswith(field) for name in answer["error"]["details"]), answer


async def test_support_reads_it_and_changes_nothing(office: Office) -> None:
    support = await staff(office.live, "support")
    await support.call("GET", "/v1/admin/rota")
    await support.call("POST", "/v1/admin/rota", {}, expect=403)
