"""Staff name technicians, by force if need be, read the queue and ask why."""

from __future__ import annotations

from uuid import uuid4

from tests.api.admin.counter import Counter


async def test_a_named_technician_is_offered_the_job_and_force_stops_at_an_accepted_one(counter: Counter) -> None:
    world = counter.world
    who = await world.technician(km_north=0.1)
    first = await world.book(dispatch=False)
    answer = await counter.ask("POST", f"/bookings/{first.id}/assign-partner", {"partner_id": str(who)})
    assert answer["assignment"]["partner_id"] == str(who) and answer["assignment"]["status"] == "assigned"
    assert (answer["booking"]["status"], answer["booking"]["partner"]["status"]) == ("partner_assigned", "assigned")
    assert (await counter.audited("assign_booking"))["technician_id"] == str(who)
    await world.accept(first.id, who)
    second = await world.book(dispatch=False)
    for force in (False, True):
        body = {"partner_id": str(who), "force": force}
        refused = await counter.ask("POST", f"/bookings/{second.id}/assign-partner", body, expect=409)
        assert refused["error"]["details"]["reason"] == "busy_then"
    assert first.number in refused["message"] and refused["error"]["details"]["booking_number"] == first.number
    stranger = await world.technician(onboarding_status="pending")
    body = {"partner_id": str(stranger), "force": True}
    refused = await counter.ask("POST", f"/bookings/{second.id}/assign-partner", body, expect=409)
    assert refused["error"]["details"]["reason"] == "not_verified"
    for missing in ({"partner_id": str(uuid4())},):
        await counter.ask("POST", f"/bookings/{second.id}/assign-partner", missing, expect=404)
    await counter.ask("POST", f"/bookings/{uuid4()}/assign-partner", {"partner_id": str(who)}, expect=404)
    await counter.ask("POST", f"/bookings/{second.id}/assign-partner", {"partner_id": "me", "force": 3}, expect=422)


async def test_who_waits_is_in_the_queue_and_why_is_explained(counter: Counter) -> None:
    world = counter.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    booking = await world.book()
    queued = (await counter.ask("GET", "/assignments/queue?status=queued"))["pending_assignments"]
    (waiting,) = [w for w in queued if w["booking_id"] == str(booking.id)]
    assert waiting["timezone"] == booking.timezone
    answer = await counter.ask("POST", f"/bookings/{booking.id}/assign-partner", {}, expect=409)
    assert answer["error"]["code"] == "NO_CANDIDATE"
    why = await counter.ask("GET", f"/bookings/{booking.id}/dispatch")
    assert why["booking"]["id"] == str(booking.id) and why["attempts"][-1]["outcome"] == "no_candidate"
    await counter.ask("GET", f"/bookings/{uuid4()}/dispatch", expect=404)
