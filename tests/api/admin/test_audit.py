"""The audit over HTTP: filtered by who, what and when."""

from __future__ import annotations

from tests.api.admin.office import Office
from tests.parties import staff


async def test_entries_are_found_by_each_filter(office: Office) -> None:
    invitation = {"email": "audited@example.com", "name": "Au Dited", "role": "finance"}
    made = (await office.boss.call("POST", "/v1/admin/staff", invitation, expect=201))["data"]["id"]
    me = (await office.boss.call("GET", "/v1/admin/auth/me"))["data"]
    path = "/v1/admin/audit-logs"
    for query in (
        f"admin_id={me['id']}&action=invite_staff", f"resource_type=staff&resource_id={made}",
        f"action=invite_staff&date_from=2026-01-05&date_to=2026-01-05&resource_id={made}",
        "realm=admin&ip_address=127.0.0.1",
    ):  # fmt: skip
        logs = (await office.boss.call("GET", f"{path}?{query}"))["data"]["logs"]
        assert made in {entry["resource_id"] for entry in logs}, query
    (entry,) = (await office.boss.call("GET", f"{path}?resource_id={made}"))["data"]["logs"]
    assert entry["admin"] == {"id": me["id"], "name": me["name"], "email": me["email"]}
    assert entry["changes"]["role"] == {"old": None, "new": "finance"} and entry["ip_address"] == "127.0.0.1"
    assert not (await office.boss.call("GET", f"{path}?date_to=2026-01-04"))["data"]["logs"]
    bad = await office.boss.call("GET", f"{path}?admin_id=x&date_from=yesterday", expect=422)
    assert {"admin_id", "date_from"} == set(bad["error"]["details"])


async def test_the_chain_is_proved_to_those_who_may_read_it(office: Office) -> None:
    invitation = {"email": "chained@example.com", "name": "Cha Ined", "role": "support"}
    await office.boss.call("POST", "/v1/admin/staff", invitation, expect=201)
    for _ in range(2):
        chain = (await office.boss.call("GET", "/v1/admin/audit-logs/chain"))["data"]
        assert chain["is_intact"] and chain["findings"] == [] and chain["entries"] > 0 and len(chain["hash"]) == 64
    # The second one read what the first had found whole.
    assert (chain["checked_from"], chain["checked_to"]) == (None, None)
    assert chain["checked_before"] == chain["checked_again"] == chain["entries"]
    await (await staff(office.live, "support")).call("GET", "/v1/admin/audit-logs/chain", expect=403)


async def test_who_may_read_it(office: Office) -> None:
    for role, expect in (("admin", 200), ("finance", 200), ("support", 403)):
        await (await staff(office.live, role)).call("GET", "/v1/admin/audit-logs", expect=expect)
