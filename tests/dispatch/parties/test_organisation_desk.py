"""Staff name whom an organisation belongs to: its owner may be gone, or was registered under a wrong address."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from dispatch.access import passwords, signing
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.parties import erasure, members, organisation_desk, organisations
from dispatch.parties.members import Access
from dispatch.parties.organisation_desk import NewOwner
from dispatch.parties.organisations import Registration
from dispatch.services import Services
from storage.members import Member
from tests.organisations import Home, add_organisation
from tests.turns import one_after_the_other

STAFF = Actor("admin")


async def name(home: Home, email: str) -> Member:
    async with home.services.transaction() as tx:
        return await organisation_desk.name_owner(tx, home.id, NewOwner("Uma", "Rao", email), STAFF)


async def owners(home: Home) -> list[tuple[str, str]]:
    async with home.services.read() as conn:
        found = await conn.fetch(
            "SELECT m.email, s.status FROM members m JOIN memberships s ON s.id = m.id WHERE m.organisation_id = $1"
            " AND s.role = 'partner_owner' AND m.access_level = 'owner' AND m.removed_at IS NULL", home.id,
        )  # fmt: skip
    return [(row["email"], row["status"]) for row in found]


async def letters(home: Home, address: str | None) -> list[str]:
    async with home.services.read() as conn:
        found = await conn.fetch("SELECT template FROM outbox WHERE recipient = $1 ORDER BY id", address)
    return [row["template"] for row in found]


async def member(home: Home, member_id: UUID) -> Member:
    async with home.services.read() as conn:
        return await members.get(conn, home.by, member_id)


async def with_password(home: Home, member_id: UUID) -> Member:
    found = await member(home, member_id)
    password_hash = await passwords.hashed("correct horse battery")
    async with home.services.transaction() as tx:
        await passwords.set_password(tx, found.account_id, password_hash, proves_email=True)
    return found


async def test_a_member_owns_it_at_once_and_may_let_the_owner_of_before_go(services: Services) -> None:
    home = await add_organisation(services)
    heir = await with_password(home, await home.member())
    async with services.transaction() as tx:
        bound = Access("standard", None, False, True, 5, ())
        await members.set_access(tx, home.by, heir.id, bound)
        await members.set_status(tx, home.by, heir.id, "suspended")
    before = await member(home, home.owner_id)
    named = await name(home, (heir.email or "").upper())
    assert (named.id, named.role, named.access_level, named.status) == (heir.id, "partner_owner", "owner", "active")
    assert (named.can_book, named.require_approval, named.monthly_limit_minor) == (True, False, None)
    assert (await letters(home, heir.email))[-1] == "owner_named"
    assert (await letters(home, before.email))[-1] == "owner_changed"
    after = await member(home, home.owner_id)
    assert (after.role, after.access_level, after.status) == ("partner_admin", "admin", "active")
    by = members.By(home.id, Actor("organisation", "the heir"), named.role, member_id=named.id)
    async with services.transaction() as tx:
        await members.set_status(tx, by, home.owner_id, "removed")
    with pytest.raises(Missing):
        await member(home, home.owner_id)
    assert await owners(home) == [(heir.email, "active")]


async def test_somebody_else_is_enrolled_by_it_and_a_wrong_address_keeps_nothing(services: Services) -> None:
    home = await add_organisation(services)
    assert (await name(home, "wrong@heirs.example")).status == "pending"
    assert (await name(home, "right@heirs.example")).status == "pending"
    assert await owners(home) == [("right@heirs.example", "pending")]
    assert await letters(home, "wrong@heirs.example") == ["member_enrolled", "password_link"]
    async with services.read() as conn:
        kept = "SELECT removed_at IS NOT NULL FROM members WHERE organisation_id = $1 AND email = 'wrong@heirs.example'"
        assert await conn.fetchval(kept, home.id)
    # The link may have run out meanwhile.
    await name(home, "right@heirs.example")
    assert await letters(home, "right@heirs.example") == ["member_enrolled", "password_link", "password_link"]


async def test_who_registered_it_and_let_the_link_run_out_gets_another(services: Services) -> None:
    new = Registration("business", "Late Ltd.", "Lara", "Late", "lara@late.example", None)
    async with services.transaction() as tx:
        made = await organisations.register(tx, new)
    home = Home(services, made.organisation.id, made.member_id)
    async with services.transaction() as tx:
        with pytest.raises(organisations.AlreadyRegistered):
            await organisations.register(tx, new)
    await signing.ask_new_password(services, "lara@late.example", None)
    assert await letters(home, "lara@late.example") == ["password_link"], "nothing else reaches them"
    await name(home, "lara@late.example")
    assert await letters(home, "lara@late.example") == ["password_link", "password_link"]
    assert await owners(home) == [("lara@late.example", "active")]


async def test_whose_owner_is_erased_gets_another(services: Services) -> None:
    home = await add_organisation(services)
    account_id = await home.account_of(home.owner_id)
    async with services.transaction() as tx:
        await erasure.wipe(tx, account_id)
    assert await owners(home) == []
    await name(home, "heir@heirs.example")
    assert await owners(home) == [("heir@heirs.example", "pending")]


async def test_of_two_who_name_an_owner_the_second_has_the_last_word(services: Services) -> None:
    home = await add_organisation(services)
    await one_after_the_other(
        services,
        lambda tx: organisation_desk.name_owner(tx, home.id, NewOwner("U", "", "uma@heirs.example"), STAFF),
        lambda tx: organisation_desk.name_owner(tx, home.id, NewOwner("I", "", "ivo@heirs.example"), STAFF),
    )
    assert await owners(home) == [("ivo@heirs.example", "pending")]


async def test_what_was_planned_for_a_member_does_not_befall_the_owner(services: Services) -> None:
    home = await add_organisation(services)
    heir = await with_password(home, await home.member("admin"))
    async with services.transaction() as tx:
        await members.set_status(tx, home.by, heir.id, "removed", on_day=tx.now.date() + timedelta(days=1))
    named = await name(home, heir.email or "")
    assert (named.role, named.status) == ("partner_owner", "active")
    assert (named.next_status, named.next_status_on) == (None, None)
