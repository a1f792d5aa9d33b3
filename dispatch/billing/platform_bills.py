"""Which plan of the platform a provider has, and its bills: taken from the wallet, else paid at a page, else it ends.

Whoever changes something here holds the provider's row.
"""

from __future__ import annotations

import asyncio
import calendar
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from dispatch import localtime, numbers
from dispatch.billing import ledger, one_by_one, provider_transactions, provider_wallet
from dispatch.billing.ledger import Line
from dispatch.billing.platform_plans import FREE
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.errors import Conflict, DispatchError, Invalid, Missing
from dispatch.outbox import messages
from dispatch.parties import provider_settings
from dispatch.ports.gateway import GatewayLink
from dispatch.reports import sheet
from dispatch.reports.formats import Formats, amount_text, major
from dispatch.reports.rows import Cell
from dispatch.services import Services, Tx
from storage import page_payments as page_rows
from storage import platform_bills as rows
from storage import platform_plans as plan_rows
from storage.database.errors import StorageError
from storage.database.pool import Conn
from storage.platform_bills import Bill, PlatformSubscription, Ref
from storage.providers import Provider

log = logging.getLogger(__name__)

#: So long a bill waits for its money, in days; then the plan is over.
DUE_DAYS = 14
#: Of a provider's bills so many may come to nothing in so many days; after that a plan begins only with its money.
MOST_UNPAID, UNPAID_DAYS = 3, 90
#: So many at one turn of the clock; the rest follows at the next.
MOST = 1_000
#: So many bills are shown, the newest first.
MOST_SHOWN = 100


class BillClosed(Conflict):
    """This bill is paid, or nobody asks for it any more."""

    code = "bill_closed"


class TooManyUnpaid(Conflict):
    """Your last bills were not paid: put the price of the plan into your wallet first."""

    code = "too_many_unpaid"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a provider pays the platform, when next, how many days that is from now, and what comes then."""

    name: str
    amount_minor: int
    next_on: date
    days_left: int
    next_name: str | None = None
    is_ending: bool = False


async def standing(conn: Conn, provider: Provider, today: date) -> Standing:
    """Of whoever has no plan: periods from the local day on which the provider began."""
    found = await rows.subscription(conn, provider_id=provider.id)
    if found is None:
        began = localtime.local(provider.created_at, provider.timezone).date()
        due, months = began, 0
        while due <= today:
            months += _months(provider)
            due = after_months(began, months, began.day)
        return Standing(FREE, 0, due, (due - today).days)
    left = max(0, (found.next_on - today).days)
    return Standing(
        found.plan_name, _price(found, provider), found.next_on, left, found.next_plan_name, found.is_ending
    )


def after_months(day: date, months: int, billing_day: int) -> date:
    """The billing day so many months later; a month without it has its last one instead."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(billing_day, calendar.monthrange(year, month + 1)[1]))


def _months(provider: Provider) -> int:
    return 12 if provider.billing_period == "yearly" else 1


def _price(plan: PlatformSubscription | plan_rows.PlatformPlan, provider: Provider) -> int:
    return plan.yearly_minor if provider.billing_period == "yearly" else plan.monthly_minor


# ---------------------------------------------------------------- the provider decides


