"""Real processes: killed with -9 in the middle of work and started again, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
import socketio

from tests.processes import NOBODY, House, Server, data_folder, eventually, python_of
from tests.world import KOLKATA, NOON

TODAY, TOMORROW = "2026-01-05", "2026-01-06"
TECHNICIANS, CUSTOMERS = 12, 4
CUSTOMER_PHONE = "+9110001{:05d}"
#: Domain seconds that an offer stays open; long enough to still be open after the crash.
WINDOW_S = 60
#: Domain seconds between the restart and the end of the offers that were pending when everything died.
LEFT_S = 8.0
#: An expiry that comes later than this after it was due, or after the server answered again, is not on time.
ON_TIME_S = 60.0
SETTINGS = {
    "DISPATCH_DISPATCH__OFFER_WINDOW_S": str(WINDOW_S),
    "DISPATCH_LIMITS__CUSTOMER_PER_MINUTE": "100000",
    "DISPATCH_LIMITS__BOOKING_CREATION_PER_HOUR": "1000",
    "DISPATCH_LOG_LEVEL": "warning",
}


@dataclass
class Order:
    """A confirmation as it was sent, and what was answered, if anything was."""

    phone: str
    key: str
    body: dict[str, Any]
    answer: bytes | None = None

    @property
    def booking(self) -> dict[str, Any]:
        assert self.answer is not None
        return dict(orjson.loads(self.answer)["data"]["booking"])


@dataclass
class Shop:
    """Customers with an app each, against whatever address the server has just now."""

    http: aiohttp.ClientSession
    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    async def call(
        self, phone: str, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        sent = {"Authorization": f"Bearer {self.tokens.get(phone, '')}", **headers}
        async with self.http.request(method, self.url + path, json=body, headers=sent) as reply:
            return reply.status, await reply.read(), dict(reply.headers)

    async def data(self, phone: str, method: str, path: str, body: Any = None) -> Any:
        status, answer, _ = await self.call(phone, method, path, body)
        assert status < 300, (path, status, answer)
        return orjson.loads(answer)["data"]

    async def order(self, phone: str, date: str, nth: int) -> Order:
        """A prepared checkout, ready to be confirmed."""
        catalogue = await self.data(phone, "GET", "/v1/services/catalog?category=Facial&tier=Minimal")
        if phone not in self.places:
            made = {
                "name": "Home", "address_line1": "123 Main St", "city": "Kolkata", "state": "West Bengal",
                "pincode": "700032", "lat": KOLKATA[0], "lng": KOLKATA[1],
            }  # fmt: skip
            self.places[phone] = (await self.data(phone, "POST", "/v1/users/addresses", made))["id"]
        prepared = await self.data(
            phone, "POST", "/v1/checkout/prepare",
            {
                "service_ids": [catalogue["all_services"][0]["id"]], "address_id": self.places[phone],
                "booking_date": date,
            },
        )  # fmt: skip
        body = {
            "preview_id": prepared["preview_id"], "payment_method": "cash", "address_id": self.places[phone],
            "booking_date": date, "booking_time": prepared["available_time_slots"][nth],
            "customer_name": "A customer", "customer_phone": phone, "cancellation_policy_accepted": True,
        }  # fmt: skip
        return Order(phone, f"order-{uuid.uuid4()}", body)

    async def confirm(self, order: Order) -> tuple[int, bytes, bool]:
        """Status, answer, and whether it was a replay."""
        status, answer, headers = await self.call(
            order.phone, "POST", "/v1/checkout/confirm", order.body, **{"X-Idempotency-Key": order.key}
        )
        return status, answer, headers.get("Idempotent-Replayed") == "true"


def accounts() -> list[Any]:
    """The account that runs the tests and, where that is root, an ordinary one too."""
    if os.geteuid():
        return [pytest.param(None, id="ordinary")]
    return [pytest.param(None, id="root"), pytest.param(NOBODY, id="ordinary")]


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Any:
    user = getattr(request, "param", None)
    if (found := python_of(user)) is None:
        pytest.skip(f"the account {user} can run no Python with this checkout's packages")
    python, env = found
    with data_folder(user) as folder:
        yield House(folder, user, SETTINGS | env, python)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def open_house(house: House) -> Server:
    """Seeded by the command, on a Monday morning, and answering; everybody can do everything from one place."""
    await house.said("migrate")
    seeded = await house.said("seed", "--technicians", str(TECHNICIANS), "--customers", str(CUSTOMERS))
    assert seeded.startswith(f"{TECHNICIANS} technicians, {CUSTOMERS} customers")
    server = await house.serve()
    async with house.database() as conn:
        await conn.execute("UPDATE app_clock SET real_at = clock_timestamp(), app_at = $1, speed = 1", NOON)
        await conn.execute(
            "UPDATE technicians SET categories = '{Facial}', tiers = '{Minimal}', base_lat = $1, base_lng = $2, "
            "zone_id = NULL, rating_sum = 0, rating_count = 0, service_radius_m = 20000",
            *KOLKATA,
        )
    # The process read its clock and its roster when it started.
    code, _, _ = await server.terminate()
    assert code == 0
    return await house.serve()


async def sign_in(house: House, shop: Shop) -> None:
    """As people do it, with codes; the codes are read from the running server's outbox."""
    phones = [CUSTOMER_PHONE.format(n) for n in range(1, CUSTOMERS + 1)]
    for phone in phones:
        await shop.call(phone, "POST", "/v1/auth/send-otp", {"phone_number": phone, "purpose": "login"})
    listed = orjson.loads(await house.said("outbox", "--json"))
    assert {m["to"] for m in listed} >= set(phones)
    only = orjson.loads(await house.said("outbox", "--to", phones[0], "--json"))
    assert [m["to"] for m in only] == [phones[0]]
    for phone in phones:
        code = next(m["data"]["code"] for m in listed if m["to"] == phone)
        body = {"phone_number": phone, "otp_code": code, "purpose": "login"}
        shop.tokens[phone] = (await shop.data(phone, "POST", "/v1/auth/verify-otp", body))["access_token"]


