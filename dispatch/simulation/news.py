"""One line that says how a city lives just now: the time there, sockets, pings, offers, bookings, money."""

from __future__ import annotations

import asyncio
import time as real_time
from collections.abc import Callable, Sequence
from datetime import datetime, time

from dispatch.localtime import local, to_utc
from dispatch.simulation.scene import Person, Scene
from storage.tools import simulation as rows
from storage.tools.simulation import News

#: Between two lines, in real seconds.
PROGRESS_S = 1.0
#: The states in the order of a booking's life, and how they are called here.
_STATES = {
    "pending": "waiting", "partner_assigned": "offered", "confirmed": "confirmed", "in_progress": "under way",
    "completed": "done", "cancelled": "cancelled",
}  # fmt: skip


async def tell(scene: Scene, people: Sequence[Person], began: datetime, say: Callable[[str], None]) -> None:
    """Says it about every second, until it is cancelled."""
    currency, timezone = scene.services.settings.currency, scene.world.timezone
    seen, at_s = scene.tally.pings, real_time.monotonic()
    while True:
        here = local(scene.clock.now(), timezone)
        async with scene.services.read() as conn:
            news = await rows.news(conn, currency=currency, since=to_utc(here.date(), time(0), timezone))
        assert news is not None, "an aggregate has a row"
        pings, real_s = scene.tally.pings, real_time.monotonic()
        rate = (pings - seen) / max(real_s - at_s, 0.001)
        seen, at_s = pings, real_s
        day = 1 + (here.date() - local(began, timezone).date()).days
        say(line(f"day {day} {here:%H:%M}", sum(p.live.is_up for p in people), rate, news, currency))
        await asyncio.sleep(PROGRESS_S)


def line(when: str, sockets: int, pings_each_s: float, news: News, currency: str) -> str:
    """What a terminal shows."""
    states = ", ".join(f"{news.bookings[state]} {word}" for state, word in _STATES.items() if news.bookings.get(state))
    return (
        f"{when}  {sockets} sockets  {pings_each_s:.0f} pings/s  {news.open_offers} open offers  "
        f"bookings: {states or 'none yet'}  {news.done_minor / 100:,.0f} {currency} today"
    )
