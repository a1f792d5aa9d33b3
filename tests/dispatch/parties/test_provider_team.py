"""A provider's team, changed by two at once: what is written down of it happened so."""

from __future__ import annotations

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
