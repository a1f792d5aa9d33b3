"""Fills a database with a city in which everything can be tried; run again, adds only what is missing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from dispatch import bus, numbers
from dispatch.billing import promos
from dispatch.engine import catalogue, zones
from dispatch.engine.catalogue import TIERS, ServiceIn
from dispatch.engine.zones import ZoneIn
from dispatch.seeding.city import CATALOGUE, KOLKATA, Area
from dispatch.seeding.city import promos as promos_of
from dispatch.services import Services, Tx
from geo.geodesy import wrapped_lng
from storage.tools import seed as rows

#: Numbers that no operator gives out (Indian ones never start with 1); the last five digits count.
TECHNICIAN_PHONE, CUSTOMER_PHONE = "+9110000{:05d}", "+9110001{:05d}"
MOST_PEOPLE = 99_999
#: The development admin, who signs in with a minted token; the demonstration also sets the password.
ADMIN_EMAIL, ADMIN_PASSWORD = "admin@example.com", "dispatch demo"
#: What technicians are hired for; the first is the most common.
_TRADES: tuple[tuple[str, ...], ...] = (
    ("Facial", "Waxing"), ("Facial", "Waxing", "Hair"), ("Hair", "Nail"), ("Facial", "Nail"), ("Cleaning",),
    ("Repairs",),
)  # fmt: skip
_TRADE_WEIGHTS = (4, 4, 2, 2, 2, 2)
#: What counts of somebody who has not begun.
_NEW = dict.fromkeys(("rating_sum", "rating_count", "total_bookings", "completed_bookings", "cancelled_bookings"), 0)
#: Service ids are the same on every seeded database, so that scripts can name them.
_NAMESPACE = uuid5(NAMESPACE_URL, "https://dispatch.example/services")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What is there after seeding, in the order of their numbers."""

    technician_ids: list[UUID]
    customer_ids: list[UUID]
    service_ids: list[UUID]
    admin_email: str


async def seed(
    services: Services,
    *,
    technicians: int = 60,
    customers: int = 20,
    seed: int = 1,
    areas: Sequence[Area] = KOLKATA,
    with_admin: bool = True,
    with_record: bool = True,
) -> Seeded:
    """Zones, catalogue, promo codes, people. The same arguments give the same city.

    `with_record`: technicians have jobs and ratings to their name of which nothing else is known.

    Raises ValueError for more people than there are seeded phone numbers.
    """
    if not (0 <= technicians <= MOST_PEOPLE and 0 <= customers <= MOST_PEOPLE):
        raise ValueError(f"The seed has 0 to {MOST_PEOPLE} technicians and as many customers.")
    dice = random.Random(seed)
    async with services.transaction() as tx:
        for area in areas:
            await zones.put(tx, zone_in(area))
        service_ids = await _catalogue(tx, sorted({a.currency for a in areas}))
        for promo in promos_of(areas[0].currency):
            await promos.upsert(tx, promo)
        if with_admin:
            await _admin(tx)
    await services.zones.reload()
    async with services.transaction() as tx:
        made = await _technicians(tx, technicians, areas, dice, with_record=with_record)
        technician_phones = [TECHNICIAN_PHONE.format(n) for n in range(1, technicians + 1)]
        await _customers(tx, customers, areas, dice)
        customer_phones = [CUSTOMER_PHONE.format(n) for n in range(1, customers + 1)]
        technician_ids = [r.id for r in await rows.technician_ids(tx.conn, phones=technician_phones)]
        customer_ids = [r.id for r in await rows.customer_ids(tx.conn, phones=customer_phones)]
        for technician_id in technician_ids if made else ():
            tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    await services.roster.refresh()
    return Seeded(technician_ids, customer_ids, service_ids, ADMIN_EMAIL)


def zone_in(area: Area) -> ZoneIn:
    """The area as a zone: a ring becomes a GeoJSON polygon."""
    ring = [[wrapped_lng(lng), lat] for lng, lat in (*area.ring, area.ring[0])]
    boundary = {"type": "Polygon", "coordinates": [ring]}
    return ZoneIn(
        area.code, area.name, boundary, area.timezone, area.currency, city=area.city, state=area.state,
        pincodes=area.pincodes,
    )  # fmt: skip


