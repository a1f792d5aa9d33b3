"""The team: asked in by e-mail, given roles, let go; the owner stays."""

from __future__ import annotations

from tests.api.provider.conftest import Office, call
from tests.parties import PASSWORD


async def test_who_is_invited_belongs_to_the_team_once_they_followed_the_link(office: Office) -> None:
    owner = await office.owner()
    body = {"name": "Bola Ade", "email": "bola.ade@example.com", "role": "manager"}
    answer = await owner.call("POST", "/team/members/invite", body, expect=201)
    assert answer["message"] == "Invitation sent successfully"
    member = answer["data"]["member"]
    assert (member["role"], member["status"]) == ("Manager", "pending") and answer["data"]["invitationId"]
    again = await owner.call("POST", "/team/members/invite", body, expect=409)
    assert again["error"] == {"code": "DUPLICATE_EMAIL", "message": "User with this email already exists"}
    resent = await owner.call("POST", f"/team/members/{member['id']}/resend-invitation")
    assert resent["data"]["invitationId"] != answer["data"]["invitationId"] and resent["data"]["resentAt"]
    links = [r["link"] for r in await office.world.fetch(
        "SELECT data->>'link' AS link FROM outbox WHERE recipient = 'bola.ade@example.com' ORDER BY id"
    )]  # fmt: skip
    tokens = [link.rsplit("/", 1)[1] for link in links]
    for token, status in zip(tokens, (401, 200), strict=True):
        body = {"token": token, "password": PASSWORD}
        await call(office.client, None, "POST", "/api/auth/set-password", body, expect=status)
    signed_in = await call(
        office.client, None, "POST", "/api/auth/signin", {"email": "bola.ade@example.com", "password": PASSWORD}
    )
    assert signed_in["user"]["teamRole"] == "Manager" and signed_in["user"]["role"] == "provider"
    found = (await owner.call("GET", "/team/members?sortBy=role&search=bola"))["data"]
    assert found["members"][0].items() >= {"status": "active", "roleKey": "manager", "source": "invitation"}.items()
    assert "transactions:write" in found["members"][0]["permissions"] and found["members"][0]["lastActive"]
    assert found["summary"] == {"totalMembers": 2, "activeCount": 2, "pendingCount": 0}
    await owner.call("POST", f"/team/members/{member['id']}/resend-invitation", expect=409)


async def test_the_owner_stays(office: Office) -> None:
    owner = await office.owner()
    admin = await office.member(owner, "Admin")
    me = str(owner.owned.membership_id)
    answer = await admin.call("DELETE", f"/team/members/{me}?force=true", expect=403)
    assert answer["error"] == {"code": "CANNOT_REMOVE_OWNER", "message": "Cannot remove the provider owner"}
    await admin.call("PUT", f"/team/members/{me}/role", {"role": "Staff"}, expect=403)
    await admin.call("PUT", f"/team/members/{me}/role", {"role": "Owner"}, expect=400)
    assert (await owner.call("GET", "/team/members?role=owner"))["data"]["members"][0]["id"] == me


async def test_who_is_signed_in_is_removed_with_force_and_is_out_at_once(office: Office) -> None:
    owner = await office.owner()
    staff = await office.member(owner, "Staff")
    member = (await owner.call("GET", "/team/members?role=Staff"))["data"]["members"][0]["id"]
    answer = await owner.call("DELETE", f"/team/members/{member}", expect=409)
    assert answer["error"]["code"] == "ACTIVE_SESSIONS"
    await staff.call("GET", "/team/members")
    done = await owner.call("DELETE", f"/team/members/{member}?force=true")
    assert done["message"] == "Team member removed successfully"
    await staff.call("GET", "/team/members", expect=401)
    await owner.call("DELETE", f"/team/members/{member}?force=true", expect=404)
    assert (await owner.call("GET", "/team/members"))["data"]["summary"]["totalMembers"] == 1


async def test_another_role_counts_at_once(office: Office) -> None:
    owner = await office.owner()
    staff = await office.member(owner, "Staff")
    member = (await owner.call("GET", "/team/members?role=Staff"))["data"]["members"][0]["id"]
    await staff.call("GET", "/wallet/balance", expect=403)
    changed = await owner.call("PUT", f"/team/members/{member}/role", {"role": "MANAGER"})
    assert changed["data"]["member"].items() >= {"id": member, "role": "Manager"}.items()
    await staff.call("GET", "/wallet/balance")
    await staff.call("PUT", f"/team/members/{member}/role", {"role": "Admin"}, expect=403)


async def test_several_at_once_are_each_done_or_not(office: Office) -> None:
    owner = await office.owner()
    for _ in range(2):
        await office.member(owner, "Staff")
    found = (await owner.call("GET", "/team/members"))["data"]["members"]
    body = {"action": "role", "memberIds": [m["id"] for m in found], "role": "Manager"}
    done = (await owner.call("POST", "/team/members/bulk", body))["data"]
    assert (done["done"], done["failed"]) == (2, 1)
    assert [r["id"] for r in done["results"] if r["error"]] == [str(owner.owned.membership_id)]
    await owner.call("POST", "/team/members/bulk", {**body, "role": None}, expect=400)


async def test_members_of_others_are_not_there(office: Office) -> None:
    owner, stranger = await office.owner(), await office.owner()
    theirs = str(stranger.owned.membership_id)
    await owner.call("DELETE", f"/team/members/{theirs}", expect=404)
    await owner.call("PUT", f"/team/members/{theirs}/role", {"role": "Staff"}, expect=404)
    await owner.call("POST", f"/team/members/{theirs}/resend-invitation", expect=404)
    answer = await owner.call("POST", "/team/members/invite", {"name": "", "email": "no", "role": "Owner"}, expect=400)
    assert answer["errors"].keys() == {"name", "email", "role"}
