"""The story of money: paid at the gateway's page, heard by webhook, done, refunded, paid out, and the books tie."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from dispatch.billing import ledger_check, payout_sending, payouts
from dispatch.local_gateway.server import LocalGateway
from dispatch.parties import bank_accounts
from tests.api.live import Live, Person, give, live_server
from tests.api.test_story import check_out, fix, make_everybody_a_beautician

CUSTOMER = "+911000100001"


async def until_is(ask: Callable[[], Awaitable[Any]], wanted: Any, seconds: float = 60.0) -> None:
    """Asks until that is the answer; the bound only ends a test that has failed."""
    deadline = time.monotonic() + seconds
    while (found := await ask()) != wanted:
        assert time.monotonic() < deadline, f"{found!r} and never {wanted!r}"
        await asyncio.sleep(0.02)


async def do_the_job(technician: Person, booking: dict[str, Any]) -> dict[str, Any]:
    offer = await technician.hears("offer.made", booking_id=booking["id"])
    accept = {"command_id": str(uuid.uuid4()), "offer_id": offer["offer_id"]}
    assert (await technician.ask("offer.accept", accept))["ok"]
    base = f"/v1/partner/bookings/{booking['id']}"
    # Paid already: there is nothing to collect at the door.
    assert (await technician.call("GET", base))["data"]["amount_to_collect"] == 0
    for step in ("in_transit", "arrived", "in_progress"):
        await technician.call("PATCH", base + "/status", {"status": step})
    return dict((await technician.call("POST", base + "/complete", {}))["data"])


async def pay_out(live: Live, technician_id: UUID) -> UUID:
    """Staff pay all that is earned through the gateway."""
    async with live.services.transaction() as tx:
        await bank_accounts.replace(
            tx, technician_id, number="1234567890123", ifsc="HDFC0000001", bank_name="A bank",
            account_name="A technician", told_phone=None,
        )  # fmt: skip
        payout = await payouts.create(tx, technician_id, method="bank_transfer", requested_by="staff-1")
    async with live.services.transaction() as tx:
        return (await payout_sending.hand_over(tx, payout.id)).id


async def test_the_money_of_two_bookings(fresh_dsn: str, tmp_path: Path) -> None:
    async with LocalGateway(seed=11) as gateway:
        keys = {
            "key_id": gateway.key_id, "key_secret": gateway.key_secret, "webhook_secret": gateway.webhook_secret,
            "base_url": gateway.url, "account_number": "7878780080316316",
        }  # fmt: skip
        async with live_server(fresh_dsn, tmp_path, technicians=1, payments=keys) as live:
            await gateway.control(webhook_url=f"{live.url}/v1/payments/webhook", retry_s=0.05)
            await the_story(live, gateway)


async def the_story(live: Live, gateway: LocalGateway) -> None:
    place = await make_everybody_a_beautician(live)
    technician, customer = await live.person("technician", "PT-001"), await live.person("customer", CUSTOMER)
    await technician.connect()
    await technician.ask("presence.set", {"command_id": str(uuid.uuid4()), "online": True})
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})

    # Paid at the gateway's page; the browser never comes back, and the webhook alone sends the technician.
    first = await check_out(customer, place, payment_method="online")
    assert first["booking"]["status"] == "pending"
    assert first["payment"]["amount"] == round(first["booking"]["grand_total"] * 100)
    await gateway.pay(first["payment"]["order_id"])
    done = await do_the_job(technician, first["booking"])
    assert done["booking"]["payment_status"] == "paid"

    # A second one, that the browser confirms and the customer cancels: all of it goes back.
    second = await check_out(customer, place, payment_method="online")
    reply = await gateway.pay(second["payment"]["order_id"])
    told = {n: reply[n] for n in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
    assert (await customer.call("POST", "/v1/payments/verify", told))["data"]["payment_status"] == "success"
    cancelled = (await customer.call("POST", f"/v1/bookings/{second['booking']['id']}/cancel", {}))["data"]
    assert cancelled["refund_amount"] == second["booking"]["grand_total"]

    async def status_of_the_second() -> str:
        path = f"/v1/payments/{second['payment']['id']}/status"
        return str((await customer.call("GET", path))["data"]["status"])

    await until_is(status_of_the_second, "refunded")

    # A third, that the wallet pays at once, is answered without an order.
    account_id = await live.value("SELECT id FROM accounts WHERE phone = $1", CUSTOMER)
    await give(live, account_id, 10_000_000)
    third = await check_out(customer, place, payment_method="online", use_wallet=True)
    assert "payment" not in third and "wallet" in third["message"]
    assert third["booking"]["status"] == "partner_assigned"

    payout_id = await pay_out(live, await live.value("SELECT id FROM parties WHERE code = 'PT-001'"))

    async def status_of_the_payout() -> str:
        return str(await live.value("SELECT status FROM payouts WHERE id = $1", payout_id))

    await until_is(status_of_the_payout, "completed")
    (seen,) = (await technician.call("GET", "/v1/partner/payouts"))["data"]["payouts"]
    assert seen["net_amount"] == done["earning"]["amount"]

    async def waiting() -> int:
        return int(
            await live.value(
                "SELECT (SELECT count(*) FROM payment_intents WHERE state <> 'done')"
                " + (SELECT count(*) FROM gateway_events WHERE NOT is_processed)"
            )
        )

    await gateway.quiet()
    await until_is(waiting, 0)
    async with live.services.read() as conn:
        assert await ledger_check.check(conn) == []
