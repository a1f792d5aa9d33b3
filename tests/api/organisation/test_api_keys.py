"""Keys of an organisation: shown once, bound to scopes, addresses, an end and a tier; gone when they are revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/integration/api-keys"


async def made(portal: Portal, expect: int = 201, **changes: Any) -> Any:
    body = {"name": "HR System", "permissions": ["read_users", "create_bookings"], **changes}
    return await portal.call("POST", PATH, body, expect=expect)


def sent(key: Any) -> dict[str, str]:
    return {"X-API-Key": key["key"], "X-API-Secret": key["secret"]}


async def test_a_key_opens_what_it_was_made_for(portal: Portal) -> None:
    answer = (await made(portal))["data"]
    key = answer["apiKey"]
    assert answer["warning"] == "Store these credentials securely. They will not be shown again."
    assert key["key"].startswith("pk_live_") and key["secret"].startswith("sk_live_") and key["rateLimit"] == 1000
    await portal.call("GET", "/users", headers=sent(key))
    await portal.call("POST", "/users", {"firstName": "K", "email": "k@k.example"}, headers=sent(key), expect=403)
    await portal.call("GET", "/support/tickets", headers=sent(key), expect=403)
    await portal.call("GET", PATH, headers=sent(key), expect=403)
    wrong = {**sent(key), "X-API-Secret": "sk_live_no"}
    await portal.call("GET", "/users", headers=wrong, expect=401)
    other = await add_organisation(portal.services)
    foreign = {**sent(key), "X-Organization-ID": str(other.id)}
    await portal.call("GET", "/users", headers=foreign, expect=404)
    listed = (await portal.call("GET", PATH))["data"]["apiKeys"]
    mine = next(k for k in listed if k["id"] == key["id"])
    assert "secret" not in mine and mine["lastUsedAt"] is not None
    async with portal.services.read() as conn:
        assert key["secret"] not in await conn.fetchval("SELECT string_agg(k::text, ' ') FROM api_clients k")
    fresh = (await portal.call("POST", f"{PATH}/{key['id']}/rotate"))["data"]["secret"]
    assert fresh.startswith("sk_live_")
    for secret in (fresh, key["secret"]):
        await portal.call("GET", "/users", headers={**sent(key), "X-API-Secret": secret})
    await portal.call("DELETE", f"{PATH}/{key['id']}")
    await portal.call("GET", "/users", headers=sent(key), expect=401)


async def test_a_key_is_bound_to_addresses(portal: Portal) -> None:
    away = (await made(portal, ipWhitelist=["192.168.1.100"]))["data"]["apiKey"]
    refused = await portal.call("GET", "/users", headers=sent(away), expect=403)
    assert refused["error"]["code"] == "ADDRESS_NOT_ALLOWED"
    near = (await made(portal, ipWhitelist=["10.0.0.0/8", "127.0.0.1"]))["data"]["apiKey"]
    await portal.call("GET", "/users", headers=sent(near))


async def test_a_key_never_has_more_than_its_maker(portal: Portal) -> None:
    admin = await portal.home.member("admin")
    body = {"name": "Mine", "permissions": ["read_users"]}
    key = (await portal.call("POST", PATH, body, headers=portal.home.headers(admin), expect=201))["data"]["apiKey"]
    await portal.call("GET", "/users", headers=sent(key))

    async def status() -> str:
        [shown] = [k for k in (await portal.call("GET", PATH))["data"]["apiKeys"] if k["id"] == key["id"]]
        return str(shown["status"])

    assert await status() == "active"
    await portal.call("PUT", f"/users/{admin}/status", {"status": "suspended"})
    await portal.call("GET", "/users", headers=sent(key), expect=401)
    # Whoever looks after the keys sees why its system is refused, and is given no secret that would be refused as well.
    assert await status() == "maker_gone"
    refused = await portal.call("POST", f"{PATH}/{key['id']}/rotate", expect=409)
    assert refused["error"]["code"] == "KEY_OVER"
    await portal.call("DELETE", f"{PATH}/{key['id']}")


async def test_a_key_sees_no_more_than_its_maker_whose_role_has_changed(portal: Portal) -> None:
    home = portal.home
    mine, other = await home.department("Mine"), await home.department("Beside")
    admin = await home.member("admin", department_id=mine.id)
    await home.member(department_id=other.id)
    body = {"name": "Mine", "permissions": ["read_users"]}
    key = (await portal.call("POST", PATH, body, headers=home.headers(admin), expect=201))["data"]["apiKey"]

    async def seen(headers: dict[str, str]) -> set[str]:
        return {user["id"] for user in (await portal.call("GET", "/users", headers=headers))["data"]["users"]}

    assert await seen(sent(key)) == await seen(home.headers()) > {str(admin)}
    await portal.call("PUT", f"/users/{admin}/access", {"accessLevel": "manager"})
    await home.sign_in(admin)
    assert await seen(sent(key)) == await seen(home.headers(admin)) == {str(admin)}


async def test_an_end_on_a_day_is_at_the_time_of_its_making(portal: Portal) -> None:
    key = (await made(portal, expiresAt="2090-01-07"))["data"]["apiKey"]
    assert key["expiresAt"][11:] == key["createdAt"][11:]
    assert set((await made(portal, 422, expiresAt="2020-01-07"))["error"]["details"]) == {"expiresAt"}


async def test_what_a_key_cannot_be(portal: Portal) -> None:
    refused = await made(portal, 422, permissions=["read_users", "write_api_keys"], ipWhitelist=["nowhere"])
    assert set(refused["error"]["details"]) == {"permissions", "ipWhitelist.0"}
    assert "api_keys" in refused["message"]
    refused = await made(portal, 422, permissions=["everything"])
    assert refused["message"] == "'everything' is not a permission: write it like read_bookings."
    await made(portal, 422, rateLimit=0, name=" ", permissions=[])
    small = await add_organisation(portal.services, expected_users=5)
    body = {"name": "K", "permissions": ["read_users"]}
    refused = await portal.call("POST", PATH, body, headers=small.headers(), expect=403)
    assert refused["error"]["code"] == "TIER_TOO_LOW"
    for method, path in (("DELETE", f"{PATH}/{uuid4()}"), ("POST", f"{PATH}/{uuid4()}/rotate")):
        await portal.call(method, path, expect=404)
    key = (await made(portal))["data"]["apiKey"]
    other = await add_organisation(portal.services)
    await portal.call("DELETE", f"{PATH}/{key['id']}", headers=other.headers(), expect=404)


async def test_the_list_says_which_keys_open_nothing_any_more(portal: Portal) -> None:
    admin = await portal.home.member("admin")
    body = {"name": "Mine", "permissions": ["read_users"], "expiresAt": "2090-01-07"}
    theirs, over = [
        (await portal.call("POST", PATH, body, headers=portal.home.headers(whose), expect=201))["data"]["apiKey"]["id"]
        for whose in (admin, None)
    ]  # fmt: skip

    async def listed() -> dict[str, str]:
        return {k["id"]: k["status"] for k in (await portal.call("GET", PATH))["data"]["apiKeys"]}

    assert (await listed())[theirs] == (await listed())[over] == "active"
    await portal.call("DELETE", f"/users/{admin}")
    async with portal.services.transaction() as tx:
        past = "created_at = now() - interval '2 days', expires_at = now() - interval '1 day'"
        await tx.conn.execute(f"UPDATE api_clients SET {past} WHERE id = $1", UUID(over))
    assert [(await listed())[one] for one in (theirs, over)] == ["maker_gone", "expired"]
