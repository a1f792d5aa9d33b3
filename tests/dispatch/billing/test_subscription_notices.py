"""What customers are told of their subscriptions."""

from __future__ import annotations

from dispatch.billing import captures, provider_reminders, provider_subscriptions
from dispatch.billing.provider_subscriptions import Change
from dispatch.events import Actor
from storage.provider_subscriptions import Subscription
from tests.dispatch.billing.till import Till
from tests.providers import add_provider, subscribe

TEAM = Actor("provider")


async def told(till: Till, to: Subscription) -> list[str]:
    """The letters to its customer."""
    found = await till.world.fetch(
        "SELECT data ->> 'message' AS message FROM outbox WHERE recipient = $1 ORDER BY id", to.customer_email
    )
    return [row["message"] for row in found]


async def test_whoever_is_subscribed_reads_where_to_pay_and_where_after_the_price_has_changed(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned)
    await till.worker.run_due()
    page = "SELECT url FROM payment_requests WHERE status = 'pending'"
    [first] = await told(till, one)
    assert await till.world.value(page) in first and "\u20b93,000" in first
    assert "Jan 5, 2026" in first and "Feb 4, 2026" in first
    await provider_subscriptions.change(services, owned.id, one.id, Change(amount_minor=200_000))
    await till.worker.run_due()
    [_, second] = await told(till, one)
    assert await till.world.value(page) in second and "\u20b92,000" in second
    free = await subscribe(services, owned, 0)
    await till.worker.run_due()
    assert await told(till, free) == [], "there is nothing to pay"


async def test_whose_subscription_is_called_off_is_told_with_what_goes_back(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one, over = await subscribe(services, owned), await subscribe(services, owned, 0)
    await till.worker.run_due()
    payment_id = await till.world.value("SELECT payment_id FROM payment_requests WHERE purpose_id = $1", one.id)
    payment, said = await till.reported(payment_id)
    async with services.transaction() as tx:
        await captures.captured(tx, payment, said)
    await till.world.advance(days=15)
    for _ in range(2):
        await provider_subscriptions.cancel(services, owned.id, one.id, refund=True, actor=TEAM)
    [_, letter] = await told(till, one)
    assert "was cancelled on Jan 20, 2026" in letter and "\u20b91,500 goes back" in letter
    await provider_subscriptions.cancel(services, owned.id, over.id, refund=False, actor=TEAM)
    [bare] = await told(till, over)
    assert bare.endswith("AM.") and "goes back" not in bare


async def test_a_reminder_says_how_a_subscription_stands_whatever_it_is_called(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    running, off = [await subscribe(services, owned, 0) for _ in range(2)]
    await provider_subscriptions.cancel(services, owned.id, off.id, refund=False, actor=TEAM)
    await provider_reminders.send(services, owned.provider, [running.id, off.id], title=None, message=None)
    [ends], [_, ended] = await told(till, running), await told(till, off)
    assert "ends on Feb 4, 2026" in ends
    assert "ended on Jan 5, 2026" in ended
