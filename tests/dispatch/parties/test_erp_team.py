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
    people = [await add_account(services, f"{name}@erp.example", None) for name in ("one", "two")]
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