async def choose(tx: Tx, provider_id: UUID, name: str) -> None:
    """A plan by its name. Whoever has paid for theirs gets another one with the next bill; all others have it at once.

    Repeated, it changes nothing; a plan that was to end goes on. A bill in the place of an unpaid one is for the same
    period and due on the same day: choosing puts nothing off. Whoever leaves bill after bill unpaid has a plan only
    once the wallet pays for it. Raises Invalid (no such plan in the currency), TooManyUnpaid.
    """
    provider = await provider_settings.lock(tx, provider_id)
    plan = await plan_rows.by_name(tx.conn, name=name, currency=provider.currency)
    if plan is None:
        raise Invalid({"plan": f"must be one of the plans in {provider.currency}"})
    known = await rows.subscription(tx.conn, provider_id=provider_id)
    unpaid = await rows.open_of(tx.conn, provider_id=provider_id)
    if known is not None and (unpaid is None or known.plan_id == plan.id):
        other = None if known.plan_id == plan.id else plan.id
        await rows.plan_next(tx.conn, provider_id=provider_id, next_plan_id=other, is_ending=False)
        return
    today = _today(tx, provider)
    begins, due_on, billing_day = today, None, today.day
    if unpaid is not None:
        await rows.void(tx.conn, id=unpaid.id)
        begins, due_on = unpaid.starts_on, unpaid.due_on
        billing_day = known.billing_day if known is not None else begins.day
    if await _issue(tx, provider, plan, begins, billing_day, due_on):
        return
    since = today - timedelta(days=UNPAID_DAYS)
    if (await rows.unpaid_since(tx.conn, provider_id=provider_id, since=since) or 0) > MOST_UNPAID:
        raise TooManyUnpaid


async def cancel(tx: Tx, provider_id: UUID) -> None:
    """The plan ends with what is paid for; of one that is not paid for yet the bill is called off, and it ends now."""
    await provider_settings.lock(tx, provider_id)
    unpaid = await rows.open_of(tx.conn, provider_id=provider_id)
    if unpaid is None:
        await rows.plan_next(tx.conn, provider_id=provider_id, next_plan_id=None, is_ending=True)
        return
    await rows.void(tx.conn, id=unpaid.id)
    await rows.end(tx.conn, provider_id=provider_id)


async def pay(services: Services, provider_id: UUID, number: str) -> Bill:
    """A page of the gateway for an open bill; the same one again. Raises Missing, BillClosed, GatewayError."""
    services.require_gateway()
    async with services.read() as conn:
        bill = await of_provider(conn, provider_id, number)
    if bill.link_is_open:
        await _hear(services, bill)
        async with services.read() as conn:
            bill = await of_provider(conn, provider_id, number)
    if bill.status != "open" or (bill.url is not None and not bill.link_is_open):
        raise BillClosed
    if bill.url is not None:
        return bill
    link = await services.gateway.find_payment_link(str(bill.id)) or await services.gateway.create_payment_link(
        bill.amount_minor, bill.currency, str(bill.id), description=f"Plan {bill.plan_name}, bill {bill.number}"
    )
    async with services.transaction() as tx:
        linked = await rows.linked(tx.conn, id=bill.id, gateway_link_id=link.id, url=link.short_url)
    assert linked is not None, "the gateway makes one page for a reference"
    if linked.status != "open":
        # Closed meanwhile: the clock closes the page too.
        raise BillClosed
    return linked


# ---------------------------------------------------------------- the clock


async def turn(services: Services) -> dict[str, int]:
    """One turn: asks after pages, makes the bills whose day has come, and collects or ends what is open.

    Each provider in a transaction of its own; one that fails stops no other and is tried at the next turn.
    """
    heard = 0
    if services.settings.payments.is_configured:
        async with services.transaction() as tx:
            waiting = await rows.claim_links(tx.conn, most=MOST)
        for bill in waiting:
            try:
                heard += await _hear(services, bill)
            except (DispatchError, StorageError) as error:
                log.warning("the page of bill %s was passed over: %s", bill.number, error)
    async with services.read() as conn:
        due = await rows.due(conn, most=MOST)
    made = await _each(services, due, _go_on)
    async with services.read() as conn:
        unpaid = await rows.open(conn, most=MOST)
    return {"heard": heard, "made": made, "closed": await _each(services, unpaid, _collect)}


async def _each(services: Services, found: Sequence[Ref], work: Callable[..., Awaitable[int]]) -> int:
    return await one_by_one.each(services, (
        (f"the plan of provider {one.provider_id}", partial(work, provider_id=one.provider_id)) for one in found
    ))  # fmt: skip


