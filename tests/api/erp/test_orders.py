"""The whole story of a booking on account: booked, done, noted, paid; another is cancelled; the ledger is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatch.billing import ledger_check
from tests.api.live import Live, Person, live_server
from tests.api.test_story import make_everybody_a_beautician
from tests.parties import add_account, add_membership

CUSTOMER = "+911000100001"


async def clerk_of(live: Live) -> Person:
    membership_id = await add_membership(
        live.services, await add_account(live.services, "clerk@acme.com", None), "erp", "admin"
    )
    async with live.services.transaction() as tx:
        pair = await live.services.sessions.open(tx, "erp", membership_id, ip=None, user_agent=None)
    return Person(live, "erp", pair.access_token)


async def everybody(live: Live) -> tuple[Person, Person, Person, str, str]:
    """A clerk, a customer, a technician near them, the customer's address and a service."""
    place = await make_everybody_a_beautician(live)
    clerk, customer = await clerk_of(live), await live.person("customer", CUSTOMER)
    technician = await live.person("technician", "PT-001")
    here = {"is_available": True, "current_lat": place[0], "current_lng": place[1]}
    await technician.call("PATCH", "/v1/partner/availability", here)
    found = (await customer.call("GET", "/v1/services/catalog?category=Facial&tier=Minimal"))["data"]
    home = {
        "name": "Home", "address_line1": "123 Main St", "city": "Kolkata", "state": "West Bengal",
        "pincode": "700032", "lat": place[0], "lng": place[1],
    }  # fmt: skip
    address_id = (await customer.call("POST", "/v1/users/addresses", home, expect=201))["data"]["id"]
    return clerk, customer, technician, address_id, found["all_services"][0]["id"]


async def work(technician: Person, booking_id: str) -> Any:
    """The technician takes a job and does it."""
    job = f"/v1/partner/bookings/{booking_id}"
    await technician.call("POST", f"{job}/accept")
    for step in ("in_transit", "arrived", "in_progress"):
        await technician.call("PATCH", f"{job}/status", {"status": step})
    return (await technician.call("POST", f"{job}/complete", {}))["data"]


async def on_account(
    customer: Person, address_id: str, service_id: str, nth: int, *, day: str = "2026-01-06", expect: int = 201
) -> Any:
    cart = {
        "service_ids": [service_id], "address_id": address_id, "booking_date": day,
        "payment_method": "account",
    }  # fmt: skip
    prepared = (await customer.call("POST", "/v1/checkout/prepare", cart))["data"]
    assert prepared["amount_to_collect"] == 0
    body = {
        "preview_id": prepared["preview_id"], "payment_method": "account", "address_id": address_id,
        "booking_date": day, "booking_time": prepared["available_time_slots"][nth], "customer_name": "Asha",
        "customer_phone": CUSTOMER, "cancellation_policy_accepted": True,
    }  # fmt: skip
    return await customer.call("POST", "/v1/checkout/confirm", body, expect=expect, X_Idempotency_Key=f"key-{nth:020d}")


