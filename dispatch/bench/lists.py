"""The bench part of the lists: a million bookings, and every list for each sort and filter that it has.

A list either names pairs of a sort and filters that an index answers, or says in SMALL or SORTED why it needs none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any

from dispatch.bench.figures import Figure
from dispatch.bench.processes import cpu_s
from dispatch.bench.stage import Stage
from dispatch.simulation.report import percentile

# Their modules declare the lists.
from storage import (
    alerts,
    audit,
    bulk_bookings,
    contact,
    custom_reports,
    customer_bookings,
    earnings,
    enrolments,
    explain,
    files,
    integration_customers,
    integration_payments,
    integrations,
    invoice_payments,
    invoices,
    job_applications,
    job_postings,
    ledger,
    manual_transactions,
    members,
    notifications,
    payment_links,
    payment_requests,
    payouts,
    programs,
    provider_applications,
    provider_customers,
    provider_notifications,
    provider_subscriptions,
    provider_transactions,
    queue,
    quotes,
    rota,
    staff_bookings,
    technician_bookings,
    technicians,
    tickets,
    trade_orders,
    trade_partners,
    users,
    webhook_deliveries,
    webhooks,
)
from storage.database.listing import Listed, Wanted, Words
from storage.database.pool import Conn, create_pool
from storage.tools import many, many_lists

#: What a pair of sort and filters may cost that an index answers, and what any other may, in ms (p50).
INDEXED_MS, OTHERS_MS = 10.0, 300.0
#: How often a pair is asked for, and one without an index.
TIMES, TIMES_OTHERS = 40, 3
#: Days before now: a date range that a person asks for.
DAYS_BACK, DAYS_ASKED = 60, 7
#: Of which page the next answer is, by turns: it begins anew, goes on by a cursor, by a number, or deep down.
AGAIN, CURSOR, NUMBER, DEEP = "again", "cursor", "number", "deep"
WALK = (CURSOR, CURSOR, NUMBER, AGAIN, NUMBER, CURSOR, AGAIN, CURSOR, AGAIN, DEEP)
DEEP_PAGE = 400
#: What is searched for, and what that may cost where words stand beside: the beginnings of words that many have are
#: many entries of an index. Where each row is asked for its words, all of it may cost as much as any other pair.
SEARCHES = (
    ("one booking", "0000070", INDEXED_MS),
    ("a phone's end", "4567890", INDEXED_MS),
    ("a name", "priya sen", OTHERS_MS),
    ("a common word", "kolkata", OTHERS_MS),
    ("nothing", "zzzz", INDEXED_MS),
)

#: Lists that stay small in the largest house, each with why: all of it is read and put in order in a moment.
SMALL = {
    "categories.everything": "a catalogue has some dozens of them",
    "organisations.everybodys": "about a thousand, and staff look at each before it may do anything",
    "promos.everything": "staff write each by hand",
    "provider_team.of_provider": "who works at one firm",
    "providers.every": "some hundreds, each let in by staff",
    "services.everything": "a catalogue has some hundreds of them",
    "staff.all": "who works in the back office",
    "zones.all": "some hundreds of areas, which every server holds in memory",
}
#: Lists that may grow and that no index gives in their order, each with why: all of it must answer as others do.
SORTED = {
    "bulk_bookings.of_organisation": "plans and single bookings of two tables stand in one order",
    "ledger.of_debtor": "what is owed and what is left stand in one order, and a journal that moved both is one line",
    "ledger.of_owner": "an account of each currency stands in one order; a wallet has some hundred lines",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of each page, its CPU on both sides (more than anything a busy machine leaves alone), all rows."""

    times_ms: list[float]
    cpu_ms: float
    total: int

    @property
    def middle_ms(self) -> float:
        return percentile(self.times_ms, 0.5) or 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom a list is, and a value of each filter that is no date."""

    listed: Listed[Any]
    given: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)


def lists() -> list[Asked]:
    """The lists that the database is filled for: all but SMALL. A new one gets its rows in many.sql or many_lists.sql,
    and a line here.
    """
    return [*_of_bookings(), *_of_the_house(), *_of_firms(), *_of_providers()]


def _of_bookings() -> list[Asked]:
    account, technician, timezone = many.ACCOUNT_ID, many.TECHNICIAN_ID, "Asia/Kolkata"
    told = {"unread": True, "type": "booking_cancelled"}
    return [
        Asked(customer_bookings.of_account, {"account_id": account},
              {"status": "cancelled", "payment_status": "failed", "payment_method": "online"}),
        Asked(staff_bookings.everybodys, {"timezone": timezone},
              # Of each what few have, or nobody: a walk that finds nothing is the longest.
              {"status": "cancelled", "payment_status": "failed", "payment_method": "account", "account_id": account,
               "technician_id": technician, "zone_id": account, "organisation_id": many.ORGANISATION_ID,
               "system": "organisation", "currency": "USD", "category": ["Makeup"], "tier": ["Premium"], "rating": 1,
               "is_queued": True, "is_assigned": False}),
        Asked(technician_bookings.of_technician, {"technician_id": technician}, {"status": "accepted"}),
        Asked(technician_bookings.ahead, {"technician_id": technician}),
        Asked(queue.waiting, {}, {"status": ["queued"], "priority": 0}),
        Asked(earnings.of_payee, {"payee_id": technician, "timezone": timezone}, {"status": "pending"}),
        Asked(payouts.of_party, {"party_id": technician, "timezone": timezone}, {"status": "completed"}),
        Asked(payouts.everybodys, {"timezone": timezone},
              {"status": "completed", "party_id": technician, "method": "upi", "currency": "INR",
               "kind": ["technician"]}),
        Asked(notifications.of_account, {"account_id": account}, told),
        Asked(notifications.of_technician, {"technician_id": technician}, told),
        Asked(ledger.of_owner, {"owner_kind": "account", "owner_id": account, "type": "wallet"},
              {"currency": "INR", "type": ["debit"]}),
        Asked(explain.of_technician, {"technician_id": technician, "since": _now() - timedelta(days=2000)},
              {"reason": "outranked"}),
    ]  # fmt: skip


def _of_the_house() -> list[Asked]:
    """What staff have of everybody."""
    timezone, account, nobody = "Asia/Kolkata", str(many_lists.id_of("account1")), many_lists.id_of("nobody")
    organisation = many_lists.ORGANISATION_ID
    return [
        Asked(alerts.everything, {"timezone": timezone},
              {"status": "open", "kind": "kind_0", "booking_id": nobody, "technician_id": nobody}),
        Asked(audit.entries, {"timezone": timezone},
              {"admin_id": account, "resource_type": "type_1", "resource_id": "1", "action": "rare", "realm": "erp",
               "ip_address": "10.0.0.7"}),
        Asked(contact.everything, {"timezone": timezone}, {"status": "new"}),
        Asked(files.files, {},
              {"owner_kind": "technician", "owner_id": many.TECHNICIAN_ID, "purpose": "export",
               "media_type": "image/png"}),
        Asked(integrations.of_staff, {},
              {"status": "active", "partner_type": "enterprise", "onboarding_completed": True, "tag": ["rare"]}),
        Asked(invoices.everybodys, {}, {"status": "overdue", "organisation": organisation}),
        Asked(quotes.every, {},
              {"status": "pending", "service_type": "Rare", "department": nobody, "organisation": organisation}),
        Asked(rota.everything, {"timezone": timezone}, {"account_id": many_lists.id_of("account1"), "is_now": True}),
        Asked(technicians.everybody, {"currency": "INR"},
              {"status": "pending", "onboarding_status": "pending", "category": ["Makeup"], "tier": ["Premium"],
               "zone_id": nobody, "provider_id": nobody, "is_available": True, "is_active": False}),
        Asked(tickets.everybodys, {"timezone": timezone},
              {"status": "open", "category": "other", "priority": "urgent", "organisation": organisation,
               "assigned_to": many_lists.id_of("account1")}),
        Asked(users.everybody, {"currency": "INR", "timezone": timezone}, {"is_active": False, "id": nobody}),
        Asked(provider_applications.every, {}, {"status": "pending"}),
        Asked(payouts.requests, {},
              {"status": "pending", "currency": "USD", "provider_id": many_lists.PROVIDER_ID, "needs_review": True}),
        Asked(trade_orders.every, {"timezone": timezone},
              {"partner_id": 1, "status": "CONFIRMED", "unpaid": True, "code": "MANY-1", "overdue": True}),
        Asked(trade_orders.every_note, {"timezone": timezone}, {"partner_id": 1, "code": "MANY-1"}),
        Asked(trade_partners.every, {},
              {"status": "BLOCKED", "partner_type": "SUPPLIER", "channel": "WEB", "price_list_id": 1000,
               "salesperson_id": 1, "parent_partner_id": 1, "city": "rabat", "region": "rare", "is_b2b": True,
               "blocked": True, "min_credit_limit": 1, "max_credit_limit": 1}),
        Asked(trade_partners.statuses, {"partner_no": 1}),
    ]  # fmt: skip


def _of_firms() -> list[Asked]:
    """What an organisation and an app see of their own."""
    timezone, nobody = "Asia/Kolkata", many_lists.id_of("nobody")
    whole = {"organisation_id": many_lists.ORGANISATION_ID, "within": None}
    mine = {"organisation_id": many_lists.ORGANISATION_ID}
    app = {"integration_id": many_lists.INTEGRATION_ID}
    owner = {"owner_kind": "integration", "owner_id": many_lists.INTEGRATION_ID}
    return [
        Asked(invoices.of_organisation, whole, {"status": "overdue"}),
        Asked(invoice_payments.of_organisation, {**mine, "timezone": timezone},
              {"status": "failed", "method": "online"}),
        Asked(quotes.of_organisation, whole, {"status": "pending", "service_type": "Rare", "department": nobody}),
        Asked(tickets.of_organisation, {**whole, "timezone": timezone},
              {"status": "open", "category": "other", "priority": "urgent"}),
        Asked(members.of_organisation, whole,
              {"status": "suspended", "department": nobody, "access_level": "full", "role": "admin", "segment": "x"}),
        Asked(job_postings.of_organisation, mine, {"status": "closed"}),
        Asked(job_applications.of_posting, {"posting_id": many_lists.id_of("posting1")}, {"status": "rejected"}),
        Asked(programs.of_organisation, mine, {"status": "inactive", "kind": "community_program"}),
        Asked(custom_reports.of_organisation, whole),
        Asked(enrolments.rows_of, {"enrolment_id": many_lists.id_of("enrolment")}, {"status": "failed"}),
        Asked(bulk_bookings.of_organisation, {**whole, "member_id": None},
              {"status": "cancelled", "department": nobody, "type": "one_time", "category": "Makeup",
               "member": nobody}),
        Asked(bulk_bookings.visits, {"bulk_id": many_lists.id_of("bulk1")}, {"state": "failed", "location": nobody}),
        Asked(integration_customers.of_integration, {**app, "timezone": timezone}, {"phone": "+917000000001"}),
        Asked(integration_payments.of_integration, app, {"currency": "USD"}),
        Asked(ledger.of_debtor, {"owner_id": many_lists.INTEGRATION_ID, "timezone": timezone},
              {"currency": "INR", "type": ["debit"]}),
        Asked(webhooks.of_owner, owner, {"is_active": False, "event": ["rare"], "id": nobody}),
        Asked(webhook_deliveries.of_owner, {**owner, "timezone": timezone},
              {"state": "failed", "type": "rare", "endpoint_id": many_lists.id_of("endpoint1"),
               "booking_id": nobody}),
    ]  # fmt: skip


def _of_providers() -> list[Asked]:
    """What a provider sees of its own."""
    mine, customer = {"provider_id": many_lists.PROVIDER_ID}, many_lists.id_of("their customer1")
    return [
        Asked(provider_transactions.of_provider, mine,
              {"status": "pending", "type": "debit", "category": "refund", "min_amount": 10_000, "max_amount": 1_000,
               "customer_id": customer, "currency": "USD"}),
        Asked(provider_customers.of_provider, mine, {"status": "inactive", "source": "manual"}),
        Asked(provider_subscriptions.of_provider, mine, {"status": "active", "plan": "Yearly"}),
        Asked(provider_notifications.of_provider, mine, {"type": "reminder"}),
        Asked(payment_links.of_provider, mine, {"status": "inactive"}),
        Asked(payment_requests.of_provider, mine, {"status": "pending", "method": "cash", "customer_id": customer}),
        Asked(manual_transactions.of_provider, mine, {"status": "voided", "method": "pos"}),
    ]


def part(stage: Stage) -> list[Figure]:
    """Times of pages, each with its count, as whoever answers a request waits for them."""
    rows = stage.few(stage.rows)
    with stage.empty() as dsn:
        return asyncio.run(_fill_and_measure(stage, dsn, rows))


async def _fill_and_measure(stage: Stage, dsn: str, rows: int) -> list[Figure]:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        await many.fill(pool, rows, stage.say)
        async with pool.connection() as conn:
            await many_lists.fill(conn, rows)
        stage.say("made what a house has beside them")
        found: list[Figure] = []
        async with pool.connection() as conn:
            for asked in lists():
                found += await measure(conn, asked, stage.few(TIMES))
                stage.say(f"measured {asked.listed.name}")
        return found
    finally:
        await pool.close()


async def measure(conn: Conn, asked: Asked, times: int) -> list[Figure]:
    """One list: each pair that it is indexed for, the slowest of all others, and its searches."""
    found = []
    for sorts, filters in _indexed(asked):
        wanted = Wanted(sorts=sorts, filters=filters)
        found.append(_figure(asked, _described(wanted), await _times(conn, asked, wanted, times), INDEXED_MS))
    found += await _others(conn, asked)
    for what, text, most_ms in SEARCHES if asked.listed.search is not None else ():
        taken = await _times(conn, asked, Wanted(search=text), times)
        is_quick = isinstance(asked.listed.search, Words)
        found.append(_figure(asked, f"search, {what}", taken, most_ms if is_quick else OTHERS_MS))
    return found


# ---------------------------------------------------------------- what is asked


def _indexed(asked: Asked) -> Iterator[tuple[tuple[tuple[str, bool], ...], dict[str, Any]]]:
    """The pairs that the list is indexed for, each sort both ways."""
    for sort, filters in asked.listed.indexed:
        values = {name: value_of(asked, name) for name in filters}
        for sorts in [((sort, True),), ((sort, False),)] if sort else [()]:
            yield sorts, values


def value_of(asked: Asked, name: str) -> Any:
    if name in asked.values:
        return asked.values[name]
    end = _now().date() - timedelta(days=DAYS_BACK)
    begin = end - timedelta(days=DAYS_ASKED)
    return {
        "date_from": begin, "date_to": end, "date": [end], "created_from": begin, "created_to": end,
        "from_at": _now() - timedelta(days=DAYS_BACK + DAYS_ASKED), "to_at": _now() - timedelta(days=DAYS_BACK),
    }[name]  # fmt: skip


def _described(wanted: Wanted) -> str:
    sorts = " ".join(f"{'-' if is_down else ''}{name}" for name, is_down in wanted.sorts) or "default order"
    return f"by {sorts}" + (f", {' '.join(wanted.filters)}" if wanted.filters else "")


# ---------------------------------------------------------------- how long it takes


async def _times(conn: Conn, asked: Asked, wanted: Wanted, times: int) -> Taken:
    """A walk through the list."""
    taken: list[float] = []
    page, total = wanted, 0
    backend = await many.backend(conn)
    assert backend is not None, "every session has one"
    spent_s = cpu_s(backend) + time.process_time()
    for step in islice(cycle(WALK), times):
        begun = time.perf_counter()
        found = await asked.listed.page(conn, page, **asked.given)
        taken.append((time.perf_counter() - begun) * 1000)
        total = max(total, found.total)
        page = wanted
        if step == CURSOR and found.cursor is not None:
            page = replace(wanted, cursor=found.cursor)
        elif step != AGAIN:
            page = replace(wanted, page=DEEP_PAGE if step == DEEP else found.page + 1)
    spent_s = cpu_s(backend) + time.process_time() - spent_s
    return Taken(taken, spent_s / times * 1000, total)


async def _others(conn: Conn, asked: Asked) -> list[Figure]:
    """The slowest of the pairs without an index of their own."""
    slowest: tuple[str, Taken] | None = None
    for one in asked.listed.every_wanted():
        filters = {name: value_of(asked, name) for name in one.filters}
        wanted = Wanted(sorts=one.sorts, filters=filters)
        if one.search is None and not asked.listed.is_indexed(wanted):
            taken = await _times(conn, asked, wanted, TIMES_OTHERS)
            if slowest is None or taken.middle_ms > slowest[1].middle_ms:
                slowest = (_described(wanted), taken)
    if slowest is None:
        return []
    return [_figure(asked, f"slowest of the others ({slowest[0]})", slowest[1], OTHERS_MS)]


def _figure(asked: Asked, what: str, taken: Taken, most_ms: float) -> Figure:
    late = percentile(taken.times_ms, 0.95) or 0.0
    note = f"p95 {late:.1f} ms, CPU {taken.cpu_ms:.1f} ms, {taken.total:,} rows"
    return Figure(
        "lists", f"{asked.listed.name} {what}, p50", "ms", taken.middle_ms, wanted=f"<= {most_ms:g} ms", note=note
    )


def _now() -> datetime:
    return datetime.now(UTC)
