"""Every write of staff leaves an entry in the audit: one walk over all routes that staff write by."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import FormData

from api.registry import all_routes
from dispatch.access import totp
from dispatch.billing import charges, invoices
from dispatch.billing.invoices import Period
from dispatch.engine import alerts, audit, tasks
from dispatch.events import Actor
from dispatch.parties import integration_onboarding, onboarding, preferred_providers, quotes, tickets
from dispatch.parties.integrations import NewIntegration
from dispatch.parties.preferred_providers import Preference
from dispatch.parties.quotes import Wish
from dispatch.parties.tickets import TicketIn
from tests.api.admin.counter import Counter, open_counter
from tests.api.admin.test_partners import priya
from tests.api.admin.test_zones import square
from tests.api.provider.test_provider_applications import FORM
from tests.dispatch.billing.test_provider_payouts import ask, with_bank
from tests.files import PNG
from tests.integrations import BUSINESS, DOCUMENTS, URLS
from tests.organisations import add_organisation
from tests.providers import add_provider, fund

#: Signing in and its renewal: the first is audited as such, the second changes nothing of anybody's.
SIGNING = {f"POST /v1/admin/auth/{step}" for step in ("login", "totp", "refresh-token")}
ROUTES = {
    route.template for route in all_routes()
    if route.audience.name in ("admin", "provider_desk") and route.method != "GET" and not route.is_public
} - SIGNING  # fmt: skip
SERVICE = {
    "name": "Walk", "category": "Facial", "service_type": "Facial", "tier": "Minimal", "product_cost": 400,
    "market_price": 500, "duration_minutes": 30,
}  # fmt: skip
NEXT_YEAR = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}
STAFF = Actor("admin", "the walk")


@dataclass
class Walk:
    """Calls routes and wants an entry of each."""

    counter: Counter
    boss: str
    seen: set[str] = field(default_factory=set)

    async def does(self, template: str, body: Any = None, *, query: str = "", form: Any = None, **ids: Any) -> Any:
        """A write by its route; fails where it was refused, or where nothing more stands in the audit."""
        before = await self._entries()
        method, path = re.sub(r"\{(\w+)\}", lambda m: str(ids[m[1]]), template).split()
        headers = {"Authorization": f"Bearer {self.counter.staff.token}"}
        sent = {"data": form} if form is not None else {"json": body} if body is not None else {}
        async with self.counter.staff.client.request(method, path + query, headers=headers, **sent) as reply:
            answer = await reply.json()
            assert reply.status < 300, (template, reply.status, answer)
        assert await self._entries() > before, f"{template} left no entry: {answer}"
        self.seen.add(template)
        return answer.get("data")

    async def _entries(self) -> int:
        found = await self.counter.world.value(
            "SELECT count(*) FROM audit_log WHERE realm = 'admin' AND actor_id = $1", self.boss
        )
        return int(found)


@pytest.fixture(scope="module")
async def walk(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    folder: Path = tmp_path_factory.mktemp("walk")
    async with open_counter(pg_home, folder) as counter:
        boss = await counter.world.value("SELECT id FROM accounts WHERE email = 'boss@example.com'")
        yield Walk(counter, str(boss))


async def test_every_write_of_staff_leaves_an_entry(walk: Walk) -> None:
    parts = (bookings, money, catalogue, people, technicians, zones_and_files, desk, organisations, providers, machines)
    for part in (*parts, myself):
        await part(walk)
    assert walk.seen == ROUTES
    async with walk.counter.world.services.read() as conn:
        assert await audit.verify(conn) == []


def csv(content: str, name: str = "list.csv") -> FormData:
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(content.encode()), filename=name, content_type="text/csv")
    return form


def picture() -> FormData:
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(PNG), filename="a.png", content_type="image/png")
    return form


async def bookings(walk: Walk) -> None:
    world, till = walk.counter.world, walk.counter.till
    first = await world.book(hours=30, dispatch=False)
    who = await world.technician(km_north=0.2)
    await walk.does("PATCH /v1/admin/bookings/{id}", {"assignment_priority": 9}, id=first.id)
    await walk.does("POST /v1/admin/bookings/{id}/assign-partner", {"partner_id": str(who)}, id=first.id)
    moved = {"booking_date": "2026-01-07", "booking_time": "11:00"}
    await walk.does("POST /v1/admin/bookings/{id}/reschedule", moved, id=first.id)
    await walk.does("PATCH /v1/admin/bookings/{id}/status", {"status": "cancelled"}, id=first.id)
    second, third = await world.book(hours=33, dispatch=False), await world.book(hours=54, dispatch=False)
    items = [{"id": str(second.id), "partner_id": str(who)}]
    await walk.does("POST /v1/admin/bookings/batch/assign", {"items": items})
    items = [{"id": str(second.id), "status": "cancelled"}]
    await walk.does("POST /v1/admin/bookings/batch/status", {"items": items})
    await walk.does("POST /v1/admin/bookings/{id}/cancel", {"reason": "Rain"}, id=third.id)
    paid = await till.paid()
    await walk.does("POST /v1/admin/bookings/{id}/refund", {"amount": 1, "reason": "Late"}, id=paid.id)


async def money(walk: Walk) -> None:
    world, till = walk.counter.world, walk.counter.till
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.05)
    made = []
    for _ in range(3):
        await till.finish(await till.paid(), who)
        body = {"partner_id": str(who), "payment_method": "upi"}
        made.append((await walk.does("POST /v1/admin/payouts", body))["payout"]["id"])
    await walk.does("POST /v1/admin/payouts/{id}/fail", {"failure_reason": "Wrong account"}, id=made[0])
    await walk.does("POST /v1/admin/payouts/{id}/process", {"upi_transaction_id": "U1"}, id=made[1])
    items = [{"id": made[2], "upi_transaction_id": "U2"}]
    await walk.does("POST /v1/admin/payouts/batch/process", {"items": items})
    await walk.does("POST /v1/admin/payouts/{id}/returned", {"failure_reason": "Account closed"}, id=made[1])
    rupee = {"amount": 1, "currency": "INR"}
    proof = {**rupee, "reference": "R-1"}
    rich = await till.rich(100)
    paid = (await walk.does("POST /v1/admin/users/{id}/wallet/payouts", proof, id=rich))["id"]
    await walk.does("POST /v1/admin/settlements/{id}/reverse", {"reason": "Another's"}, id=paid)
    owing = (await till.owing(100)).account_id
    await walk.does("POST /v1/admin/users/{id}/fees/waive", {**rupee, "reason": "Late"}, id=owing)
    booking = await world.book()
    async with world.services.transaction() as tx:
        await charges.open_payment(tx, booking)
    await till.finish(booking, who)
    await walk.does("POST /v1/admin/partners/{id}/cash", proof, id=who)


async def catalogue(walk: Walk) -> None:
    service = (await walk.does("POST /v1/admin/services", SERVICE))["service"]["id"]
    await walk.does("PUT /v1/admin/services/{id}", {"product_cost": 410}, id=service)
    await walk.does("PATCH /v1/admin/services/{id}", {"product_cost": 420}, id=service)
    await walk.does("POST /v1/admin/services/{id}/image", form=picture(), id=service)
    await walk.does("POST /v1/admin/services/batch", {"items": [{"id": service, "product_cost": 430}]})
    lines = "name,category,service_type,tier,product_cost,duration_minutes\nIn,Facial,Facial,Minimal,100,30\n"
    await walk.does("POST /v1/admin/services/import", form=csv(lines))
    await walk.does("DELETE /v1/admin/services/{id}", id=service)
    code = {"code": "WALK", "discount_type": "percentage", "discount_value": 5, **NEXT_YEAR}
    promo = (await walk.does("POST /v1/admin/promo-codes", code))["promo_code"]["id"]
    await walk.does("PUT /v1/admin/promo-codes/{id}", {"discount_value": 6}, id=promo)
    await walk.does("PATCH /v1/admin/promo-codes/{id}", {"discount_value": 7}, id=promo)
    await walk.does("POST /v1/admin/promo-codes/batch", {"items": [{"id": promo, "is_active": False}]})
    category = (await walk.does("POST /v1/admin/categories", {"name": "Walks"}))["category"]["id"]
    await walk.does("PUT /v1/admin/categories/{id}", {"name": "Walking"}, id=category)
    await walk.does("PATCH /v1/admin/categories/{id}", {"name": "Strolls"}, id=category)
    await walk.does("DELETE /v1/admin/categories/{id}", id=category)


async def people(walk: Walk) -> None:
    body = {"email": "walker@example.com", "name": "A Colleague", "role": "support"}
    colleague = (await walk.does("POST /v1/admin/staff", body))["id"]
    await walk.does("PATCH /v1/admin/staff/{id}", {"role": "finance"}, id=colleague)
    await walk.does("POST /v1/admin/staff/{id}/reset-password", {}, id=colleague)
    shift = {"staff_id": walk.boss, "starts_at": "2026-02-01T08:00:00Z", "ends_at": "2026-02-01T16:00:00Z"}
    shift_id = (await walk.does("POST /v1/admin/rota", shift))["id"]
    await walk.does("PATCH /v1/admin/rota/{id}", {"ends_at": "2026-02-01T17:00:00Z"}, id=shift_id)
    await walk.does("DELETE /v1/admin/rota/{id}", id=shift_id)
    left = {"is_active": False, "reason": "Left"}
    await walk.does("PATCH /v1/admin/staff/{id}/status", left, id=colleague)
    await walk.does("PATCH /v1/admin/users/{id}/status", left, id=await walk.counter.world.customer())


async def technicians(walk: Walk) -> None:
    one = (await walk.does("POST /v1/admin/partners", priya()))["partner"]["id"]
    await walk.does("PUT /v1/admin/partners/{id}", {"service_radius_km": 11}, id=one)
    await walk.does("PATCH /v1/admin/partners/{id}", {"service_radius_km": 12}, id=one)
    await walk.does("POST /v1/admin/partners/{id}/verify", {"onboarding_status": "verified"}, id=one)
    await walk.does("PATCH /v1/admin/partners/{id}/availability", {"is_available": False}, id=one)
    await walk.does("PUT /v1/admin/partners/{id}/days-off/{date}", id=one, date="2026-01-20")
    await walk.does("DELETE /v1/admin/partners/{id}/days-off/{date}", id=one, date="2026-01-20")
    lines = (
        "name,phone_number,service_categories,service_tiers,service_radius_km,start,end,days\n"
        "In A File,+919876500001,Facial,Minimal,10,08:00,20:00,1-6\n"
    )
    await walk.does("POST /v1/admin/partners/import", form=csv(lines))


async def zones_and_files(walk: Walk) -> None:
    zone = (await walk.does("POST /v1/admin/zones", {"name": "Walk", "boundary": square(27.0, 88.4)}))["zone"]["id"]
    await walk.does("PUT /v1/admin/zones/{id}", {"name": "Walked"}, id=zone)
    await walk.does("PATCH /v1/admin/zones/{id}", {"is_active": False}, id=zone)
    feature = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "In"}, "geometry": '
        '{"type": "Polygon", "coordinates": [[[89, 27], [89.1, 27], [89.1, 27.1], [89, 27.1], [89, 27]]]}}]}'
    )
    await walk.does("POST /v1/admin/zones/import", form=csv(feature, "zones.geojson"))
    file = await walk.does("POST /v1/admin/files", form=picture(), query="?purpose=document")
    await walk.does("DELETE /v1/admin/files/{id}", id=file["id"])


async def desk(walk: Walk) -> None:
    world = walk.counter.world
    async with world.services.transaction() as tx:
        await alerts.raise_alert(tx, "payment_failed", "A payment failed.")
        await alerts.raise_alert(tx, tasks.HELD, "The work count was tried in vain.", subject="task:count")
        await tx.conn.execute(
            "INSERT INTO tasks (kind, key, state, error, finished_at) VALUES ('count', 'count:1', 'held', 'x', now())"
        )
    held = await world.value("SELECT id FROM alerts WHERE kind = 'task_held'")
    await walk.does("POST /v1/admin/alerts/{id}/retry", id=held)
    alert = await world.value("SELECT id FROM alerts WHERE resolved_at IS NULL ORDER BY created_at DESC LIMIT 1")
    await walk.does("POST /v1/admin/alerts/{id}/resolve", {"note": "Called"}, id=alert)
    letter = {"name": "John", "email": "john@example.com", "subject": "Service Inquiry", "message": "I would like"}
    await walk.counter.staff.call("POST", "/contact", letter)
    letter_id = await world.value("SELECT id FROM contact_submissions LIMIT 1")
    await walk.does("PATCH /v1/admin/contact-submissions/{id}", {"status": "replied"}, id=letter_id)
    await walk.does("PUT /v1/admin/settings", {"free_cancellation_minutes": 6})


async def organisations(walk: Walk) -> None:
    services = walk.counter.world.services
    home, other = await add_organisation(services), await add_organisation(services, is_active=False)
    base = "/v1/admin/organisations"
    async with services.transaction() as tx:
        await onboarding.complete(tx, other.id, "document_verification", {"documents": [{"url": "https://x.example"}]})
        await onboarding.complete(tx, other.id, "contract_signing", {"accepted": True})
        ticket = await tickets.open(tx, home.by, TicketIn("Late", "service", "They came late", "urgent"))
        quote = await quotes.request(tx, home.by, Wish("Facial", "For a day", {}))
    await walk.does(f"POST {base}/{{id}}/verify", {}, id=other.id)
    await walk.does(f"POST {base}/{{id}}/onboarding/{{step}}/reopen", id=other.id, step="contract_signing")
    await walk.does(f"PATCH {base}/{{id}}/status", {"status": "suspended", "reason": "Late"}, id=other.id)
    await walk.does(f"PATCH {base}/{{id}}/tier", {"tier": "enterprise"}, id=home.id)
    await walk.does(f"PATCH {base}/{{id}}/terms", {"volume_discount_percent": 10}, id=home.id)
    await walk.does(f"PATCH {base}/{{id}}/account-manager", {"account_id": walk.boss}, id=home.id)
    await walk.does(f"POST {base}/tickets/{{id}}/replies", {"message": "Sorry"}, id=ticket.id)
    await walk.does(f"PATCH {base}/tickets/{{id}}", {"status": "resolved"}, id=ticket.id)
    card = (await walk.does(f"PUT {base}/contacts", {"kind": "technical", "email": "t@x.example"}))["id"]
    await walk.does(f"DELETE {base}/contacts/{{id}}", id=card)
    lesson = {"type": "video", "title": "Overview", "url": "https://x.example/v", "duration_minutes": 15}
    lesson_id = (await walk.does(f"POST {base}/training", lesson))["id"]
    await walk.does(f"PUT {base}/training/{{id}}", {**lesson, "is_active": False}, id=lesson_id)
    await walk.does(f"DELETE {base}/training/{{id}}", id=lesson_id)
    answer = {"service_id": str(walk.counter.world.service_ids["Facial"]), "price": 510, "valid_until": "2027-03-31"}
    await walk.does("POST /v1/admin/quotes/{id}/answer", answer, id=quote.id)
    day = date(2026, 1, 31)
    await home.done(day)
    async with services.transaction() as tx:
        invoice = await invoices.issue(tx, home.id, Period(day - timedelta(days=30), day), kind="requested")
    named = {"first_name": "Uma", "email": "uma@organisation.example"}
    await walk.does(f"PUT {base}/{{id}}/owner", named, id=home.id)
    transfer = {"amount": 10, "reference": "UTR-1", "paid_on": "2026-02-05"}
    paid = await walk.does(f"POST {base}/invoices/{{id}}/payments", transfer, id=invoice.id)
    back, why = f"POST {base}/invoices/{{id}}/payments/{{payment_id}}/reverse", {"reason": "Another's"}
    await walk.does(back, why, id=invoice.id, payment_id=paid["id"])
    preferred = await add_provider(services)
    async with services.transaction() as tx:
        wanted = [Preference(preferred.id)]
        await preferred_providers.replace_all(tx, home.by, wanted, prefers_first=True, allows_others=True)
    path = f"PUT {base}/{{id}}/preferred-providers/{{provider_id}}"
    await walk.does(path, {"agreed_discount": 10}, id=home.id, provider_id=preferred.id)


async def providers(walk: Walk) -> None:
    world = walk.counter.world
    body = {"name": "House Clinic", "owner_name": "Ola", "owner_email": "ola@example.com"}
    made = (await walk.does("POST /v1/admin/providers", body))["id"]
    await walk.does("PUT /v1/admin/providers/{id}/owner", {"name": "Uma", "email": "uma@example.com"}, id=made)
    plan = {"name": "Walk", "currency": "INR", "monthly_price": 500, "yearly_price": 5000}
    plan_id = (await walk.does("POST /v1/admin/provider-plans", plan))["id"]
    await walk.does("PATCH /v1/admin/provider-plans/{id}", {"monthly_price": 600}, id=plan_id)
    await walk.does("DELETE /v1/admin/provider-plans/{id}", id=plan_id)
    who = await world.technician(km_north=0.3)
    path = "/v1/admin/providers/{id}/technicians/{technician_id}"
    await walk.does(f"PUT {path}", id=made, technician_id=who)
    await walk.does(f"DELETE {path}", id=made, technician_id=who)
    base = "/api/provider-applications/{application_id}"
    for n, (method, step) in enumerate((m, s) for m in ("POST", "PATCH") for s in ("approve", "reject")):
        application = await apply(walk, f"walk{n}@example.com")
        reason = {"reason": "The papers are missing"} if step == "reject" else None
        await walk.does(f"{method} {base}/{step}", reason, application_id=application)
    await walk.does(f"DELETE {base}", application_id=await apply(walk, "walk9@example.com"))
    owned = await with_bank(walk.counter.till)
    above = world.services.settings.providers.review_above_minor + 100
    await fund(world.services, owned, above)
    payout = await ask(walk.counter.till, owned, above)
    review = {"action": "reject", "reason": "Who is this?"}
    await walk.does("PATCH /api/payout-requests/admin/{payout_id}/review", review, payout_id=payout.id)


async def apply(walk: Walk, email: str) -> UUID:
    """A business that wants to be a provider."""
    form = {**FORM, "email": email, "facilityName": email}
    async with walk.counter.staff.client.post("/api/provider-applications", json=form) as reply:
        return UUID((await reply.json())["data"]["id"])


async def machines(walk: Walk) -> None:
    world = walk.counter.world
    async with world.services.transaction() as tx:
        begun = await integration_onboarding.start(
            tx, NewIntegration("Acme", "dev@acme.example", "+911234567890"), STAFF
        )
    headers, app_id = {"X-Onboarding-Token": begun.token}, begun.integration.id
    steps = {"business-info": BUSINESS, "api-setup": URLS, "verification": DOCUMENTS, "activate": {}}
    for step, body in steps.items():
        path = f"/api/partners/{app_id}/{step}"
        async with walk.counter.staff.client.put(path, json=body, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
    base, ids = "/v1/admin/integrations", {"id": app_id}
    await walk.does(f"PATCH {base}/{{id}}/limits", {"monthly_limit": 50_000}, **ids)
    await walk.does(f"POST {base}/{{id}}/notes", {"content": "Called back"}, **ids)
    transfer = {"amount": 50, "currency": "INR", "reference": "UTR-1", "paid_on": "2026-01-01"}
    paid = await walk.does(f"POST {base}/{{id}}/payments", transfer, **ids)
    mistaken = {"reason": "It was for another app."}
    await walk.does(f"POST {base}/{{id}}/payments/{{payment_id}}/reverse", mistaken, payment_id=paid["id"], **ids)
    window = {"starts_at": "2026-02-01T20:00:00Z", "ends_at": "2026-02-01T21:00:00Z", "text": "An hour"}
    await walk.does(f"POST {base}/maintenance", window)
    await walk.does(f"PATCH {base}/{{id}}/status", {"status": "suspended", "reason": "Late"}, **ids)
    base = "/v1/admin/webhooks"
    hook = {"url": "https://erp.example.com/hooks", "events": ["booking.created"]}
    made = (await walk.does(f"POST {base}", hook))["id"]
    more = {"events": ["booking.created", "booking.completed"]}
    await walk.does(f"PATCH {base}/{{webhook_id}}", more, webhook_id=made)
    await walk.does(f"POST {base}/{{webhook_id}}/rotate-secret", {}, webhook_id=made)
    await walk.does(f"POST {base}/{{webhook_id}}/test", webhook_id=made)
    await world.technician(km_north=0.1)
    await world.book(hours=30, dispatch=False)
    sent = await world.value(
        "UPDATE webhook_deliveries SET state = 'failed', finished_at = app_now() "
        "WHERE booking_id IS NOT NULL RETURNING id"
    )
    await walk.does(f"POST {base}/deliveries/{{delivery_id}}/replay", delivery_id=sent)
    span = {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    await walk.does(f"POST {base}/deliveries/replay", span)
    await walk.does(f"DELETE {base}/{{webhook_id}}", webhook_id=made)


async def myself(walk: Walk) -> None:
    """The second factor, each code of which is good once, and the way out."""
    base = "/v1/admin/auth"
    enrolled = await walk.does(f"POST {base}/totp/enrol")
    secret, step = base64.b32decode(enrolled["secret"]), int(time.time() // totp.STEP_S)
    confirmed = await walk.does(f"POST {base}/totp/confirm", {"code": totp.code_at(secret, step - 1)})
    renewed = await walk.does(f"POST {base}/totp/recovery-codes", {"code": confirmed["recovery_codes"][0]})
    await walk.does(f"POST {base}/totp/disable", {"code": renewed["recovery_codes"][0]})
    await walk.does(f"POST {base}/logout")