async def _go_on(tx: Tx, provider_id: UUID) -> int:
    """The next period, by the plan that was chosen for it; or the end."""
    provider = await provider_settings.lock(tx, provider_id)
    known = await rows.subscription(tx.conn, provider_id=provider_id)
    if known is None or known.next_on > _today(tx, provider):
        return 0
    if known.is_ending:
        await rows.end(tx.conn, provider_id=provider_id)
        return 0
    if await rows.open_of(tx.conn, provider_id=provider_id) is not None:
        return 0
    plan = await plan_rows.get(tx.conn, id=known.next_plan_id or known.plan_id)
    assert plan is not None, "a plan that somebody has stays"
    await _issue(tx, provider, plan, known.next_on, known.billing_day)
    return 1


async def _issue(
    tx: Tx, provider: Provider, plan: plan_rows.PlatformPlan, starts_on: date, billing_day: int,
    due_on: date | None = None,
) -> bool:  # fmt: skip
    """A bill for the period from this day on: taken from the wallet (True), or its provider is told of it.

    `due_on`: the last day of the bill that it takes the place of.
    """
    today = _today(tx, provider)
    ends_on = after_months(starts_on, _months(provider), billing_day)
    bill = await rows.insert(
        tx.conn, number=await numbers.take(tx.conn, "PB", today), provider_id=provider.id, plan_id=plan.id,
        plan_name=plan.name, starts_on=starts_on, ends_on=ends_on, amount_minor=_price(plan, provider),
        currency=plan.currency, issued_on=today,
        due_on=max(today, due_on or today + timedelta(days=DUE_DAYS)),
    )  # fmt: skip
    assert bill is not None, "an insert answers with its row"
    await rows.subscribe(
        tx.conn, provider_id=provider.id, plan_id=plan.id, next_on=ends_on, billing_day=billing_day
    )
    if await _from_wallet(tx, bill):
        return True
    await _write(tx, provider, bill, "plan_bill")
    return False


async def _collect(tx: Tx, provider_id: UUID) -> int:
    """An open bill is paid as soon as the wallet holds it; after its last day the plan is over."""
    provider = await provider_settings.lock(tx, provider_id)
    bill = await rows.open_of(tx.conn, provider_id=provider_id)
    if bill is None:
        return 0
    if await _from_wallet(tx, bill):
        return 1
    if bill.due_on >= _today(tx, provider):
        return 0
    await rows.void(tx.conn, id=bill.id)
    await rows.end(tx.conn, provider_id=provider_id)
    await _write(tx, provider, bill, "plan_over")
    return 1


async def _from_wallet(tx: Tx, bill: Bill) -> bool:
    """False: it holds less. What was taken in cash at the door is not in it."""
    held = await ledger.lock_owner(tx, "party", bill.provider_id, bill.currency)
    if held.get("payable", 0) + held.get("cash_in_hand", 0) < bill.amount_minor:
        return False
    await ledger.post(
        tx, "plan_bill", str(bill.id),
        [
            Line(ledger.payable(bill.provider_id, bill.currency), -bill.amount_minor),
            Line(ledger.platform("plan_revenue", bill.currency), bill.amount_minor),
        ],
        description=f"Bill {bill.number}",
    )  # fmt: skip
    await rows.pay(tx.conn, id=bill.id, paid_by="wallet")
    await _state(tx, bill, "debit", f"Plan {bill.plan_name}")
    return True


async def _hear(services: Services, bill: Bill) -> bool:
    """What became of a page; of a bill that is closed it is closed too. False: nothing yet. Raises GatewayError."""
    assert bill.gateway_link_id is not None, "it has its page"
    link = await services.gateway.fetch_payment_link(bill.gateway_link_id)
    if link.status == "created" and bill.status != "open":
        link = await services.gateway.cancel_payment_link(bill.gateway_link_id)
    return await hear(services, bill, link)


