"""The ledger: balanced, append-only, once; and the worked example to the paisa."""

from __future__ import annotations

from uuid import uuid4

import pytest

from dispatch.billing import ledger, ledger_check
from dispatch.billing.earnings import divide
from dispatch.billing.ledger import Line, Unbalanced, merged, platform, post
from storage.database.errors import StorageError, constraint_of
from tests.dispatch.billing.till import GRAND
from tests.world import World


def test_the_worked_example_divides() -> None:
    shares = divide(GRAND, 33120, 123984)
    assert (shares.earning_minor, shares.tax_minor, shares.platform_minor) == (123984, 33120, 20016)
    assert shares.total_minor == GRAND
    assert divide(GRAND, 33120, 159408).platform_minor == -15408


def test_lines_merge_and_must_balance() -> None:
    bank, tax = platform("bank", "INR"), platform("tax_payable", "INR")
    assert merged([Line(bank, 5), Line(tax, -5), Line(bank, 1), Line(tax, -1)]) == [Line(bank, 6), Line(tax, -6)]
    assert merged([Line(bank, 5), Line(bank, -5)]) == []
    with pytest.raises(Unbalanced):
        merged([Line(bank, 5), Line(tax, -4)])
    with pytest.raises(Unbalanced):
        merged([Line(bank, 5), Line(platform("bank", "NGN"), -5)])


async def test_a_journal_is_posted_once(world: World) -> None:
    customer = await world.customer()
    lines = [Line(ledger.wallet(customer, "INR"), 500), Line(platform("refunds", "INR"), -500)]
    for expected in (True, False):
        async with world.services.transaction() as tx:
            assert await post(tx, "gift", "one", lines) is expected
    async with world.services.read() as conn:
        assert await ledger.balance(conn, ledger.wallet(customer, "INR")) == 500
        assert await ledger_check.check(conn) == []
        assert (await ledger_check.counts(conn)).postings == 2


async def test_a_wallet_never_goes_below_zero(world: World) -> None:
    customer = await world.customer()
    with pytest.raises(StorageError) as caught:
        async with world.services.transaction() as tx:
            await post(
                tx, "theft", "one",
                [Line(ledger.wallet(customer, "INR"), -1), Line(platform("refunds", "INR"), 1)],
            )  # fmt: skip
    assert constraint_of(caught.value) == "ledger_balance_sign"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_postings SET amount_minor = 1",
        "DELETE FROM ledger_postings",
        "TRUNCATE ledger_postings",
        "UPDATE ledger_journals SET kind = 'x'",
        "DELETE FROM ledger_journals",
        "TRUNCATE ledger_journals CASCADE",
    ],
)
async def test_history_cannot_be_changed(world: World, statement: str) -> None:
    async with world.services.transaction() as tx:
        await post(tx, "x", "1", [Line(platform("bank", "INR"), 5), Line(platform("refunds", "INR"), -5)])
    with pytest.raises(Exception, match="only grows"):
        await world.execute(statement)


async def test_the_database_refuses_what_does_not_balance(world: World) -> None:
    with pytest.raises(StorageError) as caught:
        async with world.services.transaction() as tx:
            await tx.conn.execute("INSERT INTO ledger_journals (kind, reference) VALUES ('x', 'empty')")
    assert constraint_of(caught.value) == "ledger_balanced"
    async with world.services.transaction() as tx:
        await post(tx, "x", "1", [Line(platform("bank", "INR"), 5), Line(platform("refunds", "INR"), -5)])
    with pytest.raises(StorageError) as caught:
        async with world.services.transaction() as tx:
            await tx.conn.execute(
                "INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)"
                " SELECT journal_id, account_id, currency, 7 FROM ledger_postings LIMIT 1"
            )
    assert constraint_of(caught.value) == "ledger_balanced"


async def test_the_check_finds_what_was_tampered_with(world: World) -> None:
    customer = await world.customer()
    async with world.services.transaction() as tx:
        await post(
            tx, "gift", str(uuid4()),
            [Line(ledger.wallet(customer, "INR"), 500), Line(platform("refunds", "INR"), -500)],
        )  # fmt: skip
    await world.execute("UPDATE ledger_accounts SET balance_minor = 499 WHERE type = 'wallet'")
    async with world.services.read() as conn:
        (finding,) = await ledger_check.check(conn)
    assert (finding.question, finding.found_minor, finding.expected_minor) == ("stale_balances", 499, 500)
    assert "cached balance" in finding.meaning
