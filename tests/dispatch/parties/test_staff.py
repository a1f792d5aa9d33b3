"""Staff: invited by a link, nobody gives more than they have, and one super_admin is always left."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.access import signing, totp
from dispatch.access.passwords import LinkRefused
from dispatch.access.permissions import grants_of
from dispatch.access.signing import NoMembership, WrongCredentials
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import staff
from dispatch.parties.staff import AlreadyStaff, BeyondYou, Giver, LastSuperAdmin, NotYourself
from dispatch.services import Services
from storage.database.errors import StorageError
from tests.parties import PASSWORD, add_account, add_membership, add_party, add_staff
from tests.turns import one_after_the_other

NEW = "new.colleague@example.com"


def giver(
    account_id: UUID | None = None, role: str = "super_admin", permissions: dict[str, Any] | None = None
) -> Giver:
    return Giver(Actor("admin", str(account_id or uuid4())), role, grants_of("admin", role, permissions or {}))


async def link_in_outbox(services: Services, email: str) -> str:
    async with services.read() as conn:
        link = await conn.fetchval(
            "SELECT data->>'link' FROM outbox WHERE recipient = $1 AND data ? 'link' ORDER BY id DESC",
            email,
        )
    return str(link).rsplit("/", 1)[1]


async def change(services: Services, by: Giver, account_id: UUID, **changes: Any) -> None:
    async with services.transaction() as tx:
        await staff.update(tx, by, account_id, changes)


async def block(services: Services, by: Giver, account_id: UUID, is_blocked: bool = True) -> None:
    async with services.transaction() as tx:
        await staff.set_blocked(tx, by, account_id, is_blocked=is_blocked, reason="left")


async def test_who_is_invited_is_staff_with_the_link(services: Services) -> None:
    made = await staff.invite(services, giver(), NEW, "New Colleague", "support", {"promos": None})
    assert (made.status, made.role) == ("invited", "support")
    with pytest.raises(AlreadyStaff):
        await staff.invite(services, giver(), NEW.upper(), "Again", "admin", {})
    await signing.use_link(services, await link_in_outbox(services, NEW), PASSWORD)
    done = await signing.sign_in(services, NEW, PASSWORD, audience="admin")
    assert (done.tie.role, done.tie.permissions) == ("support", {"promos": None})
    async with services.read() as conn:
        found = await staff.get(conn, made.id)
    assert found.status == "active" and found.last_login_at is not None


async def test_who_merely_claims_an_address_does_not_become_staff_by_it(services: Services) -> None:
    account_id = await add_account(services, NEW, "a stranger's password")
    await add_membership(services, account_id, "provider", "owner", await add_party(services, "provider", "P-1"))
    await staff.invite(services, giver(), NEW, "New Colleague", "admin", {})
    with pytest.raises(NoMembership):
        await signing.sign_in(services, NEW, "a stranger's password", audience="admin")
    await signing.use_link(services, await link_in_outbox(services, NEW), PASSWORD)
    assert (await signing.sign_in(services, NEW, PASSWORD, audience="admin")).tie.account_id == account_id


async def test_two_invitations_of_one_address_at_once_make_one(services: Services) -> None:
    done = await asyncio.gather(
        *(staff.invite(services, giver(), NEW, "New", "support", {}) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(d).__name__ for d in done) == ["AlreadyStaff"] * 3 + ["Staff"]


async def test_nobody_gives_what_they_do_not_have(services: Services) -> None:
    above, below = await add_staff(services, "super_admin"), await add_staff(services, "support")
    lead = giver(role="admin", permissions={"staff": "write"})
    for role, permissions in (("super_admin", {}), ("admin", {"staff": "write", "audit": "write"})):
        with pytest.raises(BeyondYou):
            await staff.invite(services, lead, NEW, "New", role, permissions)
    with pytest.raises(BeyondYou):
        await change(services, lead, above, name="Renamed")
    with pytest.raises(BeyondYou):
        await change(services, lead, below, role="super_admin")
    with pytest.raises(BeyondYou):
        await block(services, lead, above)
    await change(services, lead, below, permissions={"users": "write"})
    with pytest.raises(Missing):
        await change(services, lead, uuid4(), name="Nobody")


async def test_the_last_super_admin_stays(services: Services) -> None:
    only = await add_staff(services, "super_admin")
    with pytest.raises(LastSuperAdmin):
        await change(services, giver(only), only, role="admin")
    with pytest.raises(LastSuperAdmin):
        await block(services, giver(), only)
    with pytest.raises(NotYourself):
        await block(services, giver(only), only)
    for sql in (
        "UPDATE accounts SET is_active = false WHERE id = $1", "DELETE FROM memberships WHERE account_id = $1",
        "UPDATE accounts SET erased_at = now() WHERE id = $1",
    ):  # fmt: skip
        with pytest.raises((StorageError, Exception), match="no super_admin would be left"):
            async with services.transaction() as tx:
                await tx.conn.execute(sql, only)
    other = await add_staff(services, "super_admin")
    await change(services, giver(other), only, role="admin")


async def test_super_admins_who_demote_and_block_each_other_at_once_leave_one(services: Services) -> None:
    for _ in range(3):
        people = [await add_staff(services, "super_admin") for _ in range(4)]
        async with services.read() as conn:
            others = await conn.fetch(
                "SELECT account_id FROM memberships WHERE role = 'super_admin' AND status = 'active' "
                "AND account_id <> ALL($1)", people,
            )  # fmt: skip
        for row in others:
            await change(services, giver(people[0]), row["account_id"], role="support")
        work = [
            change(services, giver(people[n - 1]), one, role="support") if n % 2 else
            block(services, giver(people[n - 1]), one)
            for n, one in enumerate(people)
        ]  # fmt: skip
        done = await asyncio.gather(*work, return_exceptions=True)
        assert sorted(type(d).__name__ for d in done) == ["LastSuperAdmin"] + ["NoneType"] * 3
        async with services.read() as conn:
            left = await conn.fetchval(
                "SELECT count(*) FROM memberships WHERE role = 'super_admin' AND status = 'active'"
            )
        assert left == 1


async def test_blocking_ends_sign_ins_and_letting_in_allows_new_ones(services: Services) -> None:
    person = await add_staff(services, "support", NEW, password=PASSWORD)
    done = await signing.sign_in(services, NEW, PASSWORD)
    await block(services, giver(), person)
    assert not await services.sessions.alive(done.pair.session_id, "admin")
    with pytest.raises(NoMembership):
        await signing.sign_in(services, NEW, PASSWORD)
    await block(services, giver(), person, is_blocked=False)
    assert (await signing.sign_in(services, NEW, PASSWORD)).tie.role == "support"


async def test_an_invitation_that_is_blocked_is_over(services: Services) -> None:
    made = await staff.invite(services, giver(), NEW, "New", "support", {})
    link = await link_in_outbox(services, NEW)
    async with services.transaction() as tx:
        told = await staff.set_blocked(tx, giver(), made.id, is_blocked=True, reason="a wrong address")
    assert told.status == "removed"
    with pytest.raises(LinkRefused):
        await signing.use_link(services, link, PASSWORD)
    with pytest.raises(Missing):
        await block(services, giver(), made.id, is_blocked=False)
    async with services.read() as conn:
        audited = await conn.fetchval("SELECT changes FROM audit_log WHERE action = 'block_staff'")
    assert audited == {"status": {"old": "invited", "new": "removed"}, "reason": "a wrong address"}
    again = await staff.invite(services, giver(), NEW, "New", "finance", {})
    assert (again.id, again.status) == (made.id, "invited")
    await signing.use_link(services, await link_in_outbox(services, NEW), PASSWORD)
    assert (await signing.sign_in(services, NEW, PASSWORD)).tie.role == "finance"


async def test_a_super_admin_has_no_permissions_of_their_own(services: Services) -> None:
    boss, below = await add_staff(services, "super_admin"), await add_staff(services, "support")
    with pytest.raises(Invalid) as refused:
        await staff.invite(services, giver(), NEW, "New", "super_admin", {"staff": None})
    assert list(refused.value.fields) == ["permissions"]
    await change(services, giver(), below, permissions={"bookings": "read", "promos": "write"})
    for one, changes in (
        (boss, {"permissions": {"staff": "read"}}), (below, {"role": "super_admin", "permissions": {"staff": None}}),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            await change(services, giver(), one, **changes)
        assert list(refused.value.fields) == ["permissions"]
    await change(services, giver(), boss, permissions={})
    await change(services, giver(), below, role="super_admin")
    async with services.read() as conn:
        assert (await staff.get(conn, below)).permissions == {}
    with pytest.raises(asyncpg.CheckViolationError, match="super_admin_has_all"):
        await add_staff(services, "super_admin", permissions={"staff": None})


async def test_a_reset_of_an_invitation_sends_it_again_and_leaves_what_they_have(services: Services) -> None:
    account_id = await add_account(services, NEW, PASSWORD)
    async with services.transaction() as tx:
        secret, _ = await totp.enrol(tx, account_id, NEW)
        await totp.confirm(tx, account_id, totp.code_at(base64.b32decode(secret), totp.step_at(time.time())))
    await add_membership(services, account_id, "provider", "owner", await add_party(services, "provider", "P-2"))
    made = await staff.invite(services, giver(), NEW, "New", "support", {})
    await staff.reset(services, giver(), made.id, drops_totp=True)
    async with services.read() as conn:
        assert await totp.is_on(conn, account_id), "whoever was only asked is nobody's to weaken"
    assert (await signing.sign_in(services, NEW, PASSWORD, audience="provider")).tie.account_id == account_id
    await signing.use_link(services, await link_in_outbox(services, NEW), PASSWORD)
    with pytest.raises(totp.SecondStep):
        await signing.sign_in(services, NEW, PASSWORD, audience="admin")


async def test_a_reset_ends_sign_ins_and_sends_a_link(services: Services) -> None:
    person = await add_staff(services, "support", NEW, password=PASSWORD)
    done = await signing.sign_in(services, NEW, PASSWORD)
    await staff.reset(services, giver(), person, drops_totp=True)
    with pytest.raises(WrongCredentials):
        await signing.sign_in(services, NEW, PASSWORD)
    assert not await services.sessions.alive(done.pair.session_id, "admin")
    await signing.use_link(services, await link_in_outbox(services, NEW), "another password")
    assert (await signing.sign_in(services, NEW, "another password")).tie.role == "support"


async def test_every_change_is_audited(services: Services) -> None:
    await add_staff(services, "super_admin")
    by = giver()
    made = await staff.invite(services, by, NEW, "New", "support", {})
    await signing.use_link(services, await link_in_outbox(services, NEW), PASSWORD)
    await change(services, by, made.id, role="finance")
    await block(services, by, made.id)
    await block(services, by, made.id, is_blocked=False)
    async with services.read() as conn:
        found = await conn.fetch("SELECT action, changes FROM audit_log WHERE actor_id = $1 ORDER BY id", by.actor.id)
    assert [row["action"] for row in found] == ["invite_staff", "update_staff", "block_staff", "unblock_staff"]
    assert found[1]["changes"] == {"role": {"old": "support", "new": "finance"}}


async def test_who_is_raised_meanwhile_is_beyond_whoever_was_about_to_change_them(services: Services) -> None:
    who = await add_staff(services, "support")
    admin = giver(role="admin", permissions={"staff": "write"})
    _, refused = await one_after_the_other(
        services, lambda tx: staff.update(tx, giver(), who, {"role": "super_admin"}),
        lambda tx: staff.update(tx, admin, who, {"permissions": {"bookings": "read"}}),
    )  # fmt: skip
    assert isinstance(refused, BeyondYou)
    async with services.read() as conn:
        assert (await staff.get(conn, who)).role == "super_admin"


async def test_a_reset_leaves_no_sign_in_from_which_one_could_become_staff_again(services: Services) -> None:
    person = await add_staff(services, "support", NEW, password=PASSWORD)
    await add_membership(services, person, "provider", "owner", await add_party(services, "provider", "P-1"))
    elsewhere = (await signing.sign_in(services, NEW, PASSWORD)).pair.session_id
    tie = (await signing.sign_in(services, NEW, PASSWORD, audience="admin")).tie
    await staff.reset(services, giver(), person, drops_totp=False)
    assert not await services.sessions.alive(elsewhere, "provider")
    with pytest.raises(signing.SignInOver):
        async with services.transaction() as tx:
            await signing.switch(tx, person, tie.id, came_by=elsewhere)
