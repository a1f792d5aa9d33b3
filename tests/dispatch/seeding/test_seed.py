"""The seeded city: everything in it is usable, and seeding again changes nothing."""

from __future__ import annotations

import pytest

from dispatch.access.phones import normalise
from dispatch.engine import catalogue
from dispatch.engine.catalogue import TIERS
from dispatch.seeding.city import Area
from dispatch.seeding.seed import CUSTOMER_PHONE, MOST_PEOPLE, TECHNICIAN_PHONE, seed
from storage.database.pool import Pool
from tests.city import city

COUNTS = (
    "SELECT json_build_array((SELECT count(*) FROM zones), (SELECT count(*) FROM services),"
    " (SELECT count(*) FROM promo_codes),"
    " (SELECT count(*) FROM technicians), (SELECT count(*) FROM accounts), (SELECT count(*) FROM addresses))"
)


async def test_a_seeded_city_is_whole(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=40, customers=5) as town:
        services = town.services
        assert len(town.seeded.technician_ids) == 40
        assert len(services.zones) == 5
        offered = (await catalogue.current(services)).offered("INR")
        assert {"Facial", "Waxing", "Hair", "Nail", "Cleaning", "Repairs"} == {s.category for s in offered}
        assert set(TIERS) == {s.tier for s in offered}
        assert {s.id for s in offered} == set(town.seeded.service_ids)
        people = [services.roster.find(i) for i in town.seeded.technician_ids]
        for person in people:
            assert person is not None
            assert person.is_verified
            assert person.base is not None
            zone = services.zones.locate(*person.base)
            assert zone is not None
            assert zone.id == person.zone_id
        assert await town.value("SELECT min(code) FROM parties") == "PT-001"
        assert await town.value("SELECT count(*) FROM addresses WHERE is_default") == 5
        assert (
            await town.value(
                "SELECT count(*) FROM memberships WHERE realm = 'admin' AND role = 'super_admin'"
            )
            == 1
        )


async def test_seeding_again_adds_only_what_is_missing(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=5, customers=2) as town:
        before = await town.value(COUNTS)
        bases = "SELECT array_agg(base_lat ORDER BY no) FROM technicians"
        first = await town.value(bases)
        await seed(town.services, technicians=5, customers=2)
        assert await town.value(COUNTS) == before
        more = await seed(town.services, technicians=9, customers=2)
        assert len(more.technician_ids) == 9
        assert more.technician_ids[:5] == town.seeded.technician_ids
        assert (await town.value(bases))[:5] == first


async def test_a_city_can_be_anywhere(fresh_pool: Pool) -> None:
    ring = ((-8.70, 41.10), (-8.50, 41.10), (-8.50, 41.20), (-8.70, 41.20))
    porto = Area("PORTO", "Porto", "Porto", "Norte", ring, timezone="Europe/Lisbon", currency="EUR")
    async with city(fresh_pool, technicians=0, customers=0) as town:
        await town.run("DELETE FROM zones")
        await seed(town.services, technicians=3, customers=3, areas=[porto])
        zone = town.services.zones.locate(41.15, -8.6)
        assert zone is not None
        assert (zone.currency, zone.timezone) == ("EUR", "Europe/Lisbon")
        assert town.services.zones.terms(("INR", "Asia/Kolkata")) == ("EUR", "Europe/Lisbon")
        assert (await catalogue.current(town.services)).offered("EUR")


@pytest.mark.parametrize("pattern", [TECHNICIAN_PHONE, CUSTOMER_PHONE])
@pytest.mark.parametrize("n", [1, 1234, MOST_PEOPLE])
def test_seeded_phones_can_sign_in(pattern: str, n: int) -> None:
    phone = pattern.format(n)
    assert normalise(phone, "IN") == phone


async def test_more_people_than_numbers_are_refused(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=0, customers=0) as town:
        with pytest.raises(ValueError, match="99999"):
            await seed(town.services, technicians=100_000)
