"""Trade partners where races decide: codes, rings of parents, one customer for two partners, bulk changes at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dispatch.clock import Reading
from dispatch.errors import DispatchError, Invalid
from dispatch.parties import partner_search, partner_status, references, trade_partners
from dispatch.parties.trade_partners import CodeTaken, CustomerTaken, Form, TooMany
from dispatch.process.runtime import set_clock
from dispatch.services import Services
from storage import trade_partners as rows
from storage.database import listing
from storage.database.listing import Wanted
from storage.references import Salesperson
from tests.parties import add_account
from tests.statements import counted
from tests.trade import CLERK, add_partner, change_partner, partner_now
from tests.turns import side_by_side, until_waiting


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


async def test_the_next_code_steps_over_what_was_given_out_by_hand(services: Services) -> None:
    """However long the run is, in one statement; and beyond it nothing is skipped."""
    first = await add_partner(services)
    number = int(first.code.removeprefix("CL"))
    for n in range(number + 1, number + 31):
        await add_partner(services, code=f"CL{n:05d}")
    with counted(services.pool) as heard:
        made = await add_partner(services)
    assert made.code == f"CL{number + 31:05d}" and sum("trade_partner_number_after" in text for text in heard) == 1
    assert (await add_partner(services)).code == f"CL{number + 32:05d}"


async def test_a_code_is_never_given_to_another(services: Services) -> None:
    """Neither one that was renamed away from nor a deleted one's; its own partner may take it back."""
    renamed, deleted = await add_partner(services, code="OLD-1"), await add_partner(services, code="OLD-2")
    async with services.transaction() as tx:
        await change_partner(tx, renamed.no, code="NEW-1")
        await trade_partners.delete(tx, CLERK, [deleted.no])
    for code in ("OLD-1", "NEW-1", "OLD-2"):
        with pytest.raises(CodeTaken):
            await add_partner(services, code=code)
    numbered = await add_partner(services)
    async with services.transaction() as tx:
        assert (await change_partner(tx, renamed.no, code="OLD-1")).code == "OLD-1"
        await change_partner(tx, numbered.no, code="NUMBERED-1")
    assert (await add_partner(services)).code != numbered.code


async def test_what_only_deleted_partners_refer_to_may_be_deleted(services: Services) -> None:
    async with services.transaction() as tx:
        person = await references.add_salesperson(
            tx, CLERK, {"code": "S-77", "name": "Omar", "email": None, "phone": None, "is_active": True}
        )
        prices = await references.add_price_list(tx, CLERK, {"code": "P-77", "name": "x", "is_active": True})
    partner = await add_partner(services, salesperson_id=person.id, price_list_id=prices.id, payment_term_id=2)
    async with services.transaction() as tx:
        with pytest.raises(references.StillUsed):
            await references.delete_salesperson(tx, CLERK, person.id)
        await trade_partners.delete(tx, CLERK, [partner.no])
        await references.delete_salesperson(tx, CLERK, person.id)
        await references.delete_price_list(tx, CLERK, prices.id)
        await references.delete_payment_term(tx, CLERK, 2)


async def test_what_is_deleted_while_a_partner_takes_it(services: Services) -> None:
    """Whoever is first wins, and the other is told why."""

    async def salesperson(n: int) -> Salesperson:
        async with services.transaction() as tx:
            fields = {"code": f"R-{n}", "name": "Race", "email": None, "phone": None, "is_active": True}
            return await references.add_salesperson(tx, CLERK, fields)

    async def deleted(id: int) -> None:
        async with services.transaction() as tx:
            await references.delete_salesperson(tx, CLERK, id)

    person = await salesperson(9)
    # The partner waits for what is being deleted.
    async with services.transaction() as tx:
        await references.delete_salesperson(tx, CLERK, person.id)
        taking = asyncio.create_task(add_partner(services, salesperson_id=person.id))
        await until_waiting(services, taking)
    with pytest.raises(Invalid) as refused_because:
        await taking
    assert "salesperson_id" in refused_because.value.fields
    # The deletion waits for who takes it.
    person = await salesperson(10)
    async with services.transaction() as tx:
        await trade_partners.create(tx, CLERK, Form({"name": "A", "salesperson_id": person.id}, {}), may_credit=True)
        deleting = asyncio.create_task(deleted(person.id))
        await until_waiting(services, deleting)
    with pytest.raises(references.StillUsed):
        await deleting