async def _catalogue(tx: Tx, currencies: Sequence[str]) -> list[UUID]:
    written = []
    for offer in CATALOGUE:
        for tier, (price, listed) in offer.prices.items():
            name = f"{offer.service_type} - {tier}"
            made = ServiceIn(
                name, offer.category, offer.service_type, tier,
                {c: (price * 100, listed * 100) for c in currencies},
                duration_minutes=offer.minutes, description=offer.description,
            )  # fmt: skip
            written.append(await catalogue.upsert_service(tx, made, uuid5(_NAMESPACE, name)))
    return written


async def _admin(tx: Tx) -> None:
    if await rows.admin_by_email(tx.conn, email=ADMIN_EMAIL) is None:
        await rows.add_admin(tx.conn, email=ADMIN_EMAIL, name="Administrator")


async def _technicians(tx: Tx, count: int, areas: Sequence[Area], dice: random.Random, *, with_record: bool) -> int:
    wanted = [TECHNICIAN_PHONE.format(n) for n in range(1, count + 1)]
    there = {r.phone for r in await rows.phones(tx.conn, phones=wanted)}
    people = []
    for n, phone in enumerate(wanted, 1):
        # Drawn for everybody, so that a later, larger seed finds the same people.
        person = _technician(tx, n, areas, dice)
        if phone not in there:
            code = await numbers.take(tx.conn, "PT", tx.now)
            people.append({**person, **({} if with_record else _NEW), "code": code, "phone": phone})
    await rows.add_technician(tx.conn, people)
    return len(people)


def _technician(tx: Tx, n: int, areas: Sequence[Area], dice: random.Random) -> dict[str, Any]:
    area, lat, lng = _somewhere(areas, dice)
    zone = tx.services.zones.by_code(area.code)
    trade = dice.choices(_TRADES, _TRADE_WEIGHTS)[0]
    tiers = TIERS[: dice.choices((1, 2, 3), (1, 3, 4))[0]]
    # One in six is new and unrated (C60); whoever has done jobs was rated for some, between 4.0 and 5.0 on average.
    drawn = dice.randint(0, 120)
    ratings = dice.randint(0, drawn)
    cancelled = dice.randint(0, drawn // 12)
    done = 0 if n % 6 == 0 else drawn
    rated = min(max(ratings, 1), done)
    return {
        "name": f"Technician {n:03d}", "timezone": area.timezone, "currency": area.currency,
        "categories": list(trade), "tiers": list(tiers), "base_lat": lat, "base_lng": lng,
        "zone_id": zone.id if zone else None, "service_radius_m": dice.choice((8_000, 10_000, 12_000)),
        "rating_sum": round(rated * dice.uniform(4.05, 5.0)), "rating_count": rated,
        "total_bookings": done + cancelled, "completed_bookings": done, "cancelled_bookings": cancelled,
    }  # fmt: skip


async def _customers(tx: Tx, count: int, areas: Sequence[Area], dice: random.Random) -> None:
    wanted = [CUSTOMER_PHONE.format(n) for n in range(1, count + 1)]
    there = {r.phone for r in await rows.phones(tx.conn, phones=wanted)}
    people = []
    for n, phone in enumerate(wanted, 1):
        area, lat, lng = _somewhere(areas, dice)
        pincode = dice.choice(area.pincodes) if area.pincodes else "000000"
        person = {
            "phone": phone, "name": f"Customer {n:03d}", "email": f"customer{n:03d}@example.com",
            "line1": f"House {n}", "city": area.city, "state": area.state, "postal_code": pincode,
            "lat": lat, "lng": lng,
        }  # fmt: skip
        if phone not in there:
            people.append(person)
    await rows.add_customer(tx.conn, people)


def _somewhere(areas: Sequence[Area], dice: random.Random) -> tuple[Area, float, float]:
    """A point inside one of the areas, uniformly within it. Degrees, to about a metre."""
    area = dice.choice(list(areas))
    lngs, lats = [p[0] for p in area.ring], [p[1] for p in area.ring]
    while True:
        lng, lat = dice.uniform(min(lngs), max(lngs)), dice.uniform(min(lats), max(lats))
        if _inside(area, lng, lat):
            return area, round(lat, 5), round(wrapped_lng(lng), 5)


def _inside(area: Area, lng: float, lat: float) -> bool:
    """The even-odd rule, so that people can be placed before the zone is anywhere but here."""
    inside, ring = False, area.ring
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > lat) != (y2 > lat) and lng < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
