"""The ERP's team, changed by two at once: somebody who keeps it is always left."""

from __future__ import annotations

import pytest

from dispatch.events import Actor
from dispatch.parties import erp_team
from dispatch.parties.erp_team import LastAdmin
from dispatch.services import Services, Tx
from tests.parties import add_account, add_membership
from tests.turns import Work, one_after_the_other

CLERK = Actor("erp", "a clerk")


@pytest.mark.parametrize("is_removed", [False, True])
async def test_the_last_two_admins_cannot_both_go(services: Services, is_removed: bool) -> None:
    people = [await add_account(services, f"{name}@erp.example") for name in ("one", "two")]
    ids = [await add_membership(services, who, "erp", "admin") for who in people]

    def going(n: int) -> Work:
        async def work(tx: Tx) -> None:
            if is_removed:
                await erp_team.remove(tx, CLERK, ids[n])
            else:
                await erp_team.set_role(tx, CLERK, ids[n], "clerk")

        return work

    _, refused = await one_after_the_other(services, going(0), going(1))
    assert isinstance(refused, LastAdmin)
    async with services.read() as conn:
        left = [(c.id, c.role) for c in await erp_team.page(conn) if c.role == "admin" and c.status == "active"]
    assert left == [(ids[1], "admin")]


async def test_asking_the_last_admin_in_again_as_less_leaves_somebody_who_keeps_the_team(services: Services) -> None:
    kept = await add_membership(services, await add_account(services, "one@erp.example"), "erp", "admin")

    async def invite(role: str) -> None:
        async with services.transaction() as tx:
            await erp_team.invite(tx, CLERK, "One@erp.example", "One", role)

    with pytest.raises(LastAdmin):
        await invite("viewer")
    async with services.read() as conn:
        assert (await erp_team.get(conn, kept)).role == "admin"
    await invite("admin")
    await add_membership(services, await add_account(services, "two@erp.example"), "erp", "admin")
    await invite("viewer")


async def test_two_admins_who_ask_each_other_in_as_less_do_not_both_become_less(services: Services) -> None:
    for name in ("one", "two"):
        await add_membership(services, await add_account(services, f"{name}@erp.example"), "erp", "admin")

    def inviting(name: str) -> Work:
        async def work(tx: Tx) -> None:
            await erp_team.invite(tx, CLERK, f"{name}@erp.example", name, "viewer")

        return work

    _, refused = await one_after_the_other(services, inviting("one"), inviting("two"))
    assert isinstance(refused, LastAdmin)


async def test_who_was_only_invited_keeps_nothing(services: Services) -> None:
    """An address that was misspelt would lock everybody out."""
    me = await add_membership(services, await add_account(services, "me@erp.example"), "erp", "admin")
    async with services.transaction() as tx:
        await erp_team.invite(tx, CLERK, "nobdoy@erp.example", "Nobody", "admin")
    with pytest.raises(LastAdmin):
        async with services.transaction() as tx:
            await erp_team.remove(tx, CLERK, me)
    with pytest.raises(LastAdmin):
        async with services.transaction() as tx:
            await erp_team.set_role(tx, CLERK, me, "viewer")
    async with services.transaction() as tx:
        pending = next(c for c in await erp_team.page(tx.conn) if c.id != me)
        await erp_team.remove(tx, CLERK, pending.id)


async def test_an_invitation_takes_no_last_admin_their_role(services: Services) -> None:
    ids = [
        await add_membership(services, await add_account(services, f"{name}@erp.example"), "erp", "admin")
        for name in ("one", "two")
    ]

    async def inviting(tx: Tx) -> None:
        await erp_team.invite(tx, CLERK, "one@erp.example", "One", "viewer")

    async def going(tx: Tx) -> None:
        await erp_team.remove(tx, CLERK, ids[1])

    _, refused = await one_after_the_other(services, inviting, going)
    assert isinstance(refused, LastAdmin)
    with pytest.raises(LastAdmin):
        async with services.transaction() as tx:
            await erp_team.invite(tx, CLERK, "two@erp.example", "Two", "sales")
    async with services.read() as conn:
        assert {c.id: c.role for c in await erp_team.page(conn)} == {ids[0]: "viewer", ids[1]: "admin"}
        letters = "SELECT count(*) FROM outbox WHERE recipient = 'two@erp.example'"
        assert await conn.fetchval(letters) == 0
