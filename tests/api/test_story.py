"""The whole story over real HTTP and real sockets: booked, offered, accepted, driven, watched, done, counted."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from dispatch.billing import ledger_check
from tests.api.live import Live, Person, live_server

FAR_M = 0.02


async def make_everybody_a_beautician(live: Live) -> tuple[float, float]:
    """All seeded technicians work from one place and can do everything."""
    place = (22.5726, 88.3639)
    async with live.services.transaction() as tx:
        await tx.conn.execute(
            "UPDATE technicians SET categories = '{Facial,Waxing,Hair,Nail}', tiers = '{Minimal,Exclusive,E-Lite}', "
            "base_lat = $1, base_lng = $2, zone_id = NULL, rating_sum = 0, rating_count = 0, service_radius_m = 20000",
            *place,
        )
    await live.services.roster.refresh()
    return place


async def book(customer: Person, place: tuple[float, float], **confirm: Any) -> dict[str, Any]:
    """From the catalogue to a confirmed cash booking, as an app does it."""
    return dict((await check_out(customer, place, **confirm))["booking"])


async def check_out(customer: Person, place: tuple[float, float], **confirm: Any) -> dict[str, Any]:
    """The same, with all that the confirm is answered."""
    catalogue = (await customer.call("GET", "/v1/services/catalog?category=Facial&tier=Minimal"))["data"]
    service = catalogue["all_services"][0]
    address = (
        await customer.call(
            "POST", "/v1/users/addresses",
            {"name": "Home", "address_line1": "123 Main St", "city": "Kolkata", "state": "West Bengal",
             "pincode": "700032", "lat": place[0], "lng": place[1]},
            expect=201,
        )
    )["data"]  # fmt: skip
    prepared = (
        await customer.call(
            "POST", "/v1/checkout/prepare",
            {"service_ids": [service["id"]], "address_id": address["id"], "booking_date": "2026-01-05"},
        )
    )["data"]  # fmt: skip
    confirmed = await customer.call(
        "POST", "/v1/checkout/confirm",
        {"preview_id": prepared["preview_id"], "payment_method": "cash", "address_id": address["id"],
         "booking_date": "2026-01-05", "booking_time": prepared["available_time_slots"][0],
         "customer_name": "A customer", "customer_phone": "+911234567890", "cancellation_policy_accepted": True,
         **confirm},
        expect=201,
    )  # fmt: skip
    return dict(confirmed["data"])


def fix(live: Live, lat: float, lng: float, accuracy_m: float = 8.0) -> list[Any]:
    return [int(live.services.clock.timestamp() * 1000), lat, lng, accuracy_m, None, None]


async def test_the_main_job(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1) as live:
        place = await make_everybody_a_beautician(live)
        technician, customer = (
            await live.person("technician", "PT-001"),
            await live.person("customer", "+911000100001"),
        )
        await technician.connect()
        await customer.connect()
        online = await technician.ask("presence.set", {"command_id": str(uuid.uuid4()), "online": True})
        assert online["ok"], online
        start = (place[0] + FAR_M, place[1])
        report = await technician.ask("location.report", {"fixes": [fix(live, *start)]})
        assert report == {"ok": True, "data": {"admitted": 1, "refreshed": 0, "dropped": {}}}

        booking = await book(customer, place)
        assert booking["status"] == "partner_assigned"
        offer = await technician.hears("offer.made", booking_id=booking["id"])
        accept = {"command_id": str(uuid.uuid4()), "offer_id": offer["offer_id"]}
        accepted = await technician.ask("offer.accept", accept)
        assert accepted["ok"] and accepted["data"]["status"] == "confirmed"
        assert await technician.ask("offer.accept", accept) == accepted
        await customer.hears("booking.updated", booking_id=booking["id"], event="booking.confirmed")

        tracked = await customer.ask("track.start", {"booking_id": booking["id"]})
        assert tracked["ok"] and tracked["data"]["technician"] is None
        step = {"booking_id": booking["id"], "step": "in_transit"}
        moved = await technician.ask("job.advance", {"command_id": str(uuid.uuid4()), **step})
        assert moved["ok"], moved
        await customer.hears("booking.updated", event="partner.in_transit")
        await live.services.tracker.refresh_jobs()
        await technician.ask("location.report", {"fixes": [fix(live, start[0] - 0.0001, start[1])]})
        seen = await customer.hears("technician.moved", booking_id=booking["id"])
        assert seen["distance_m"] > 1000 and 0 < seen["eta_confidence"] <= 1

        for done in ("arrived", "in_progress"):
            await technician.call("PATCH", f"/v1/partner/bookings/{booking['id']}/status", {"status": done})
        finished = await technician.call("POST", f"/v1/partner/bookings/{booking['id']}/complete", {})
        total = finished["data"]["booking"]["grand_total"]
        assert finished["data"]["earning"] == {"amount": round(total * 0.7 + 1e-9, 2), "status": "pending"}
        await customer.hears("booking.updated", event="booking.completed")
        seqs = [d["seq"] for e, d in customer.heard if e == "booking.updated" and d["booking_id"] == booking["id"]]
        assert seqs == list(range(1, len(seqs) + 1))
        await customer.call("POST", f"/v1/bookings/{booking['id']}/rate", {"rating": 5, "feedback": "Great!"})
        earnings = (await technician.call("GET", "/v1/partner/earnings"))["data"]
        assert earnings["pending"] == finished["data"]["earning"]["amount"]
        async with live.services.read() as conn:
            assert await ledger_check.check(conn) == []
