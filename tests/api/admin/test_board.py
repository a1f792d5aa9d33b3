"""What the operations board reads over REST: areas, candidates, messages, trails, and a day played again."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.admin.counter import Counter
from tests.world import KOLKATA

AREA = {"south": 22.0, "west": 88.0, "north": 23.0, "east": 89.0}


def asked(path: str, **values: object) -> str:
    return path + "?" + "&".join(f"{name}={value}" for name, value in values.items())


async def test_zones_come_with_their_boundaries(counter: Counter) -> None:
    zones = (await counter.ask("GET", "/board/zones"))["zones"]
    assert {z["name"] for z in zones} >= {"Kolkata"}
    assert all(z["boundary"]["type"] in ("Polygon", "MultiPolygon") for z in zones)


async def test_who_could_come_is_ranked_and_nothing_is_offered_by_asking(counter: Counter) -> None:
    world = counter.world
    near, far = await world.technician(km_north=0.2), await world.technician(km_north=3.0)
    other = await world.technician(km_north=0.1, categories=("Hair",))
    booking = await world.book(dispatch=False)
    found = (await counter.ask("GET", f"/bookings/{booking.id}/candidates"))["candidates"]
    by_id = {c["partner_id"]: c for c in found}
    ranks = {c["partner_id"]: c["rank"] for c in found if c["rank"] is not None}
    assert ranks[str(near)] < ranks[str(far)] and sorted(ranks.values()) == list(range(1, len(ranks) + 1))
    assert by_id[str(near)]["parts"] and by_id[str(near)]["distance_m"] == pytest.approx(200, abs=5)
    assert (by_id[str(other)]["reason"], by_id[str(other)]["may_come_later"]) == ("category", False)
    assert await world.open_offer(booking.id) is None
    await counter.ask("GET", f"/bookings/{uuid4()}/candidates", expect=404)


async def test_what_people_were_told_of_a_booking(counter: Counter) -> None:
    world = counter.world
    who = await world.technician(km_north=0.1)
    booking = await world.book(dispatch=False)
    await counter.ask("POST", f"/bookings/{booking.id}/assign-partner", {"partner_id": str(who)})
    await world.accept(booking.id, who)
    told = (await counter.ask("GET", f"/bookings/{booking.id}/messages"))["messages"]
    assert {m["reader"] for m in told} == {"customer", "technician"}
    assert all(m["title"] and m["message"] for m in told)
    assert [m["created_at"] for m in told] == sorted((m["created_at"] for m in told), reverse=True)
    await counter.ask("GET", f"/bookings/{uuid4()}/messages", expect=404)


async def test_a_trail_and_a_span_of_the_day_show_where_somebody_was_and_what_happened(counter: Counter) -> None:
    world = counter.world
    who = await world.technician(km_north=0.1, seen=False)
    began = world.now
    booking = await world.book(dispatch=False)
    await counter.ask("POST", f"/bookings/{booking.id}/assign-partner", {"partner_id": str(who), "force": True})
    for n in range(6):
        world.see(who, KOLKATA[0] + n / 2000, KOLKATA[1])
        await world.advance(seconds=20)
    await world.services.tracker.flush()
    points = (await counter.ask("GET", f"/technicians/{who}/trail?minutes=30"))["points"]
    assert [round(p[1], 4) for p in points] == [round(KOLKATA[0] + n / 2000, 4) for n in range(6)]
    assert [p[0] for p in points] == sorted(p[0] for p in points)

    span = {"from_at": f"{began:%Y-%m-%dT%H:%M:%SZ}", "to_at": f"{world.now:%Y-%m-%dT%H:%M:%SZ}", **AREA}
    past = await counter.ask("GET", asked("/board/replay", **span, step_s=60))
    numbers = {t["no"]: t["id"] for t in past["technicians"]}
    mine = [p for p in past["points"] if numbers[p[0]] == str(who)]
    # Every minute one of what came every twenty seconds.
    assert 2 <= len(mine) <= 3
    facts = [f for f in past["facts"] if f["booking_id"] == str(booking.id)]
    assert [f["action"] for f in facts] == ["booking.created", "partner.assigned"]
    offer = facts[-1]
    assert offer["partner_id"] == str(who) and offer["expires_at"] and past["is_cut"] is False

    # Another area has nothing of it; what was over before the span began is not in it.
    elsewhere = await counter.ask("GET", asked("/board/replay", **{**span, "south": 10.0, "north": 11.0}))
    assert elsewhere["points"] == [] and elsewhere["facts"] == []
    await counter.ask("POST", f"/bookings/{booking.id}/cancel", {"reason": "no longer wanted"})
    await world.advance(seconds=5)
    later = {"from_at": f"{world.now:%Y-%m-%dT%H:%M:%SZ}", "to_at": f"{world.in_hours(0.1):%Y-%m-%dT%H:%M:%SZ}", **AREA}
    past = await counter.ask("GET", asked("/board/replay", **later))
    assert str(booking.id) not in {f["booking_id"] for f in past["facts"]}
    await counter.ask("GET", f"/technicians/{uuid4()}/trail", expect=404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to_at": "2026-01-05T05:30:00Z"}, "to_at"), ({"to_at": "2026-01-05T03:00:00Z"}, "to_at"),
        ({"south": "x"}, "south"), ({"west": 181}, "west"), ({"step_s": 0}, "step_s"),
        ({"from_at": "yesterday"}, "from_at"),
    ],
)  # fmt: skip
async def test_a_span_that_makes_no_sense_is_refused_by_field(
    counter: Counter, change: dict[str, object], field: str
) -> None:
    good = {"from_at": "2026-01-05T04:30:00Z", "to_at": "2026-01-05T04:40:00Z", **AREA}
    refused = await counter.ask("GET", asked("/board/replay", **{**good, **change}), expect=422)
    assert field in str(refused["error"]["details"])
