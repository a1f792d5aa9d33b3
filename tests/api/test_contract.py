"""The contract's own words against a live server: each documented request is taken, each documented key answered."""

from __future__ import annotations

import copy
import hashlib
import hmac
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from dispatch.gateway.server import LocalGateway
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
pytestmark = pytest.mark.skipif(not ENDPOINTS, reason="the shared contract is not here")


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
            body = {**ENDPOINTS["customer-address-create"]["request_example"], "lat": self.place[0], "lng": self.place[1]}
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
    async with LocalGateway(seed=3) as gateway:
        payments = {
            "key_id": gateway.key_id, "key_secret": gateway.key_secret, "webhook_secret": gateway.webhook_secret,
            "base_url": gateway.url,
        }  # fmt: skip
        folder: Path = tmp_path_factory.mktemp("contract")
        async with live_server(
            await clone(pg_home), folder, technicians=12, customers=2, payments=payments, limits=PLENTY
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


async def _confirm_online(stage: Stage) -> Request:
    return Request(stage.customer, change=await stage.confirmation("online"), variant="Online Payment")


async def _confirm_cash(stage: Stage) -> Request:
    return Request(stage.customer, change=await stage.confirmation("cash"), variant="Cash Payment")


MAKERS["customer-checkout-confirm"] = _confirm_online


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
            "INSERT INTO payouts (number, party_id, currency, total_minor, net_minor, method, status, upi_transaction_id, "
            "requested_by, earning_ids, processed_at) SELECT 'PO-20260105-901', id, 'INR', 2500000, 2500000, 'upi', "
            "'completed', 'T1', 'a test', '{}', app_now() FROM parties WHERE code = 'PT-003'"
        )
    return Request(technician)


@request_of("internal-assign")
async def _assign(stage: Stage) -> Request:
    booking_id = await stage.waiting()
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


def test_every_endpoint_has_its_request() -> None:
    assert MAKERS.keys() == set(SENT)


@pytest.mark.parametrize("endpoint_id", SENT)
async def test_the_documented_request_gets_the_documented_answer(stage: Stage, endpoint_id: str) -> None:
    await check(stage, ENDPOINTS[endpoint_id], await MAKERS[endpoint_id](stage))


async def test_a_cash_booking_has_an_answer_of_its_own(stage: Stage) -> None:
    await check(stage, ENDPOINTS["customer-checkout-confirm"], await _confirm_cash(stage))


async def check(stage: Stage, endpoint: dict[str, Any], request: Request) -> None:
    path = endpoint["full_path"].replace("{id}", request.id) + request.query
    answer = await request.who.call(
        endpoint["method"], path, body_of(endpoint, request.change), expect=endpoint["success_status"]
    )
    example = endpoint["response_example"]
    if request.variant:
        example = endpoint["response_variants"][request.variant]
    if example is None:
        assert answer["success"] is True
    else:
        assert list(differences(example, answer)) == []


def body_of(endpoint: dict[str, Any], change: dict[str, Any]) -> Any:
    """The example without its elisions; what is changed must be one of its own keys."""
    example = endpoint["request_example"]
    if example is None:
        assert not change
        return None
    assert change.keys() <= example.keys(), "only values are replaced"
    return {k: v for k, v in {**copy.deepcopy(example), **change}.items() if k != ELISION}


SHAPES = (
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"), re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")),
    (re.compile(r"^\d{4}-\d\d-\d\d$"), re.compile(r"^\d{4}-\d\d-\d\d$")),
    (re.compile(r"^\d\d:\d\d:\d\d$"), re.compile(r"^\d\d:\d\d:\d\d$")),
    (re.compile(r"^\d\d:\d\d [AP]M$"), re.compile(r"^\d\d:\d\d [AP]M$")),
    (re.compile(r"^BK-\d{8}-\d{6}$"), re.compile(r"^BK-\d{8}-\d{6}$")),
    (re.compile(r"^PT-\d{3}$"), re.compile(r"^PT-\d{3,}$")),
    (re.compile(r"^uuid$"), re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")),
)