async def test_a_booking_on_account_moves_the_credit(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as live:
        clerk, customer, technician, address_id, service_id = await everybody(live)
        base = "/api/backend"
        linked = (await clerk.call("POST", f"{base}/customers", {"phone": CUSTOMER}, expect=201))["data"]
        given = {"code": "B2B", "name": "Business"}
        lists = (await clerk.call("POST", f"{base}/price-lists", given, expect=201))["data"]
        prices = {"items": [{"service_id": service_id, "price": 1000}]}
        await clerk.call("PUT", f"{base}/price-lists/{lists['id']}/items", prices)
        given = {
            "name": "Acme Corp", "customer_id": linked["id"], "price_list_id": lists["id"], "credit_limit": 2500,
            "default_discount_rate": 10, "vat_group_code": "VAT20", "payment_term_id": 1,
        }  # fmt: skip
        partner = (await clerk.call("POST", f"{base}/partners", given, expect=201))["partner"]
        path = f"{base}/partners/{partner['id']}"

        async def credit() -> tuple[float, float]:
            shown = (await clerk.call("GET", path))["partner"]
            return shown["credit_used"], shown["credit_available"]

        first = (await on_account(customer, address_id, service_id, 0, day="2026-01-05"))["data"]["booking"]
        assert (first["grand_total"], first["status"], await credit()) == (1080, "partner_assigned", (1080, 1420))
        second = (await on_account(customer, address_id, service_id, 1))["data"]["booking"]
        refused = await on_account(customer, address_id, service_id, 6, expect=409)
        assert refused["error"]["code"] == "CREDIT_EXCEEDED" and await credit() == (2160, 340)

        await customer.call("POST", f"/v1/bookings/{second['id']}/cancel", {"reason": "Change of plans"})
        assert await credit() == (1080, 1420)
        done = await work(technician, first["id"])
        assert done["booking"]["grand_total"] == 1080
        history = (await clerk.call("GET", f"{path}/credit/history"))["data"]
        assert [o["order_status"] for o in history["orders"]] == ["CANCELLED", "DELIVERED"]
        assert [(d["delivery_status"], d["total_amount"]) for d in history["deliveries"]] == [("DELIVERED", 1080)]
        assert (await credit())[0] == 1080

        order_id = history["orders"][1]["id"]
        order = (await clerk.call("GET", f"{base}/orders/{order_id}"))["data"]
        assert (order["booking_id"], order["lines"][0]["unit_price"], order["discount"]) == (first["id"], 1000, 100)
        await clerk.call("POST", f"{base}/orders/{order_id}/deliver", expect=409)
        await clerk.call("POST", f"{base}/orders/{order_id}/cancel", {}, expect=409)
        paid = (await clerk.call("POST", f"{base}/orders/{order_id}/pay", {"reference": "wire 7"}))["data"]
        assert paid["paid_at"] and paid["credit_used"] == 0 and await credit() == (0, 2500)
        await clerk.call("POST", f"{base}/orders/{order_id}/pay", {}, expect=409)
        shown = (await customer.call("GET", f"/v1/bookings/{first['id']}"))["data"]
        assert (shown["payment_method"], shown["payment_status"]) == ("account", "paid")
        async with live.services.read() as conn:
            assert await ledger_check.check(conn) == []


async def test_orders_without_a_booking(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as live:
        clerk, customer = await clerk_of(live), await live.person("customer", CUSTOMER)
        found = (await customer.call("GET", "/v1/services/catalog?category=Facial&tier=Minimal"))["data"]
        service_id, base = found["all_services"][0]["id"], "/api/backend"
        given = {"name": "Acme Corp", "credit_limit": 5000, "tax_exempt": True, "min_order_amount": 100}
        partner = (await clerk.call("POST", f"{base}/partners", given, expect=201))["partner"]
        order = {"partner_id": partner["id"], "items": [{"service_id": service_id, "quantity": 2}], "notes": "First"}
        made = (await clerk.call("POST", f"{base}/orders", order, expect=201))["data"]
        assert (made["tax"], made["credit_used"], made["status"]) == (0, made["total_amount"], "CONFIRMED")
        many = {**order, "items": [{"service_id": service_id, "quantity": 20}]}
        refused = (await clerk.call("POST", f"{base}/orders", many, expect=409))["error"]
        left = 5000 - made["total_amount"]
        assert refused["code"] == "CREDIT_EXCEEDED" and f"and ₹{left:,.0f} is left." in refused["message"]
        let = (await clerk.call("POST", f"{base}/orders", {**many, "override": True}, expect=201))["data"]
        await clerk.call("POST", f"{base}/orders/{let['id']}/cancel", {"reason": "not needed"})
        for bad in ({**order, "partner_id": 10**9}, {**order, "items": [{"service_id": partner["uuid"]}]}):
            await clerk.call("POST", f"{base}/orders", bad, expect=404)
        for bad in ({**order, "items": []}, {**order, "items": [{"service_id": service_id, "quantity": 21}]}, {}):
            await clerk.call("POST", f"{base}/orders", bad, expect=422)
        await clerk.call("DELETE", f"{base}/partners/{partner['id']}", expect=409)
        done = (await clerk.call("POST", f"{base}/orders/{made['id']}/deliver"))["data"]
        assert done["delivery_note_code"].startswith("BL")
        note = (await clerk.call("GET", f"{base}/delivery-notes/{done['delivery_note_id']}"))["data"]
        assert note["order_code"] == made["code"]
        assert len((await clerk.call("GET", f"{base}/delivery-notes?partner_id={partner['id']}"))["data"]) == 1
        unpaid = (await clerk.call("GET", f"{base}/orders?unpaid=true&status=DELIVERED"))["data"]
        assert [o["id"] for o in unpaid] == [made["id"]]
        await clerk.call("POST", f"{base}/orders/{made['id']}/pay", {})
        await clerk.call("DELETE", f"{base}/partners/{partner['id']}")
        async with live.services.read() as conn:
            assert await ledger_check.check(conn) == []


async def test_what_costs_a_partner_nothing_is_delivered_all_the_same(fresh_dsn: str, tmp_path: Path) -> None:
    """Nobody could deliver or cancel it by hand, and its partner could never be deleted."""
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as live:
        clerk, customer, technician, address_id, service_id = await everybody(live)
        base = "/api/backend"
        linked = (await clerk.call("POST", f"{base}/customers", {"phone": CUSTOMER}, expect=201))["data"]
        given = {"name": "Our own house", "customer_id": linked["id"], "default_discount_rate": 100}
        partner = (await clerk.call("POST", f"{base}/partners", given, expect=201))["partner"]
        made = (await on_account(customer, address_id, service_id, 0, day="2026-01-05"))["data"]["booking"]
        assert made["grand_total"] == 0
        await work(technician, made["id"])
        [order] = (await clerk.call("GET", f"{base}/orders?partner_id={partner['id']}"))["data"]
        assert (order["status"], order["total_amount"]) == ("DELIVERED", 0) and order["delivery_note_code"]
        shown = (await customer.call("GET", f"/v1/bookings/{made['id']}"))["data"]
        assert shown["payment_status"] == "paid"
        await clerk.call("DELETE", f"{base}/partners/{partner['id']}")
        async with live.services.read() as conn:
            assert await ledger_check.check(conn) == []


async def test_a_payment_that_was_marked_by_mistake(fresh_dsn: str, tmp_path: Path) -> None:
    """It is owed again, also beyond a limit that was lowered meanwhile, and can be marked once more."""
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as live:
        clerk, customer, technician, address_id, service_id = await everybody(live)
        base = "/api/backend"
        linked = (await clerk.call("POST", f"{base}/customers", {"phone": CUSTOMER}, expect=201))["data"]
        given = {"name": "Acme Corp", "customer_id": linked["id"], "credit_limit": 5000}
        partner = (await clerk.call("POST", f"{base}/partners", given, expect=201))["partner"]
        made = (await on_account(customer, address_id, service_id, 0, day="2026-01-05"))["data"]["booking"]
        await work(technician, made["id"])
        [order] = (await clerk.call("GET", f"{base}/orders?partner_id={partner['id']}"))["data"]
        path, why = f"{base}/orders/{order['id']}", {"reason": "Of another order"}
        assert (await clerk.call("POST", f"{path}/unpay", why, expect=409))["error"]["code"] == "NOT_PAID"
        for turn in range(3):
            await clerk.call("POST", f"{path}/pay", {"reference": f"wire {turn}"})
            await clerk.call("PATCH", f"{base}/partners/{partner['id']}/credit", {"credit_limit": 1})
            await clerk.call("POST", f"{path}/unpay", {}, expect=422)
            undone = (await clerk.call("POST", f"{path}/unpay", why))["data"]
            assert (undone["paid_at"], undone["payment_reference"]) == (None, None)
            assert undone["credit_used"] == undone["total_amount"] == order["total_amount"]
            shown = (await customer.call("GET", f"/v1/bookings/{made['id']}"))["data"]
            assert shown["payment_status"] == "pending"
            async with live.services.read() as conn:
                assert await ledger_check.check(conn) == []
        await clerk.call("POST", f"{path}/unpay", why, expect=409)
        await clerk.call("DELETE", f"{base}/partners/{partner['id']}", expect=409)
        await clerk.call("POST", f"{path}/pay", {"reference": "wire 9"})
        await clerk.call("DELETE", f"{base}/partners/{partner['id']}")
        await clerk.call("POST", f"{path}/unpay", why, expect=404)
        async with live.services.read() as conn:
            assert await ledger_check.check(conn) == []
            words = await conn.fetchval(
                "SELECT changes FROM audit_log WHERE action = 'undo_order_payment' ORDER BY id LIMIT 1"
            )
        assert (words["reference"], words["reason"]) == ("wire 0", "Of another order")


async def test_orders_are_found_by_their_code_and_by_what_is_overdue(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as live:
        clerk, customer = await clerk_of(live), await live.person("customer", CUSTOMER)
        found = (await customer.call("GET", "/v1/services/catalog?category=Facial&tier=Minimal"))["data"]
        base = "/api/backend"
        given = {"name": "Acme Corp", "credit_limit": 50_000, "payment_term_id": 1}
        partner = (await clerk.call("POST", f"{base}/partners", given, expect=201))["partner"]
        items = [{"service_id": found["all_services"][0]["id"]}]
        body = {"partner_id": partner["id"], "items": items, "notes": "Ring twice"}
        late, due, paid, dropped, open_one = [
            (await clerk.call("POST", f"{base}/orders", body, expect=201))["data"] for _ in range(5)
        ]
        for order in (late, due, paid):
            await clerk.call("POST", f"{base}/orders/{order['id']}/deliver")
        await clerk.call("POST", f"{base}/orders/{paid['id']}/pay", {})
        gone = (await clerk.call("POST", f"{base}/orders/{dropped['id']}/cancel", {"reason": "Not needed"}))["data"]
        assert (gone["notes"], gone["cancellation_reason"]) == ("Ring twice", "Not needed")
        async with live.services.pool.transaction() as conn:
            today = "(app_now() AT TIME ZONE 'Asia/Kolkata')::date"
            await conn.execute(f"UPDATE trade_orders SET due_on = {today} - 1 WHERE id <> $1", due["id"])
            await conn.execute(f"UPDATE trade_orders SET due_on = {today} WHERE id = $1", due["id"])
            await conn.execute("UPDATE trade_orders SET due_on = NULL WHERE id = $1", open_one["id"])

        async def listed(query: str) -> list[int]:
            return [o["id"] for o in (await clerk.call("GET", f"{base}/orders?{query}"))["data"]]

        assert await listed("overdue=true") == [late["id"]]
        assert await listed("overdue=false&sort=id") == [due["id"], paid["id"], dropped["id"], open_one["id"]]
        assert await listed(f"unpaid=true&sort=due_on&partner_id={partner['id']}") == [
            late["id"], due["id"], open_one["id"],
        ]  # fmt: skip
        assert await listed(f"code={due['code']}") == [due["id"]]
        note = (await clerk.call("GET", f"{base}/orders/{due['id']}"))["data"]["delivery_note_code"]
        [shown] = (await clerk.call("GET", f"{base}/delivery-notes?code={note}"))["data"]
        assert shown["order_id"] == due["id"]
