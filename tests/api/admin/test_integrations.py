"""The back office's side of integrations: list, detail, states, limits, notes, with permissions and audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.live import Live, live_server
from tests.conftest import clone
from tests.integrations import begin, onboard
from tests.parties import staff

PATH = "/v1/admin/integrations"


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder: Path = tmp_path_factory.mktemp("admin-integrations")
    async with live_server(await clone(pg_home), folder, technicians=0, customers=0) as made:
        yield made


async def test_staff_see_decide_and_leave_a_trace(live: Live) -> None:
    admin, support, finance = await staff(live), await staff(live, "support"), await staff(live, "finance")
    app, begun = await onboard(live), await begin(live)
    await app.call("GET", "/v1/services/catalog")
    listed = (await support.call("GET", f"{PATH}?status=active"))["data"]["integrations"]
    assert [i["id"] for i in listed] == [app.id]
    detail = (await support.call("GET", f"{PATH}/{app.id}"))["data"]
    assert (detail["client_id"], detail["may_become"]) == (app.client_id, ["suspended", "inactive"])
    assert detail["usage"]["monthly_requests"] == 1 and app.secret not in str(detail)
    limits = {"monthly_limit": 1, "burst_limit": 7, "is_billed": True}
    changed = (await admin.call("PATCH", f"{PATH}/{app.id}/limits", limits))["data"]
    assert {name: changed[name] for name in limits} == limits
    await app.call("GET", "/v1/services/catalog", expect=429)
    note = (await admin.call("POST", f"{PATH}/{app.id}/notes", {"content": "Pays late"}, expect=201))["data"]
    assert (await support.call("GET", f"{PATH}/{app.id}/notes"))["data"] == [note]
    move = {"status": "suspended", "reason": "Late"}
    suspended = (await admin.call("PATCH", f"{PATH}/{app.id}/status", move))["data"]
    assert suspended["status"] == "suspended"
    await admin.call("PATCH", f"{PATH}/{begun.id}/status", {"status": "suspended"}, expect=409)
    window = {"starts_at": "2026-02-01T20:00:00Z", "ends_at": "2026-02-01T21:00:00Z", "text": "An hour"}
    assert (await admin.call("POST", f"{PATH}/maintenance", window, expect=201))["data"]["told"] == 1
    backwards = {**window, "ends_at": window["starts_at"]}
    await admin.call("POST", f"{PATH}/maintenance", backwards, expect=422)
    actions = await live.value(
        "SELECT array_agg(action ORDER BY id) FROM audit_log WHERE resource_id = $1 AND realm = 'admin'", app.id
    )
    assert list(actions) == ["limit_integration", "add_note", "move_integration"]
    for who in (support, finance):
        for method, path, body in (
            ("PATCH", f"{PATH}/{app.id}/status", {"status": "active"}),
            ("PATCH", f"{PATH}/{app.id}/limits", limits),
            ("POST", f"{PATH}/{app.id}/notes", {"content": "No"}),
            ("POST", f"{PATH}/maintenance", window),
        ):
            await who.call(method, path, body, expect=403)
    assert len((await finance.call("GET", PATH))["data"]["integrations"]) == 2
    await admin.call("GET", f"{PATH}/11111111-1111-4111-8111-111111111111", expect=404)
