"""The line that a demonstration shows while it lives."""

from __future__ import annotations

from dispatch.simulation.news import line
from storage.tools import simulation as rows
from storage.tools.simulation import News
from tests.world import World


def test_it_says_how_the_city_lives() -> None:
    news = News(2, {"pending": 4, "confirmed": 6, "completed": 41, "refunded": 1}, 4_123_000)
    told = line("day 1 14:32", 84, 211.6, news, "INR")
    assert told.startswith("day 1 14:32  84 sockets  212 pings/s  2 open offers  ")
    assert told.endswith("bookings: 4 waiting, 6 confirmed, 41 done  41,230 INR today")


async def test_an_empty_city_has_news_too(world: World) -> None:
    async with world.services.read() as conn:
        news = await rows.news(conn, currency="INR", since=world.services.clock.now())
    assert news == News(0, {}, 0)