async def report_once(house: House, server: Server, code: str) -> None:
    """A technician's phone goes online, says where it is, and is not heard of again."""
    token = (await house.said("token", "technician", code)).strip()
    async with house.database() as conn:
        now_s = (await conn.fetchval("SELECT app_now()")).timestamp()
    phone = socketio.AsyncClient(reconnection=False)
    await phone.connect(
        server.url, auth={"token": token}, namespaces=["/technician"], transports=["websocket"], wait_timeout=60
    )
    fix = [int(now_s * 1000), KOLKATA[0] + 0.01, KOLKATA[1], 8.0, None, None]
    answer = await phone.call("location.report", {"fixes": [fix]}, namespace="/technician", timeout=60)
    assert answer["data"]["admitted"] == 1, answer
    await phone.disconnect()

    async def saved() -> Any:
        async with house.database() as conn:
            return await conn.fetchval(
                "SELECT lat FROM technician_positions JOIN parties ON id = technician_id WHERE code = $1", code
            )

    assert await eventually(saved, "the last position should be saved") == pytest.approx(KOLKATA[0] + 0.01)


async def book_until_killed(shop: Shop, server: Server, orders: list[Order]) -> None:
    """Confirms everything at once, and kills the server and its database when half of it is answered."""
    answered = asyncio.Event()

    async def one(order: Order) -> None:
        try:
            status, answer, _ = await shop.confirm(order)
        except (aiohttp.ClientError, ConnectionError):
            return
        assert status == 201, answer
        order.answer = answer
        if sum(o.answer is not None for o in orders) >= len(orders) // 2:
            answered.set()

    working = [asyncio.create_task(one(order)) for order in orders]
    await asyncio.wait_for(answered.wait(), 60)
    assert await server.kill_everything() > 4
    await asyncio.gather(*working)


