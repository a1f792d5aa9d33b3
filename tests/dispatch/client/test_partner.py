"""The typed client against a real server: an app books through it, a technician does the job through it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dispatch.client.client import Credentials, Live, Rest
from dispatch.client.partner import PartnerApi
from dispatch.client.technician import TechnicianApi, TechnicianSocket
from dispatch.loops import end
from tests.api.live import Person, live_server
from tests.api.test_story import fix, make_everybody_a_beautician
from tests.integrations import onboard


def credentials_of(person: Person) -> Credentials:
    async def renew() -> str:
        return person.token

    return Credentials(renew)


async def test_an_app_and_a_technician_meet(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=0) as server:
        place = await make_everybody_a_beautician(server)
        app = await onboard(server)
        partner = PartnerApi(server.http, server.url, app.client_id, app.secret)
        hook = await partner.subscribe("https://acme.example/more", ["booking.completed"])
        assert hook["secret"].startswith("whsec_")
        person = await server.person("technician", "PT-001")
        known = credentials_of(person)
        heard: asyncio.Queue[str] = asyncio.Queue()

        def on_event(event: str, data: dict[str, object]) -> None:
            if event == "offer.made":
                heard.put_nowait(str(data["offer_id"]))

        socket = Live(server.http, server.url, "/technician", known, stream="mine", on_event=on_event)
        running = asyncio.create_task(socket.run())
        try:
            await socket.ready()
            technician, jobs = TechnicianSocket(socket), TechnicianApi(Rest(server.http, server.url, known).call)
            await technician.go_online()
            await technician.report([fix(server, *place)])

            customer = await partner.customer("Asha Rao", "+919876543210")
            assert await partner.customer("Asha Rao", "+919876543210") == customer
            booker = partner.as_customer(customer["id"])
            service = (await booker.catalogue(category="Facial"))["all_services"][0]
            address = await booker.add_address(
                {"name": "Home", "address_line1": "12 Park Street", "city": "Kolkata", "state": "West Bengal",
                 "pincode": "700016", "lat": place[0], "lng": place[1]}
            )  # fmt: skip
            preview = await booker.prepare([service["id"]], address_id=address["id"], date="2026-01-05")
            made = await booker.confirm(
                preview["preview_id"], address_id=address["id"], date="2026-01-05",
                time=preview["available_time_slots"][0], name="Asha Rao", phone="+919876543210",
                key="a key of sixteen characters",
            )  # fmt: skip
            booking_id = made["booking"]["id"]
            await technician.accept(await asyncio.wait_for(heard.get(), 60))
            assert [j["id"] for j in await jobs.jobs()] == [booking_id]
            await technician.advance(booking_id, "in_transit")
            await jobs.advance(booking_id, "arrived")
            await jobs.advance(booking_id, "in_progress")
            await jobs.complete(booking_id)
            await booker.rate(booking_id, 5)
            assert (await jobs.earnings())["pending"] > 0
            assert [b["status"] async for b in booker.bookings()] == ["completed"]
            assert [e["action"] for e in await booker.timeline(booking_id)][0] == "booking.created"
            assert (await partner.usage())["monthlyRequests"] > 10
        finally:
            await end([running])
