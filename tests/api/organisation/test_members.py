"""Members: found, given access, suspended and removed, by whom; roles and departments out of reach; the tier's room."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.access import passwords
from dispatch.parties import departments, members
from storage import accounts as account_rows
from storage import members as member_rows
from tests.api.organisation.conftest import Portal, today
from tests.organisations import add_organisation
from tests.turns import until_waiting


async def ids(portal: Portal, query: str, headers: dict[str, str] | None = None) -> list[str]:
    found = await portal.call("GET", f"/users?{query}", headers=headers)
    return [u["id"] for u in found["data"]["users"]]


async def test_a_list_finds_people_by_what_is_known_of_them(portal: Portal) -> None:
    home = await portal.home.department("Finders")
    body = {
        "firstName": "Zelda", "lastName": "Quill", "email": "Zelda@Quill.example", "employeeId": "EMP-77",
        "department": str(home.id), "phoneNumber": "+639171234567", "hireDate": "2024-05-01",
    }  # fmt: skip
    made = (await portal.call("POST", "/users", body, expect=201))["data"]["user"]
    assert (made["status"], made["role"], made["email"]) == ("pending", "partner_member", "zelda@quill.example")
    assert made["department"] == {"id": str(home.id), "name": "Finders"} and made["hireDate"] == "2024-05-01"
    for query in (
        "search=zel", "search=quill", "search=EMP-77", "search=zelda@quill", f"department={home.id}", "search=4567",
        "status=pending&search=zelda",
    ):  # fmt: skip
        assert await ids(portal, query) == [made["id"]], query
    assert made["id"] not in await ids(portal, "status=active,suspended&limit=100")
    refused = await portal.call("POST", "/users", {**body, "phoneNumber": None}, expect=409)
    assert refused["error"]["code"] == "ALREADY_MEMBER"
    other = await add_organisation(portal.services)
    theirs = await other.department("Theirs")
    foreign = {"firstName": "A", "email": "a@b.example", "department": str(theirs.id)}
    assert (await portal.call("POST", "/users", foreign, expect=404))["message"] == "There is no such department."


async def test_who_proves_a_phone_is_no_longer_pending(portal: Portal) -> None:
    phone = "+639170000009"
    made = await portal.call(
        "POST", "/users", {"firstName": "P", "email": "p@p.example", "phoneNumber": phone}, expect=201
    )
    assert made["data"]["user"]["status"] == "pending"
    async with portal.services.transaction() as tx:
        await account_rows.sign_in(tx.conn, phone=phone)
    shown = await portal.call("GET", f"/users/{made['data']['user']['id']}")
    assert shown["data"]["user"]["status"] == "active"


async def test_a_known_phone_is_a_member_and_its_account_stays_as_it_was(portal: Portal) -> None:
    phone = "+639170000010"
    async with portal.services.transaction() as tx:
        known = await account_rows.sign_in(tx.conn, phone=phone)
    body = {"firstName": "T", "email": "mailbox@t.example", "phoneNumber": phone}
    made = (await portal.call("POST", "/users", body, expect=201))["data"]["user"]
    assert made["status"] == "active"
    async with portal.services.read() as conn:
        assert known is not None and await account_rows.get(conn, id=known.id) == known
        assert await account_rows.memberships_of(conn, account_id=known.id) == []
        sent = await conn.fetch("SELECT template FROM outbox WHERE recipient = 'mailbox@t.example' ORDER BY template")
    assert [row["template"] for row in sent] == ["member_enrolled", "password_link"]


async def test_access_is_changed_in_parts(portal: Portal) -> None:
    member = await portal.home.member()
    path = f"/users/{member}/access"
    body = {"permissions": {"canBook": False, "monthlyLimit": 5000, "allowedServices": ["Cleaning"]}}
    shown = (await portal.call("PUT", path, body))["data"]["user"]["permissions"]
    assert shown == {"canBook": False, "requireApproval": False, "monthlyLimit": 5000, "allowedServices": ["cleaning"]}
    shown = (await portal.call("PUT", path, {"permissions": {"monthlyLimit": None, "canBook": True}}))["data"]["user"]
    assert shown["permissions"]["monthlyLimit"] is None and shown["permissions"]["allowedServices"] == ["cleaning"]
    # Another role ends the sign-ins: the next one has the new rights.
    await portal.call("GET", "/auth/me", headers=portal.home.headers(member))
    await portal.call("PUT", path, {"accessLevel": "finance"})
    await portal.call("GET", "/auth/me", headers=portal.home.headers(member), expect=401)


async def test_a_suspension_ends_the_sign_ins_at_once(portal: Portal) -> None:
    member = await portal.home.member("viewer")
    headers = portal.home.headers(member)
    await portal.call("GET", "/users", headers=headers)
    body = {"status": "suspended", "reason": "Employment terminated", "effective": "immediate"}
    told = await portal.call("PUT", f"/users/{member}/status", body)
    assert told["data"] == {
        "userId": str(member), "status": "suspended", "reason": "Employment terminated", "effective": "immediate"
    }  # fmt: skip
    await portal.call("GET", "/users", headers=headers, expect=401)
    shown = (await portal.call("GET", f"/users/{member}"))["data"]["user"]
    assert (shown["status"], shown["statusReason"]) == ("suspended", "Employment terminated")
    await portal.call("PUT", f"/users/{member}/status", {"status": "removed"})
    await portal.call("GET", f"/users/{member}", expect=404)
    # Whoever was removed may be enrolled again, as the same member.
    again = await portal.call("POST", "/users", {"firstName": "B", "email": shown["email"]}, expect=201)
    assert again["data"]["user"]["id"] == str(member)


async def test_a_status_may_be_for_a_day_to_come(portal: Portal) -> None:
    member = await portal.home.member()
    path = f"/users/{member}/status"
    refused = await portal.call("PUT", path, {"status": "suspended", "effective": "2020-01-01"}, expect=422)
    assert set(refused["error"]["details"]) == {"effective"}
    await portal.call("PUT", path, {"status": "suspended", "effective": "2099-01-01"})
    assert await members.apply_planned(portal.services) == 0
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE members SET next_status_on = '2020-01-01' WHERE id = $1", member)
    assert await members.apply_planned(portal.services) == 1
    assert (await portal.call("GET", f"/users/{member}"))["data"]["user"]["status"] == "suspended"


async def test_the_owner_and_oneself_stay(portal: Portal) -> None:
    owner, admin = portal.home.owner_id, await portal.home.member("admin")
    for path, body in (("status", {"status": "removed"}), ("access", {"accessLevel": "viewer"})):
        refused = await portal.call("PUT", f"/users/{owner}/{path}", body, expect=409)
        assert refused["error"]["code"] == "OWNER_STAYS"
    refused = await portal.call(
        "PUT", f"/users/{admin}/status", {"status": "suspended"}, headers=portal.home.headers(admin), expect=409
    )
    assert refused["error"]["code"] == "NOT_ONESELF"


async def test_what_is_out_of_a_manager_s_reach(portal: Portal) -> None:
    mine, other = await portal.home.department("Reach"), await portal.home.department("Beyond")
    manager = portal.home.headers(await portal.home.member("manager", department_id=mine.id))
    theirs, ours = await portal.home.member(department_id=other.id), await portal.home.member(department_id=mine.id)
    chief = await portal.home.member("admin", department_id=mine.id)

    async def refused(method: str, path: str, body: Any) -> None:
        answer = await portal.call(method, path, body, headers=manager, expect=403)
        assert answer["error"]["code"] == "OUT_OF_REACH", path

    await refused("GET", f"/users/{theirs}", None)
    await refused("PUT", f"/users/{theirs}/status", {"status": "suspended"})
    await refused("PUT", f"/users/{ours}/access", {"accessLevel": "admin"})
    await refused("PUT", f"/users/{ours}/access", {"department": str(other.id)})
    await refused("PUT", f"/users/{chief}/status", {"status": "suspended"})
    await refused("POST", "/users", {"firstName": "X", "email": "x@x.example", "accessLevel": "finance"})
    await refused("POST", "/users", {"firstName": "X", "email": "x@x.example", "department": str(other.id)})
    made = await portal.call("POST", "/users", {"firstName": "X", "email": "x@x.example"}, headers=manager, expect=201)
    assert made["data"]["user"]["department"]["id"] == str(mine.id)
    await portal.call("PUT", f"/users/{ours}/access", {"permissions": {"canBook": False}}, headers=manager)


async def test_another_organisation_s_people_are_not_found(portal: Portal) -> None:
    other = await add_organisation(portal.services)
    for member in (await other.member(), uuid4()):
        for method, path, body in (
            ("GET", "", None), ("PUT", "/access", {}), ("PUT", "/status", {"status": "active"}), ("DELETE", "", None),
        ):  # fmt: skip
            refused = await portal.call(method, f"/users/{member}{path}", body, expect=404)
            assert refused["message"] == "There is no such user."


async def test_nobody_joins_a_department_that_was_deleted(portal: Portal) -> None:
    gone, member = await portal.home.department("Gone"), await portal.home.member()
    await portal.call("DELETE", f"/organization/departments/{gone.id}")
    body = {"firstName": "X", "email": "late@gone.example", "department": str(gone.id)}
    refused = await portal.call("POST", "/users", body, expect=404)
    assert refused["message"] == "There is no such department."
    await portal.call("PUT", f"/users/{member}/access", {"department": str(gone.id)}, expect=404)
    assert await ids(portal, "search=late@gone.example") == []
    assert (await portal.call("GET", f"/users/{member}"))["data"]["user"]["department"] is None


async def test_who_joins_a_department_keeps_it_from_being_deleted_meanwhile(portal: Portal) -> None:
    place = await portal.home.department("Meanwhile")
    by, services = portal.home.by, portal.services
    new = members.NewMember("Y", "Z", "y@meanwhile.example", department_id=place.id)

    async def delete() -> None:
        async with services.transaction() as tx:
            await departments.delete(tx, by.organisation_id, place.id)

    async with services.transaction() as tx:
        await members.enrol(tx, by, new, "Us")
        deleting = asyncio.create_task(delete())
        await until_waiting(services, deleting)
    with pytest.raises(departments.DepartmentInUse):
        await deleting


async def test_a_tier_has_room_for_so_many(portal: Portal) -> None:
    small = await add_organisation(portal.services, expected_users=5)
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE organisations SET member_count = 50 WHERE id = $1", small.id)
    body = {"firstName": "X", "email": "one@more.example"}
    refused = await portal.call("POST", "/users", body, headers=small.headers(), expect=409)
    assert refused["error"]["code"] == "TIER_FULL"


async def test_another_link_goes_to_whoever_has_not_joined_yet(portal: Portal) -> None:
    """A link lasts for three days, and forgotten passwords are for those who have one."""
    body = {"firstName": "Slow", "email": "slow@portal.example"}
    user = (await portal.call("POST", "/users", body, expect=201))["data"]["user"]
    path = f"/users/{user['id']}/invitation"
    assert (await portal.call("POST", path))["message"] == "Invitation sent"
    async with portal.services.read() as conn:
        links = "SELECT count(*) FROM outbox WHERE recipient = $1 AND template = 'password_link'"
        assert await conn.fetchval(links, "slow@portal.example") == 2
    stranger = await add_organisation(portal.services)
    await portal.call("POST", path, headers=stranger.headers(), expect=404)
    viewer = portal.home.headers(await portal.home.member("viewer"))
    await portal.call("POST", path, headers=viewer, expect=403)
    password_hash = await passwords.hashed("correct horse battery")
    async with portal.services.transaction() as tx:
        account_id = await tx.conn.fetchval("SELECT account_id FROM memberships WHERE id = $1", UUID(user["id"]))
        await passwords.set_password(tx, account_id, password_hash, proves_email=True)
    assert (await portal.call("POST", path, expect=409))["error"]["code"] == "HAS_JOINED"


async def test_what_is_planned_for_somebody_is_shown_and_taken_back(portal: Portal) -> None:
    member = await portal.home.member()
    path, day = f"/users/{member}", today(portal) + timedelta(days=3)
    plan = {"status": "suspended", "reason": "Leaves us", "effective": day.isoformat()}
    await portal.call("PUT", f"{path}/status", plan)
    user = (await portal.call("GET", path))["data"]["user"]
    assert (user["status"], user["statusReason"]) == ("active", "Leaves us")
    assert user["plannedStatus"] == {"status": "suspended", "effective": day.isoformat()}
    await portal.call("PUT", f"{path}/status", {"status": "active"})
    user = (await portal.call("GET", path))["data"]["user"]
    assert (user["status"], user["statusReason"], user["plannedStatus"]) == ("active", None, None)


async def test_what_is_known_of_somebody_is_mended(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    body = {
        "firstName": "Zelda", "lastName": "Quil", "email": "zelda@mended.example", "employeeId": "E-1",
        "phoneNumber": "+639171230001", "segment": "grade_10", "hireDate": "2024-05-01",
    }  # fmt: skip
    made = (await portal.call("POST", "/users", body, headers=home.headers(), expect=201))["data"]["user"]
    await portal.call(
        "PUT", f"/users/{made['id']}/access", {"permissions": {"monthlyLimit": 50}}, headers=home.headers()
    )
    path = f"/users/{made['id']}"
    mended = {"lastName": "Quill", "phoneNumber": "+639171230002", "segment": "grade_11", "hireDate": None}
    user = (await portal.call("PUT", path, mended, headers=home.headers()))["data"]["user"]
    assert (user["firstName"], user["lastName"], user["phoneNumber"]) == ("Zelda", "Quill", "+639171230002")
    assert (user["segment"], user["hireDate"], user["employeeId"]) == ("grade_11", None, "E-1")
    assert user["permissions"]["monthlyLimit"] == 50 and user["email"] == "zelda@mended.example"
    # Whoever answers the phone of before is nobody here any more, whoever answers the new one is.
    async with portal.services.transaction() as tx:
        old, new = [await account_rows.sign_in(tx.conn, phone=f"+63917123000{n}") for n in (1, 2)]
        assert old is not None and new is not None
        known = [
            await member_rows.of_account(tx.conn, account_id=one.id, organisation_id=home.id) for one in (old, new)
        ]
    assert known[0] is None and known[1] is not None and str(known[1].id) == made["id"]
    other = await home.member()
    taken = await portal.call("PUT", f"/users/{other}", {"employeeId": "e-1"}, headers=home.headers(), expect=409)
    assert taken["message"] == "Somebody with this employee id is a member already."
    bad = {"firstName": None, "phoneNumber": "12", "segment": "x" * 200}
    refused = await portal.call("PUT", path, bad, headers=home.headers(), expect=422)
    assert set(refused["error"]["details"]) >= {"segment"}
    # An owner mends their own; a manager whom they lead.
    await portal.call("PUT", f"/users/{home.owner_id}", {"lastName": "Owner"}, headers=home.headers())
    admin = home.headers(await home.member("admin"))
    await portal.call("PUT", f"/users/{home.owner_id}", {"lastName": "Thief"}, headers=admin, expect=409)
    place = await home.department("Mending")
    manager = home.headers(await home.member("manager", department_id=place.id))
    await portal.call("PUT", path, {"lastName": "Quiet"}, headers=manager, expect=403)
    stranger = await add_organisation(portal.services)
    await portal.call("PUT", path, {"lastName": "Quiet"}, headers=stranger.headers(), expect=404)
