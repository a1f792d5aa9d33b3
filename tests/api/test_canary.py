"""Canaries in everything that a person says: who sings them to whom, at which stage, and what is left after erasure."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from dispatch.process import housekeeping
from tests.api.live import Live, Person, live_server, until
from tests.api.test_story import make_everybody_a_beautician
from tests.identity import code_in_outbox, everything

PHONE, NEW_PHONE = "+919830011122", "+919830033344"
MAIL, NAME, STREET = "canary.mail@example.com", "Canary Name", "5 Canary Street"
LAT, LNG, PIN = 22.571234, 88.362345, "799991"
SAID = {
    "letter": "canary letter signed in", "stranger": "canary letter by phone", "mail": "canary letter by mail",
    "cancel": "canary cancel", "feedback": "canary feedback",
}  # fmt: skip
REJECT, GIVE_BACK = "canary reject", "canary give back"
#: What names the customer or their door.
PERSON = (PHONE, PHONE[1:], NEW_PHONE, MAIL, NAME, STREET, str(LAT), str(LNG), PIN)
ALL = (*PERSON, *SAID.values(), REJECT, GIVE_BACK, "canary")

#: Tables that hold what people said or are; each has a canary in this story, and none after the erasure.
HELD = {
    "accounts", "addresses", "assignments", "booking_events", "booking_words", "bookings",
    "contact_submissions", "gateway_events", "offers", "otp_challenges", "outbox", "party_events", "sessions",
}  # fmt: skip
#: Tables that hold nobody's data, and never a canary. A new table belongs to one of the two.
PLAIN = {
    "agenda", "alert_notices", "alerts", "analytics_days", "analytics_rolled", "analytics_services",
    "analytics_technicians", "api_clients", "app_clock", "audit_chain", "audit_head", "audit_log", "audit_mark",
    "bank_accounts", "message_settings", "push_tokens", "webhook_attempts", "webhook_deliveries",
    "webhook_endpoints",
    "booking_items",
    "checkout_previews", "commands", "day_counts", "document_sequences", "earnings", "idempotency_keys", "installation",
    "ledger_accounts", "ledger_journals", "ledger_postings", "match_attempts",
    "memberships", "notifications", "parties", "password_links", "payment_intents", "payments", "payout_parts",
    "payouts", "pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics", "position_history",
    "promo_codes", "promo_redemptions", "quotas", "reconciliation_items", "reconciliation_runs", "refunds", "rota",
    "schema_migrations", "service_prices", "services", "settings", "slots", "staff_recovery_codes", "staff_totp",
    "tasks", "technician_blocks",
    "technician_days_off", "technician_positions", "technicians", "zone_pincodes", "zones",
    # Providers have stories of their own.
    "email_changes", "manual_transactions", "payment_links", "payment_methods", "payment_requests",
    "provider_applications", "provider_customers", "provider_days", "provider_notifications", "provider_plans",
    "provider_subscriptions", "provider_transactions", "providers",
    # Organisations, the ERP, integrations and files have stories of their own.
    "academic_terms", "billing_settings", "budget_allocations", "budget_holds", "budget_months", "bulk_approvals",
    "bulk_bookings", "bulk_locations", "bulk_visits", "custom_field_values", "custom_fields", "delivery_notes",
    "department_approvers", "departments", "enrolment_rows", "enrolments", "erp_customers", "files", "geo_areas",
    "integration_customers", "integration_documents", "integration_notes", "integration_payments", "integration_usage",
    "integrations", "invoice_lines", "invoice_payments", "invoices", "itineraries", "itinerary_partners", "members",
    "onboarding_steps", "organisations", "payment_terms", "preferred_providers", "price_list_items", "price_lists",
    "program_credits", "program_uses", "programs", "quotes", "report_definitions", "salespeople",
    "service_categories", "support_contacts", "support_tickets", "ticket_replies", "trade_orders",
    "trade_partner_beginnings", "trade_partner_statuses", "trade_partner_terms", "trade_partners",
    "training_resources", "vat_taxes",
    "booking_approvals", "job_applications", "job_postings", "page_payments", "partner_import_rows", "partner_imports",
    "platform_bills", "platform_plans", "platform_subscriptions", "program_places", "returning_customers",
    "settlements", "tracking_links", "trade_partner_codes",
}  # fmt: skip


@dataclass
class Story:
    live: Live
    customer: Person
    first: Person
    second: Person
    stranger: Person

    async def dump(self) -> dict[str, str]:
        """Every table's rows as text."""
        found: dict[str, str] = {}
        for line in (await everything(self.live.services.pool)).splitlines():
            table, _, row = line.partition(": ")
            found[table] = found.get(table, "") + row + "\n"
        return found

    async def code(self, phone: str, purpose: str) -> str:
        await self.customer.call("POST", "/v1/auth/send-otp", {"phone_number": phone, "purpose": purpose})
        return await code_in_outbox(self.live.services, phone)

    async def step_up(self, phone: str) -> str:
        code = await self.code(phone, "reset_password")
        body = {"phone_number": phone, "otp_code": code, "purpose": "reset_password"}
        return str((await self.customer.call("POST", "/v1/auth/verify-otp", body))["data"]["step_up_token"])

    async def book(self, address_id: str) -> str:
        catalogue = (await self.customer.call("GET", "/v1/services/catalog?category=Facial&tier=Minimal"))["data"]
        prepared = await self.customer.call(
            "POST", "/v1/checkout/prepare",
            {"service_ids": [catalogue["all_services"][0]["id"]], "address_id": address_id,
             "booking_date": "2026-01-05"},
        )  # fmt: skip
        times = prepared["data"]["available_time_slots"]
        confirmed = await self.customer.call(
            "POST", "/v1/checkout/confirm",
            {"preview_id": prepared["data"]["preview_id"], "payment_method": "cash", "address_id": address_id,
             "booking_date": "2026-01-05", "booking_time": times[0], "customer_name": NAME,
             "customer_phone": PHONE, "customer_email": MAIL, "cancellation_policy_accepted": True},
            expect=201, X_Idempotency_Key=str(uuid4()),
        )  # fmt: skip
        return str(confirmed["data"]["booking"]["id"])

    async def asked(self, booking_id: str) -> Person:
        """The technician who has the open offer."""

        async def which() -> str | None:
            found = await self.live.value(
                "SELECT p.code FROM offers o JOIN parties p ON p.id = o.technician_id"
                " WHERE o.booking_id = $1::text::uuid AND o.state = 'open'", booking_id,
            )  # fmt: skip
            return None if found is None else str(found)

        code = await which()
        assert code is not None, "somebody is asked"
        return {"PT-001": self.first, "PT-002": self.second}[code]

    async def reads(self, person: Person, booking_id: str) -> str:
        """Everything that a technician can read of the booking now."""
        texts = [
            await person.call("GET", f"/v1/partner/bookings/{booking_id}", expect=None),
            await person.call("GET", "/v1/partner/bookings"),
            await person.call("GET", "/v1/partner/dashboard"),
            await person.call("GET", "/v1/partner/notifications", expect=None),
            person.heard,
        ]
        return str(texts)


