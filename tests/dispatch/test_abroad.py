"""Places with other clocks and other money than the house's: their own days, hours and prices count, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from dispatch.billing import bulk_bookings, bulk_visits, checkout, confirm, earnings
from dispatch.billing.bulk_bookings import NewBulk
from dispatch.billing.bulk_places import Place
from dispatch.billing.checkout import Wish
from dispatch.billing.confirm import Confirmation, Contact
from dispatch.engine import free_times, jobs, presence
from dispatch.engine.presence import Shift
from dispatch.engine.recurrence import Rule
from dispatch.engine.tasks import Run
from dispatch.errors import Invalid
from dispatch.live.hours import DAY
from dispatch.localtime import local
from dispatch.parties import addresses, organisations
from dispatch.parties.addresses import AddressIn
from storage.bookings import Booking
from storage.database.listing import Wanted
from storage.database.pool import Pool
from tests.dispatch.engine.test_presence import refusal_of, work
from tests.dispatch.engine.times import free, need
from tests.organisations import add_organisation
from tests.world import KOLKATA, World, make_world


@dataclass(frozen=True)
class Abroad:
    """Where it is another day than in Kolkata and by UTC at `now`; `ahead` is what its clocks show more than UTC's."""

    timezone: str
    ahead: timedelta
    now: datetime
    today: date
    currency: str

    def moment(self, day: date, at: time) -> datetime:
        """When its clocks show this, counted by hand."""
        return datetime.combine(day, at, UTC) - self.ahead


ABROAD = [
    # Half past eleven in the evening before; a currency of a thousand parts.
    Abroad(
        "America/St_Johns", timedelta(hours=-3, minutes=-30), datetime(2026, 1, 5, 3, 0, tzinfo=UTC),
        date(2026, 1, 4), "KWD",
    ),
    # A quarter past midnight, where Kolkata has half an hour to go; a currency without parts.
    Abroad(
        "Asia/Kathmandu", timedelta(hours=5, minutes=45), datetime(2026, 1, 5, 18, 25, tzinfo=UTC), date(2026, 1, 6),
        "JPY",
    ),
    # Half past midnight of tomorrow.
    Abroad("Pacific/Apia", timedelta(hours=13), datetime(2026, 1, 5, 11, 30, tzinfo=UTC), date(2026, 1, 6), "JPY"),
]  # fmt: skip
TEN = time(10)
ALWAYS = Shift([1, 2, 3, 4, 5, 6, 7], 0, DAY)


@pytest.fixture(params=ABROAD, ids=lambda one: one.timezone)
async def there(
    fresh_pool: Pool, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[World, Abroad]]:
    abroad: Abroad = request.param
    world = await make_world(fresh_pool, tmp_path, now=abroad.now, timezone=abroad.timezone, currency=abroad.currency)
    # The house's own money has another price for it.
    await world.execute("INSERT INTO service_prices VALUES ($1, 'INR', 11, 22)", world.service_ids["Facial"])
    await world.execute(
        "UPDATE service_prices SET price_minor = 777, list_price_minor = 999 WHERE currency = $1", abroad.currency
    )
    yield world, abroad
    await world.services.bus.close()


async def at_times(world: World, abroad: Abroad, times: list[tuple[date, time]]) -> list[Booking]:
    """Bookings then, each as if there were no other; whoever works around the clock could do them."""
    made = []
    for day, at in times:
        hours = (abroad.moment(day, at) - world.now) / timedelta(hours=1)
        made.append(await world.book(hours=hours, dispatch=False))
        await world.execute("DELETE FROM slots")
    return made


async def test_days_and_hours_are_those_of_the_place(there: tuple[World, Abroad]) -> None:
    world, abroad = there
    one = await world.technician()
    me = await world.customer()
    wanted, tomorrow = need(world, me), abroad.today + timedelta(days=1)
    # It opens at eight by its own clocks, and the last visit ends at eight in the evening.
    listed = await free(world, wanted, tomorrow)
    assert (listed[0], listed[-1]) == (abroad.moment(tomorrow, time(8)), abroad.moment(tomorrow, time(19)))
    free_times.check_day(world.services, abroad.today, abroad.timezone)
    with pytest.raises(Invalid):
        free_times.check_day(world.services, abroad.today - timedelta(days=1), abroad.timezone)
    last = abroad.today + timedelta(days=world.services.settings.dispatch.max_advance_days)
    assert await free(world, wanted, last) and not await free(world, wanted, last + timedelta(days=1))
    await work(world, one, ALWAYS)
    around = [(tomorrow, time(11, 30)), (tomorrow, time(12)), (tomorrow, time(13, 30))]
    bookings = await at_times(world, abroad, around)
    # Who works around noon of that weekday is free around its noon.
    await work(world, one, Shift([tomorrow.isoweekday()], 12 * 60, 14 * 60))
    faces = (time(12), time(12, 30), time(13))
    assert await free(world, wanted, tomorrow) == [abroad.moment(tomorrow, face) for face in faces]
    assert await free(world, wanted, tomorrow + timedelta(days=1)) == []
    reasons = [await refusal_of(world, one, booking) for booking in bookings]
    assert reasons == ["working_hours", None, "working_hours"]


async def test_a_day_off_is_a_day_of_the_place(there: tuple[World, Abroad]) -> None:
    world, abroad = there
    one = await world.technician()
    await work(world, one, ALWAYS)
    day = abroad.today + timedelta(days=2)
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    around = [(before, time(22, 30)), (day, time(0, 30)), (day, time(22, 30)), (after, time(0))]
    bookings = await at_times(world, abroad, around)
    async with world.services.transaction() as tx:
        await presence.take_off(tx, one, day)
    await world.services.roster.refresh([one])
    reasons = [await refusal_of(world, one, booking) for booking in bookings]
    assert reasons == [None, "working_hours", "working_hours", None]


