"""A provider's payouts: of what it earned, on their day, by hand, and never more than there is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dispatch.billing import (
    ledger,
    ledger_check,
    payout_sending,
    payouts,
    provider_payouts,
    provider_transactions,
    provider_wallet,
)
from dispatch.billing.payouts import BalanceTooSmall, PayoutState
from dispatch.billing.provider_payouts import AccountChanged
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.errors import Conflict, Invalid
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import bank_accounts, provider_settings, providers
from dispatch.parties.bank_accounts import Change
from storage.database.listing import Wanted
from storage.payouts import Payout
from tests.dispatch.billing.till import Till
from tests.providers import Owned, add_provider, enlist, fund
from tests.turns import until_waiting

ACTOR = Actor("provider", "somebody")
#: 70 per cent of 1771.20.
SHARE = 123984


async def with_bank(till: Till, **values: object) -> Owned:
    """A provider that can be paid."""
    owned = await add_provider(till.world.services, **values)
    async with till.world.services.transaction() as tx:
        change = Change("0123452939", "First Bank", "A Provider", "HDFC0001234")
        await bank_accounts.merge(tx, owned.id, change)
    return owned


async def ask(till: Till, owned: Owned, minor: int, currency: str = "INR") -> Payout:
    return await till.world.services.retrying(
        lambda tx: provider_payouts.request(tx, owned.id, minor, currency, description=None, actor=ACTOR)
    )


async def available(till: Till, owned: Owned, currency: str = "INR") -> int:
    async with till.world.services.read() as conn:
        held = await provider_wallet.balances(conn, owned.id)
    return next((b.available_minor for b in held if b.currency == currency), 0)


async def lines(till: Till, owned: Owned) -> dict[str, tuple[str, str, int]]:
    """The statement: category -> (type, status, amount)."""
    async with till.world.services.read() as conn:
        found = await provider_transactions.page(conn, owned.id, Wanted(limit=100))
    return {t.category: (t.type, t.status, t.amount_minor) for t in found.rows}


async def test_jobs_of_its_technicians_are_paid_to_the_provider_of_the_moment_of_acceptance(till: Till) -> None:
    owned, other = await with_bank(till), await add_provider(till.world.services)
    technician = await till.world.technician(km_north=0.5)
    await enlist(till.world.services, technician, owned)
    booking = await till.paid()
    await till.world.accept(booking.id, technician)
    await enlist(till.world.services, technician, other)
    await till.work(booking, technician)
    assert (await available(till, owned), await available(till, other)) == (SHARE, 0)
    assert await lines(till, owned) == {"provider_payment": ("credit", "settled", SHARE)}
    made = await ask(till, owned, SHARE)
    assert made.number.startswith("#") and made.status == "processing"
    await till.worker.run_due()
    async with till.world.services.read() as conn:
        assert await ledger_check.check(conn) == []


async def test_of_parallel_requests_those_succeed_that_the_balance_covers(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 1_000_000)
    outcomes = await asyncio.gather(*(ask(till, owned, 300_000 + n) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(o, Payout) for o in outcomes) == 3
    assert all(isinstance(o, Payout | BalanceTooSmall) for o in outcomes), outcomes
    assert 0 <= await available(till, owned) < 300_000


async def test_a_second_click_is_the_same_payout(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 1_000_000)
    made = await asyncio.gather(*(ask(till, owned, 200_000) for _ in range(4)))
    assert len({p.id for p in made}) == 1
    assert await available(till, owned) == 800_000
    # So much of another currency is something else.
    await fund(till.world.services, owned, 200_000, "USD")
    assert (await ask(till, owned, 200_000, "USD")).currency == "USD"


async def test_what_a_request_may_not_be(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 1_000_000)
    with pytest.raises(Invalid, match="at least"):
        await ask(till, owned, 99_999)
    with pytest.raises(Invalid, match="holds no EUR"):
        await ask(till, owned, 200_000, "EUR")
    with pytest.raises(Invalid) as caught:
        await ask(till, owned, 99_999, "EUR")
    assert caught.value.fields.keys() == {"amount", "currency"}
    with pytest.raises(BalanceTooSmall):
        await ask(till, owned, 1_000_001)
    bare = await add_provider(till.world.services)
    await fund(till.world.services, bare, 1_000_000)
    with pytest.raises(Conflict, match="bank account"):
        await ask(till, bare, 200_000)
    assert await available(till, owned) == await available(till, bare) == 1_000_000


async def test_a_large_one_waits_for_staff_who_let_it_go_or_give_it_back(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 200_000_000)
    large = till.world.services.settings.providers.review_above_minor + 1
    assert not (await ask(till, owned, large - 1)).needs_review, "up to the threshold nobody is asked"
    first, second = await ask(till, owned, large), await ask(till, owned, large + 1)
    assert first.needs_review and (first.status, second.status) == ("pending", "pending")
    with pytest.raises(PayoutState):
        async with till.world.services.transaction() as tx:
            await payout_sending.hand_over(tx, first.id)
    staff = Actor("admin", "staff-1")
    async with till.world.services.transaction() as tx:
        approved = await provider_payouts.review(tx, first.id, "approve", None, staff)
        declined = await provider_payouts.review(tx, second.id, "reject", "wrong account", staff)
    assert (approved.status, declined.status, declined.failure_reason) == ("processing", "failed", "wrong account")
    letters = await till.world.fetch("SELECT recipient, body FROM outbox WHERE template = 'payout_rejected'")
    assert [letter["recipient"] for letter in letters] == [owned.email], "only of the one that was rejected"
    assert second.number in letters[0]["body"] and letters[0]["body"].endswith("wrong account")
    assert await available(till, owned) == 200_000_000 - large - (large - 1)
    with pytest.raises(Conflict):
        async with till.world.services.transaction() as tx:
            await provider_payouts.review(tx, first.id, "reject", None, staff)


async def test_an_account_that_was_changed_under_a_review_is_reviewed_anew(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await fund(services, owned, 200_000_000)
    made = await ask(till, owned, services.settings.providers.review_above_minor + 1)
    staff = Actor("admin", "staff-1")
    async with services.transaction() as tx:
        new = await bank_accounts.replace(
            tx, owned.id, number="50100099999", ifsc="HDFC0000001", bank_name="Another", account_name="Owner"
        )
    with pytest.raises(AccountChanged):
        async with services.transaction() as tx:
            await provider_payouts.review(tx, made.id, "approve", None, staff)
    async with services.transaction() as tx:
        waiting = await payouts.get(tx.conn, made.id)
        assert (waiting.status, waiting.needs_review, waiting.bank_account_id) == ("pending", True, new.id)
        approved = await provider_payouts.review(tx, made.id, "approve", None, staff)
    assert (approved.status, approved.bank_account_id) == ("processing", new.id)


async def test_what_is_paid_by_hand_names_the_account_that_is_on_file_then(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await fund(services, owned, 200_000_000)
    made = await ask(till, owned, services.settings.providers.review_above_minor + 1)
    async with services.transaction() as tx:
        new = await bank_accounts.replace(
            tx, owned.id, number="50100099999", ifsc="HDFC0000001", bank_name="Another", account_name="Owner"
        )
        assert made.bank_account_id not in (None, new.id)
        paid = await payouts.process(tx, made.id, bank_transaction_id="UTR1")
    assert (paid.status, paid.bank_account_id) == ("completed", new.id)


async def test_a_payday_pays_once_and_a_missed_one_is_made_up_for(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await fund(services, owned, 500_000)
    assert await provider_payouts.pay_due(services) == 0, "it is Monday, and Friday pays"
    await till.world.advance(days=5)
    made = await asyncio.gather(*(provider_payouts.pay_due(services) for _ in range(3)))
    assert sum(made) == 1, "on Saturday, for Friday"
    assert await available(till, owned) == 0
    await fund(services, owned, 500_000)
    assert await provider_payouts.pay_due(services) == 0
    await till.world.advance(days=6)
    assert await provider_payouts.pay_due(services) == 1


async def test_what_is_below_the_minimum_waits_for_the_next_day(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 99_999)
    await till.world.advance(days=4)
    assert await provider_payouts.pay_due(till.world.services) == 0
    async with till.world.services.read() as conn:
        provider = (await conn.fetchrow("SELECT paid_out_on FROM providers WHERE id = $1", owned.id))["paid_out_on"]
    assert provider == (till.world.now + timedelta(hours=5.5)).date()


async def test_money_that_comes_back_is_available_again_and_the_line_says_failed(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 500_000)
    made = await ask(till, owned, 500_000)
    assert await lines(till, owned) == {"payout": ("debit", "pending", 500_000)}
    for _ in range(10):
        # The bank takes its time; it is asked again after a while.
        await till.worker.run_due()
        if await till.world.value("SELECT status FROM payouts WHERE id = $1", made.id) == "completed":
            break
        await till.world.advance(minutes=20)
    async with till.world.services.transaction() as tx:
        sent = await payouts.lock(tx, made.id)
        assert sent.status == "completed"
        await payouts.came_back(tx, sent, "account closed")
    assert await lines(till, owned) == {"payout": ("debit", "failed", 500_000)}
    assert await available(till, owned) == 500_000
    # Somebody looks at the account before the next payday sends to it again.
    [letter] = await till.world.fetch("SELECT recipient, body FROM outbox WHERE template = 'payout_failed'")
    assert letter["recipient"] == owned.email and made.number in letter["body"]
    assert letter["body"].endswith("account closed")


async def days_until_the_next(till: Till, owned: Owned) -> int:
    async with till.world.services.read() as conn:
        provider = await providers.get(conn, owned.id)
    now = till.world.now
    return (provider_payouts.next_day(provider, now) - local(now, provider.timezone).date()).days


async def test_an_empty_payday_is_over_and_what_comes_after_it_waits_for_the_next(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await till.world.advance(days=4)
    assert await days_until_the_next(till, owned) == 0, "today, while today's has not left"
    assert await provider_payouts.pay_due(services) == 0, "it is Friday, and there is nothing"
    assert await days_until_the_next(till, owned) == 7
    await till.world.advance(days=2)
    await fund(services, owned, 500_000)
    assert await provider_payouts.pay_due(services) == 0, "it is Sunday"
    await till.world.advance(days=5)
    assert await provider_payouts.pay_due(services) == 1


async def test_a_payday_without_an_account_is_written_of_and_made_up_for_once_there_is_one(till: Till) -> None:
    services = till.world.services
    owned, poor = await add_provider(services), await add_provider(services)
    await fund(services, owned, 500_000)
    await fund(services, poor, 99_999)
    await till.world.advance(days=4)
    for _ in range(3):
        assert await provider_payouts.pay_due(services) == 0, "it is Friday, and nobody knows where to"
        await till.world.advance(hours=20)
    [letter] = await till.world.fetch("SELECT recipient, body FROM outbox WHERE template = 'account_needed'")
    assert letter["recipient"] == owned.email and "5,000" in letter["body"]
    await till.world.advance(days=7)
    assert await provider_payouts.pay_due(services) == 0
    asked = "SELECT count(*) FROM outbox WHERE template = 'account_needed'"
    assert await till.world.value(asked) == 2, "a week later once more"
    async with services.transaction() as tx:
        change = Change("0123452939", "First Bank", "A Provider", "HDFC0001234")
        await provider_payouts.set_account(tx, owned.id, change, ACTOR)
    assert await provider_payouts.pay_due(services) == 1
    assert await available(till, owned) == 0
    assert await provider_payouts.pay_due(services) == 0


async def test_a_new_account_is_told_to_the_owner_too_and_stands_in_the_audit(till: Till) -> None:
    """Whoever may change it may have named another address for the bills a moment before."""
    services = till.world.services
    owned = await add_provider(services)

    async def change(number: str) -> None:
        async with services.transaction() as tx:
            await provider_payouts.set_account(tx, owned.id, Change(number, "First Bank", "A Provider"), ACTOR)

    async def told() -> list[str]:
        found = "SELECT recipient FROM outbox WHERE template = 'bank_account_changed' ORDER BY id"
        return [row["recipient"] for row in await till.world.fetch(found)]

    for _ in range(2):
        await change("0123452939")
    assert await told() == [owned.email], "one letter where both are one, and none of what stays as it is"
    async with services.transaction() as tx:
        await provider_settings.set_billing(tx, owned.id, email="bills@example.com", period=None)
    await change("9876543210")
    assert await told() == [owned.email, "bills@example.com", owned.email]
    audited = await till.world.fetch(
        "SELECT actor_id, changes FROM audit_log WHERE action = 'payouts.account' ORDER BY id"
    )
    assert [(a["actor_id"], a["changes"]["account_last4"]) for a in audited] == [
        ("somebody", {"old": None, "new": "2939"}), ("somebody", {"old": "2939", "new": "3210"}),
    ]  # fmt: skip


async def test_a_new_schedule_pays_from_its_own_day_on(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await till.world.advance(days=3)
    await fund(services, owned, 500_000)
    # Half past six in the evening in UTC is midnight where the provider is.
    await till.world.advance(hours=(18.75 - till.world.now.hour - till.world.now.minute / 60))
    async with services.transaction() as tx:
        changed = await provider_payouts.set_schedule(tx, owned.id, frequency=None, day="wednesday", currency=None)
    assert changed.payouts_from == (till.world.now + timedelta(hours=5.5)).date()
    assert changed.payouts_from != till.world.now.date()
    assert await provider_payouts.pay_due(services) == 0, "Wednesday was yesterday, and this schedule begins today"
    await till.world.advance(days=6)
    assert await provider_payouts.pay_due(services) == 1


async def test_a_provider_that_was_paid_long_ago_is_not_made_up_to_from_before_its_schedule(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    await till.world.advance(days=4)
    assert await provider_payouts.pay_due(services) == 0
    await till.world.advance(days=10)
    async with services.transaction() as tx:
        await provider_payouts.set_schedule(tx, owned.id, frequency="weekly", day="saturday", currency=None)
    await fund(services, owned, 500_000)
    assert await provider_payouts.pay_due(services) == 0, "it is Monday; last Saturday was before"
    await till.world.advance(days=5)
    assert await provider_payouts.pay_due(services) == 1


async def test_the_sums_of_a_span_begin_with_its_first_moment_and_end_before_its_last(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 500_000)
    made = await ask(till, owned, 200_000)
    second = timedelta(microseconds=1)
    async with till.world.services.read() as conn:
        for from_at, to_at, count in (
            (made.created_at, made.created_at + second, 1), (made.created_at - second, made.created_at, 0),
            (made.created_at + second, None, 0),
        ):  # fmt: skip
            assert (await payouts.sums(conn, owned.id, "INR", from_at, to_at)).payouts == count


async def test_what_is_not_in_the_houses_currency_waits_for_staff(till: Till) -> None:
    owned = await with_bank(till)
    await fund(till.world.services, owned, 500_000, "USD")
    made = await ask(till, owned, 200_000, "USD")
    assert made.needs_review and made.status == "pending"


async def test_a_request_while_a_job_is_paid_deadlocks_with_nobody(till: Till) -> None:
    owned = await with_bank(till)
    services = till.world.services
    technician = await till.world.technician(km_north=0.5)
    await enlist(services, technician, owned)
    booking = await till.paid()
    await till.world.accept(booking.id, technician)
    await till.work(booking, technician)
    before = await till.deadlocks()
    async with services.transaction() as tx:
        # Earnings before the balance, as every payout locks them.
        await tx.conn.execute("SELECT FROM earnings WHERE payee_id = $1 FOR UPDATE", owned.id)
        task = asyncio.create_task(ask(till, owned, SHARE))
        await until_waiting(till.world.services, task)
        await ledger.lock_owner(tx, "party", owned.id, "INR")
    assert (await task).net_minor == SHARE
    assert await till.deadlocks() == before


async def test_a_line_that_is_written_after_its_money_waits_for_nobody_who_asks_for_a_payout(till: Till) -> None:
    """What pays a provider holds its wallet when it writes the line; who is paid out comes the other way."""
    owned = await with_bank(till)
    services = till.world.services
    await fund(services, owned, 500_000)
    before = await till.deadlocks()
    async with services.transaction() as tx:
        await ledger.lock_owner(tx, "party", owned.id, "INR")
        task = asyncio.create_task(ask(till, owned, 200_000))
        await until_waiting(services, task)
        line = NewTransaction(owned.id, "credit", "payment_received", "settled", 1_000, "INR", "PAY-1", "link")
        assert await provider_transactions.add(tx, line) is not None
    assert (await task).net_minor == 200_000
    assert await till.deadlocks() == before
