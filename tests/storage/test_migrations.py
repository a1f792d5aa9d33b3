"""What the database promises whatever the code does: once is once, and no limit of money or places is passed."""

from __future__ import annotations

import re

from storage.database.pool import Conn

#: Of these there is one, index by index.
ONE: dict[str, str] = {
    "accounts_login_email": "accounts (lower(email)) WHERE (password_hash IS NOT NULL)",
    "addresses_default": "addresses (account_id) WHERE (is_default AND (deleted_at IS NULL))",
    "alerts_open": "alerts (kind, booking_id, subject) NULLS NOT DISTINCT WHERE (resolved_at IS NULL)",
    "assignments_one_per_booking": "assignments (booking_id) WHERE (state <> 'cancelled')",
    "bank_accounts_default": "bank_accounts (party_id) WHERE is_default",
    "departments_code": "departments (organisation_id, lower(code)) WHERE (deleted_at IS NULL)",
    "departments_name": "departments (organisation_id, lower(name)) WHERE (deleted_at IS NULL)",
    "email_changes_open": "email_changes (account_id) WHERE (used_at IS NULL)",
    "integration_payments_reference": (
        "integration_payments (integration_id, lower(reference)) WHERE (reversed_at IS NULL)"
    ),
    "invoice_payments_link": (
        "invoice_payments (invoice_id) WHERE ((method = 'online') AND (status = 'pending'))"
    ),
    "invoice_payments_reference": (
        "invoice_payments (organisation_id, lower(reference)) WHERE ((method = 'bank_transfer') AND "
        "(reversed_at IS NULL))"
    ),
    "invoices_once": "invoices (organisation_id, period_end) WHERE (kind = 'periodic')",
    "members_email": "members (organisation_id, lower(email)) WHERE (removed_at IS NULL)",
    "members_employee_no": "members (organisation_id, lower(employee_no)) WHERE (removed_at IS NULL)",
    "memberships_one_owner": (
        "memberships (party_id) WHERE ((realm = 'provider') AND (role = 'Owner') AND (status <> "
        "'removed'))"
    ),
    "offers_never_twice_in_a_round": "offers (booking_id, round, technician_id) WHERE (attempt IS NOT NULL)",
    "offers_one_open_per_booking": "offers (booking_id) WHERE (state = 'open')",
    "offers_one_open_per_place": "offers (technician_id, place) WHERE (state = 'open')",
    "organisations_registered_email": "organisations (lower(registered_email))",
    "organisations_registration_no": "organisations (lower(registration_no)) WHERE (status <> 'rejected')",
    "otp_live": "otp_challenges (phone, purpose) WHERE (used_at IS NULL)",
    "parties_integration_email": "parties (lower(email)) WHERE ((kind = 'integration') AND (deleted_at IS NULL))",
    "parties_technician_phone": "parties (phone) WHERE ((kind = 'technician') AND (deleted_at IS NULL))",
    "payment_intents_one_of_a_kind": "payment_intents (payment_id, kind) WHERE (payment_id IS NOT NULL)",
    "payment_methods_default": "payment_methods (party_id) WHERE (is_default AND (deleted_at IS NULL))",
    "payment_terms_name": "payment_terms (lower(name))",
    "payments_one_capture": (
        "payments (booking_id) WHERE ((captured_minor > 0) AND (surplus_of IS NULL) AND (kind <> "
        "'wallet'))"
    ),
    "payments_one_of_a_kind": "payments (booking_id, kind) WHERE (surplus_of IS NULL)",
    "payouts_one_open_request": (
        "payouts (party_id, currency, net_minor) WHERE (is_request AND (status = ANY (ARRAY['pending', "
        "'processing'])))"
    ),
    "platform_bills_open": "platform_bills (provider_id) WHERE (status = 'open')",
    "platform_plans_name": "platform_plans (lower(name), currency)",
    "program_places_name": "program_places (program_id, lower(name))",
    "provider_applications_open": (
        "provider_applications (lower(email)) WHERE ((status = 'pending') AND (deleted_at IS NULL))"
    ),
    "provider_customers_email": "provider_customers (provider_id, lower(email)) WHERE (source = 'manual')",
    "provider_plans_name": "provider_plans (provider_id, lower(name))",
    "provider_transactions_payout": "provider_transactions (payout_id, category) WHERE (payout_id IS NOT NULL)",
    "settlements_reference": (
        "settlements (kind, owner_id, lower(reference)) WHERE ((reversed_at IS NULL) AND (reference IS NOT "
        "NULL))"
    ),
    "trade_partner_terms_default": "trade_partner_terms (partner_no) WHERE is_default",
    "trade_partners_customer": "trade_partners (customer_no) WHERE (deleted_at IS NULL)",
    "trade_partners_organisation": "trade_partners (organisation_id) WHERE (deleted_at IS NULL)",
    "webhook_deliveries_key": "webhook_deliveries (endpoint_id, key) WHERE (key IS NOT NULL)",
}
#: The same as constraints.
ONCE: dict[str, str] = {
    "ledger_journals_once": "ledger_journals UNIQUE (kind, reference)",
    "memberships_account_id_realm_party_id_key": "memberships UNIQUE NULLS NOT DISTINCT (account_id, realm, party_id)",
    "integration_customers_integration_id_phone_key": "integration_customers UNIQUE (integration_id, phone)",
    "promo_redemptions_booking_id_key": "promo_redemptions UNIQUE (booking_id)",
    "provider_transactions_provider_id_reference_key": "provider_transactions UNIQUE (provider_id, reference)",
    "partner_imports_asked_key": "partner_imports UNIQUE (asked)",
    "refunds_gateway_refund_id_key": "refunds UNIQUE (gateway_refund_id)",
    "payments_gateway_payment_id_key": "payments UNIQUE (gateway_payment_id)",
    "payouts_gateway_payout_id_key": "payouts UNIQUE (gateway_payout_id)",
    "gateway_events_event_id_key": "gateway_events UNIQUE (event_id)",
    "earnings_booking_id_key": "earnings UNIQUE (booking_id)",
    "trade_orders_booking_id_key": "trade_orders UNIQUE (booking_id)",
    "delivery_notes_order_id_key": "delivery_notes UNIQUE (order_id)",
    "bulk_visits_booking_id_key": "bulk_visits UNIQUE (booking_id)",
    "bulk_visits_location_id_on_date_at_time_key": "bulk_visits UNIQUE (location_id, on_date, at_time)",
    "job_applications_posting_id_member_id_key": "job_applications UNIQUE (posting_id, member_id)",
    "slots_never_overlap": (
        "slots EXCLUDE USING gist (int8range(technician_no, technician_no, '[]') WITH &&, during WITH "
        "&&)"
    ),
    "budget_months_organisation_id_department_id_month_key": (
        "budget_months UNIQUE NULLS NOT DISTINCT (organisation_id, department_id, month)"
    ),
    "webhook_deliveries_endpoint_id_booking_id_seq_key": "webhook_deliveries UNIQUE (endpoint_id, booking_id, seq)",
}
#: What no row breaks.
NEVER: dict[str, str] = {
    # Which rules these are, and that each of them holds: tests/storage/test_bookings.py.
    "booking_is_sound": "(booking_is_sound(bookings.*))",
    "budget_never_passed": "((allow_overspend OR ((reserved_minor + spent_minor) <= amount_minor)))",
    "earnings_add_up": "((((earning_minor + tax_minor) + platform_minor) = booking_minor))",
    "earnings_never_over_paid": (
        "(((0 <= paid_minor) AND (paid_minor <= claimed_minor) AND (claimed_minor <= earning_minor)))"
    ),
    "earnings_paid_in_full": "(((status <> 'paid') OR (paid_minor = earning_minor)))",
    "invoices_never_overpaid": "(((paid_minor >= 0) AND (paid_minor <= total_minor)))",
    "job_openings_never_passed": "((accepted <= openings))",
    "organisations_tier_members": "((member_count <= member_limit))",
    "payments_never_over_refunded": "(((refunded_minor >= 0) AND (refunded_minor <= captured_minor)))",
    "payouts_have_proof": (
        "(((status <> 'completed') OR (net_minor = 0) OR (num_nonnulls(bank_transaction_id, "
        "upi_transaction_id, gateway_payout_id) > 0)))"
    ),
    "program_budget_never_passed": "(((used_minor >= 0) AND (used_minor <= budget_minor)))",
    "program_credit_never_passed": "(((used_minor >= 0) AND (used_minor <= granted_minor)))",
    "super_admin_has_all": (
        "(((realm <> 'admin') OR (role <> 'super_admin') OR (permissions = '{}'::jsonb)))"
    ),
    "credit_within_limit": "((credit_used_minor <= (credit_limit_minor + credit_over_minor)))",
    "push_tokens_sealed": "((((kind = 'page') = (p256dh IS NOT NULL)) AND ((p256dh IS NULL) = (auth IS NULL))))",
    "technicians_dark_is_not_available": "(((dark_since IS NULL) OR (NOT is_available)))",
}


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("::text", ""))


async def test_what_there_is_one_of(db: Conn) -> None:
    """Whichever is added says so here, and whichever falls away or grows weaker is missed."""
    found = await db.fetch(
        """
        SELECT c.relname AS name,
          i.indrelid::regclass || ' ' || split_part(pg_get_indexdef(c.oid), 'USING btree ', 2) AS text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'pgqueuer%'
          AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
        """
    )
    assert {row["name"]: plain(row["text"]) for row in found} == ONE


async def test_what_no_row_breaks(db: Conn) -> None:
    found = await db.fetch(
        "SELECT conname, conrelid::regclass::text AS place, pg_get_constraintdef(oid) AS text FROM pg_constraint"
        " WHERE conname = ANY($1)", [*ONCE, *NEVER],
    )  # fmt: skip
    once = {row["conname"]: plain(f"{row['place']} {row['text']}") for row in found if row["conname"] in ONCE}
    never = {row["conname"]: plain(row["text"].removeprefix("CHECK ")) for row in found if row["conname"] in NEVER}
    assert once == ONCE
    assert never == NEVER
