"""Prepare and confirm on a real database: exact prices, times that can be booked, one booking per preview."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from dispatch.billing import checkout, confirm, promos
from dispatch.billing.checkout import Preview, Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact, PreviewExpired, TooManyBookings
from dispatch.billing.promos import PromoIn, PromoUsedUp
from dispatch.engine import catalogue
from dispatch.engine.free_times import SlotTaken
from dispatch.errors import Invalid, Missing
from dispatch.parties import addresses
from dispatch.parties.addresses import AddressIn
from dispatch.ports.gateway import PaymentsNotConfigured
from storage.database.pool import Pool
from tests.city import City, city

TOMORROW = date(2026, 1, 21)
CONTACT = Contact("Customer 001", "+911100010001", "customer001@example.com")


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=24) as made:
        yield made


async def facial(town: City) -> UUID:
    offered = (await catalogue.current(town.services)).offered("INR", category="facial", tier="minimal")
    return next(s.id for s in offered if s.name == "Facial - Minimal")


async def home(town: City, account_id: UUID) -> UUID:
    async with town.services.read() as conn:
        found = await addresses.find_default(conn, account_id)
    assert found is not None
    return found.id


async def prepared(town: City, account_id: UUID | None = None, **wish: object) -> Preview:
    account_id = account_id or town.seeded.customer_ids[0]
    quantities = wish.pop("quantities", None) or {await facial(town): 2}
    return await checkout.prepare(
        town.services,
        account_id,
        Wish(quantities, **{"booking_date": TOMORROW, **wish}),  # type: ignore[arg-type]
    )


async def confirmed(town: City, preview: Preview, account_id: UUID | None = None, **changes: object) -> Confirmed:
    account_id = account_id or town.seeded.customer_ids[0]
    asked = {
        "preview_id": preview.id, "payment_method": "cash", "address_id": await home(town, account_id),
        "booking_date": preview.day, "booking_time": preview.free[4] if len(preview.free) > 4 else time(10),
        "contact": CONTACT, **changes,
    }  # fmt: skip
    return await confirm.confirm(town.services, account_id, Confirmation(**asked))  # type: ignore[arg-type]


async def test_prepare_gives_the_worked_example(town: City) -> None:
    preview = await prepared(town, promo_code="save10")
    price = preview.price
    assert (price.subtotal_minor, price.savings_minor, price.discount_minor) == (200_000, 40_000, 16_000)
    assert (price.tax_minor, price.grand_total_minor) == (33_120, 177_120)
    assert preview.promo is not None
    assert (preview.promo.code, preview.promo.is_valid) == ("SAVE10", True)
    assert [(i.quantity, i.list_price_minor) for i in preview.items] == [(2, 100_000)]
    assert preview.expires_at == town.services.clock.now() + timedelta(seconds=120)


async def test_the_tax_base_is_a_setting(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1, billing={"tax_base": "net"}) as town:
        preview = await prepared(town, promo_code="SAVE10")
    assert (preview.price.tax_minor, preview.price.grand_total_minor) == (25_920, 169_920)


async def test_a_bad_promo_code_stops_nothing(town: City) -> None:
    preview = await prepared(town, promo_code="NOSUCH")
    assert preview.promo is not None
    assert not preview.promo.is_valid
    assert preview.promo.discount_minor == preview.price.discount_minor == 0


async def test_times_come_in_half_hours_within_the_opening_hours(town: City) -> None:
    preview = await prepared(town)
    assert preview.free
    assert all(t.minute in (0, 30) for t in preview.free)
    assert preview.free[0] >= time(8)
    # Two hours of work have to end by eight in the evening.
    assert preview.free[-1] <= time(18)


async def test_without_a_date_the_first_day_with_a_free_time_is_shown(town: City) -> None:
    await town.at(town.services.clock.now().replace(hour=15))
    preview = await prepared(town, booking_date=None)
    assert preview.day == TOMORROW
    assert preview.free


@pytest.mark.parametrize("day", [date(2026, 1, 19), date(2026, 2, 20), date(2020, 2, 29)])
async def test_a_day_that_cannot_be_booked_is_named(town: City, day: date) -> None:
    with pytest.raises(Invalid) as caught:
        await prepared(town, booking_date=day)
    assert list(caught.value.fields) == ["booking_date"]


async def test_unknown_services_are_named(town: City) -> None:
    unknown = uuid4()
    with pytest.raises(Missing) as caught:
        await prepared(town, quantities={await facial(town): 1, unknown: 1})
    assert caught.value.details == {"service_ids": [str(unknown)]}


@pytest.mark.parametrize("quantity", [0, -1, 21])
async def test_impossible_quantities_are_refused(town: City, quantity: int) -> None:
    with pytest.raises(Invalid):
        await prepared(town, quantities={await facial(town): quantity})


async def test_a_visit_has_an_end(town: City) -> None:
    with pytest.raises(Invalid) as caught:
        await prepared(town, quantities={await facial(town): 13})
    assert "service_ids" in caught.value.fields


async def test_another_customers_address_does_not_exist(town: City) -> None:
    with pytest.raises(Missing):
        await prepared(town, address_id=await home(town, town.seeded.customer_ids[1]))


async def test_without_any_address_only_the_price_is_shown(town: City) -> None:
    account = town.seeded.customer_ids[0]
    async with town.services.transaction() as tx:
        await addresses.delete(tx, account, await home(town, account))
    preview = await prepared(town)
    assert preview.located is None
    assert preview.free == ()
    assert preview.price.subtotal_minor == 200_000


# ---------------------------------------------------------------- confirm


async def test_a_cash_booking_is_offered_before_the_answer(town: City) -> None:
    made = await confirmed(town, await prepared(town, promo_code="SAVE10"))
    assert made.status == "partner_assigned"
    assert made.number == "BK-20260120-000001"
    assert made.grand_total_minor == 177_120
    row = await town.value("SELECT address->>'address_line1' FROM bookings WHERE id = $1", made.id)
    assert row == "House 1"
    assert await town.value("SELECT count(*) FROM offers WHERE booking_id = $1 AND state = 'open'", made.id) == 1
    assert await town.value("SELECT discount_minor FROM promo_redemptions WHERE booking_id = $1", made.id) == 16_000
    assert await town.value("SELECT used_count FROM promo_codes WHERE code = 'SAVE10'") == 1


async def test_repeating_a_confirm_gives_the_same_answer(town: City) -> None:
    preview = await prepared(town)
    first = await confirmed(town, preview)
    assert await confirmed(town, preview) == first
    # Even when the preview's two minutes are over: the booking is there.
    await town.advance(minutes=5)
    assert (await confirmed(town, preview)).id == first.id


async def test_another_confirm_of_a_used_preview_is_refused(town: City) -> None:
    preview = await prepared(town)
    await confirmed(town, preview)
    with pytest.raises(PreviewExpired):
        await confirmed(town, preview, booking_time=preview.free[6])
    with pytest.raises(PreviewExpired):
        await confirmed(town, preview, contact=Contact("Somebody else", "+911100010002", None))


async def test_a_preview_lives_two_minutes(town: City) -> None:
    preview = await prepared(town)
    await town.advance(seconds=119)
    fresh = await prepared(town)
    await town.advance(seconds=1)
    with pytest.raises(PreviewExpired):
        await confirmed(town, preview)
    assert (await confirmed(town, fresh)).id


async def test_a_strangers_preview_does_not_exist(town: City) -> None:
    preview = await prepared(town)
    with pytest.raises(PreviewExpired):
        await confirmed(town, preview, town.seeded.customer_ids[1])


async def test_eight_parallel_confirms_make_one_booking(town: City) -> None:
    preview = await prepared(town, promo_code="SAVE10")
    answers = await asyncio.gather(*(confirmed(town, preview) for _ in range(8)))
    assert len({a.id for a in answers}) == 1
    assert await town.value("SELECT count(*) FROM bookings") == 1
    assert await town.value("SELECT used_count FROM promo_codes WHERE code = 'SAVE10'") == 1


async def test_a_held_time_is_kept_for_its_preview(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1) as town:
        service = await _something_offered(town)
        one = await prepared(town, quantities={service: 1})
        at = one.free[2]
        held = await prepared(town, quantities={service: 1}, booking_time=at)
        assert held.held_local is not None
        assert held.held_local.time() == at
        other = town.seeded.customer_ids[1]
        assert at not in (await prepared(town, other, quantities={service: 1})).free
        with pytest.raises(SlotTaken) as caught:
            await prepared(town, other, quantities={service: 1}, booking_time=at)
        assert caught.value.details["available_time_slots"]
        made = await confirmed(town, held, booking_time=at)
        assert await town.value("SELECT booking_id FROM slots") == made.id


async def test_a_hold_ends_with_its_preview(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1) as town:
        service = await _something_offered(town)
        held = await prepared(town, quantities={service: 1}, booking_time=time(10))
        assert held.held_at is not None
        await town.advance(seconds=121)
        other = town.seeded.customer_ids[1]
        assert time(10) in (await prepared(town, other, quantities={service: 1})).free


async def test_a_taken_time_is_refused_with_those_that_are_free(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1) as town:
        service = await _something_offered(town)
        first, second = town.seeded.customer_ids[:2]
        one = await prepared(town, first, quantities={service: 1})
        two = await prepared(town, second, quantities={service: 1})
        await confirmed(town, one, first, booking_time=time(10))
        with pytest.raises(SlotTaken) as caught:
            await confirmed(town, two, second, booking_time=time(10))
        free = caught.value.details["available_time_slots"]
        assert "10:00 AM" not in free
        assert free
        # The preview is still good for another time.
        assert (await confirmed(town, two, second, booking_time=time(17))).id


async def test_parallel_confirms_never_overbook(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1, customers=8) as town:
        service = await _something_offered(town)
        people = town.seeded.customer_ids
        previews = [await prepared(town, p, quantities={service: 1}) for p in people]

        async def attempt(n: int) -> bool:
            try:
                await confirmed(town, previews[n], people[n], booking_time=time(11))
            except SlotTaken:
                return False
            return True

        won = await asyncio.gather(*(attempt(n) for n in range(len(people))))
        assert sum(won) == 1
        assert await town.value("SELECT count(*) FROM bookings") == 1


async def _something_offered(town: City) -> UUID:
    """A service that the only technician can do, and a way to be reachable for everybody."""
    await town.run("UPDATE technicians SET service_radius_m = 50000, categories = '{Facial}', tiers = '{Minimal}'")
    await town.run("UPDATE addresses SET lat = 22.5, lng = 88.36")
    await town.run(
        "UPDATE technicians SET base_lat = 22.5, base_lng = 88.361, zone_id = NULL, rating_sum = 0, rating_count = 0"
    )
    await town.services.roster.refresh()
    return await facial(town)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("booking_date", {"booking_date": date(2026, 1, 19)}),
        ("booking_date", {"booking_date": date(2026, 3, 1)}),
        ("booking_time", {"booking_time": time(7)}),
        ("booking_time", {"booking_time": time(10, 15)}),
        ("booking_time", {"booking_time": time(19, 30)}),
        ("booking_time", {"booking_date": date(2026, 1, 20), "booking_time": time(8, 30)}),
    ],
)  # fmt: skip
async def test_times_out_of_hours_are_named(town: City, field: str, changes: dict[str, object]) -> None:
    preview = await prepared(town)
    with pytest.raises(Invalid) as caught:
        await confirmed(town, preview, **changes)
    assert list(caught.value.fields) == [field]
    assert await town.value("SELECT count(*) FROM bookings") == 0


async def test_an_eleventh_booking_within_the_hour_is_refused(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await town.run(
        "INSERT INTO quotas (key, hits) SELECT $1, array_agg(clock_timestamp()) FROM generate_series(1, 9)",
        f"booking_creation:{account}",
    )
    assert (await confirmed(town, await prepared(town))).id
    preview = await prepared(town)
    with pytest.raises(TooManyBookings) as caught:
        await confirmed(town, preview)
    assert caught.value.retry_after_s
    assert await town.value("SELECT count(*) FROM bookings") == 1


async def test_online_without_a_gateway_creates_nothing(town: City) -> None:
    preview = await prepared(town)
    with pytest.raises(PaymentsNotConfigured):
        await confirmed(town, preview, payment_method="online")
    assert await town.value("SELECT count(*) FROM bookings") == 0
    assert await town.value("SELECT count(*) FROM document_sequences WHERE code = 'BK'") == 0


async def test_the_price_is_the_previews(town: City) -> None:
    preview = await prepared(town)
    service = await facial(town)
    await town.run("UPDATE service_prices SET price_minor = 90000 WHERE service_id = $1", service)
    assert (await confirmed(town, preview)).grand_total_minor == preview.price.grand_total_minor


async def test_the_address_may_change_within_the_zone_only(town: City) -> None:
    account = town.seeded.customer_ids[0]
    preview = await prepared(town)
    assert preview.located is not None
    zone = preview.located.zone
    assert zone is not None
    other = next(z for z in town.services.zones.zones if z.code != zone.code)
    near = AddressIn("Near", "1 Lane", "Kolkata", "West Bengal", "700001", lat=zone.centre_lat, lng=zone.centre_lng)
    far = AddressIn("Far", "2 Lane", "Kolkata", "West Bengal", "700001", lat=other.centre_lat, lng=other.centre_lng)
    async with town.services.transaction() as tx:
        here, there = await addresses.create(tx, account, near), await addresses.create(tx, account, far)
    with pytest.raises(Invalid) as caught:
        await confirmed(town, preview, address_id=there.id)
    assert list(caught.value.fields) == ["address_id"]
    assert (await confirmed(town, preview, address_id=here.id)).id


# ---------------------------------------------------------------- promo limits


async def test_a_total_limit_holds_under_ten_parallel_confirms(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=60, customers=10) as town:
        async with town.services.transaction() as tx:
            await promos.upsert(tx, PromoIn("THREE", "INR", discount_percent=Decimal(10), total_limit=3))
        people = town.seeded.customer_ids
        previews = [await prepared(town, p, promo_code="THREE") for p in people]
        assert all(p.promo is not None and p.promo.is_valid for p in previews)

        async def attempt(n: int) -> bool:
            # Different times: this is about the code and not about the technicians.
            try:
                await confirmed(town, previews[n], people[n], booking_time=previews[n].free[n])
            except PromoUsedUp:
                return False
            return True

        won = await asyncio.gather(*(attempt(n) for n in range(10)))
        assert sum(won) == 3
        assert await town.value("SELECT used_count FROM promo_codes WHERE code = 'THREE'") == 3
        assert await town.value("SELECT count(*) FROM promo_redemptions") == 3
        assert await town.value("SELECT count(*) FROM bookings") == 3
        late = await prepared(town, promo_code="THREE")
        assert late.promo is not None
        assert not late.promo.is_valid


async def test_a_limit_per_customer_holds_under_parallel_confirms(town: City) -> None:
    async with town.services.transaction() as tx:
        await promos.upsert(tx, PromoIn("ONCE", "INR", discount_minor=10_000, per_user_limit=1))
    previews = [await prepared(town, promo_code="ONCE") for _ in range(4)]

    async def attempt(n: int) -> bool:
        try:
            await confirmed(town, previews[n], booking_time=previews[n].free[3 * n])
        except PromoUsedUp:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(n) for n in range(4)))) == 1
    assert await town.value("SELECT used_count FROM promo_codes WHERE code = 'ONCE'") == 1