def differences(example: Any, answer: Any, path: str = "$") -> Iterator[str]:
    """Where the answer lacks what the example shows: keys, kinds of values, shapes of ids, times and numbers."""
    if example == ELISION or answer is None:
        return
    if isinstance(example, dict):
        if not isinstance(answer, dict):
            yield f"{path} is no object"
            return
        for key, value in example.items():
            if key == ELISION:
                continue
            if key not in answer:
                yield f"{path}.{key} is missing"
            else:
                yield from differences(value, answer[key], f"{path}.{key}")
    elif isinstance(example, list):
        if not isinstance(answer, list) or (example != [ELISION] and not answer):
            yield f"{path} is no list, or has nothing in it"
            return
        for n, value in enumerate(answer):
            yield from differences(example[0], value, f"{path}[{n}]")
    else:
        yield from unlike(example, answer, path)


def unlike(example: Any, answer: Any, path: str) -> Iterator[str]:
    def kind(value: Any) -> str:
        if isinstance(value, bool):
            return "boolean"
        return "number" if isinstance(value, int | float) else type(value).__name__

    if kind(example) != kind(answer):
        yield f"{path} is a {kind(answer)}, not a {kind(example)}"
    elif isinstance(example, str):
        for shown, wanted in SHAPES:
            if shown.match(example) and not wanted.match(answer):
                yield f"{path} is {answer!r}, not like {example!r}"


async def test_differences_are_seen() -> None:
    example = {"a": {"b": 1.0, ELISION: ELISION}, "c": [{"at": "2024-01-20T10:00:00Z"}], "d": "uuid"}
    right = {"a": {"b": 2, "x": 1}, "c": [{"at": "2026-01-05T04:30:00Z"}], "d": str(uuid.uuid4())}
    assert list(differences(example, right)) == []
    wrong = {"a": {"b": "2"}, "c": [{"at": "yesterday"}], "d": "no"}
    assert len(list(differences(example, wrong))) == 3
    assert list(differences(example, {"a": 1, "c": []})) == [
        "$.a is no object", "$.c is no list, or has nothing in it", "$.d is missing",
    ]  # fmt: skip


# ---------------------------------------------------------------- what is refused


#: A bad value for each limit that is not a plain length, and the field that has to be named.
BAD_VALUES: dict[tuple[str, str], list[Any]] = {
    ("customer-auth-send-otp", "phone_number"): ["+12345678901234567", "12", "no phone", ""],
    ("customer-auth-verify-otp", "otp_code"): ["12345", "1234567", "12345a", ""],
    ("customer-address-create", "lat"): [90.001, -91],
    ("customer-address-create", "lng"): [180.5, -181],
    ("customer-checkout-prepare", "booking_date"): ["2025-12-31", "2026-03-01", "2026-02-30", "tomorrow"],
    ("customer-checkout-confirm", "booking_time"): ["25:00", "10:00 XM", "noon"],
    ("customer-checkout-confirm", "booking_date"): ["2026-13-01", "soon"],
    ("customer-checkout-confirm", "cancellation_policy_accepted"): [False],
    ("customer-checkout-confirm", "customer_email"): ["not an address"],
    ("customer-checkout-confirm", "customer_phone"): ["12"],
    ("customer-checkout-confirm", "preview_id"): ["uuid"],
    ("customer-payments-verify", "razorpay_order_id"): ["x" * 256],
    ("customer-payments-verify", "razorpay_payment_id"): ["x" * 256],
    ("customer-payments-verify", "razorpay_signature"): ["x" * 256],
    ("customer-booking-rate", "rating"): [0, 6, 4.5, "5"],
    ("customer-promo-validate", "amount"): [0, -1, "much"],
    ("customer-contact-submit", "email"): ["not an address"],
    ("tech-booking-complete", "service_completed_at"): ["2027-01-01T00:00:00Z", "yesterday"],
    ("tech-booking-status", "estimated_arrival"): ["soon"],
    ("tech-availability", "current_lat"): [90.001, -91],
    ("tech-availability", "current_lng"): [180.5, -181],
    ("tech-availability", "is_available"): ["yes", 1],
    ("tech-working-hours", "working_hours"): [
        {"start": "20:00", "end": "08:00", "days": [1]}, {"start": "25:00", "end": "26:00", "days": [1]},
        {"start": "08:00", "end": "20:00", "days": [0]}, {"start": "08:00", "end": "20:00", "days": [8]},
        {"start": "08:00", "end": "20:00"}, [],
    ],
}  # fmt: skip
#: Limits that BAD_VALUES covers under other names.
COVERED = {
    ("customer-payments-verify", "each"), ("tech-working-hours", "working_hours.start/end"),
    ("tech-working-hours", "working_hours.days"),
}  # fmt: skip
#: We are less strict than the contract's inferred rules here.
LAXER = {
    ("customer-auth-send-otp", "purpose"): "a missing purpose is login",
    ("customer-auth-verify-otp", "purpose"): "a missing purpose is login",
}
#: The checks that need a real booking come after it has been found.
ON_A_BOOKING = {("tech-booking-complete", "service_completed_at")}


