"""Money that came back to the wallet pays the next booking at confirm, in part or all of it, and the ledger holds."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from dispatch.billing import ledger, ledger_check
from tests.api.live import Live, give, live_server
from tests.api.test_story import book, make_everybody_a_beautician

CUSTOMER = "+911000100001"


async def balance(live: Live, account_id: UUID) -> int:
    async with live.services.read() as conn:
        return await ledger.balance(conn, ledger.wallet(account_id, "INR"))


async def test_the_wallet_at_confirm(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1) as live:
        place = await make_everybody_a_beautician(live)
        customer = await live.person("customer", CUSTOMER)
        account_id = await live.value("SELECT id FROM accounts WHERE phone = $1", CUSTOMER)
        untouched = await book(customer, place)
        await customer.call("POST", f"/v1/bookings/{untouched['id']}/cancel", {})
        total = round(untouched["grand_total"] * 100)

        await give(live, account_id, 5_000)
        part = await book(customer, place, use_wallet=True)
        assert await balance(live, account_id) == 0
        asked = "SELECT amount_minor FROM payments WHERE booking_id = $1 AND kind = 'cash'"
        assert await live.value(asked, UUID(part["id"])) == total - 5_000
        cancelled = (await customer.call("POST", f"/v1/bookings/{part['id']}/cancel", {}))["data"]
        assert cancelled["refund_amount"] == 50.0 and await balance(live, account_id) == 5_000

        await give(live, account_id, total)
        whole = await book(customer, place, use_wallet=True)
        assert await balance(live, account_id) == 5_000
        assert await live.value("SELECT payment_status FROM bookings WHERE id = $1", UUID(whole["id"])) == "paid"
        async with live.services.read() as conn:
            findings = await ledger_check.check(conn)
        assert findings == []
