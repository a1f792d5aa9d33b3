"""Bookings paid, done, cancelled and refunded through a gateway that fails at random, and the proof."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID, uuid4

from dispatch import localtime
from dispatch.billing import charges, ledger_check, payments, payouts, pricing, reconciliation, refunds
from dispatch.billing.worker import MoneyWorker
from dispatch.engine import bookings, catalogue, jobs, offers
from dispatch.engine.bookings import NewBooking, NewItem
from dispatch.engine.free_times import SlotTaken
from dispatch.errors import DispatchError
from dispatch.events import Actor
from dispatch.ports.gateway import Gateway, GatewayError
from dispatch.services import Services
from storage import intents as intent_rows
from storage import offers as offer_rows
from storage import payments as payment_rows
from storage.bookings import Booking
from storage.database.errors import StorageError
from storage.tools import money_run as rows

log = logging.getLogger(__name__)

#: Trouble with the gateway's API and webhooks while the bookings run: fault and probability per call.
API_FAULTS = (
    {"fault": "close", "probability": 0.04}, {"fault": "error_500", "probability": 0.05},
    {"fault": "garbage", "probability": 0.03}, {"fault": "wrong_shape", "probability": 0.03},
    {"fault": "throttle", "probability": 0.04}, {"fault": "html_502", "probability": 0.03},
    {"fault": "hang", "probability": 0.002, "seconds": 3},
)  # fmt: skip
WEBHOOK_FAULTS = {
    "duplicate": 1, "reorder_s": 0.3, "drop": {"probability": 0.08}, "forged": {"probability": 0.03},
}  # fmt: skip
ZONE = "Asia/Kolkata"
#: Where all customers live.
PLACE = (22.5726, 88.3639)
#: Halfway through, the gateway is out of reach altogether for so many seconds.
OUTAGE_S = 3.0
#: How long the end may take to become quiet, in seconds.
QUIET_S = 120.0


class Counterpart(Protocol):
    """The gateway's other side: the person at its checkout, and the switches of its troubles."""

    async def pay(self, order_id: str, outcome: str = "captured") -> dict[str, Any]: ...

    async def control(self, **words: Any) -> dict[str, Any]: ...

    async def state(self) -> dict[str, Any]: ...

    async def quiet(self, timeout_s: float = 10.0) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What a run did, and everything that is wrong after it: an empty `wrong` is the proof."""

    bookings: int
    seed: int
    stories: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    intents: dict[str, int] = field(default_factory=dict)
    repaired: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One run's parts. `dice` decides everything that is not the network's timing."""

    services: Services
    gateway: Gateway
    other: Counterpart
    customers: list[UUID]
    dice: random.Random
    outcome: Outcome


async def run(
    services: Services,
    gateway: Gateway,
    other: Counterpart,
    customers: list[UUID],
    *,
    count: int,
    seed: int,
    hands: int = 6,
) -> Outcome:
    """Lets `count` bookings go through trouble, `hands` at a time, heals everything, waits, and looks.

    The database and the gateway must be this run's own.
    """
    outcome = Outcome(count, seed)
    state = Run(services, gateway, other, customers, random.Random(seed), outcome)
    worker = MoneyWorker(services, gateway, first_wait_s=0.05)
    worker.start()
    await other.control(api=list(API_FAULTS), webhooks=WEBHOOK_FAULTS)
    left = iter(range(count))

    async def hand() -> None:
        for number in left:
            if number == count // 2:
                await _outage(state)
            await _story(state, number)

    try:
        await asyncio.gather(*(hand() for _ in range(hands)))
        await _heal(state)
    finally:
        await worker.stop()
    await _prove(state)
    return outcome


async def _outage(run: Run) -> None:
    """Nobody answers for a while; whoever else is at work meets that."""
    await run.other.control(api=[{"fault": "html_502", "probability": 1.0}])
    await asyncio.sleep(OUTAGE_S)
    await run.other.control(api=list(API_FAULTS))


# ---------------------------------------------------------------- one booking