@dataclass(frozen=True)
class Violation:
    endpoint_id: str
    field: str
    what: str
    value: Any = None
    is_absent: bool = False

    def __str__(self) -> str:
        return f"{self.endpoint_id}-{self.field}-{self.what}"


def violations() -> Iterator[Violation]:
    for endpoint_id in SENT:
        rules = ENDPOINTS[endpoint_id]["request_rules"] or {}
        if ENDPOINTS[endpoint_id]["request_example"] is None:
            continue
        for name in rules.get("required", ()):
            if (endpoint_id, name) not in LAXER:
                yield Violation(endpoint_id, name, "absent", is_absent=True)
        for name in rules.get("enums", {}):
            yield Violation(endpoint_id, name, "unknown", "no_such_value")
        for name, limit in rules.get("limits", {}).items():
            if (endpoint_id, name) in COVERED:
                continue
            if isinstance(limit, int):
                yield Violation(endpoint_id, name, "too_long", "x" * (limit + 1))
            else:
                assert (endpoint_id, name) in BAD_VALUES, (endpoint_id, name, limit)
        for name in (*rules.get("required", ()), *rules.get("optional", ())):
            yield Violation(endpoint_id, name, "wrong_type", {"no": "such type"})
        for n, value in enumerate(v for (e, _), vs in BAD_VALUES.items() if e == endpoint_id for v in vs):
            named = next(f for (e, f), vs in BAD_VALUES.items() if e == endpoint_id and value in vs)
            yield Violation(endpoint_id, named, f"bad_{n}", value)


@pytest.mark.parametrize("violation", list(violations()) if ENDPOINTS else [], ids=str)
async def test_a_violated_rule_names_its_field(stage: Stage, violation: Violation) -> None:
    endpoint = ENDPOINTS[violation.endpoint_id]
    request = await valid(stage, violation)
    body = body_of(endpoint, request.change)
    body[violation.field] = violation.value
    if violation.is_absent:
        del body[violation.field]
    path = endpoint["full_path"].replace("{id}", request.id)
    answer = await request.who.call(endpoint["method"], path, body, expect=422)
    assert answer["error"]["code"] == "VALIDATION_ERROR", answer
    named = {name.split(".")[0] for name in answer["error"]["details"]}
    assert named == {violation.field}, answer


