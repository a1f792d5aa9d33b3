"""Bank accounts: sealed to their row, masked for everybody."""

from __future__ import annotations

import pytest

from dispatch.parties import bank_accounts
from dispatch.parties.bank_accounts import Change
from dispatch.services import Services, Tx
from dispatch.vault import SealBroken, vault_of
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, add_technician, everything
from tests.turns import one_after_the_other


async def test_a_bank_account_is_sealed_to_its_row_and_masked(services: Services, fresh_pool: Pool) -> None:
    technician_id = await add_technician(services.pool)
    for number in ("123456789012", "998877665544"):
        async with services.transaction() as tx:
            await bank_accounts.replace(
                tx, technician_id, number=number, ifsc="HDFC0001234", bank_name="HDFC Bank",
                account_name="A Technician", told_phone=OTHER_PHONE,
            )  # fmt: skip
    vault = vault_of(services.settings)
    async with services.read() as conn:
        account = await bank_accounts.find(conn, technician_id)
        assert account is not None
        assert bank_accounts.number_of(vault, account) == "998877665544"
        assert bank_accounts.masked(account) == "XXXXXX5544"
        assert await conn.fetchval("SELECT count(*) FROM bank_accounts WHERE NOT is_default") == 1
        assert await conn.fetchval("SELECT count(*) FROM outbox WHERE template = 'bank_account_changed'") == 2
    async with services.transaction() as tx:
        # A cell copied into another row opens nowhere.
        await tx.conn.execute(
            "UPDATE bank_accounts SET number_enc = "
            "(SELECT number_enc FROM bank_accounts WHERE NOT is_default) WHERE is_default"
        )
        moved = await bank_accounts.find(tx.conn, technician_id)
        assert moved is not None
        with pytest.raises(SealBroken):
            bank_accounts.number_of(vault, moved)
    dump = await everything(fresh_pool)
    assert "998877665544" not in dump and b"998877665544".hex() not in dump


async def test_of_two_changes_at_once_neither_is_lost(services: Services) -> None:
    party_id = await add_technician(services.pool)

    async def change(tx: Tx, **changed: str) -> None:
        await bank_accounts.merge(tx, party_id, Change(**changed))

    async with services.transaction() as tx:
        await change(tx, number="123456789012", bank_name="HDFC Bank", account_name="A Technician")
    await one_after_the_other(
        services, lambda tx: change(tx, number="998877665544"), lambda tx: change(tx, bank_name="Axis Bank")
    )
    async with services.read() as conn:
        account = await bank_accounts.find(conn, party_id)
    assert account is not None and (account.last4, account.bank_name) == ("5544", "Axis Bank")
