"""Visits of the past: booked at the checkout, offered, done or cancelled, rated, some complained about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from dispatch.billing import cancellation, checkout, confirm, payments, refunds
from dispatch.billing.checkout import Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact
from dispatch.engine import assigning, bookings, jobs, offers
from dispatch.engine.offers import AlreadyAssigned, NoCandidate
from dispatch.events import Actor
from dispatch.seeding.past import Buyer, Story, Town
from geo.geodesy import bearing_deg, haversine_m
from storage import bookings as booking_rows
from storage import offers as offer_rows
from storage.history import Sample

#: How customers rate, from five stars down, and what they say then; most say nothing.
STARS, STARS_WEIGHTS = (5, 4, 3, 2), (62, 28, 8, 2)
WORDS: Mapping[int, tuple[str, ...]] = {
    5: ("Wonderful, on the minute and very careful.", "Best so far. Will book again.", "Kind and quick, thank you!"),
    4: ("Good work, came a little late.", "Very good, but parking took a while.", "Friendly and thorough."),
    3: ("Fine, though it took longer than said.", "It was all right."),
    2: ("Left before everything was clean.",),
}
SAYS = 0.45
WHY_CANCELLED = ("I am travelling that day", "Booked the wrong day", "Somebody at home is ill", "Found another time")
WHY_REJECTED = ("Too far at that time", "My scooter is at the garage", "I have another job just before")
#: How long technicians drive, and how long they are seen at the door, with a fix each so often; in seconds.
DRIVE_S, STAY_S, FIX_S = 1500, 2700, 30
COMPLAINT = "A part of the service was not done"
#: Of the technicians who were asked, so many say no; of the visits that were done, so many lead to a complaint.
REJECTS, COMPLAINS = 0.08, 0.03


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit to be. `at`: about when, as far as that is free. `technician_id`: whom staff name. `ending`: done or
    cancelled.
    """

    buyer: Buyer
    quantities: Mapping[UUID, int]
    day: date
    at: time
    method: str = "cash"
    ending: str = "done"
    technician_id: UUID | None = None
    promo_code: str | None = None
    organisation_id: UUID | None = None
    integration_id: UUID | None = None


async def visit(town: Town, plan: Plan) -> Story:
    """One booking from the checkout to its stars."""
    dice, services = town.dice, town.services
    made = await _book(town, plan)
    if made is None:
        return
    yield town.later(2, 9)
    technician_id = await _agree(town, plan, made.id)
    if plan.ending == "cancelled" or technician_id is None:
        yield town.later(20, 300)
        await _cancel(town, plan, made.id, by_staff=technician_id is None or dice.random() < 0.25)
        return
    starts_at, minutes_long = await _span(town, made.id)
    _drive(town, plan, technician_id, starts_at)
    for minutes, step in ((-dice.randint(18, 35), "in_transit"), (dice.randint(-6, 4), "arrived"), (5, "in_progress")):
        yield starts_at + timedelta(minutes=minutes)
        async with services.transaction() as tx:
            arrival = starts_at if step == "in_transit" else None
            await jobs.advance(tx, made.id, technician_id, step, estimated_arrival=arrival)
    yield starts_at + timedelta(minutes=minutes_long + dice.randint(-4, 12))
    async with services.transaction() as tx:
        await jobs.complete(tx, made.id, technician_id)
    if plan.organisation_id is None and dice.random() < COMPLAINS and plan.method != "account":
        yield town.later(60, 600)
        await _complain(town, made)
    elif dice.random() < 0.8:
        yield town.later(15, 240)
        await _rate(town, plan.buyer.account_id, made.id)


def _drive(town: Town, plan: Plan, technician_id: UUID, starts_at: datetime) -> None:
    """Where the technician was on the way and at the door, for whoever plays that day again: straight from the base."""
    person = town.services.roster.find(technician_id)
    if person is None or person.base is None:
        return
    (lat, lng), to = person.base, plan.buyer
    heading, begun = bearing_deg(lat, lng, to.lat, to.lng), starts_at - timedelta(seconds=DRIVE_S)
    speed_mps = haversine_m(lat, lng, to.lat, to.lng) / DRIVE_S
    times = [begun.timestamp() + at_s for at_s in range(0, DRIVE_S + STAY_S, FIX_S)]
    samples: list[Sample] = []
    for at_s in times:
        gone = min(1.0, (at_s - times[0]) / DRIVE_S)
        drift_lat, drift_lng = (town.dice.gauss(0, 0.00004) for _ in range(2))
        samples.append((
            at_s, lat + (to.lat - lat) * gone + drift_lat, lng + (to.lng - lng) * gone + drift_lng, 12.0,
            speed_mps if gone < 1 else 0.0, heading,
        ))  # fmt: skip
    town.services.tracker.trail.points(person.no, times, samples)


