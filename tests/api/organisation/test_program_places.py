"""Places of programs: so many of them, and what is served at each."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.billing import program_places
from tests.api.organisation.conftest import PLACE, Office
from tests.api.organisation.test_program_bookings import EACH, book, place, program, used
from tests.organisations import add_organisation


async def test_a_service_is_booked_as_often_as_the_program_says(office: Office) -> None:
    home = await add_organisation(office.services, org_type="lgu")
    path = await program(office, home)
    refused = await book(office, home, path, expect=422)
    assert set(refused["error"]["details"]) == {"places"}
    road, park = await place(office, home, path, "Main road"), await place(office, home, path, "Park")
    again = {"name": "main ROAD", "address": PLACE}
    refused = await office.call("POST", f"{path}/places", again, headers=home.headers(), expect=409)
    assert refused["error"]["code"] == "PLACE_KNOWN"
    listed = (await office.call("GET", f"{path}/places", headers=home.headers()))["data"]["places"]
    assert [(p["name"], p["contactPerson"]["name"]) for p in listed] == [("Main road", "Guard"), ("Park", "Guard")]
    # Twice a day on each of 14 days, at two places.
    made = await book(office, home, path)
    assert (made["status"], made["estimatedBookings"], made["schedule"]["occurrences"]) == ("active", 56, 28)
    assert await used(office, home, path) == 56 * EACH
    # Once a week, at one place.
    weekly = await book(office, home, path, service="wash", times=["11:00"], days=["friday"], places=[park])
    assert (weekly["totalLocations"], weekly["estimatedBookings"]) == (1, 2)
    assert (await book(office, home, path, service="opening", times=["09:00"], places=[road]))["estimatedBookings"] == 1
    assert await used(office, home, path) == 59 * EACH
    # No more than the budget, and nothing of it is left behind by what was refused.
    refused = await book(office, home, path, expect=409, times=["11:00", "17:00"])
    assert refused["error"]["code"] == "PROGRAM_USED_UP"
    assert await used(office, home, path) == 59 * EACH


async def test_a_program_has_so_many_places_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_places, "MOST_PLACES", 3)
    home = await add_organisation(office.services, org_type="lgu")
    path, other = [await program(office, home) for _ in range(2)]
    first = await place(office, home, path, "One")

    async def register(name: str) -> int:
        body = {"name": name, "address": PLACE}
        async with office.client.post(f"/api/partners{path}/places", json=body, headers=home.headers()) as reply:
            return reply.status

    # Several at once pass the bound no more than one after another.
    assert sorted(await asyncio.gather(*(register(f"No {n}") for n in range(4)))) == [201, 201, 409, 409]
    refused = await office.call(
        "POST", f"{path}/places", {"name": "One more", "address": PLACE}, headers=home.headers(), expect=409
    )
    assert refused["error"]["code"] == "TOO_MANY_PLACES" and "remove one" in refused["message"]
    await place(office, home, other, "One more")
    await office.call("DELETE", f"{path}/places/{first}", headers=home.headers())
    # A name that is refused takes no room.
    assert [await register(name) for name in ("No 0", "No 1", "No 2", "No 3")].count(201) == 1
    assert len((await office.call("GET", f"{path}/places", headers=home.headers()))["data"]["places"]) == 3