@pytest.fixture
async def story(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Story]:
    async with live_server(fresh_dsn, tmp_path, technicians=2, customers=1, log_level="debug") as live:
        await make_everybody_a_beautician(live)
        people = [await live.person("technician", code) for code in ("PT-001", "PT-002")]
        for person in people:
            await person.connect()
            here = {"is_available": True, "current_lat": 22.5726, "current_lng": 88.3639}
            await person.call("PATCH", "/v1/partner/availability", here)
        stranger = await live.person("customer", "+911000100001")
        await stranger.connect()
        made = Story(live, Person(live, "customer", ""), *people, stranger)
        body = {"phone_number": PHONE, "otp_code": await made.code(PHONE, "login"), "purpose": "login"}
        signed_in = await made.customer.call("POST", "/v1/auth/verify-otp", body, User_Agent="canary phone")
        made.customer.token = signed_in["data"]["access_token"]
        await made.customer.connect()
        live.people.append(made.customer)
        yield made


def silent(text: str, canaries: tuple[str, ...]) -> None:
    found = [c for c in canaries if c in text]
    assert found == [], [text[max(0, text.index(c) - 80) : text.index(c) + 80] for c in found]


async def test_canaries(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    me = story.customer
    await me.call("PATCH", "/v1/users/profile", {"name": NAME, "email": MAIL})
    address = await me.call(
        "POST", "/v1/users/addresses",
        {"name": "Home", "address_line1": STREET, "city": "Kolkata", "state": "West Bengal", "pincode": PIN,
         "lat": LAT, "lng": LNG},
        expect=201,
    )  # fmt: skip
    await _letters(story)
    booking_id = await _first_booking(story, address["data"]["id"])
    done_id = await _second_booking(story, address["data"]["id"])
    await _change_phone(story)
    silent(str(story.stranger.heard), ALL)
    for path in ("/v1/bookings", "/v1/users/me/export", f"/v1/bookings/{done_id}", "/v1/notifications"):
        silent(str(await story.stranger.call("GET", path, expect=None)), ALL)
    exported = str(await me.call("GET", "/v1/users/me/export"))
    for canary in (NAME, MAIL, STREET, SAID["letter"], SAID["stranger"], SAID["feedback"], "booking.created"):
        assert canary in exported, canary
    # What stands under a mere address is not proved to be theirs.
    silent(exported, (SAID["mail"], REJECT, GIVE_BACK))
    # Some hours after the end nothing is left at the technicians.
    await _advance(story, hours=13)
    for person in (story.first, story.second):
        person.heard.clear()
        silent(await story.reads(person, booking_id) + await story.reads(person, done_id), PERSON)
    await _gateway_event(story, done_id)
    before = await story.dump()
    named = {t for t in before if not t.startswith("position_history_")}
    schema = set(await _tables(story)) - {t for t in await _tables(story) if t.startswith("position_history_")}
    assert schema == HELD | PLAIN, "say above whether the new table holds personal data"
    for table in named:
        sings = any(c in before[table] for c in ALL)
        assert sings is (table in HELD), (table, [c for c in ALL if c in before[table]])
    assert named >= HELD
    await me.call("DELETE", "/v1/users/me", X_Step_Up_Token=await story.step_up(NEW_PHONE))
    for table, rows in (await story.dump()).items():
        silent(f"{table}: {rows}", ALL)
    silent("\n".join(r.getMessage() for r in caplog.records), ALL)


async def test_what_is_old_is_forgotten_by_itself(story: Story) -> None:
    me = story.customer
    address = await me.call(
        "POST", "/v1/users/addresses",
        {"name": "Home", "address_line1": STREET, "city": "Kolkata", "state": "West Bengal", "pincode": PIN,
         "lat": LAT, "lng": LNG},
        expect=201,
    )  # fmt: skip
    await _letters(story)
    await _second_booking(story, address["data"]["id"])
    p = story.live.services.settings.privacy
    await _advance(story, days=p.letters_days + 1)
    await housekeeping.tidy(story.live.services)
    now = await story.dump()
    assert "contact_submissions" not in now and NAME in now["bookings"]
    await _advance(story, days=p.bookings_days - p.letters_days)
    await housekeeping.tidy(story.live.services)
    now = await story.dump()
    # The account is still there, and so are its address and the booking itself.
    assert STREET in now["addresses"] and "completed" in now["bookings"]
    for table in ("bookings", "booking_events", "offers", "assignments", "party_events"):
        silent(f"{table}: {now[table]}", ALL)
    listed = (await me.call("POST", "/v1/auth/send-otp", {"phone_number": PHONE, "purpose": "login"}))["success"]
    assert listed is True


async def _letters(story: Story) -> None:
    letter = {"name": NAME, "email": MAIL, "message": SAID["letter"]}
    await story.customer.call("POST", "/v1/contact", letter, expect=201)
    nobody = Person(story.live, "customer", "")
    by_phone = {"name": NAME, "email": "x@example.com", "phone": "098300 11122", "message": SAID["stranger"]}
    await nobody.call("POST", "/v1/contact", by_phone, expect=201)
    await nobody.call("POST", "/v1/contact", {**letter, "email": MAIL.upper(), "message": SAID["mail"]}, expect=201)


async def _first_booking(story: Story, address_id: str) -> str:
    """Rejected by one, accepted and given back by the other, cancelled by the customer."""
    booking_id = await story.book(address_id)
    one = await story.asked(booking_id)
    silent(await story.reads(one, booking_id), tuple(c for c in PERSON if c != PIN))
    await one.call("POST", f"/v1/partner/bookings/{booking_id}/reject", {"reason": REJECT})
    one.heard.clear()
    silent(await story.reads(one, booking_id), PERSON)
    two = await story.asked(booking_id)
    assert two is not one
    await two.call("POST", f"/v1/partner/bookings/{booking_id}/accept")
    mine = await story.reads(two, booking_id)
    for canary in (NAME, PHONE, STREET, str(LAT)):
        assert canary in mine
    silent(mine, (MAIL, REJECT))
    silent(await story.reads(one, booking_id), PERSON)
    await two.call("POST", f"/v1/partner/bookings/{booking_id}/cancel", {"reason": GIVE_BACK})
    two.heard.clear()
    silent(await story.reads(two, booking_id), PERSON)
    await story.customer.call("POST", f"/v1/bookings/{booking_id}/cancel", {"reason": SAID["cancel"]})
    await until(
        lambda: any(d.get("event") == "booking.cancelled" for _, d in story.customer.heard), "the cancellation is told"
    )
    timeline = await story.customer.call("GET", f"/v1/bookings/{booking_id}/timeline")
    told = str([timeline, story.customer.heard, await story.customer.call("GET", f"/v1/bookings/{booking_id}")])
    silent(told, (REJECT, GIVE_BACK, "attempts_exhausted"))
    assert SAID["cancel"] in str(timeline) and SAID["cancel"] in str(story.customer.heard)
    return booking_id


async def _second_booking(story: Story, address_id: str) -> str:
    """Done and rated."""
    booking_id = await story.book(address_id)
    person = await story.asked(booking_id)
    await person.call("POST", f"/v1/partner/bookings/{booking_id}/accept")
    for step in ("in_transit", "arrived", "in_progress"):
        await person.call("PATCH", f"/v1/partner/bookings/{booking_id}/status", {"status": step})
    await person.call("POST", f"/v1/partner/bookings/{booking_id}/complete", {})
    rated = {"rating": 5, "feedback": SAID["feedback"]}
    await story.customer.call("POST", f"/v1/bookings/{booking_id}/rate", rated)
    return booking_id


async def _change_phone(story: Story) -> None:
    token = await story.step_up(PHONE)
    body = {"phone_number": NEW_PHONE, "otp_code": await story.code(NEW_PHONE, "reset_password")}
    await story.customer.call("PUT", "/v1/users/phone", body, X_Step_Up_Token=token)


async def _gateway_event(story: Story, booking_id: str) -> None:
    """As one that came before personal fields were dropped on arrival."""
    async with story.live.services.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO payments (account_id, booking_id, kind, currency, amount_minor, receipt, gateway_order_id)"
            " SELECT account_id, id, 'online', 'INR', 1180, 'r1', 'order_1' FROM bookings WHERE id = $1::text::uuid",
            booking_id,
        )
        await tx.conn.execute(
            "INSERT INTO gateway_events (body_sha256, event_type, order_id, payload, signature, is_verified,"
            " is_processed, processed_at, next_try_at) VALUES ('\\x01', 'payment.failed', 'order_1',"
            " jsonb_build_object('email', $1::text), 's', true, true, now(), NULL)",
            MAIL,
        )


async def _advance(story: Story, **by: float) -> None:
    from datetime import timedelta

    from dispatch.process import runtime

    await runtime.set_clock(story.live.services, story.live.services.clock.shifted(timedelta(**by)))


async def _tables(story: Story) -> list[str]:
    async with story.live.services.read() as conn:
        rows = await conn.fetch(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    return [r["table_name"] for r in rows]
