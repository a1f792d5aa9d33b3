"""The ERP's own staff over HTTP: invited, given another role, removed; the last admin stays."""

from __future__ import annotations

from uuid import uuid4

from tests.api.erp.conftest import Clerk, Office


async def test_the_team(office: Office, clerk: Clerk) -> None:
    given = {"email": f"new.{uuid4().hex[:6]}@acme.com", "name": "Nour", "role": "sales"}
    made = (await clerk.call("POST", "/team", given, expect=201))["data"]
    assert made["pending"] is True and made["role"] == "sales"
    assert (await clerk.call("PATCH", f"/team/{made['id']}", {"role": "viewer"}))["data"]["role"] == "viewer"
    await clerk.call("PATCH", f"/team/{made['id']}", {"role": "king"}, expect=422)
    await clerk.call("DELETE", f"/team/{made['id']}")
    await clerk.call("DELETE", f"/team/{made['id']}", expect=404)
    me = next(c for c in (await clerk.get("/team"))["data"] if c["role"] == "admin")
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        assert (await clerk.call(method, f"/team/{me['id']}", body, expect=409))["error"]["code"] == "LAST_ADMIN"
    await (await office.clerk("sales")).call("GET", "/team", expect=403)


async def test_an_invitation_sets_the_role_of_whoever_is_there(clerk: Clerk) -> None:
    given = {"email": f"new.{uuid4().hex[:6]}@acme.com", "name": "Nour", "role": "sales"}
    made = (await clerk.call("POST", "/team", given, expect=201))["data"]
    again = (await clerk.call("POST", "/team", {**given, "role": "viewer"}, expect=201))["data"]
    assert (again["id"], again["role"]) == (made["id"], "viewer")
    me = next(c for c in (await clerk.get("/team"))["data"] if c["role"] == "admin")
    refused = await clerk.call("POST", "/team", {**given, "email": me["email"]}, expect=409)
    assert refused["error"]["code"] == "LAST_ADMIN"
