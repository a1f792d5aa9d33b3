"""A provider's team, changed by two at once: what is written down of it happened so."""

from __future__ import annotations

from uuid import UUID

from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.parties import provider_team
from dispatch.services import Services
from tests.providers import add_member, add_provider
from tests.turns import one_after_the_other

OWNER = Actor("provider")


async def test_of_two_changes_of_a_member_each_began_where_the_other_ended(services: Services) -> None:
    owned = await add_provider(services)
    member = await add_member(services, owned, "Staff")

    async def audited() -> list[dict[str, dict[str, str]]]:
        async with services.read() as conn:
            return [r[0] for r in await conn.fetch(
                "SELECT changes FROM audit_log WHERE resource_id = $1 AND action IN ('team.role', 'team.removed')"
                " ORDER BY id", str(member.id),
            )]  # fmt: skip

    await one_after_the_other(
        services, lambda tx: provider_team.set_role(tx, owned.id, member.id, "Manager", OWNER),
        lambda tx: provider_team.set_role(tx, owned.id, member.id, "Admin", OWNER),
    )  # fmt: skip
    assert await audited() == [
        {"role": {"old": "Staff", "new": "Manager"}}, {"role": {"old": "Manager", "new": "Admin"}},
    ]  # fmt: skip
    _, gone = await one_after_the_other(
        services, lambda tx: provider_team.remove(tx, owned.id, member.id, force=False, actor=OWNER),
        lambda tx: provider_team.remove(tx, owned.id, member.id, force=False, actor=OWNER),
    )  # fmt: skip
    assert isinstance(gone, Missing) and len(await audited()) == 3


STAFF = Actor("admin")


async def owners(services: Services, provider_id: UUID) -> list[tuple[str, str]]:
    async with services.read() as conn:
        found = await conn.fetch(
            "SELECT a.email, m.status FROM memberships m JOIN accounts a ON a.id = m.account_id"
            " WHERE m.party_id = $1 AND m.role = 'Owner' AND m.status <> 'removed'", provider_id,
        )  # fmt: skip
    return [(r["email"], r["status"]) for r in found]


async def letters(services: Services, address: str) -> list[str]:
    async with services.read() as conn:
        found = await conn.fetch("SELECT template FROM outbox WHERE recipient = $1 ORDER BY id", address)
    return [r["template"] for r in found]


async def test_staff_name_another_owner_who_is_asked_in_or_is_there_already(services: Services) -> None:
    owned = await add_provider(services)
    member = await add_member(services, owned, "Staff", "asha@example.com")

    async def named(email: str, name: str = "Uma") -> str:
        async with services.transaction() as tx:
            return (await provider_team.name_owner(tx, owned.id, name=name, email=email, actor=STAFF)).status

    assert await named("Asha@Example.com") == "active"
    assert await owners(services, owned.id) == [("asha@example.com", "active")]
    assert (await letters(services, owned.email))[-1] == "owner_changed"
    async with services.read() as conn:
        assert (await provider_team.get(conn, owned.id, owned.membership_id)).role == "Admin"
    # Under a wrong address, which is mended before anybody has come.
    assert await named("wrong@example.com") == "pending"
    assert await named("right@example.com") == "pending"
    assert await owners(services, owned.id) == [("right@example.com", "pending")]
    assert await named("right@example.com") == "pending", "another link"
    assert await letters(services, "right@example.com") == ["invitation", "invitation"]
    assert await letters(services, "wrong@example.com") == ["invitation"]
    async with services.read() as conn:
        open_ones = await conn.fetch(
            "SELECT a.email FROM password_links l JOIN memberships m ON m.id = l.membership_id"
            " JOIN accounts a ON a.id = m.account_id WHERE l.used_at IS NULL AND m.party_id = $1", owned.id,
        )  # fmt: skip
    assert [r["email"] for r in open_ones] == ["right@example.com"]
    # Of one whose owner is nobody any more.
    async with services.transaction() as tx:
        gone = "UPDATE memberships SET status = 'removed' WHERE party_id = $1 AND role = 'Owner'"
        await tx.conn.execute(gone, owned.id)
    assert await named("asha@example.com") == "active"
    assert await owners(services, owned.id) == [("asha@example.com", "active")]
    async with services.read() as conn:
        assert (await provider_team.get(conn, owned.id, member.id)).role == "Owner"


async def test_of_two_who_name_an_owner_the_second_has_the_last_word(services: Services) -> None:
    owned = await add_provider(services)
    await one_after_the_other(
        services,
        lambda tx: provider_team.name_owner(tx, owned.id, name="Uma", email="uma@example.com", actor=STAFF),
        lambda tx: provider_team.name_owner(tx, owned.id, name="Ivo", email="ivo@example.com", actor=STAFF),
    )
    assert await owners(services, owned.id) == [("ivo@example.com", "pending")]


async def test_permissions_of_one_s_own_end_with_the_role_they_were_given_beside(services: Services) -> None:
    owned = await add_provider(services)
    member = await add_member(services, owned, "Staff", "asha@example.com")

    async def given() -> None:
        async with services.transaction() as tx:
            own = {"wallet": "write"}
            await tx.conn.execute("UPDATE memberships SET permissions = $2 WHERE id = $1", member.id, own)

    async def levels() -> list[str]:
        async with services.read() as conn:
            return provider_team.permissions_of(await provider_team.get(conn, owned.id, member.id))

    before = await levels()
    await given()
    assert await levels() != before
    async with services.transaction() as tx:
        await provider_team.set_role(tx, owned.id, member.id, "Manager", OWNER)
        await provider_team.set_role(tx, owned.id, member.id, "Staff", OWNER)
    assert await levels() == before
    # Nor does whoever comes back bring them along.
    await given()
    async with services.transaction() as tx:
        await provider_team.remove(tx, owned.id, member.id, force=True, actor=OWNER)
    assert (await add_member(services, owned, "Staff", "asha@example.com")).id == member.id
    assert await levels() == before
