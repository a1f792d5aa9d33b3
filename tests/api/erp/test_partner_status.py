"""Statuses over HTTP: toggled, set with a reason, blocked until a day, lifted by itself, remembered."""

from __future__ import annotations

import pytest

from dispatch.parties import partner_status
from tests.api.erp.conftest import Clerk, Office


async def status(clerk: Clerk, partner_id: int) -> str:
    return str((await clerk.get(f"/partners/{partner_id}"))["partner"]["status"])


async def test_toggling(clerk: Clerk) -> None:
    path = f"/partners/{(await clerk.partner())['id']}"
    assert await clerk.call("PATCH", f"{path}/toggle") == {"success": True, "message": "Status toggled"}
    assert (await clerk.get(path))["partner"]["status"] == "ON_HOLD"
    await clerk.call("PATCH", f"{path}/toggle")
    for word in ("CLOSED", "BLOCKED"):
        await clerk.call("PATCH", f"{path}/status", {"new_status": word, "status_change_reason": "x"})
        assert (await clerk.call("PATCH", f"{path}/toggle", expect=409))["error"]["code"] == "CANNOT_TOGGLE"


async def test_a_status_has_a_reason_a_letter_and_a_history(office: Office, clerk: Clerk) -> None:
    partner = await clerk.partner(email="letters@acme.com")
    path = f"/partners/{partner['id']}"
    body = {"new_status": "ON_HOLD", "status_change_reason": "Payment delay", "notify_partner": True}
    done = await clerk.call("PATCH", f"{path}/status", body)
    assert done == {"success": True, "message": "Partner status updated successfully"}
    async with office.services.read() as conn:
        letter = await conn.fetchval("SELECT body FROM outbox WHERE recipient = 'letters@acme.com'")
    assert "on hold" in letter and "Payment delay" in letter
    reason = {"status_change_reason": "x"}
    for bad in (
        {**reason, "new_status": "on_hold"}, {"new_status": "ACTIVE"}, reason, {**reason, "new_status": "GONE"},
        {"new_status": "ACTIVE", "status_change_reason": "x" * 501},
    ):  # fmt: skip
        await clerk.call("PATCH", f"{path}/status", bad, expect=422)
    history = (await clerk.get(f"{path}/status-history"))["data"]
    assert [(h["old_status"], h["new_status"]) for h in history] == [("ACTIVE", "ON_HOLD"), (None, "ACTIVE")]
    assert history[0]["notified"] is True and history[0]["by"] == "erp"


async def test_blocks_end_by_hand_and_by_themselves(office: Office, clerk: Clerk) -> None:
    partner = await clerk.partner()
    path = f"/partners/{partner['id']}"
    done = await clerk.call("PATCH", f"{path}/block", {"blocked_until": "2090-03-01", "block_reason": "Overdue"})
    assert done == {"success": True, "message": "Partner blocked"}
    shown = (await clerk.get(path))["partner"]
    assert (shown["status"], shown["blocked_until"], shown["block_reason"]) == ("BLOCKED", "2090-03-01", "Overdue")
    assert (await clerk.call("PATCH", f"{path}/unblock"))["message"] == "Partner unblocked"
    shown = (await clerk.get(path))["partner"]
    assert (shown["status"], shown["blocked_until"], shown["block_reason"]) == ("ACTIVE", None, None)
    await clerk.call("PATCH", f"{path}/block")
    assert await status(clerk, partner["id"]) == "BLOCKED"
    for bad in ({"blocked_until": "2020-01-01"}, {"blocked_until": "soon"}, {"block_reason": "x" * 501}):
        await clerk.call("PATCH", f"{path}/block", bad, expect=422)
    await clerk.call("PATCH", f"{path}/block", {"blocked_until": "2090-03-01"})
    async with office.services.pool.transaction() as conn:
        await conn.execute(
            "UPDATE trade_partners SET blocked_until = app_now() - interval '1 second' WHERE no = $1", partner["id"]
        )
    assert await status(clerk, partner["id"]) == "ACTIVE"
    async with office.services.transaction() as tx:
        await partner_status.lift_expired(tx)
    history = (await clerk.get(f"{path}/status-history"))["data"]
    assert (history[0]["by"], history[0]["new_status"]) == ("system", "ACTIVE")


