"""What simulated people share: the options, the clock, the connection pool, and the tally of what happened."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from dispatch.access.dev_tokens import mint_dev_token
from dispatch.client.client import CallFailed, Credentials, Live, Rest, Unreachable
from dispatch.clock import Clock
from dispatch.outbox.messages import list_outbox
from dispatch.services import Services
from dispatch.simulation.world import World

log = logging.getLogger(__name__)

#: So many people of a kind sign in with a code from the outbox; the others get a token, which is quicker.
WITH_CODE = 5
#: A code must be in the outbox within so many looks.
LOOKS, LOOK_S = 40, 0.05
#: Whoever did not end is told again after this, in real seconds: their own ending takes a moment.
STOP_S = 5.0
#: So many errors are kept with their words.
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What a simulation is to do.

    `duration_s`: seconds of the domain's time after which it stops, None for when every booking has ended.
    `timezone` and `currency` are those of the zone that is made from `traces`. `bookings_each` is how many
    bookings a customer makes; `is_endless` goes on until cancelled.
    """

    technicians: int = 30
    customers: int = 10
    seed: int = 1
    speed: float = 60.0
    traces: Path | None = None
    duration_s: float | None = None
    timezone: str = "UTC"
    currency: str = "EUR"
    bookings_each: int = 1
    is_endless: bool = False


@dataclass(slots=True)
class Booked:
    """A booking of this simulation, and whose socket has to hear of it."""

    id: str
    customer: int


@dataclass(slots=True)
class Tally:
    """Counted while it runs. Pings dropped are by the step that dropped them, as the server acknowledged."""

    reports: int = 0
    pings: int = 0
    admitted: int = 0
    refreshed: int = 0
    lost_reports: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    offers_heard: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    late_answers: Counter[str] = field(default_factory=Counter)
    arrivals_detected: int = 0
    arrivals_by_hand: int = 0
    moves_seen: int = 0
    paid: int = 0
    rated: int = 0
    completed: int = 0
    cancelled: int = 0
    turned_away: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    error_words: list[str] = field(default_factory=list)
    booked: dict[str, Booked] = field(default_factory=dict)

    def wrong(self, who: str, error: Exception) -> None:
        """Something that should not happen did."""
        self.errors += 1
        words = f"{who}: {type(error).__name__}: {error}"
        if len(self.error_words) < MOST_ERRORS:
            self.error_words.append(words)
        log.warning("%s", words)


@dataclass(slots=True)
class Scene:
    """One run. `stopping` is set when nobody should begin anything new."""

    services: Services
    url: str
    http: aiohttp.ClientSession
    world: World
    options: SimulationOptions
    tally: Tally = field(default_factory=Tally)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def clock(self) -> Clock:
        return self.services.clock

    async def sleep(self, seconds: float) -> None:
        """Sleeps so long in the domain's time."""
        await asyncio.sleep(seconds / self.clock.speed)


class Person:
    """Somebody with a phone: signs in, keeps a socket, has an address of their own behind the trusted hop."""

    kind = ""
    namespace = ""
    block = 0

    def __init__(self, scene: Scene, number: int, phone: str, own_id: str, dice: random.Random) -> None:
        self.scene, self.number, self.phone, self.own_id, self.dice = scene, number, phone, own_id, dice
        self.address = f"10.{self.block + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"
        self.credentials = Credentials(self._sign_in)
        self.open = Rest(scene.http, scene.url, None, self.address)
        self.rest = Rest(scene.http, scene.url, self.credentials, self.address)
        self.live = Live(
            scene.http, scene.url, self.namespace, self.credentials, address=self.address,
            stream=own_id if self.kind == "technician" else None, on_event=self.heard, dice=self.dice,
        )  # fmt: skip
        self._refresh: str | None = None
        self._signed_in = False

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number}"

    def heard(self, event: str, data: dict[str, object]) -> None:
        """An event came over the socket."""

    async def _sign_in(self) -> str:
        """The next access token: by refresh, by a code, or minted."""
        if self._refresh is not None:
            refresh, self._refresh = self._refresh, None
            try:
                return self._keep(await self.open.call("POST", self.refresh_path, {"refresh_token": refresh}))
            except CallFailed as e:
                if e.status != 401:
                    self._refresh = refresh
                    raise
            except Unreachable:
                self._refresh = refresh
                raise
        if self.number <= WITH_CODE and not self._signed_in:
            self._signed_in = True
            try:
                return await self._with_code()
            except CallFailed as e:
                if e.status != 429:
                    raise
        return await mint_dev_token(self.scene.services, self.kind, self.own_id)

    @property
    def refresh_path(self) -> str:
        return "/v1/auth/refresh-token"

    @property
    def login(self) -> tuple[str, dict[str, str]]:
        return "/v1/auth/verify-otp", {"purpose": "login"}

    def _keep(self, data: dict[str, str]) -> str:
        self._refresh = data.get("refresh_token")
        return data["access_token"]

    async def _with_code(self) -> str:
        async with self.scene.services.read() as conn:
            before = {m.id for m in await list_outbox(conn, self.phone, 5)}
        await self.open.call("POST", "/v1/auth/send-otp", {"phone_number": self.phone, "purpose": "login"})
        path, extra = self.login
        for _ in range(LOOKS):
            async with self.scene.services.read() as conn:
                codes = [m for m in await list_outbox(conn, self.phone, 5) if m.id not in before and "code" in m.data]
            if codes:
                body = {"phone_number": self.phone, "otp_code": str(codes[0].data["code"]), **extra}
                return self._keep(await self.open.call("POST", path, body))
            await asyncio.sleep(LOOK_S)
        raise Unreachable(f"no code for {self.phone} came to the outbox")
