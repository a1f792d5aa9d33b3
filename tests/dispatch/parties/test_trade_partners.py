"""Trade partners where races decide: codes, rings of parents, one customer for two partners, bulk changes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.errors import DispatchError, Invalid
from dispatch.parties import trade_partners
from dispatch.parties.trade_partners import CodeTaken, CustomerTaken
from dispatch.services import Services
from tests.parties import add_account
from tests.trade import CLERK, add_partner, change_partner, partner_now


async def test_many_at_once_get_codes_of_their_own(services: Services) -> None:
    await add_partner(services, code="CL00003")
    made = await asyncio.gather(*(add_partner(services) for _ in range(8)))
    codes = {partner.code for partner in made}
    assert len(codes) == 8 and "CL00003" not in codes
    async with services.read() as conn:
        code, number = await trade_partners.suggest_code(conn, "CL")
        assert await trade_partners.suggest_code(conn, "CL") == (code, number)
    assert (await add_partner(services)).code == code
    same = await asyncio.gather(*(add_partner(services, code="X1") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(s, CodeTaken) for s in same) == 3


async def test_two_who_would_stand_above_each_other(services: Services) -> None:
    one, two = await add_partner(services), await add_partner(services)

    async def under(child: int, parent: int) -> Any:
        return await services.retrying(lambda tx: change_partner(tx, child, parent_no=parent))

    done = await asyncio.gather(under(one.no, two.no), under(two.no, one.no), return_exceptions=True)
    assert sum(isinstance(d, Invalid) for d in done) == 1


async def test_one_customer_pays_on_account_of_one_partner(services: Services) -> None:
    account_id = await add_account(services, "john@acme.com", None)
    done = await asyncio.gather(*(add_partner(services, customer=account_id) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(d, CustomerTaken) for d in done) == 2
    kept = next(d for d in done if not isinstance(d, BaseException))
    async with services.transaction() as tx:
        await trade_partners.delete(tx, CLERK, [kept.no])
    assert (await add_partner(services, customer=account_id)).customer_no == kept.customer_no


async def test_bulk_changes_in_any_order_wait_for_each_other(services: Services) -> None:
    nos = [(await add_partner(services)).no for _ in range(5)]

    async def delete(wanted: list[int]) -> Any:
        async with services.transaction() as tx:
            return await trade_partners.delete(tx, CLERK, wanted)

    done = await asyncio.gather(delete(nos), delete(nos[::-1]), return_exceptions=True)
    assert 5 in done and sum(isinstance(d, Invalid) for d in done) == 1


async def test_the_shared_head_follows(services: Services) -> None:
    partner = await add_partner(services, email="a@acme.com")
    async with services.transaction() as tx:
        await change_partner(tx, partner.no, name="Renamed", code="R-1", email=None)
    async with services.read() as conn:
        head = await conn.fetchrow("SELECT kind, code, name, email FROM parties WHERE id = $1", partner.party_id)
    assert tuple(head) == ("trade_partner", "R-1", "Renamed", None)
    assert (await partner_now(services, partner.no)).code == "R-1"
    with pytest.raises(DispatchError):
        await partner_now(services, 10**9)
