"""A salesperson's round over HTTP: partners put on it by their code, in an order, moved and taken off."""

from __future__ import annotations

from uuid import uuid4

from tests.api.erp.conftest import Clerk


async def test_a_round_of_partners(clerk: Clerk) -> None:
    one, two, three = [await clerk.partner() for _ in range(3)]
    made = await clerk.call("POST", "/itineraries", {"code": "R1", "name": "Round"}, expect=201)
    path = f"/itineraries/{made['data']['id']}"
    stop = {
        "partner_code": one["code"], "visit_frequency_days": 7, "start_time": "09:00", "end_time": "10:00",
        "is_stop_point": True,
    }  # fmt: skip
    first = (await clerk.call("POST", f"{path}/assign-partner", stop, expect=201))["data"]
    assert (first["rank"], first["start_time"], first["partner"]["id"]) == (1, "09:00", one["id"])
    assert (await clerk.call("POST", f"{path}/assign-partner", stop, expect=409))["error"]["code"] == "ALREADY_ASSIGNED"
    await clerk.call("POST", f"{path}/assign-partner", {"partner_code": two["code"]}, expect=201)
    await clerk.call("POST", f"{path}/assign-partner", {"partner_code": three["code"], "rank": 1}, expect=201)

    async def order() -> list[int]:
        return [s["partner"]["id"] for s in (await clerk.get(path))["data"]["itinerary_partners"]]

    assert await order() == [three["id"], one["id"], two["id"]]
    stops = (await clerk.get(path))["data"]["itinerary_partners"]
    await clerk.call("POST", f"{path}/reorder", {"ids": [stops[2]["id"], stops[0]["id"]]})
    assert await order() == [two["id"], three["id"], one["id"]]
    shown = (await clerk.get(f"/partners/{one['id']}"))["partner"]["itinerary_partners"]
    assert [(v["itinerary_code"], v["rank"]) for v in shown] == [("R1", 3)]
    for bad in ({"partner_code": "nobody"}, {"partner_code": one["code"], "start_time": "10:00", "end_time": "09:00"}):
        await clerk.call("POST", f"{path}/assign-partner", bad, expect=422)
    await clerk.call("PATCH", f"{path}/partner/{first['id']}", {"end_time": "08:00"}, expect=422)
    moved = await clerk.call("PATCH", f"{path}/partner/{first['id']}", {"rank": 1, "visit_frequency_days": None})
    assert moved["data"]["visit_frequency_days"] is None and (await order())[0] == one["id"]
    await clerk.call("DELETE", f"{path}/partner/{first['id']}")
    await clerk.call("DELETE", f"{path}/partner/{first['id']}", expect=404)
    await clerk.call("DELETE", f"/partners/{two['id']}")
    assert await order() == [three["id"]]


async def test_a_salespersons_rounds_say_who_may_order(clerk: Clerk) -> None:
    code = uuid4().hex[:6]
    person = (await clerk.call("POST", "/salespeople", {"code": code, "name": "Sana"}, expect=201))["data"]
    made = [
        (await clerk.call("POST", "/itineraries", {"code": f"{code}{n}", "name": "Round", **more}, expect=201))["data"]
        for n, more in enumerate((
            {"salesperson_id": person["id"]}, {"salesperson_id": person["id"], "is_active": False}, {},
        ))
    ]  # fmt: skip

    async def listed(query: str) -> list[int]:
        return [i["id"] for i in (await clerk.get(f"/itineraries{query}"))["data"]]

    one, off, other = (i["id"] for i in made)
    assert await listed(f"?salesperson_id={person['id']}") == [one, off]
    assert await listed(f"?salesperson_id={person['id']}&is_active=true") == [one]
    assert off in (found := await listed("?is_active=false")) and one not in found
    assert {one, off, other} <= set(await listed(""))

    partners = [await clerk.partner(status=word) for word in ("ACTIVE", "CLOSED")]
    path = f"/itineraries/{one}"
    for partner in partners:
        await clerk.call("POST", f"{path}/assign-partner", {"partner_code": partner["code"]}, expect=201)
    await clerk.call("PATCH", f"/partners/{partners[0]['id']}/block", {"blocked_until": "2090-01-01"})
    stops = (await clerk.get(path))["data"]["itinerary_partners"]
    assert [s["partner"]["status"] for s in stops] == ["BLOCKED", "CLOSED"]
    moved = await clerk.call("PATCH", f"{path}/partner/{stops[1]['id']}", {"rank": 1})
    assert moved["data"]["partner"]["status"] == "CLOSED"