async def _story(run: Run, number: int) -> None:
    """One customer's booking, as far as it gets; what is refused on the way is counted."""
    method = run.dice.choices(("online", "cash"), (9, 1))[0]
    booking = await _open(run, number, method)
    if booking is None:
        run.outcome.stories["no free time"] += 1
        return
    if method == "online" and not await _pay(run, booking):
        run.outcome.stories["never paid"] += 1
        await _attempt(run, "release", lambda: _cancel(run, booking, Actor("system"), 0))
        return
    ending = run.dice.choices(("done", "cancelled", "refunded"), (5, 3, 2))[0]
    if method == "cash":
        await _attempt(run, "search", lambda: offers.dispatch_now(run.services, booking.id))
    run.outcome.stories[f"{method}, {ending}"] += 1
    if ending == "cancelled":
        fee = run.dice.choice((0, booking.grand_total_minor // 10))
        await _attempt(run, "cancel", lambda: _cancel(run, booking, Actor("customer", str(booking.account_id)), fee))
        return
    done = await _attempt(run, "job", lambda: _do_job(run, booking))
    if not done:
        await _attempt(run, "cancel", lambda: _cancel(run, booking, Actor("admin", "run"), 0))
    elif ending == "refunded":
        await asyncio.gather(*(_refund(run, booking) for _ in range(run.dice.randint(1, 4))))


async def _open(run: Run, number: int, method: str) -> Booking | None:
    account = run.dice.choice(run.customers)
    offered = (await catalogue.current(run.services)).offered(run.services.settings.currency, category="Facial")
    service = run.dice.choice(offered)
    list_minor = service.list_price_minor or service.price_minor
    item = NewItem(service.id, service.name, service.category, service.tier, 1, 60, list_minor, service.price_minor)
    line = pricing.Line(item.price_minor, 1, item.list_price_minor)
    discount = run.dice.choice((0, 0, 5000))
    sums = pricing.price([line], discount_minor=discount, tax_percent=Decimal(18))
    zone = run.services.zones.locate(PLACE[0], PLACE[1])
    today = localtime.local(run.services.clock.now(), ZONE).date()
    for _ in range(20):
        day = today + timedelta(days=run.dice.randint(1, 28))
        at = time(run.dice.randint(9, 17))
        starts_at = localtime.to_utc(day, at, ZONE)
        new = NewBooking(
            number=f"BK-RUN-{number:06d}", account_id=account, preview_id=None, address_id=None,
            address={"address_line1": "1 Test Street", "city": "Kolkata", "pincode": "700001"},
            contact={"name": "A customer", "phone": "+911234567890"}, zone_id=zone.id if zone else None,
            lat=PLACE[0], lng=PLACE[1], is_approximate=False, timezone=ZONE, local_date=day, local_time=at,
            starts_at=starts_at, duration_minutes=60, items=(item,), payment_method=method,
            currency=run.services.settings.currency, subtotal_minor=sums.subtotal_minor,
            savings_minor=sums.savings_minor, discount_minor=sums.discount_minor, tax_minor=sums.tax_minor,
            grand_total_minor=sums.grand_total_minor, promo_code_id=None, policy_accepted=True,
            wait_for_payment=method == "online",
        )  # fmt: skip
        try:
            async with run.services.transaction() as tx:
                booking = await bookings.open_booking(tx, new)
                if method == "cash":
                    await charges.open_first(tx, booking, use_wallet=False, may_owe=True)
                return booking
        except (SlotTaken, StorageError):
            continue
    return None


async def _pay(run: Run, booking: Booking) -> bool:
    """True when the booking is paid; false when its customer gave up or the gateway never worked."""
    block: dict[str, Any] | None = None
    use_wallet = run.dice.random() < 0.3
    for _ in range(4):
        try:
            block = await payments.start(run.services, booking, use_wallet=use_wallet)
            break
        except DispatchError as e:
            run.outcome.refused[e.code] += 1
            await asyncio.sleep(0.1)
    else:
        return False
    if block is None:
        return True
    manner = run.dice.choices(("pays", "fails first", "late", "gives up"), (14, 3, 1, 2))[0]
    if manner == "gives up":
        return False
    if manner != "pays":
        await run.other.pay(block["order_id"], "failed" if manner == "fails first" else "authorized_late")
    reply = await run.other.pay(block["order_id"])
    if run.dice.random() < 0.6:
        await _attempt(run, "verify", lambda: _verify(run, booking, reply))
    for _ in range(10):
        async with run.services.read() as conn:
            if (await payment_rows.settled_of_booking(conn, booking_id=booking.id) or _NONE).captured_minor:
                return True
        await asyncio.sleep(0.1)
    return False


_NONE = payment_rows.Settled(0, 0, 0, 0, 0)


async def _verify(run: Run, booking: Booking, reply: dict[str, Any]) -> Any:
    return await payments.verify(
        run.services, booking.account_id, order_id=reply["razorpay_order_id"],
        payment_id=reply["razorpay_payment_id"], signature=reply["razorpay_signature"],
    )  # fmt: skip


async def _do_job(run: Run, booking: Booking) -> bool:
    async with run.services.transaction() as tx:
        offer = await offer_rows.open_of_booking(tx.conn, booking_id=booking.id)
        if offer is None:
            return False
        await offers.accept(tx, offer.technician_id, offer)
    async with run.services.transaction() as tx:
        for step in ("in_transit", "arrived"):
            await jobs.advance(tx, booking.id, offer.technician_id, step)
        await jobs.complete(tx, booking.id, offer.technician_id)
    return True


async def _cancel(run: Run, booking: Booking, actor: Actor, fee_minor: int) -> bool:
    async with run.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, actor, "the run wants it so", fee_minor=fee_minor)
    return True


async def _refund(run: Run, booking: Booking) -> Any:
    amount = run.dice.randint(1, booking.grand_total_minor)
    to_wallet = run.dice.random() < 0.4

    async def ask() -> bool:
        async with run.services.transaction() as tx:
            await refunds.request_for_booking(
                tx,
                booking.id,
                max(amount, 100),
                reason="the run wants it so",
                requested_by="run",
                to_wallet=to_wallet,
            )
        return True

    return await _attempt(run, "refund", ask)


async def _attempt(run: Run, what: str, act: Any) -> Any:
    for _ in range(3):
        try:
            return await act()
        except DispatchError as e:
            run.outcome.refused[f"{what}: {e.code}"] += 1
            if not isinstance(e, GatewayError):
                return None
        except StorageError as e:
            run.outcome.refused[f"{what}: {e.sqlstate or 'storage'}"] += 1
    return None


# ---------------------------------------------------------------- the end


async def _heal(run: Run) -> None:
    """The troubles end; what was lost is asked about; then everything must come to rest."""
    await run.other.control(api=[], webhooks={"duplicate": 0, "reorder_s": 0, "drop": 0, "forged": 0}, settle=True)
    run.outcome.faults = dict((await run.other.state())["faults"])
    await _rest(run)
    async with run.services.transaction() as tx:
        parties = await rows.payees(tx.conn)
    for party in parties:
        await _attempt(run, "payout", lambda party=party: _pay_out(run, party))
    day = localtime.local(datetime.now(UTC), run.services.settings.timezone).date()
    for past in (1, 0):
        report = await reconciliation.reconcile(run.services, run.gateway, day - timedelta(days=past))
        run.outcome.repaired += sum(item.resolution == "repaired" for item in report.items)
        run.outcome.wrong += [f"reconciliation: {item}" for item in report.open_items]
    await _rest(run)


async def _pay_out(run: Run, party_id: UUID) -> bool:
    async with run.services.transaction() as tx:
        payout = await payouts.create(tx, party_id, method="bank_transfer", requested_by="run")
        if payout.status == "pending" and run.dice.random() < 0.5:
            await payouts.process(tx, payout.id, bank_transaction_id=f"TXN-{uuid4().hex[:10]}")
        elif payout.status == "pending":
            await payouts.fail(tx, payout.id, failure_reason="the run wants it so")
    return True


async def _rest(run: Run) -> None:
    async with asyncio.timeout(QUIET_S):
        while True:
            await run.other.quiet(QUIET_S)
            async with run.services.read() as conn:
                waiting = await rows.waiting(conn)
            if not waiting:
                return
            await asyncio.sleep(0.05)


async def _prove(run: Run) -> None:
    """Everything that must hold after any trouble; what does not is named."""
    wrong = run.outcome.wrong
    async with run.services.read() as conn:
        wrong += [f"ledger: {finding}" for finding in await ledger_check.check(conn)]
        counts = await intent_rows.count_by_state(conn)
        ours = {p.gateway_id: p for p in await rows.captured(conn)}
    run.outcome.intents = {c.state: c.intents for c in counts}
    # All of it lasted less than a day, so nothing is left for a person either.
    unfinished = ("pending", "running", "manual_review")
    wrong += [f"{c.intents} intents are {c.state}" for c in counts if c.state in unfinished]
    theirs = (await run.other.state())["payments"]
    orders: Counter[str] = Counter()
    for payment_id, told in theirs.items():
        if not told["captures"]:
            continue
        orders[told["order_id"]] += 1
        back = sum(r["amount"] for r in told["refunds"] if r["status"] != "failed")
        if told["captures"] > 1 or back > told["amount"]:
            wrong.append(f"{payment_id} was captured {told['captures']} times and refunded {back} of {told['amount']}")
        mine = ours.pop(payment_id, None)
        if mine is None or mine.captured_minor != told["amount"]:
            wrong.append(f"{payment_id} is {told} there and {mine} here")
        elif not mine.refunded_minor - mine.in_review_minor <= back <= mine.refunded_minor:
            wrong.append(f"of {payment_id} {back} went back there, and {mine} here")
    wrong += [f"{order} was paid {times} times" for order, times in orders.items() if times > 1]
    wrong += [f"{payment_id} is captured here only" for payment_id in ours]
