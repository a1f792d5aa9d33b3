"""A simulated customer: books near a trip's start, pays, watches, sometimes cancels, rates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp

from dispatch.client.client import CallFailed, Unreachable
from dispatch.client.customer import CustomerApi, PaymentMethod
from dispatch.client.documents import Address, Booking
from dispatch.localtime import local
from dispatch.loops import end
from dispatch.simulation import policies
from dispatch.simulation.policies import dice_for
from dispatch.simulation.scene import STOP_S, Booked, Person, Scene

#: Tries to book: a slot may go to somebody else, a price may lapse while the machine is busy.
TRIES = 8
#: Between two tries and, without end, between two bookings, in seconds of the domain's time.
RETRY_S, PAUSE_S = 120.0, 5400.0
#: Simulated customers want short services, and look at so many before they come back later.
LONGEST_MINUTES, CHOICE = 60, 12
#: A booking is looked after so long beyond its end before the customer gives it up.
GIVE_UP_S = 27 * 3600.0
#: A call is repeated so often, with pauses of at most so many real seconds, while the answer is one of AWAY.
CALLS, MOST_WAIT_S, AWAY = 60, 2.0, frozenset({401, 429, 503})
#: A call whose answer was lost is being carried out, or was by a server that died: its key is free again in a while.
IN_PROGRESS = "request_in_progress"
#: What the customer learns while booking and that is no error.
TRY_AGAIN = frozenset({"slot_taken", "time_over", "preview_expired", "conflict", "not_found"})
ENDED = frozenset({"completed", "cancelled", "refunded"})


def _is_time_over(failed: CallFailed) -> bool:
    """At many times real time what was still to come when it was shown may be over when it is asked for."""
    return failed.status == 422 and isinstance(failed.details, dict) and failed.details.keys() == {"booking_time"}


class Customer(Person):
    """Makes bookings one after the other and sees each to its end."""

    kind, namespace, block = "customer", "/customer", 128

    def __init__(self, scene: Scene, number: int, phone: str, own_id: str, gateway_url: str | None) -> None:
        super().__init__(scene, number, phone, own_id, dice_for(scene.options.seed, "customer way", number))
        self.policy = policies.customer(scene.options.seed, number)
        self.api = CustomerApi(self._patiently)
        self._gateway_url = gateway_url
        self._news: dict[str, asyncio.Event] = {}
        self._socket: asyncio.Task[None] | None = None
        self._address: Address | None = None

    async def run(self) -> None:
        """Returns when all bookings have ended; the socket stays until `close`, to hear the rest."""
        self._socket = asyncio.create_task(self.live.run())
        await self.live.ready()
        earlier = asyncio.create_task(self._look_after_earlier())
        try:
            await self._book_in_turn()
        finally:
            await end([earlier], again_s=STOP_S)

    async def _book_in_turn(self) -> None:
        done = 0
        await self.scene.sleep(self.dice.uniform(0.0, 600.0))
        while not self.scene.stopping.is_set():
            try:
                await self._book_one()
            except (CallFailed, Unreachable) as e:
                self.scene.tally.wrong(self.name, e)
            done += 1
            if not self.scene.options.is_endless and done >= self.scene.options.bookings_each:
                return
            await self.scene.sleep(self.dice.uniform(0.5, 1.5) * PAUSE_S)

    async def close(self) -> None:
        if self._socket is not None:
            await end([self._socket], again_s=STOP_S)

    def heard(self, event: str, data: dict[str, Any]) -> None:
        if event == "technician.moved":
            self.scene.tally.moves_seen += 1
        elif event == "booking.updated" and (news := self._news.get(str(data["booking_id"]))) is not None:
            news.set()

    async def _look_after_earlier(self) -> None:
        """Bookings that were open when an earlier simulation on this database ended."""
        try:
            found = [booking async for booking in self.api.bookings()]
        except (CallFailed, Unreachable) as e:
            self.scene.tally.wrong(f"{self.name} looking at bookings", e)
            return
        for booking in found:
            if booking["status"] not in ENDED and booking["id"] not in self.scene.tally.booked:
                try:
                    await self._see_through(booking["id"])
                except (CallFailed, Unreachable) as e:
                    self.scene.tally.wrong(self.name, e)

    # ------------------------------------------------------------ booking

    async def _book_one(self) -> None:
        booking_id = await self._book()
        if booking_id is not None:
            await self._see_through(booking_id)

    async def _see_through(self, booking_id: str) -> None:
        """Watches a booking to its end; cancels it when minds change or patience ends."""
        with suppress(CallFailed, Unreachable):
            await self.live.ask("track.start", {"booking_id": booking_id})
        changes_mind = self.dice.random() < self.policy.cancels
        mind_after_s = self.dice.uniform(60.0, 1800.0)
        booked_s = self.scene.clock.timestamp()
        while True:
            booking = await self.api.booking(booking_id)
            if booking["status"] in ENDED:
                break
            waited_s = self.scene.clock.timestamp() - booked_s
            is_open = booking["status"] in ("pending", "partner_assigned")
            if (changes_mind and waited_s > mind_after_s) or (is_open and waited_s > 2 * self.policy.patience_s):
                changes_mind = False
                if await self._cancel(booking_id):
                    continue
            if waited_s > GIVE_UP_S:
                break
            await self._wait_for_news(booking_id, self._next_look(changes_mind, mind_after_s, waited_s))
        await self._afterwards(booking_id, booking)

    def _next_look(self, changes_mind: bool, mind_after_s: float, waited_s: float) -> float:
        """The next look at the booking, in seconds of the domain's time: news wake earlier."""
        return min(600.0, max(30.0, mind_after_s - waited_s + 1.0)) if changes_mind else 600.0

    async def _wait_for_news(self, booking_id: str, longest_s: float) -> None:
        """Returns at a fact of the booking that came since the last call, or after so long (domain time)."""
        news = self._news.setdefault(booking_id, asyncio.Event())
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), max(0.2, longest_s / self.scene.clock.speed))
        news.clear()

    async def _afterwards(self, booking_id: str, booking: Booking) -> None:
        if booking["status"] == "completed" and self.dice.random() < self.policy.rates:
            stars = self.dice.choice((3, 4, 4, 5, 5, 5, 5))
            await self.api.rate(booking_id, stars)
            self.scene.tally.rated += 1
        self._news.pop(booking_id, None)
        with suppress(CallFailed, Unreachable):
            await self.live.ask("track.stop", {"booking_id": booking_id})

    async def _book(self) -> str | None:
        """The id of a new booking; None when there was no time to be had."""
        services = await self.api.catalogue()
        address = await self._home()
        wanted = [s for s in services["all_services"] if s["duration_minutes"] <= LONGEST_MINUTES]
        self.dice.shuffle(wanted)
        for attempt in range(TRIES):
            try:
                for service in wanted[:CHOICE]:
                    booking_id = await self._try_to_book(service["id"], address, attempt)
                    if booking_id is not None:
                        return booking_id
                self.scene.tally.turned_away["no_free_time"] += 1
            except CallFailed as e:
                why = "time_over" if _is_time_over(e) else e.code
                if why not in TRY_AGAIN:
                    raise
                self.scene.tally.turned_away[why] += 1
            await self.scene.sleep(RETRY_S)
        return None

    async def _home(self) -> Address:
        if self._address is None:
            lat, lng = self.scene.world.home(self.dice)
            area = self.scene.world.areas[0]
            self._address = await self.api.add_address({
                "name": "Simulated home", "address_line1": f"House {self.number}", "city": area.city,
                "state": area.state, "pincode": area.pincodes[0] if area.pincodes else "0000", "lat": lat, "lng": lng,
            })  # fmt: skip
        return self._address

    async def _try_to_book(self, service_id: str, address: Address, attempt: int) -> str | None:
        """None when nobody who does this is free today or tomorrow."""
        day = local(self.scene.clock.now(), self.scene.world.timezone).date()
        for ahead in (0, 1):
            date = (day + timedelta(days=ahead)).isoformat()
            preview = await self.api.prepare([service_id], address_id=address["id"], date=date)
            free = preview["available_time_slots"]
            if free:
                break
        else:
            return None
        # Who was too late for one of the next times takes a later one.
        time = self.dice.choice(free[attempt : 2 + 2 * attempt] or free[-1:])
        pays_online = self._gateway_url is not None and self.dice.random() < self.policy.pays_online
        method: PaymentMethod = "online" if pays_online else "cash"
        # One key for all tries, so that a lost answer never makes two bookings.
        made = await self.api.confirm(
            preview["preview_id"], address_id=address["id"], date=date, time=time, name=f"Customer {self.number}",
            phone=self.phone, payment_method=method, key=str(uuid4()),
        )  # fmt: skip
        booking_id = made["booking"]["id"]
        self.scene.tally.booked[booking_id] = Booked(booking_id, self.number)
        self.live.expect(booking_id)
        if pays_online and "payment" in made:
            await self._pay(made["payment"]["order_id"])
        return booking_id

    async def _pay(self, order_id: str) -> None:
        """What the payment page does: the gateway's signed triple goes to the server."""
        body = {"method": "upi", "outcome": "captured"}
        try:
            async with self.scene.http.post(f"{self._gateway_url}/checkout/{order_id}/pay", json=body) as reply:
                paid = await reply.json()
                if reply.status != 200:
                    raise Unreachable(f"the gateway said {reply.status}: {paid}")
        except aiohttp.ClientError as e:
            raise Unreachable(f"the gateway: {e}") from e
        triple = {k: paid[k] for k in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
        await self.api.verify_payment(triple)
        self.scene.tally.paid += 1

    async def _cancel(self, booking_id: str) -> bool:
        try:
            await self.api.cancel(booking_id, "Change of plans")
        except CallFailed as e:
            if e.status != 409:
                raise
            return False
        self.scene.tally.cancelled += 1
        return True

    async def _patiently(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Any:  # fmt: skip
        """Calls again while the server is away or busy: what is called so may be called twice.

        Raises CallFailed, Unreachable when it stays away.
        """
        for n in range(CALLS):
            try:
                return await self.rest.call(method, path, body, query=query, key=key)
            except Unreachable:
                if n == CALLS - 1:
                    raise
            except CallFailed as e:
                if (e.status not in AWAY and e.code != IN_PROGRESS) or n == CALLS - 1:
                    raise
            await asyncio.sleep(min(MOST_WAIT_S, 0.2 * 2**n))
        raise AssertionError("unreachable")