@pytest.mark.parametrize("deed", ["toggle", "status", "block", "unblock", "credit", "credit/recalc", "payment-terms"])
async def test_who_is_not_there_is_404(clerk: Clerk, deed: str) -> None:
    body = {"new_status": "ACTIVE", "status_change_reason": "x", "credit_limit": 1, "payment_term_id": 1}
    method = "POST" if deed in ("credit/recalc", "payment-terms") else "PATCH"
    assert (await clerk.call(method, f"/partners/999999/{deed}", body, expect=404))["error"]["code"] == "NOT_FOUND"


async def test_payment_terms(clerk: Clerk) -> None:
    partner = await clerk.partner(payment_term_id=1)
    path = f"/partners/{partner['id']}/payment-terms"
    found = await clerk.get(path)
    assert found.keys() == {"partner", "availableTerms"}
    assert [t["id"] for t in found["partner"]["paymentTerms"]] == [1]
    assert 2 in [t["id"] for t in found["availableTerms"]]
    await clerk.call("DELETE", f"{path}/1", expect=409)
    done = await clerk.call("POST", path, {"payment_term_id": 2, "is_default": False})
    assert done == {"success": True, "message": "Payment term added successfully"}
    assert (await clerk.call("POST", path, {"payment_term_id": 2}, expect=409))["error"]["code"] == "ALREADY_ATTACHED"
    await clerk.call("POST", path, {"payment_term_id": 999}, expect=404)
    await clerk.call("POST", path, {}, expect=422)
    assert (await clerk.call("POST", f"{path}/2/default"))["message"] == "Default payment term updated successfully"
    assert (await clerk.get(f"/partners/{partner['id']}"))["partner"]["payment_term"]["id"] == 2
    await clerk.call("POST", f"{path}/3/default", expect=404)
    assert (await clerk.call("DELETE", f"{path}/1"))["message"] == "Payment term removed successfully"
    await clerk.call("DELETE", f"{path}/2", expect=409)
    await clerk.call("DELETE", f"{path}/3", expect=404)


async def test_a_repeated_request_is_no_second_deed(office: Office, clerk: Clerk) -> None:
    partner = await clerk.partner(email="once@acme.com")
    path = f"/partners/{partner['id']}"
    quiet = {"new_status": "ON_HOLD", "status_change_reason": "Payment delay"}
    told = {**quiet, "notify_partner": True}
    # Whoever was not told yet is told; whoever was is not told again.
    for body in (quiet, quiet, told, told, quiet, told):
        await clerk.call("PATCH", f"{path}/status", body)
    block = {"blocked_until": "2090-03-01", "block_reason": "Overdue"}
    for deed, body in (("block", block), ("block", block), ("unblock", None), ("unblock", None), ("block", block)):
        await clerk.call("PATCH", f"{path}/{deed}", body)
    # Another end is another block.
    await clerk.call("PATCH", f"{path}/block", {**block, "blocked_until": "2090-04-01"})
    history = (await clerk.get(f"{path}/status-history"))["data"]
    assert [(h["new_status"], h["notified"]) for h in reversed(history)] == [
        ("ACTIVE", False), ("ON_HOLD", False), ("ON_HOLD", True), ("BLOCKED", False), ("ACTIVE", False),
        ("BLOCKED", False), ("BLOCKED", False),
    ]  # fmt: skip
    assert history[0]["blocked_until"] == "2090-04-01"
    async with office.services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox WHERE recipient = 'once@acme.com'") == 1


async def test_who_cannot_be_told_is_named_to_the_clerk(clerk: Clerk) -> None:
    path = f"/partners/{(await clerk.partner())['id']}"
    body = {"new_status": "ON_HOLD", "status_change_reason": "Payment delay", "notify_partner": True}
    done = await clerk.call("PATCH", f"{path}/status", body)
    assert "no e-mail" in done["message"]
    assert (await clerk.get(f"{path}/status-history"))["data"][0]["notified"] is False