@pytest.mark.parametrize("endpoint_id", [e for e in SENT if ENDPOINTS[e]["request_example"]])
@pytest.mark.parametrize("text", ['{"a": ', "[1, 2", "{'a': 1}", '{"a": NaN}', "\x00"])
async def test_malformed_json_is_400(stage: Stage, endpoint_id: str, text: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    request = await valid(stage, Violation(endpoint_id, "", ""))
    headers = {"Authorization": f"Bearer {request.who.token}", "Content-Type": "application/json"}
    url = stage.live.url + endpoint["full_path"].replace("{id}", request.id)
    async with stage.live.http.request(endpoint["method"], url, data=text.encode(), headers=headers) as reply:
        assert (reply.status, (await reply.json())["error"]["code"]) == (400, "MALFORMED_JSON")


async def valid(stage: Stage, violation: Violation) -> Request:
    """A request that is right in everything but what will be broken; nothing has to exist for most of them."""
    endpoint_id = violation.endpoint_id
    if (endpoint_id, violation.field) in ON_A_BOOKING:
        return await MAKERS[endpoint_id](stage)
    some = str(uuid.uuid4())
    who = stage.customer
    if ENDPOINTS[endpoint_id]["system"] == "technician":
        who = stage.technicians.setdefault("PT-001", await stage.live.person("technician", "PT-001"))
    if ENDPOINTS[endpoint_id]["system"] == "internal":
        who = stage.service
    change: dict[str, Any] = {}
    if endpoint_id == "customer-checkout-prepare":
        change = {"service_ids": [some], "address_id": some, "booking_date": TOMORROW}
        if violation.field == "booking_date":
            change |= {"service_ids": await stage.service_ids(), "address_id": await stage.address()}
    if endpoint_id == "customer-checkout-confirm":
        change = {"preview_id": some, "address_id": some, "booking_date": TOMORROW}
    return Request(who, id=some, change=change)


# ---------------------------------------------------------------- payments


def signed(stage: Stage, body: bytes) -> dict[str, str]:
    secret = stage.gateway.webhook_secret.encode()
    return {
        "Content-Type": "application/json", "X-Razorpay-Event-Id": f"evt_{uuid.uuid4().hex[:14]}",
        "X-Razorpay-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }  # fmt: skip


async def test_the_webhook(stage: Stage) -> None:
    endpoint = ENDPOINTS[SIGNED]
    url = stage.live.url + endpoint["full_path"]
    for event in endpoint["request_rules"]["enums"]["event"]:
        body = orjson.dumps({**endpoint["request_example"], "event": event})
        for _ in range(2):
            async with stage.live.http.post(url, data=body, headers=signed(stage, body)) as reply:
                assert reply.status == endpoint["success_status"]
                assert await reply.json() == endpoint["response_example"]
        forged = {**signed(stage, body), "X-Razorpay-Signature": "0" * 64}
        async with stage.live.http.post(url, data=body, headers=forged) as reply:
            assert reply.status == 400


async def test_an_online_booking_is_paid_offered_and_shown(stage: Stage) -> None:
    """The whole way of the money: order, page, verification, then a technician is searched for."""
    made = await stage.booked("online")
    assert made["booking"]["status"] == "pending"
    payment = made["payment"]
    assert payment["amount"] == round(made["booking"]["grand_total"] * 100)
    assert payment["key"] == stage.gateway.key_id
    paid = await stage.gateway.pay(payment["order_id"])
    body = {k: v for k, v in paid.items() if k.startswith("razorpay_")}
    forged = {**body, "razorpay_signature": "0" * 64}
    await stage.customer.call("POST", "/v1/payments/verify", forged, expect=400)
    verified = (await stage.customer.call("POST", "/v1/payments/verify", body))["data"]
    assert (verified["payment_status"], verified["booking_id"]) == ("success", made["booking"]["id"])
    assert verified["booking_status"] == "partner_assigned"
    shown = (await stage.customer.call("GET", f"/v1/bookings/{made['booking']['id']}"))["data"]
    assert (shown["payment_status"], shown["payment"]["razorpay_payment_id"]) == ("paid", body["razorpay_payment_id"])
    by_order = (await stage.customer.call("GET", f"/v1/payments/{payment['order_id']}/status"))["data"]
    assert (by_order["status"], by_order["amount"]) == ("success", made["booking"]["grand_total"])


async def test_without_keys_payments_are_not_configured(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=3) as live:
        place = await make_everybody_a_beautician(live)
        customer = await live.person("customer", "+911000100001")
        async with LocalGateway() as gateway:
            stage = Stage(live, gateway, customer, await live.person("service", "a test"), place)
            refused = [
                await customer.call(
                    "POST", "/v1/checkout/confirm", await stage.confirmation("online"), expect=503
                ),
                await customer.call(
                    "POST", "/v1/payments/verify", ENDPOINTS["customer-payments-verify"]["request_example"], expect=503
                ),
                await customer.call("GET", "/v1/payments/order_abc123/status", expect=503),
                await customer.call(
                    "POST", "/v1/payments/webhook", {"event": "payment.captured", "payload": {}}, expect=503
                ),
            ]
        assert {r["error"]["code"] for r in refused} == {"PAYMENTS_NOT_CONFIGURED"}
        assert await live.value("SELECT count(*) FROM bookings") == 0