async def _book(town: Town, plan: Plan) -> Confirmed | None:
    """At the free time that is nearest to the wanted one; None on a day on which nobody is free."""
    services, buyer = town.services, plan.buyer
    wish = Wish(
        plan.quantities, plan.promo_code, buyer.address_id, plan.day, on_account=plan.method == "account",
        organisation_id=plan.organisation_id,
    )  # fmt: skip
    preview = await checkout.prepare(services, buyer.account_id, wish)
    if preview.day != plan.day or not preview.free:
        return None
    at = min(preview.free, key=lambda free: abs((free.hour - plan.at.hour) * 60 + free.minute))
    contact = Contact(buyer.name, buyer.phone, None)
    confirmation = Confirmation(
        preview.id, plan.method, buyer.address_id, plan.day, at, contact, use_wallet=plan.method == "online",
        integration_id=plan.integration_id,
    )  # fmt: skip
    made = await confirm.confirm(services, buyer.account_id, confirmation)
    if made.payment is not None and town.pay is not None:
        paid = await town.pay(made.payment["order_id"])
        await payments.verify(
            services, buyer.account_id, order_id=paid["razorpay_order_id"], payment_id=paid["razorpay_payment_id"],
            signature=paid["razorpay_signature"],
        )  # fmt: skip
        await payments.search(services, made.id)
    return made


async def _agree(town: Town, plan: Plan, booking_id: UUID) -> UUID | None:
    """Somebody says yes; None when nobody could be asked."""
    services, named = town.services, plan.technician_id
    asked = await _asked(town, booking_id)
    if named is not None and named != asked:
        try:
            async with services.transaction() as tx:
                await assigning.assign_to(tx, booking_id, named, town.staff, force=True)
        except (NoCandidate, AlreadyAssigned):
            pass
    elif asked is not None and town.dice.random() < REJECTS:
        async with services.transaction() as tx:
            offer = await offers.offer_of(tx, asked, booking_id=booking_id)
            await offers.reject(tx, asked, offer, town.dice.choice(WHY_REJECTED))
    asked = await _asked(town, booking_id)
    if asked is not None:
        async with services.transaction() as tx:
            await offers.accept(tx, asked, await offers.offer_of(tx, asked, booking_id=booking_id))
    return asked


async def _asked(town: Town, booking_id: UUID) -> UUID | None:
    async with town.services.read() as conn:
        offer = await offer_rows.open_of_booking(conn, booking_id=booking_id)
    return offer.technician_id if offer else None


async def _span(town: Town, booking_id: UUID) -> tuple[datetime, int]:
    """When it begins, and how many minutes it lasts."""
    async with town.services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=booking_id)
    assert booking is not None, "bookings stay"
    return booking.starts_at, int((booking.ends_at - booking.starts_at).total_seconds() // 60)


async def _cancel(town: Town, plan: Plan, booking_id: UUID, *, by_staff: bool) -> None:
    async with town.services.transaction() as tx:
        if by_staff:
            await cancellation.cancel_by_staff(tx, booking_id, town.staff, "Nobody could come at that time")
        else:
            actor = Actor("integration", str(plan.integration_id)) if plan.integration_id else None
            reason = town.dice.choice(WHY_CANCELLED)
            await cancellation.cancel(tx, booking_id, plan.buyer.account_id, reason, actor=actor)


async def _complain(town: Town, made: Confirmed) -> None:
    """Staff give a part of the price back into the wallet."""
    amount_minor = max(1, made.grand_total_minor // 4)
    async with town.services.transaction() as tx:
        await refunds.request_for_booking(
            tx, made.id, amount_minor, reason=COMPLAINT, requested_by=town.staff_key, to_wallet=True
        )


async def _rate(town: Town, account_id: UUID, booking_id: UUID) -> None:
    stars = town.dice.choices(STARS, STARS_WEIGHTS)[0]
    feedback = town.dice.choice(WORDS[stars]) if town.dice.random() < SAYS else None
    async with town.services.transaction() as tx:
        await bookings.rate(tx, booking_id, account_id, stars, feedback)
