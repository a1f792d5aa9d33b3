"""Staff over HTTP: the list, invitations, changes that act within seconds, and who may do it."""

from __future__ import annotations

import pytest

from api.realtime import ops
from api.realtime.ops import OpsNamespace
from tests.api.admin.office import Office
from tests.api.live import until
from tests.parties import add_staff, staff

INVITATION = {"email": "invited@example.com", "name": "In Vited", "role": "support", "permissions": {"promos": []}}


async def test_an_invitation_is_listed_found_and_audited(office: Office) -> None:
    made = (await office.boss.call("POST", "/v1/admin/staff", INVITATION, expect=201))["data"]
    assert made["status"] == "invited" and "promos" not in made["permissions"] and made["overrides"] == {"promos": []}
    found = await office.boss.call("GET", "/v1/admin/staff?status=invited&role=support&search=vit")
    assert [one["id"] for one in found["data"]["staff"]] == [made["id"]]
    entry = await office.audited("invite_staff")
    assert entry["resource_id"] == made["id"] and entry["ip"] == "127.0.0.1" and entry["user_agent"]
    await office.boss.call("POST", "/v1/admin/staff", INVITATION, expect=409)
    await office.boss.call("POST", f"/v1/admin/staff/{made['id']}/reset-password")


@pytest.mark.parametrize(("change", "field"), [
    ({"email": "no address"}, "email"), ({"role": "boss"}, "role"), ({"name": " "}, "name"),
    ({"permissions": {"gold": ["read"]}}, "permissions"), ({"permissions": {"users": ["own"]}}, "permissions"),
    ({"permissions": {"users": {"read": 1}}}, "permissions"), ({"permissions": "all"}, "permissions"),
])  # fmt: skip
async def test_what_is_wrong_is_named(office: Office, change: dict[str, object], field: str) -> None:
    answer = await office.boss.call("POST", "/v1/admin/staff", {**INVITATION, **change}, expect=422)
    assert field in answer["error"]["details"], answer


async def test_the_matrix_is_told(office: Office) -> None:
    data = (await office.boss.call("GET", "/v1/admin/staff/roles"))["data"]
    roles = {one["role"]: one["permissions"] for one in data["roles"]}
    assert roles["super_admin"].keys() == set(data["resources"]) and "staff" not in roles["support"]
    assert roles["finance"]["payouts"] == ["read", "write"] and roles["support"]["users"] == ["read"]


async def test_only_a_super_admin_changes_staff(office: Office) -> None:
    one = await add_staff(office.live.services, "support")
    for role, expect in (("admin", 200), ("support", 403), ("finance", 403)):
        person = await staff(office.live, role)
        await person.call("GET", "/v1/admin/staff", expect=expect)
        await person.call("POST", "/v1/admin/staff", INVITATION, expect=403)
        await person.call("PATCH", f"/v1/admin/staff/{one}", {"role": "finance"}, expect=403)
        await person.call("PATCH", f"/v1/admin/staff/{one}/status", {"is_active": False}, expect=403)


async def test_a_change_of_role_and_a_block_act_on_requests_and_sockets(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "TICK_S", 3600.0)
    account_id = await add_staff(office.live.services, "support")
    sam = await office.live.person("admin", str(account_id))
    sam.kind = "ops"
    await sam.call("GET", "/v1/admin/staff", expect=403)
    await office.boss.call("PATCH", f"/v1/admin/staff/{account_id}", {"role": "admin"})
    await sam.call("GET", "/v1/admin/staff")
    await sam.connect()
    assert sam.sio is not None and sam.sio.connected
    await office.boss.call("PATCH", f"/v1/admin/staff/{account_id}", {"role": "finance"})
    board: OpsNamespace = office.live.sockets.namespace_handlers["/ops"]
    await board.tick()
    await until(lambda: sam.sio is not None and not sam.sio.connected, "finance does not see the board")
    await sam.call("GET", "/v1/admin/auth/me")
    await office.boss.call("PATCH", f"/v1/admin/staff/{account_id}", {"role": "support"})
    await sam.connect()
    blocked = await office.boss.call("PATCH", f"/v1/admin/staff/{account_id}/status", {"is_active": False})
    assert blocked["data"]["status"] == "blocked"
    await until(lambda: sam.sio is not None and not sam.sio.connected, "a block cuts the socket")
    await sam.call("GET", "/v1/admin/auth/me", expect=401)


async def test_the_last_super_admin_is_told_so(office: Office) -> None:
    seeded = await office.live.value("SELECT id FROM accounts WHERE email = 'admin@example.com'")
    await office.boss.call("PATCH", f"/v1/admin/staff/{seeded}", {"role": "admin"})
    me = (await office.boss.call("GET", "/v1/admin/auth/me"))["data"]["id"]
    answer = await office.boss.call("PATCH", f"/v1/admin/staff/{me}", {"role": "admin"}, expect=409)
    assert answer["error"]["code"] == "LAST_SUPER_ADMIN"
    await office.boss.call("PATCH", f"/v1/admin/staff/{me}/status", {"is_active": False}, expect=409)
    missing = "11111111-1111-4111-8111-111111111111"
    await office.boss.call("PATCH", f"/v1/admin/staff/{missing}", {"name": "x"}, expect=404)