async def test_a_block_that_ran_out_is_none_and_looking_writes_nothing(services: Services) -> None:
    # Time stands still at the very moment at which it ends.
    await set_clock(services, Reading(0.0, services.clock.now().timestamp(), 0.0))
    partner = await add_partner(services, "Lapsed")
    other = await add_partner(services, "Blocked", status="BLOCKED")
    async with services.transaction() as tx:
        await partner_status.block(tx, CLERK, partner.no, tx.now.date() + timedelta(days=2), "late")
    async with services.pool.connection() as conn:
        await conn.execute("UPDATE trade_partners SET blocked_until = app_now() WHERE no = $1", partner.no)
    async with services.read() as conn:
        await conn.execute("SET default_transaction_read_only = on")
        try:
            found = await trade_partners.get(conn, partner.no)
            assert (found.status, found.blocked_until, found.block_reason) == ("ACTIVE", None, None)
            blocked = await trade_partners.page(conn, Wanted(filters={"status": ["BLOCKED"]}))
            assert [p.no for p in blocked.rows] == [other.no]
            blocked = await trade_partners.page(conn, Wanted(filters={"blocked": True}))
            assert [p.no for p in blocked.rows] == [other.no]
            [active] = (await trade_partners.page(conn, Wanted(filters={"status": ["ACTIVE"]}, search="lapsed"))).rows
            assert active.no == partner.no
            figures = await trade_partners.statistics(conn)
            assert figures.total.blocked == 1
            [typed] = await partner_search.typed(conn, "lapsed")
            assert typed.status == "ACTIVE"
        finally:
            await conn.execute("RESET default_transaction_read_only")
    # Whoever changes it finds it active, and its history says that the block ran out.
    async with services.transaction() as tx:
        await partner_status.toggle(tx, CLERK, partner.no)
    async with services.read() as conn:
        changes = (await partner_status.page(conn, partner.no, Wanted())).rows
    assert [(c.old, c.new) for c in changes[:2]] == [("ACTIVE", "ON_HOLD"), ("BLOCKED", "ACTIVE")]


async def test_figures_name_the_commonest_kinds_and_count_the_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, kind in enumerate("AAABBCD"):
        await add_partner(services, partner_type=kind, channel="WEB" if n < 4 else "OTHER")
    async with services.read() as conn:
        found = await trade_partners.statistics(conn)
        assert list(found.types.named.items()) == [("A", 3), ("B", 2), ("C", 1), ("D", 1)] and found.types.others == 0
        monkeypatch.setattr(trade_partners, "MOST_KINDS", 2)
        found = await trade_partners.statistics(conn)
    assert list(found.types.named.items()) == [("A", 3), ("B", 2)] and found.types.others == 2
    assert (found.channels.named, found.channels.others) == ({"WEB": 4, "OTHER": 3}, 0)
    assert sum(found.types.named.values()) + found.types.others == found.total.total == 7


async def test_all_at_once_beyond_what_is_counted(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting decides, not how far lists count."""
    monkeypatch.setattr(listing, "MAX_COUNTED", 2)
    for n in range(4):
        await add_partner(services, city=f"Counted {n}")
    # No other test asks for these: what a statement counts to is part of its text.
    wanted = Wanted(filters={"city": "counted"}, sorts=(("region", True), ("city", True)))

    async def everybody() -> int:
        return sum([len(rows) async for _, rows in trade_partners.whole(services, wanted)])

    services.settings.erp.all_rows = 3
    with pytest.raises(TooMany):
        await everybody()
    services.settings.erp.all_rows = 4
    assert await everybody() == 4


async def test_blocks_that_ran_out_are_lifted_by_one_node_while_the_other_goes_on(services: Services) -> None:
    nos = [(await add_partner(services)).no for _ in range(2)]
    async with services.transaction() as tx:
        for no in nos:
            await partner_status.block(tx, CLERK, no, tx.now.date() + timedelta(days=2), "late")
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE trade_partners SET blocked_until = app_now()")
    _, lifted = await side_by_side(
        services, lambda tx: rows.lock(tx.conn, no=nos[0]), lambda tx: rows.lift_expired(tx.conn, numbers=None)
    )
    async with services.transaction() as tx:
        assert (lifted, await rows.lift_expired(tx.conn, numbers=None)) == (1, 1)