async def hear(services: Services, bill: Bill, link: GatewayLink) -> bool:
    """What the gateway says of a bill's page becomes what we know, once. False: nothing new."""
    if link.status not in ("paid", "cancelled", "expired"):
        return False
    return await services.retrying(partial(_heard, provider_id=bill.provider_id, bill_id=bill.id, link=link))


async def _heard(tx: Tx, provider_id: UUID, bill_id: UUID, link: GatewayLink) -> bool:
    """Money for a bill that is open pays it; other money is the provider's, in its wallet."""
    await provider_settings.lock(tx, provider_id)
    bill = await rows.get(tx.conn, id=bill_id)
    assert bill is not None, "bills stay"
    is_paid, is_surplus = link.status == "paid", link.status == "paid" and bill.status != "open"
    if not await rows.link_over(tx.conn, id=bill_id, surplus_minor=bill.amount_minor if is_surplus else 0):
        return False
    if not is_paid:
        return True
    currency, amount = bill.currency, bill.amount_minor
    into = ledger.payable(provider_id, currency) if is_surplus else ledger.platform("plan_revenue", currency)
    lines = [Line(ledger.platform("gateway_clearing", currency), -amount), Line(into, amount)]
    await ledger.post(tx, "plan_bill_at_page", link.id, lines, description=f"Bill {bill.number}")
    for gateway_payment_id in link.payment_ids:
        await page_rows.record(
            tx.conn, gateway_payment_id=gateway_payment_id, reference=bill.id, amount_minor=amount, currency=currency
        )
    if is_surplus:
        await _state(tx, bill, "credit", f"Bill {bill.number}, which was closed when it was paid")
    else:
        await rows.pay(tx.conn, id=bill_id, paid_by="link")
    return True


async def _state(tx: Tx, bill: Bill, type: str, words: str) -> None:
    """A line of the provider's statement."""
    reference = bill.number if type == "debit" else f"{bill.number}-BACK"
    await provider_transactions.add(tx, NewTransaction(
        bill.provider_id, type, "wallet", "settled", bill.amount_minor, bill.currency, reference, "wallet",
        description=words,
    ))  # fmt: skip
    await provider_wallet.tell(tx, bill.provider_id, bill.currency)


async def _write(tx: Tx, provider: Provider, bill: Bill, template: str) -> None:
    address = provider.billing_email or provider.email
    if address is None:
        return
    written = Formats(provider.date_format, provider.time_format, provider.timezone)
    await messages.enqueue(tx, "email", address, template, {
        "number": bill.number, "plan": bill.plan_name, "amount": amount_text(bill.amount_minor, bill.currency),
        "due": written.day(bill.due_on),
    })  # fmt: skip


def _today(tx: Tx, provider: Provider) -> date:
    return localtime.local(tx.now, provider.timezone).date()


# ---------------------------------------------------------------- reading


async def newest(conn: Conn, provider_id: UUID) -> list[Bill]:
    """What was billed and stands, newest first."""
    return await rows.newest(conn, provider_id=provider_id, most=MOST_SHOWN)


async def of_provider(conn: Conn, provider_id: UUID, number: str) -> Bill:
    """Raises Missing."""
    found = await rows.by_number(conn, provider_id=provider_id, number=number)
    if found is None:
        raise Missing("bill")
    return found


async def paper(provider: Provider, bill: Bill, seller: str) -> bytes:
    """The bill as a PDF, dates as the provider writes them."""
    written = Formats(provider.date_format, provider.time_format, provider.timezone)
    lines: list[tuple[str, Cell]] = [
        ("Bill", bill.number), ("To", provider.name), ("Date", written.day(bill.issued_on)),
        ("Plan", bill.plan_name), ("From", written.day(bill.starts_on)),
        ("To the day before", written.day(bill.ends_on)), ("Currency", bill.currency),
        ("Amount", major(bill.amount_minor)), ("Status", bill.status),
        ("Paid", written.moment(bill.paid_at) if bill.paid_at else None),
    ]  # fmt: skip
    return await asyncio.to_thread(sheet.drawn, f"Bill {bill.number}", seller, lines)
