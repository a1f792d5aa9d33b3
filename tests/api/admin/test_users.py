"""Customers over the back office: found, looked at, blocked; and their bookings."""

from __future__ import annotations

from uuid import UUID

from tests.api.admin.counter import Counter
from tests.api.admin.office import Office
from tests.api.live import until
from tests.identity import add_booking
from tests.parties import staff

PHONE = "+911000100001"
NOBODY = "11111111-1111-4111-8111-111111111111"


async def id_of(office: Office, phone: str) -> str:
    return str(await office.live.value("SELECT id FROM accounts WHERE phone = $1", phone))


async def test_customers_are_found_by_any_end_of_their_phone_and_by_name(office: Office) -> None:
    for query in ("00100001", "%2B91100010000"):
        found = (await office.boss.call("GET", f"/v1/admin/users?search={query}"))["data"]["users"]
        assert PHONE in {u["phone_number"] for u in found}, query
    names = {u["name"] for u in (await office.boss.call("GET", "/v1/admin/users?limit=100"))["data"]["users"]}
    assert names and "Administrator" not in names


async def test_one_customer_with_bookings_and_what_they_come_to(office: Office) -> None:
    account_id = await id_of(office, PHONE)
    technician_id = await office.live.value("SELECT id FROM technicians LIMIT 1")
    for status in ("completed", "cancelled"):
        await add_booking(office.live.services.pool, UUID(account_id), status, technician_id=technician_id)
    data = (await office.boss.call("GET", f"/v1/admin/users/{account_id}"))["data"]
    assert data.keys() == {"user", "bookings", "addresses", "stats"}
    assert data["stats"]["total_bookings"] == 2 == len(data["bookings"])
    listed = await office.boss.call("GET", f"/v1/admin/users/{account_id}/bookings?status=cancelled")
    assert [b["status"] for b in listed["data"]["bookings"]] == ["cancelled"]
    await office.boss.call("GET", f"/v1/admin/users/{NOBODY}", expect=404)
    await office.boss.call("GET", f"/v1/admin/users/{NOBODY}/bookings", expect=404)


async def test_what_is_collected_for_a_booking_is_said_beside_its_price(counter: Counter) -> None:
    await counter.world.technician()
    booking = await counter.world.book(await counter.till.rich(30000), use_wallet=True)
    [listed] = (await counter.ask("GET", f"/users/{booking.account_id}/bookings"))["bookings"]
    [newest] = (await counter.ask("GET", f"/users/{booking.account_id}"))["bookings"]
    for data in (listed, newest):
        assert (data["wallet_amount"], data["outstanding_fee"]) == (300, 0)
        assert (data["amount_to_collect"], data["amount_collected"]) == (1471.2, 0)
    await counter.till.cancel(booking)
    [over] = (await counter.ask("GET", f"/users/{booking.account_id}"))["bookings"]
    assert (over["grand_total"], over["amount_to_collect"]) == (1771.2, 0)


async def test_a_block_ends_sign_ins_and_sockets_and_says_why_in_the_audit(office: Office) -> None:
    phone = "+911000100002"
    customer, account_id = await office.live.person("customer", phone), await id_of(office, phone)
    await customer.connect()
    path = f"/v1/admin/users/{account_id}/status"
    body = {"is_active": False, "reason": "Violation of terms"}
    done = (await office.boss.call("PATCH", path, body))["data"]["user"]
    assert done["is_active"] is False and done["blocked_reason"] == "Violation of terms"
    await customer.call("GET", "/v1/auth/me", expect=401)
    await until(lambda: customer.sio is not None and not customer.sio.connected, "a block cuts the socket")
    entry = await office.audited("block_user")
    assert entry["resource_id"] == account_id and entry["changes"]["reason"] == "Violation of terms"
    await office.boss.call("PATCH", path, {"is_active": True})
    again = await office.live.person("customer", phone)
    await again.call("GET", "/v1/auth/me")


async def test_who_may_not_and_what_is_wrong(office: Office) -> None:
    support = await staff(office.live, "support")
    path = f"/v1/admin/users/{await id_of(office, PHONE)}/status"
    await support.call("GET", "/v1/admin/users")
    await support.call("PATCH", path, {"is_active": False}, expect=403)
    answer = await office.boss.call("PATCH", path, {"reason": "x"}, expect=422)
    assert "is_active" in answer["error"]["details"]
    me = (await office.boss.call("GET", "/v1/admin/auth/me"))["data"]["id"]
    await office.boss.call("PATCH", f"/v1/admin/users/{me}/status", {"is_active": False}, expect=404)
