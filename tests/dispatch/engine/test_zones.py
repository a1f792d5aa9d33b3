"""Zones in memory and their import from GeoJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time
from typing import Any

import pytest

from dispatch.bus import LocalBus
from dispatch.engine import zones
from dispatch.engine.zones import ZoneIn
from dispatch.errors import Invalid
from dispatch.events import SYSTEM
from dispatch.live.zones import ZoneBook
from dispatch.services import Services
from storage.database.pool import Pool
from tests.city import City, city
from tests.dispatch.engine.maps import SQUARE, TERMS
from tests.turns import one_after_the_other

EAST = {"type": "Polygon", "coordinates": [[[20, 50], [21, 50], [21, 51], [20, 51], [20, 50]]]}


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=0) as made:
        yield made


async def test_a_point_finds_its_zone(town: City) -> None:
    book = town.services.zones
    found = book.locate(22.50, 88.36)
    assert found is not None
    assert (found.code, found.timezone, found.currency) == ("KOL-SOUTH", "Asia/Kolkata", "INR")
    assert book.find(found.id) == book.by_code("KOL-SOUTH") == found
    assert book.locate(28.6, 77.2) is None
    assert book.locate(float("nan"), 88.36) is None
    centre = book.by_pincode("700 032")
    assert centre is not None
    assert centre.zone == found
    assert book.by_pincode("110001") is None
    assert not book.serves_everywhere
    assert book.terms(("USD", "UTC")) == ("INR", "Asia/Kolkata")


async def test_every_centre_lies_in_its_own_zone(town: City) -> None:
    for zone in town.services.zones.zones:
        assert town.services.zones.locate(zone.centre_lat, zone.centre_lng) == zone


def test_without_zones_everywhere_is_served(pool: Pool) -> None:
    book = ZoneBook(pool, LocalBus())
    assert book.serves_everywhere
    assert book.locate(22.5, 88.36) is None
    assert book.hours(None) == (time(8), time(20), frozenset(range(1, 8)))
    assert book.terms(("INR", "Asia/Kolkata")) == ("INR", "Asia/Kolkata")


async def test_a_zone_that_is_closed_down_serves_nobody(town: City) -> None:
    await town.run("UPDATE zones SET is_active = false WHERE code = 'KOL-SOUTH'")
    await town.services.zones.reload()
    assert town.services.zones.locate(22.50, 88.36) is None
    assert town.services.zones.by_pincode("700032") is None
    assert town.services.zones.by_code("KOL-SOUTH") is not None


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("timezone", {"timezone": "Mars/Base"}),
        ("currency", {"currency": "rupees"}),
        ("closes", {"opens": time(9), "closes": time(9)}),
        ("boundary", {"boundary": {"type": "Point", "coordinates": [1, 2]}}),
        ("boundary", {"boundary": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}}),
    ],
)
async def test_a_bad_zone_is_refused_by_field(town: City, field: str, changes: dict[str, Any]) -> None:
    zone = ZoneIn(**{"code": "X", "name": "X", "boundary": SQUARE, **TERMS, **changes})
    async with town.services.transaction() as tx:
        with pytest.raises(Invalid) as caught:
            await zones.put(tx, zone)
    assert list(caught.value.fields) == [field]


async def test_two_who_change_one_zone_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await zones.create(tx, SYSTEM, "LIS", {"name": "Lisbon", "boundary": SQUARE, **TERMS})
    _, after = await one_after_the_other(
        services, lambda tx: zones.change(tx, SYSTEM, made.id, {"closes": time(21)}, None),
        lambda tx: zones.change(tx, SYSTEM, made.id, {"name": "Lisboa"}, None),
    )  # fmt: skip
    assert (after.closes, after.name) == (time(21), "Lisboa")


async def test_a_pincode_that_another_zone_takes_is_told_and_not_taken_back(services: Services) -> None:
    async with services.transaction() as tx:
        given = {"boundary": SQUARE, "pincodes": ("1000", "1001"), **TERMS}
        made = await zones.create(tx, SYSTEM, "LIS", {"name": "Lisbon", **given})
    async with services.transaction() as tx:
        before = await zones.change(tx, SYSTEM, made.id, {"name": "Lisbon Old"}, None)
    assert before.pincodes == ["1000", "1001"]
    taken = {"name": "Other", "boundary": SQUARE, "pincodes": ("1001", "1002", "1001"), **TERMS}
    other, after = await one_after_the_other(
        services, lambda tx: zones.create(tx, SYSTEM, "OTH", taken),
        lambda tx: zones.change(tx, SYSTEM, made.id, {"name": "Lisboa", "boundary": EAST}, None),
    )  # fmt: skip
    assert (other.pincodes, after.pincodes, after.name) == (["1001", "1002"], ["1000"], "Lisboa")
    async with services.read() as conn:
        told = await conn.fetchval(
            "SELECT changes FROM audit_log WHERE resource_id = $1 AND action = 'update_zone' AND changes ? 'pincodes'"
            " ORDER BY id LIMIT 1", str(made.id),
        )  # fmt: skip
        assert told == {"pincodes": {"old": ["1000", "1001"], "new": ["1000"]}}
        # What it has lies where the zone lies now.
        at = await conn.fetchrow("SELECT lat, lng FROM zone_pincodes WHERE pincode = '1000'")
    assert tuple(at) == (after.centre_lat, after.centre_lng) != (made.centre_lat, made.centre_lng)
