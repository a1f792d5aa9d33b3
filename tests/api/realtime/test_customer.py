"""What a customer sees of the technician: believed positions only, and an ETA that is honest or not there."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.realtime import commands, fanout
from api.realtime.events import CUSTOMER
from dispatch.access.dev_tokens import mint_dev_token
from dispatch.live import standing
from dispatch.live.arrivals import AWAY_M
from dispatch.process import runtime
from tests.api.live import Live, Person, live_server, until
from tests.api.test_story import book, make_everybody_a_beautician


@pytest.fixture
async def live(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as made:
        yield made


class Drive:
    """A technician on the way to a customer who watches. Positions are given in degrees north of the door."""

    def __init__(self, live: Live, place: tuple[float, float], customer: Person, technician: Person) -> None:
        self.live, self.place, self.customer, self.technician = live, place, customer, technician
        self.booking: dict[str, Any] = {}

    async def begin(self) -> None:
        for person in (self.customer, self.technician):
            await person.connect()
        await self.at(0.03)
        self.booking = await book(self.customer, self.place)
        offer = await self.technician.hears("offer.made", booking_id=self.booking["id"])
        await self.technician.ask("offer.accept", {"command_id": str(uuid.uuid4()), "offer_id": offer["offer_id"]})
        await self.step("in_transit")
        await self.seen()

    async def step(self, step: str) -> None:
        await self.technician.ask(
            "job.advance", {"command_id": str(uuid.uuid4()), "booking_id": self.booking["id"], "step": step}
        )
        await self.live.services.tracker.read_jobs()

    async def wait(self, seconds: float) -> None:
        await runtime.set_clock(self.live.services, self.live.services.clock.shifted(timedelta(seconds=seconds)))

    async def at(self, north: float, lat: float | None = None, lng: float | None = None, accuracy_m: Any = 8) -> Any:
        await self.wait(10)
        at_ms = int(self.live.services.clock.timestamp() * 1000)
        place = (self.place[0] + north if lat is None else lat, self.place[1] if lng is None else lng)
        return await self.technician.ask("location.report", {"fixes": [[at_ms, *place, accuracy_m, -1, -1]]})

    async def seen(self) -> Any:
        """Where the customer sees them now."""
        answer = await self.customer.ask("track.start", {"booking_id": self.booking["id"]})
        return answer["data"]["technician"]

    def moves(self) -> list[float]:
        heard = self.customer.heard
        return [round(data["lat"] - self.place[0], 4) for event, data in heard if event == "technician.moved"]


@pytest.fixture
async def drive(live: Live) -> Drive:
    place = await make_everybody_a_beautician(live)
    one = Drive(live, place, await live.person("customer", "+911000100001"), await live.person("technician", "PT-001"))
    await one.begin()
    return one


async def test_a_spike_is_not_shown(drive: Drive) -> None:
    await drive.at(0.029)
    for spike in ((0.2, None, None), (0.0, -45.0, 170.0)):
        assert (await drive.at(*spike))["data"]["admitted"] == 1
        view = await drive.seen()
        assert view["lat"] == pytest.approx(drive.place[0] + 0.029)
        assert view["distance_m"] < 4000 and 0 < view["eta_s"] < 1800
    nowhere = await drive.at(0.0, 0.0, 0.0)
    assert nowhere["ok"] is False and nowhere["error"]["code"] == "validation_error"
    await drive.at(0.0285)
    assert (await drive.seen())["lat"] == pytest.approx(drive.place[0] + 0.0285)
    await drive.customer.ask("resume", {})
    assert set(drive.moves()) <= {0.03, 0.029, 0.0285}


async def test_the_eta_goes_by_sure_fixes_and_says_how_sure(drive: Drive) -> None:
    await drive.at(0.02)
    sharp = await drive.seen()
    await drive.at(0.019, accuracy_m=45)
    wide = await drive.seen()
    assert 0 < wide["eta_confidence"] < sharp["eta_confidence"] <= 1
    # Too vague to decide: it is shown as it is, and the estimate stays with the last sure one.
    await drive.at(0.03, accuracy_m=150)
    vague = await drive.seen()
    assert vague["lat"] == pytest.approx(drive.place[0] + 0.03) and vague["accuracy_m"] == 150
    assert vague["eta_s"] == pytest.approx(wide["eta_s"], abs=1)
    assert vague["eta_confidence"] < wide["eta_confidence"]


async def test_of_a_phone_that_went_dark_nothing_is_promised(drive: Drive) -> None:
    await drive.at(0.02)
    assert (await drive.seen())["eta_s"] > 0
    await drive.wait(900)
    dark = await drive.seen()
    assert dark["eta_s"] is None and dark["eta_confidence"] is None and dark["fix_age_s"] >= 900


async def test_who_has_arrived_and_is_elsewhere_is_not_there(drive: Drive) -> None:
    await drive.wait(400)
    await drive.at(0.0002)
    await drive.step("arrived")
    there = await drive.seen()
    assert there["eta_s"] == 0 and there["eta_confidence"] > 0
    for n in range(1, 5):
        await drive.at(0.002 * n)
    away = await drive.seen()
    assert away["distance_m"] > 500 and away["eta_s"] is None
    await drive.wait(400)
    for north in (0.0002, 0.0001, 0.0001, 0.0001, *(0.001 * n for n in range(1, 8))):
        await drive.at(north)
    await everybody_is_told_of_leaving(drive)


async def everybody_is_told_of_leaving(drive: Drive) -> None:
    """They had been there for a while: the arrival stands."""
    booking = {"booking_id": drive.booking["id"]}
    left = (await drive.customer.hears("booking.updated", **booking, event="technician.left"))["data"]
    assert left["is_taken_back"] is False and left["distance_m"] >= AWAY_M
    assert left.keys() == {"is_taken_back", "distance_m"}
    assert (await drive.technician.hears("job.updated", **booking, left=True))["state"] == "arrived"
    told = (await drive.customer.call("GET", f"/v1/bookings/{drive.booking['id']}/timeline"))["data"]
    [seen] = [one for one in told if one["action"] == "technician.left"]
    assert seen["data"] == left


async def test_a_hundred_who_connect_at_once_are_a_dozen_statements(
    fresh_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    everybody_asks = asyncio.Event()

    def counted(module: Any, name: str) -> None:
        theirs = getattr(module, name)

        async def ask(*args: Any, **options: Any) -> Any:
            asked[name] += 1
            await everybody_asks.wait()
            return await theirs(*args, **options)

        monkeypatch.setattr(module, name, ask)

    async with live_server(
        fresh_dsn, tmp_path, technicians=1, customers=1, sockets={"auth_timeout_s": 60}
    ) as live:  # fmt: skip
        tokens = [await mint_dev_token(live.services, "customer", f"+9188000{number:05}") for number in range(100)]
        for module, name in ((standing.rows, "living"), (fanout.rows, "now"), (fanout.rows, "open_heads")):
            counted(module, name)
        # Nobody is given up while the others come.
        monkeypatch.setattr(standing, "ASK_S", 60.0)
        monkeypatch.setattr(commands, "JUDGE_S", 60.0)
        stats, url = live.sockets.stats, f"{live.url}/socket.io/?EIO=4&transport=websocket"
        sockets = await asyncio.gather(*(live.http.ws_connect(url) for _ in tokens))
        for socket, token in zip(sockets, tokens, strict=True):
            await socket.send_str(f'40/customer,{{"token":"{token}"}}')
        await until(lambda: stats["slow_frames"] == 100, "everybody asks")
        everybody_asks.set()
        for socket in sockets:
            assert (await socket.receive_str(timeout=60)).startswith("0{")
            assert (await socket.receive_str(timeout=60)).startswith("40/customer,{")
        members = live.sockets.namespace_handlers[CUSTOMER].members.values()
        await until(lambda: sum(one.state is not None and not one.state.lock.locked() for one in members) == 100, "in")
        for socket in sockets:
            await socket.close()
    assert 3 <= asked.total() <= 14, asked
