"""The contract's endpoints as data, and a live server brought into the situation that each of its examples needs."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from dispatch.local_gateway.server import LocalGateway
from tests.api.live import Live, Person, live_server
from tests.api.test_story import make_everybody_a_beautician
from tests.conftest import SHARED, clone

CONTRACT = SHARED / "contract" / "endpoints.json"
SYSTEMS = ("customer", "technician", "internal")
ELISION = "..."
TODAY, TOMORROW = "2026-01-05", "2026-01-06"
PLENTY = {
    "customer_per_minute": 10**6, "technician_per_minute": 10**6, "booking_creation_per_hour": 1000,
    "payment_per_hour": 1000, "contact_per_hour": 1000,
}  # fmt: skip


def endpoints() -> list[dict[str, Any]]:
    if not CONTRACT.exists():
        return []
    return [e for e in orjson.loads(CONTRACT.read_bytes()) if e.get("system") in SYSTEMS]


ENDPOINTS = {e["id"]: e for e in endpoints()}
needs_contract = pytest.mark.skipif(not ENDPOINTS, reason="the shared contract is not here")


# ---------------------------------------------------------------- what has to be there before a request


@dataclass
class Stage:
    """A live server with people on it, who can be brought into any situation."""

    live: Live
    gateway: LocalGateway
    customer: Person
    service: Person
    place: tuple[float, float]
    technicians: dict[str, Person] = field(default_factory=dict)
    _address: str = ""

    async def address(self) -> str:
        if not self._address:
            example = ENDPOINTS["customer-address-create"]["request_example"]
            body = {**example, "lat": self.place[0], "lng": self.place[1]}
            made = await self.customer.call("POST", "/v1/users/addresses", body, expect=201)
            self._address = made["data"]["id"]
        return self._address

    async def service_ids(self) -> list[str]:
        found = (await self.customer.call("GET", "/v1/services/catalog?tier=Minimal"))["data"]["all_services"]
        return [s["id"] for s in found if s["category"] in ("Facial", "Waxing")][:2]

    async def prepared(self, date: str = TOMORROW) -> dict[str, Any]:
        body = {"service_ids": (await self.service_ids())[:1], "address_id": await self.address(), "booking_date": date}
        return dict((await self.customer.call("POST", "/v1/checkout/prepare", body))["data"])

    async def confirmation(self, method: str, date: str = TOMORROW) -> dict[str, Any]:
        """The contract's example, with a real preview, its address and one of its times."""
        prepared = await self.prepared(date)
        return {
            **ENDPOINTS["customer-checkout-confirm"]["request_example"], "preview_id": prepared["preview_id"],
            "payment_method": method, "address_id": await self.address(), "booking_date": date,
            "booking_time": prepared["available_time_slots"][0],
        }  # fmt: skip

    async def booked(self, method: str = "cash", date: str = TOMORROW) -> dict[str, Any]:
        made = await self.customer.call(
            "POST", "/v1/checkout/confirm", await self.confirmation(method, date), expect=201
        )
        return dict(made["data"])

    async def offered(self) -> tuple[str, Person]:
        """A booking and the technician to whom it is offered."""
        made = (await self.booked())["booking"]
        assert made["status"] == "partner_assigned", made
        code = await self.live.value(
            "SELECT p.code FROM offers o JOIN parties p ON p.id = o.technician_id "
            "WHERE o.booking_id = $1::text::uuid AND o.state = 'open'", made["id"],
        )  # fmt: skip
        if code not in self.technicians:
            self.technicians[code] = await self.live.person("technician", code)
        return made["id"], self.technicians[code]

    async def accepted(self, *steps: str) -> tuple[str, Person]:
        booking_id, technician = await self.offered()
        await technician.call("POST", f"/v1/partner/bookings/{booking_id}/accept")
        for step in steps:
            await technician.call("PATCH", f"/v1/partner/bookings/{booking_id}/status", {"status": step})
        return booking_id, technician

    async def completed(self) -> tuple[str, Person]:
        booking_id, technician = await self.accepted("in_transit", "arrived")
        await technician.call("POST", f"/v1/partner/bookings/{booking_id}/complete", {})
        return booking_id, technician

    async def waiting(self) -> str:
        """A booking for today while nobody is known to be anywhere: it goes to the manual queue."""
        for person in self.live.services.roster:
            self.live.services.tracker.forget(person.no)
        made = (await self.booked(date=TODAY))["booking"]
        assert made["status"] == "pending", made
        return str(made["id"])

    async def code(self, phone: str, purpose: str = "login") -> str:
        await self.customer.call("POST", "/v1/auth/send-otp", {"phone_number": phone, "purpose": purpose})
        found = await self.live.value(
            "SELECT data->>'code' FROM outbox WHERE recipient = $1 ORDER BY id DESC LIMIT 1", phone
        )
        assert found
        return str(found)

    def later(self, **by: float) -> str:
        return (self.live.services.clock.now() + timedelta(**by)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
async def stage(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Payments go through the local gateway."""
    async with LocalGateway(seed=3) as gateway:
        payments = {
            "key_id": gateway.key_id, "key_secret": gateway.key_secret, "webhook_secret": gateway.webhook_secret,
            "base_url": gateway.url,
        }  # fmt: skip
        folder: Path = tmp_path_factory.mktemp("contract")
        async with live_server(
            await clone(pg_home),
            folder,
            technicians=12,
            customers=2,
            payments=payments,
            limits=PLENTY,
            # The examples are of a booking for tomorrow, whose every step is asked for today.
            dispatch={"steps_ahead_s": 3 * 86_400},
        ) as live:
            place = await make_everybody_a_beautician(live)
            customer = await live.person("customer", "+911000100001")
            yield Stage(live, gateway, customer, await live.person("service", "a test"), place)


# ---------------------------------------------------------------- one documented request each


@dataclass
class Request:
    """What is sent: who, the path's id, and the contract's example with what has to be real in it."""

    who: Person
    id: str = ""
    change: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    variant: str | None = None
    status: int | None = None


Maker = Callable[[Stage], Awaitable[Request]]
MAKERS: dict[str, Maker] = {}


def request_of(endpoint_id: str) -> Callable[[Maker], Maker]:
    def keep(maker: Maker) -> Maker:
        MAKERS[endpoint_id] = maker
        return maker

    return keep


def plain(*endpoint_ids: str) -> None:
    """The example as it stands, from the customer."""

    async def make(stage: Stage) -> Request:
        return Request(stage.customer)

    for endpoint_id in endpoint_ids:
        MAKERS[endpoint_id] = make


plain(
    "customer-auth-send-otp", "customer-auth-me", "customer-services-catalog", "customer-address-create",
    "customer-contact-submit", "customer-promo-validate",
)  # fmt: skip


@request_of("customer-auth-verify-otp")
async def _verify_otp(stage: Stage) -> Request:
    phone = ENDPOINTS["customer-auth-verify-otp"]["request_example"]["phone_number"]
    return Request(stage.customer, change={"otp_code": await stage.code(phone)})


@request_of("customer-auth-refresh-token")
async def _refresh(stage: Stage) -> Request:
    phone = "+911000100002"
    body = {"phone_number": phone, "otp_code": await stage.code(phone), "purpose": "login"}
    pair = (await stage.customer.call("POST", "/v1/auth/verify-otp", body))["data"]
    return Request(stage.customer, change={"refresh_token": pair["refresh_token"]})


@request_of("customer-auth-logout")
async def _logout(stage: Stage) -> Request:
    return Request(await stage.live.person("customer", "+911000100002"))


@request_of("customer-dashboard")
async def _dashboard(stage: Stage) -> Request:
    await stage.completed()
    for _ in range(200):
        if (await stage.customer.call("GET", "/v1/dashboard"))["data"]["notifications"]:
            break
    return Request(stage.customer)


@request_of("customer-service-detail")
async def _service(stage: Stage) -> Request:
    return Request(stage.customer, id=(await stage.service_ids())[0])


@request_of("customer-addresses-list")
async def _addresses(stage: Stage) -> Request:
    await stage.address()
    return Request(stage.customer)


async def _new_address(stage: Stage) -> Request:
    body = ENDPOINTS["customer-address-create"]["request_example"]
    made = await stage.customer.call("POST", "/v1/users/addresses", body, expect=201)
    return Request(stage.customer, id=made["data"]["id"])


for _id in ("customer-address-update", "customer-address-delete"):
    MAKERS[_id] = _new_address


@request_of("customer-address-set-default")
async def _default_address(stage: Stage) -> Request:
    return Request(stage.customer, id=await stage.address())


@request_of("customer-checkout-prepare")
async def _prepare(stage: Stage) -> Request:
    change = {
        "service_ids": await stage.service_ids(), "address_id": await stage.address(), "booking_date": TOMORROW,
    }  # fmt: skip
    return Request(stage.customer, change=change)


async def confirm_online(stage: Stage) -> Request:
    return Request(stage.customer, change=await stage.confirmation("online"), variant="Online Payment")


async def confirm_cash(stage: Stage) -> Request:
    return Request(stage.customer, change=await stage.confirmation("cash"), variant="Cash Payment")


MAKERS["customer-checkout-confirm"] = confirm_online


@request_of("customer-payments-verify")
async def _verify_payment(stage: Stage) -> Request:
    order_id = (await stage.booked("online"))["payment"]["order_id"]
    paid = await stage.gateway.pay(order_id)
    return Request(stage.customer, change={k: v for k, v in paid.items() if k.startswith("razorpay_")})


@request_of("customer-payment-status")
async def _payment_status(stage: Stage) -> Request:
    made = await stage.booked("online")
    paid = await stage.gateway.pay(made["payment"]["order_id"])
    verified = {k: v for k, v in paid.items() if k.startswith("razorpay_")}
    await stage.customer.call("POST", "/v1/payments/verify", verified)
    payment_id = await stage.live.value(
        "SELECT id::text FROM payments WHERE booking_id = $1::text::uuid", made["booking"]["id"]
    )
    return Request(stage.customer, id=payment_id)


@request_of("customer-bookings-list")
async def _bookings(stage: Stage) -> Request:
    await stage.accepted()
    return Request(stage.customer, query="?page=1&limit=10&status=confirmed")


@request_of("customer-booking-detail")
async def _booking(stage: Stage) -> Request:
    return Request(stage.customer, id=(await stage.accepted())[0])


@request_of("customer-booking-cancel")
async def _cancel(stage: Stage) -> Request:
    return Request(stage.customer, id=(await stage.booked())["booking"]["id"])


@request_of("customer-booking-rate")
async def _rate(stage: Stage) -> Request:
    return Request(stage.customer, id=(await stage.completed())[0])


@request_of("tech-auth-login")
async def _login(stage: Stage) -> Request:
    phone = "+911000000002"
    return Request(stage.customer, change={"phone_number": phone, "otp_code": await stage.code(phone)})


@request_of("tech-dashboard")
async def _tech_dashboard(stage: Stage) -> Request:
    return Request((await stage.completed())[1])


@request_of("tech-bookings-list")
async def _tech_bookings(stage: Stage) -> Request:
    return Request((await stage.accepted())[1], query=f"?status=accepted&date={TOMORROW}&page=1&limit=20")


@request_of("tech-booking-accept")
async def _accept(stage: Stage) -> Request:
    booking_id, technician = await stage.offered()
    return Request(technician, id=booking_id)


@request_of("tech-booking-reject")
async def _reject(stage: Stage) -> Request:
    booking_id, technician = await stage.offered()
    return Request(technician, id=booking_id)


@request_of("tech-booking-status")
async def _status(stage: Stage) -> Request:
    booking_id, technician = await stage.accepted()
    return Request(technician, id=booking_id, change={"estimated_arrival": stage.later(hours=1)})


@request_of("tech-booking-complete")
async def _complete(stage: Stage) -> Request:
    booking_id, technician = await stage.accepted("in_transit", "arrived", "in_progress")
    return Request(technician, id=booking_id, change={"service_completed_at": stage.later(seconds=0)})


async def _as_technician(stage: Stage) -> Request:
    return Request(await stage.live.person("technician", "PT-001"))


for _id in ("tech-availability", "tech-working-hours"):
    MAKERS[_id] = _as_technician


@request_of("tech-earnings")
async def _earnings(stage: Stage) -> Request:
    technician = (await stage.completed())[1]
    return Request(technician, query=f"?status=pending&date_from={TODAY}&date_to={TOMORROW}")


@request_of("tech-payouts")
async def _payouts(stage: Stage) -> Request:
    technician = await stage.live.person("technician", "PT-003")
    async with stage.live.services.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO payouts (number, party_id, currency, total_minor, net_minor, method, status, "
            "upi_transaction_id, requested_by, earning_ids, processed_at) "
            "SELECT 'PO-20260105-901', id, 'INR', 2500000, 2500000, 'upi', 'completed', 'T1', 'a test', '{}', "
            "app_now() FROM parties WHERE code = 'PT-003'"
        )
    return Request(technician)


@request_of("internal-assign")
async def _assign(stage: Stage) -> Request:
    booking_id = await stage.waiting()
    async with stage.live.services.transaction() as tx:
        # As after three answers: people decide, and the server offers it to nobody by itself.
        await tx.conn.execute(
            "UPDATE bookings SET attempt = 3, looks = 0, waits_for = '{}', next_action = NULL, next_action_at = NULL, "
            "queued_at = coalesce(queued_at, app_now()), queue_reason = 'attempts_exhausted' WHERE id = $1::text::uuid",
            booking_id,
        )
    for n in (4, 5, 6):
        technician = await stage.live.person("technician", f"PT-{n:03d}")
        here = {"is_available": True, "current_lat": stage.place[0], "current_lng": stage.place[1]}
        await technician.call("PATCH", "/v1/partner/availability", here)
    return Request(stage.service, id=booking_id)


@request_of("internal-assignment-queue")
async def _queue(stage: Stage) -> Request:
    await stage.waiting()
    return Request(stage.service)


#: Signed over its raw body, so it is sent by a test of its own.
SIGNED = "customer-payments-webhook"
SENT = [e for e in ENDPOINTS if e != SIGNED]


def body_of(endpoint: dict[str, Any], change: dict[str, Any]) -> Any:
    """The example without its elisions; what is changed must be one of its own keys."""
    example = endpoint["request_example"]
    if example is None:
        assert not change
        return None
    assert change.keys() <= example.keys(), "only values are replaced"
    return {k: v for k, v in {**copy.deepcopy(example), **change}.items() if k != ELISION}