async def test_checkout_offers_and_earnings_are_in_the_money_of_the_place(there: tuple[World, Abroad]) -> None:
    world, abroad = there
    one, me = await world.technician(), await world.customer()
    place = AddressIn("Home", "1 Test Street", "Kolkata", "WB", "700001", lat=KOLKATA[0], lng=KOLKATA[1])
    async with world.services.transaction() as tx:
        address = await addresses.create(tx, me, place)
    tomorrow = abroad.today + timedelta(days=1)
    wish = Wish({world.service_ids["Facial"]: 3}, address_id=address.id, booking_date=tomorrow)
    preview = await checkout.prepare(world.services, me, wish)
    price = preview.price
    # 3 x 999, of which 3 x 222 are saved; 18 % of 2997 are 539.46 of the smallest there is.
    assert (price.subtotal_minor, price.savings_minor, price.tax_minor, price.grand_total_minor) == (
        2997, 666, 539, 2870,
    )  # fmt: skip
    assert (preview.currency, preview.timezone, preview.free[0]) == (abroad.currency, abroad.timezone, time(8))
    confirmation = Confirmation(
        preview.id, "cash", address.id, tomorrow, TEN, Contact("A customer", "+911234567890", None)
    )
    made = await confirm.confirm(world.services, me, confirmation)
    booking = await world.booking(made.id)
    assert (booking.currency, booking.timezone, booking.local_date, booking.local_time, booking.starts_at) == (
        abroad.currency, abroad.timezone, tomorrow, TEN, abroad.moment(tomorrow, TEN),
    )  # fmt: skip
    money = await world.fetch("SELECT currency, amount_minor FROM payments WHERE booking_id = $1", booking.id)
    assert [tuple(row) for row in money] == [(abroad.currency, 2870)]
    told = await offered(world, booking, one)
    assert (told["currency"], told["grand_total_minor"]) == (abroad.currency, 2870)
    await finish(world, booking, one)
    async with world.services.read() as conn:
        theirs = await earnings.summary(conn, one, currency="INR")
        day = {"date_from": tomorrow, "date_to": tomorrow}
        page = await earnings.page(conn, one, Wanted(filters=day), abroad.timezone)
    assert (theirs.currency, theirs.total_minor, theirs.cash_in_hand_minor) == (
        abroad.currency, told["earning_minor"], 2870,
    )  # fmt: skip
    assert [row.currency for row in page.rows] == [abroad.currency]


async def offered(world: World, booking: Booking, technician_id: UUID) -> dict[str, Any]:
    """What the technician is told of the offer, however long the booking waits for its round."""
    while await world.open_offer(booking.id) is None:
        assert await world.sweep(), "it is offered to somebody"
    found: dict[str, Any] = await world.value(
        "SELECT data FROM party_events WHERE type = 'offer.made' AND party_id = $1", technician_id
    )
    return found


async def finish(world: World, booking: Booking, technician_id: UUID) -> None:
    await world.accept(booking.id, technician_id)
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds())
    async with world.services.transaction() as tx:
        for step in ("in_transit", "arrived"):
            await jobs.advance(tx, booking.id, technician_id, step)
        await jobs.complete(tx, booking.id, technician_id)


async def test_a_series_goes_by_the_clocks_of_its_place(there: tuple[World, Abroad]) -> None:
    world, abroad = there
    await world.technician()
    home = await add_organisation(world.services)
    await world.execute("UPDATE parties SET currency = $1 WHERE id = $2", abroad.currency, home.id)
    place = Place("Lobby", "12 Lake Road", "Kolkata", lat=KOLKATA[0], lng=KOLKATA[1])

    async def create(day: date) -> UUID:
        rule = Rule("daily", day, day + timedelta(days=1), (time(18),), ())
        new = NewBulk("recurring", world.service_ids["Facial"], rule, [place], {})
        return await bulk_bookings.create(world.services, home.by, new)

    with pytest.raises(Invalid) as caught:
        await create(abroad.today - timedelta(days=1))
    assert list(caught.value.fields) == ["schedule.startDate"]
    tomorrow = abroad.today + timedelta(days=1)
    await create(tomorrow)
    # Of the last day within the horizon and the one after it, by its own clocks.
    last = abroad.today + timedelta(days=world.services.settings.dispatch.bulk_horizon_days)
    await create(last)
    await bulk_visits.book_due(cast(Run, SimpleNamespace(services=world.services, progress=asyncio.sleep)))
    booked = await world.fetch("SELECT starts_at, timezone, currency FROM bookings ORDER BY starts_at")
    assert [tuple(row) for row in booked] == [
        (abroad.moment(tomorrow + timedelta(days=n), time(18)), abroad.timezone, abroad.currency) for n in range(2)
    ] + [(abroad.moment(last, time(18)), abroad.timezone, abroad.currency)]


async def test_an_organisation_that_has_told_of_no_clocks_has_the_house_s(world: World) -> None:
    """In the database and in words: one rule."""
    # Noon in UTC's evening: it is tomorrow in Manila.
    await world.advance(hours=14)
    home = await add_organisation(world.services)
    await world.execute("UPDATE parties SET timezone = NULL WHERE id = $1", home.id)
    async with world.services.read() as conn:
        found = await organisations.get(conn, home.id)
        today = await conn.fetchval("SELECT organisation_today(timezone) FROM parties WHERE id = $1", home.id)
    assert today == local(world.now, organisations.timezone_of(found)).date()
    assert today == (world.now + timedelta(hours=8)).date(), "Manila's, eight hours ahead"
