"""A technician with a van and a page, in a city in which there is nobody else to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, make_everybody_a_beautician
from tests.conftest import clone
from tests.console.browsing import Visit
from tests.console.test_people import PHONE, PLACE, add_home


@asynccontextmanager
async def city(pg_home: str, folder: Path) -> AsyncIterator[Live]:
    """One technician, and two customers of whom the first has a home."""
    async with live_server(await clone(pg_home), folder, technicians=1, customers=2, env="development") as made:
        await make_everybody_a_beautician(made)
        await add_home(await made.person("customer", PHONE))
        yield made


def near(north: float) -> dict[str, float]:
    return {"latitude": PLACE[0] + north, "longitude": PLACE[1], "accuracy": 8}


async def as_technician(seen: Visit, live: Live, path: str = "/technician") -> Any:
    await seen.sign_in("technician", await live.pair("technician", "PT-001"))
    return await seen.open(path)


async def offered(customer: Person, technician: Person) -> dict[str, Any]:
    """A visit for which there is nobody else to ask."""
    here = {"current_lat": near(0.03)["latitude"], "current_lng": near(0.03)["longitude"]}
    await technician.call("PATCH", "/v1/partner/availability", {"is_available": True, **here})
    return await book(customer, PLACE)


async def accepted(live: Live) -> tuple[Person, Person, dict[str, Any]]:
    """The customer, the technician, and a visit that the technician has accepted."""
    customer, technician = await live.person("customer", PHONE), await live.person("technician", "PT-001")
    await technician.connect()
    booking = await offered(customer, technician)
    await technician.hears("offer.made", booking_id=booking["id"])
    await technician.close()
    await technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
    return customer, technician, booking
