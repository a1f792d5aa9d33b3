"""Locks: the numbers of advisory ones are one list, and a statement that holds rows goes on holding them."""

from __future__ import annotations

import re

from storage import locks
from storage.database.binder import Statement
from tests.dispatch.engine.test_alerts import ROOT
from tests.storage.database.test_binder import REGISTRY

#: What a statement does to whoever comes second: they wait until the first has ended, ...
WAITED_FOR = """
accounts.lock addresses.lock_account analytics.lock bank_accounts.lock_party bookings.lock budgets.held
budgets.hold_allotments budgets.move bulk_bookings.lock categories.lock contact.lock custom_fields.lock
days_off.lock departments.lock earnings.lock_open enrolments.next_rows erasure.lock_bookings
erasure.lock_erp_customer erp_team.lock_admins facts.append_parties integration_payments.lock integrations.lock
integrations.managers itineraries.lock job_postings.lock ledger.lock_owner members.lock members.lock_by_email
members.lock_owner offers.lock_named offers.lock_people organisations.lock partner_imports.lock
payment_requests.lock payment_requests.lock_of_link payment_requests.lock_of_payment payment_requests.lock_open_of
payment_terms.lock payments.lock payouts.lock programs.lock promos.lock provider_applications.lock
provider_subscriptions.lock provider_team.lock provider_team.lock_by_email provider_team.lock_owner providers.lock
providers.lock_lines providers.lock_technician quotes.lock references.lock_geo_area references.lock_price_list
references.lock_salesperson references.lock_vat_tax roster.set_available rota.lock services.lock sessions.lock
staff.lock technicians.hold technicians.lock tickets.lock trade_orders.insert trade_partners.lock
trade_partners.lock_numbers webhooks.succeeded zones.lock
"""
#: ... they take what is left, ...
PASSED_OVER = """
bookings.due bookings.lock_due erasure.bookings_before gateway_events.claim_due gateway_events.hurry
intents.claim_due intents.give_up_stale intents.hurry invoice_payments.claim invoices.claim_to_send outbox.claim
platform_bills.claim_links polls.claim_payment polls.claim_payout polls.claim_refund queue.wake queue.wake_all
roster.back_again roster.gone_dark slots.lock_held tasks.take_up trade_partners.lift_expired
webhook_deliveries.claim
"""
#: ... they go on unless they want it alone, ...
SHARED = "budgets.read_allotments days_off.keep departments.hold"
#: ... or they wait where there is no row yet that could be held.
BY_NUMBER = """
accounts.lock_address integration_customers.lock_phone integrations.lock_slug services.lock_name webhooks.lock_owner
"""


def kind_of(statement: Statement) -> str | None:
    text = re.sub(r"--[^\n]*", "", statement.text)
    if "pg_advisory_xact_lock" in text:
        return "by number"
    held = re.search(r"FOR (NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)( OF \w+(, \w+)*)?( SKIP LOCKED)?", text)
    if held is None:
        return None
    return "passed over" if held[4] else "shared" if "SHARE" in held[1] else "waited for"


def test_every_statement_that_holds_rows_goes_on_holding_them() -> None:
    """One that lost its lock would fail in a race only, once in a month."""
    found = {f"{s.noun}.{s.name}": kind for s in REGISTRY if (kind := kind_of(s)) is not None}
    kinds = {"waited for": WAITED_FOR, "passed over": PASSED_OVER, "shared": SHARED, "by number": BY_NUMBER}
    assert found == {name: kind for kind, names in kinds.items() for name in names.split()}


def test_lock_numbers_are_one_list_and_mean_one_thing_each() -> None:
    numbers = [value for name, value in vars(locks).items() if name.isupper()]
    assert len(numbers) == len(set(numbers)) >= 3
    for folder in ("storage", "dispatch", "api"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.sql")]:
            if path.name == "locks.py" or "migrations" in path.parts:
                continue
            for call in re.findall(r"advisory\w*lock\w*\(([^)]*)\)", path.read_text("utf-8")):
                assert not re.search(r"\d{3,}", call), (path, call)


def test_nobody_locks_a_party_against_those_who_name_it() -> None:
    """Its row is named by all that it has, and named again whenever a row that names it is written twice: who holds it
    for an update of its key waits for them while they wait for what it has written."""
    seen = 0
    for path in (ROOT / "storage" / "sql").rglob("*.sql"):
        for statement in path.read_text("utf-8").split("-- name:"):
            locked = re.search(r"FROM parties( \w+)?\b[^;]*?FOR (NO KEY )?UPDATE", statement)
            if locked is not None and " JOIN " not in locked[0]:
                seen += 1
                assert locked[2], (path.name, statement)
    assert seen >= 3
