"""Organisations as staff see them: verified by their papers, placed, granted, answered, paid; all on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.access.dev_tokens import mint_dev_token
from dispatch.billing import invoices
from dispatch.billing.invoices import Period
from dispatch.parties import onboarding, tickets
from dispatch.parties.tickets import TicketIn
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.identity import make_services
from tests.organisations import add_organisation
from tests.parties import add_account, add_membership

BASE = "/v1/admin/organisations"


@dataclass
class Desk:
    """The back office over HTTP, as a super_admin unless told otherwise."""

    services: Services
    client: TestClient[Any, Any]
    token: str

    async def call(
        self, method: str, path: str = "", body: Any = None, *, expect: int = 200, token: str | None = None
    ) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.client.request(method, BASE + path, json=body, headers=headers) as reply:
            answer = await reply.json() if reply.content_type == "application/json" else await reply.read()
            assert reply.status == expect, (reply.status, answer)
            return answer

    async def audited(self, resource_id: Any) -> list[str]:
        async with self.services.read() as conn:
            found = await conn.fetch(
                "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY id", str(resource_id)
            )
        return [row["action"] for row in found]

    async def as_role(self, role: str) -> str:
        account_id = await add_account(self.services, f"{role}{uuid4().hex[:6]}@staff.example")
        await add_membership(self.services, account_id, "admin", role)
        async with self.services.transaction() as tx:
            return (await self.services.sessions.open(tx, "admin", account_id)).access_token


@pytest.fixture(scope="module")
async def desk(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=6)
    services = make_services(pool, folder, limits={"admin_per_minute": 10**6})
    token = await mint_dev_token(services, "admin", "boss@staff.example")
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Desk(services, client, token)
    await services.bus.close()
    await pool.close()


async def test_who_sent_its_papers_is_verified_and_told(desk: Desk) -> None:
    home = await add_organisation(desk.services, is_active=False)
    refused = await desk.call("POST", f"/{home.id}/verify", expect=409)
    assert refused["error"]["details"]["missing_steps"] == ["document_verification", "contract_signing"]
    async with desk.services.transaction() as tx:
        await onboarding.complete(tx, home.id, "document_verification", {"documents": [{"url": "https://x.example"}]})
        await onboarding.complete(tx, home.id, "contract_signing", {"accepted": True})
    shown = (await desk.call("GET", f"/{home.id}"))["data"]
    assert shown["onboarding"][0]["data"]["documents"] == [{"url": "https://x.example"}]
    assert (shown["status"], shown["onboarding_progress"]) == ("pending_verification", 50)
    done = (await desk.call("POST", f"/{home.id}/verify", {"note": "All in order"}))["data"]
    assert done["status"] == "active" and done["member_since"] is not None
    body = {"status": "suspended", "reason": "Invoices are overdue"}
    assert (await desk.call("PATCH", f"/{home.id}/status", body))["data"]["status_reason"] == "Invoices are overdue"
    reopened = (await desk.call("POST", f"/{home.id}/onboarding/contract_signing/reopen"))["data"]
    assert reopened["onboarding_progress"] == 25
    assert await desk.audited(home.id) == [
        "organisation.active", "organisation.suspended", "organisation.onboarding_reopen"
    ]  # fmt: skip
    async with desk.services.read() as conn:
        sent = await conn.fetch(
            "SELECT template FROM outbox WHERE recipient = $1 ORDER BY id", shown["registered_email"]
        )
    assert [row["template"] for row in sent] == ["password_link", "organisation_verified", "organisation_status"]


async def test_tier_manager_and_terms(desk: Desk) -> None:
    home = await add_organisation(desk.services)
    async with desk.services.transaction() as tx:
        await tx.conn.execute("UPDATE organisations SET member_count = 120 WHERE id = $1", home.id)
    refused = await desk.call("PATCH", f"/{home.id}/tier", {"tier": "starter"}, expect=409)
    assert refused["error"]["code"] == "TIER_TOO_SMALL"
    refused = await desk.call("PATCH", f"/{home.id}/terms", {"volume_discount_percent": 10}, expect=403)
    assert refused["error"]["code"] == "TIER_TOO_LOW"
    assert (await desk.call("PATCH", f"/{home.id}/tier", {"tier": "enterprise"}))["data"]["member_limit"] is None
    terms = (await desk.call("PATCH", f"/{home.id}/terms", {"volume_discount_percent": 12.5}))["data"]
    assert (terms["volume_discount_percent"], terms["payment_terms_days"]) == (12.5, None)
    await desk.call("PATCH", f"/{home.id}/terms", {"payment_terms_days": 60}, expect=403)
    sarah = await add_account(desk.services, "sarah@staff.example")
    await desk.call("PATCH", f"/{home.id}/account-manager", {"account_id": str(sarah)}, expect=404)
    await add_membership(desk.services, sarah, "admin", "support")
    named = (await desk.call("PATCH", f"/{home.id}/account-manager", {"account_id": str(sarah)}))["data"]
    assert named["account_manager"]["email"] == "sarah@staff.example"
    cleared = (await desk.call("PATCH", f"/{home.id}/account-manager", {"account_id": None}))["data"]
    assert cleared["account_manager"] is None
    assert (await desk.audited(home.id))[-4:] == [
        "organisation.tier", "organisation.terms", "organisation.account_manager", "organisation.account_manager"
    ]  # fmt: skip
    listed = (await desk.call("GET", "?tier=enterprise&type=business&status=active"))["data"]["organisations"]
    assert str(home.id) in [o["id"] for o in listed]
    for method, path, body in (
        ("GET", "", None), ("POST", "/verify", None), ("PATCH", "/tier", {"tier": "starter"}),
        ("PATCH", "/terms", {}), ("PATCH", "/status", {"status": "active", "reason": "x"}),
    ):  # fmt: skip
        await desk.call(method, f"/{uuid4()}{path}", body, expect=404)


async def test_a_transfer_is_recorded_against_its_invoice(desk: Desk) -> None:
    home = await add_organisation(desk.services)
    day = date(2026, 1, 31)
    await home.done(day)
    async with desk.services.transaction() as tx:
        made = await invoices.issue(tx, home.id, Period(day - timedelta(days=30), day), kind="requested")
    path, body = f"/invoices/{made.id}/payments", {"amount": 600, "reference": "UTR-77", "paid_on": "2026-02-05"}
    await desk.call("POST", path, {**body, "amount": 0}, expect=422)
    await desk.call("POST", path, body, expect=403, token=await desk.as_role("support"))
    paid = (await desk.call("POST", path, body, expect=201, token=await desk.as_role("finance")))["data"]
    assert (paid["amount"], paid["applied"], paid["status"]) == (600, 582, "success")
    listed = (await desk.call("GET", f"/invoices?status=paid&organisation={home.id}"))["data"]["invoices"]
    assert [(i["open"], i["paid_on"]) for i in listed] == [(0, "2026-02-05")]
    assert (await desk.call("GET", f"/invoices/{made.id}/pdf")).startswith(b"%PDF-")
    assert await desk.audited(made.id) == ["invoice.transfer"]
    await desk.call("POST", f"/invoices/{uuid4()}/payments", body, expect=404)
    # It was for somebody else: it is found, and taken back.
    [found] = (await desk.call("GET", path, token=await desk.as_role("support")))["data"]
    assert (found["id"], found["reference"], found["reversed_at"]) == (paid["id"], "UTR-77", None)
    back, why = f"{path}/{paid['id']}/reverse", {"reason": "It was for another invoice."}
    await desk.call("POST", back, {"reason": " "}, expect=422)
    await desk.call("POST", back, why, expect=403, token=await desk.as_role("support"))
    done = (await desk.call("POST", back, why, token=await desk.as_role("finance")))["data"]
    assert (done["status"], done["reversal_reason"]) == ("failed", why["reason"]) and done["reversed_at"]
    assert (await desk.call("POST", back, why, expect=409))["error"]["code"] == "PAYMENT_REVERSED"
    await desk.call("POST", f"{path}/{uuid4()}/reverse", why, expect=404)
    listed = (await desk.call("GET", f"/invoices?status=pending&organisation={home.id}"))["data"]["invoices"]
    assert [(i["open"], i["paid_on"]) for i in listed] == [(582, None)]
    assert await desk.audited(made.id) == ["invoice.transfer", "invoice.transfer_reversed"]


async def test_tickets_are_answered_and_given_on(desk: Desk) -> None:
    home = await add_organisation(desk.services)
    async with desk.services.transaction() as tx:
        opened = await tickets.open(tx, home.by, TicketIn("Late", "service", "They came late", "urgent"))
    listed = (await desk.call("GET", f"/tickets?organisation={home.id}&priority=urgent&sort=due"))["data"]["tickets"]
    assert [t["ticket_number"] for t in listed] == [opened.number]
    support = await desk.as_role("support")
    path = f"/tickets/{opened.id}/replies"
    answered = await desk.call("POST", path, {"message": "Sorry!"}, expect=201, token=support)
    assert answered["data"]["status"] == "waiting" and answered["data"]["replies"][0]["message"] == "Sorry!"
    done = (await desk.call("PATCH", f"/tickets/{opened.id}", {"status": "resolved"}))["data"]
    assert done["resolved_at"] is not None
    await desk.call("PATCH", f"/tickets/{opened.id}", {"assigned_to": str(uuid4())}, expect=404)
    await desk.call("GET", f"/tickets/{uuid4()}", expect=404)
    finance = await desk.as_role("finance")
    await desk.call("POST", f"/tickets/{opened.id}/replies", {"message": "x"}, expect=403, token=finance)


async def test_contacts_and_training_are_kept(desk: Desk) -> None:
    made = (await desk.call("PUT", "/contacts", {"kind": "technical", "email": "tech@x.example"}))["data"]
    again = (await desk.call("PUT", "/contacts", {"kind": "technical", "hours": "24/7"}))["data"]
    assert made == again
    [card] = (await desk.call("GET", "/contacts"))["data"]
    assert (card["hours"], card["email"]) == ("24/7", None)
    await desk.call("PUT", "/contacts", {"kind": "account_manager"}, expect=422)
    await desk.call("DELETE", f"/contacts/{made['id']}")
    await desk.call("DELETE", f"/contacts/{made['id']}", expect=404)
    body = {"type": "video", "title": "Overview", "url": "https://x.example/v", "duration_minutes": 15}
    made = (await desk.call("POST", "/training", body, expect=201))["data"]
    await desk.call("PUT", f"/training/{made['id']}", {**body, "is_active": False})
    [shown] = (await desk.call("GET", "/training"))["data"]
    assert shown["is_active"] is False
    await desk.call("DELETE", f"/training/{made['id']}")
    await desk.call("PUT", f"/training/{made['id']}", body, expect=404)