async def test_kill_9_of_everything_loses_nothing(house: House, http: aiohttp.ClientSession) -> None:
    server = await open_house(house)
    try:
        shop = Shop(http, server.url)
        await sign_in(house, shop)
        await report_once(house, server, "PT-001")
        phones = list(shop.tokens)
        orders = [await shop.order(phones[n % CUSTOMERS], TOMORROW, n // CUSTOMERS * 4) for n in range(12)]
        await book_until_killed(shop, server, orders)
        pending = await move_time_to_the_end_of_the_offers(house)
        server = await house.serve()
        shop.url = server.url
        await check_acknowledged(house, shop, orders)
        await check_expiry(house, pending)
        await check_positions(house, shop)
        code, took_s, rest = await server.terminate()
        assert (code, rest) == (0, "") and took_s < 10
    finally:
        if server.process.returncode is None:
            await server.kill_everything()


async def move_time_to_the_end_of_the_offers(house: House) -> dict[uuid.UUID, Any]:
    """The outage took nearly as long as the offers had left: returns them with their ends.

    Sets the clock's row on the database alone, as it comes up after the crash.
    """
    for_seeing = await house.serve()
    try:
        async with house.database() as conn:
            rows = await conn.fetch("SELECT id, expires_at FROM offers WHERE state = 'open' ORDER BY expires_at")
            assert len(rows) >= 6
            # All of them were made within a second or two, and have most of their minute left.
            assert rows[0]["expires_at"] > await conn.fetchval("SELECT app_now()")
            await conn.execute(
                "UPDATE app_clock SET real_at = clock_timestamp(), app_at = $1",
                rows[0]["expires_at"] - timedelta(seconds=LEFT_S),
            )
    finally:
        # Killed again, this time while recovering or just after: nothing may depend on a clean end.
        await for_seeing.kill_everything()
    return {row["id"]: row["expires_at"] for row in rows}


async def check_acknowledged(house: House, shop: Shop, orders: list[Order]) -> None:
    """What was answered is there and replays; what was not is there once or not at all, and can be asked again."""
    known = [order for order in orders if order.answer is not None]
    assert len(known) >= len(orders) // 2
    for order in known:
        found = await shop.data(order.phone, "GET", f"/v1/bookings/{order.booking['id']}")
        assert found["booking_number"] == order.booking["booking_number"]
        status, answer, is_replay = await shop.confirm(order)
        if is_replay:
            assert (status, answer) == (201, order.answer)
        else:
            # The answer left before it could be stored with its key: the claim is still held for its dead owner.
            assert status == 409, answer
    async with house.database() as conn:
        per_preview = await conn.fetch("SELECT preview_id, count(*) AS n FROM bookings GROUP BY 1")
        assert {row["n"] for row in per_preview} == {1}
        assert {row["preview_id"] for row in per_preview} <= {uuid.UUID(o.body["preview_id"]) for o in orders}
        # Every booking that waits has its timer or its place in the queue, and every number is its own.
        assert await conn.fetchval(
            "SELECT count(*) FROM bookings WHERE status IN ('pending', 'partner_assigned') "
            "AND (next_action_at IS NULL) = (queued_at IS NULL)"
        ) == 0  # fmt: skip
        assert await conn.fetchval("SELECT count(*) - count(DISTINCT number) FROM bookings") == 0
        assert await conn.fetchval(
            "SELECT count(*) FROM bookings b "
            "WHERE event_seq <> (SELECT count(*) FROM booking_events WHERE booking_id = b.id)"
        ) == 0  # fmt: skip


async def check_expiry(house: House, pending: dict[uuid.UUID, Any]) -> None:
    """Each offer that was open when everything died expires when it was said to, and the search goes on."""

    async def expired() -> Any:
        async with house.database() as conn:
            rows = await conn.fetch(
                "SELECT id, state, expires_at, answered_at, booking_id FROM offers WHERE id = ANY($1::uuid[])",
                list(pending),
            )
        return rows if all(row["state"] != "open" for row in rows) else None

    async with house.database() as conn:
        answering_at = await conn.fetchval("SELECT app_now()")
    rows = await eventually(expired, "every pending offer should expire", seconds=LEFT_S + 120)
    assert len(rows) == len(pending)
    for row in rows:
        assert row["state"] == "expired"
        assert row["expires_at"] == pending[row["id"]]
        assert row["answered_at"] >= row["expires_at"]
        assert row["answered_at"] <= max(row["expires_at"], answering_at) + timedelta(seconds=ON_TIME_S)
    async with house.database() as conn:
        went_on = await conn.fetchval(
            "SELECT count(*) FROM bookings WHERE id = ANY($1::uuid[]) AND (attempt >= 2 OR queued_at IS NOT NULL)",
            [row["booking_id"] for row in rows],
        )
    assert went_on == len(rows)


async def check_positions(house: House, shop: Shop) -> None:
    """Where a technician was is known without a new report: the index was filled again at the start."""
    service = (await house.said("token", "service", "a test")).strip()
    phone = next(iter(shop.tokens))
    order = await shop.order(phone, TODAY, 0)
    status, answer, _ = await shop.confirm(order)
    assert status == 201, answer
    booking_id = orjson.loads(answer)["data"]["booking"]["id"]
    headers = {"Authorization": f"Bearer {service}"}
    async with shop.http.get(f"{shop.url}/v1/internal/bookings/{booking_id}/dispatch", headers=headers) as reply:
        assert reply.status == 200
        explained = orjson.loads(await reply.read())["data"]
    found = {c["partner_code"]: c for a in explained["attempts"] for c in a["candidates"]}
    # The others have never said where they are.
    assert found["PT-001"]["reason"] not in ("no_position",), found["PT-001"]
    assert found["PT-001"]["distance_m"] == pytest.approx(1112, abs=30)


async def test_one_server_per_folder_and_a_quick_end_with_open_sockets(
    house: House, http: aiohttp.ClientSession
) -> None:
    await house.said("migrate")
    seeded = await house.said("seed", "--technicians", "1", "--customers", "1")
    assert seeded.startswith("1 technician, 1 customer")
    server = await house.serve()
    try:
        code, out, err = await house.command("serve", "--port", "0")
        assert (code, out) == (1, "")
        assert err == f"dispatch: Another server runs on {house.folder}: stop it, or choose another --data folder.\n"
        technician = (await house.said("token", "technician", "PT-001")).strip()
        customer = (await house.said("token", "customer", CUSTOMER_PHONE.format(1))).strip()
        sockets = []
        for namespace, token in (("/technician", technician), ("/customer", customer)):
            for _ in range(5):
                client = socketio.AsyncClient(reconnection=False)
                await client.connect(
                    server.url, auth={"token": token}, namespaces=[namespace], transports=["websocket"], wait_timeout=60
                )
                sockets.append(client)
        # One that has never signed in, one request that is never finished, and one connection that is kept alive.
        silent = await http.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket")
        host, port = server.url.removeprefix("http://").split(":")
        _, half = await asyncio.open_connection(host, int(port))
        half.write(b"POST /v1/auth/send-otp HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        await half.drain()
        code, took_s, rest = await server.terminate()
        assert code == 0 and took_s < 10
        assert rest == "", "`ready http://…` is printed once, and nothing else"
        for client in sockets:
            await asyncio.wait_for(client.wait(), 60)
        await silent.close()
        half.close()
        assert not (house.folder / "db" / "pgdata" / "postmaster.pid").exists()
    finally:
        if server.process.returncode is None:
            await server.kill_everything()


@pytest.mark.parametrize("house", accounts(), indirect=True)
async def test_a_killed_parent_takes_its_database_with_it(house: House, http: aiohttp.ClientSession) -> None:
    """Only the server is killed: the database ends by itself, and the next server gets the folder and its rows."""
    server = await house.serve()
    told = {"name": "A customer", "email": "customer@example.com", "message": "Is anybody there?"}
    async with http.post(f"{server.url}/v1/contact", json=told) as reply:
        assert reply.status == 201
    server.process.send_signal(signal.SIGKILL)
    await server.process.wait()
    again = await house.serve()
    async with house.database() as conn:
        assert await conn.fetchval("SELECT message FROM contact_submissions") == told["message"]
    code, took_s, rest = await again.terminate()
    assert (code, rest) == (0, "") and took_s < 10
