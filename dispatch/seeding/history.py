"""The demonstration's past: five weeks in which the seeded people have booked, worked, rated, paid and been paid."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from dispatch.billing.worker import MoneyWorker
from dispatch.engine import catalogue
from dispatch.events import Actor
from dispatch.live.roster import Technician
from dispatch.parties import addresses
from dispatch.parties.integration_onboarding import Issued
from dispatch.reports import analytics
from dispatch.seeding import business
from dispatch.seeding.erp import seed_erp
from dispatch.seeding.integrations import seed_integration
from dispatch.seeding.organisations import seed_organisation
from dispatch.seeding.past import Buyer, Pay, Town, stand_at
from dispatch.seeding.providers import seed_provider
from dispatch.seeding.seed import CUSTOMER_PHONE, Seeded
from dispatch.seeding.visits import Plan, visit
from dispatch.services import Services
from geo.geodesy import haversine_m
from storage import quotas
from storage.catalogue import ServiceRow
from storage.tools import seed as rows

#: Long enough that a month ends in it, and is billed.
DAYS = 35
#: The first technicians are those that one signs in as: staff give them most visits, by these weights.
STARS_SHARE, STARS_WEIGHTS = 0.6, (5, 3, 2, 2, 2, 2, 1, 1)
#: Visits of a day; more on Saturdays and Sundays.
A_DAY, AT_WEEKENDS = (2, 4), (4, 6)
HOURS = (9, 10, 11, 12, 14, 15, 16, 17)
#: How visits are paid where people can pay online, and how they end.
ONLINE, CANCELLED, WITH_PROMO = 0.6, 0.13, 0.2


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of it. `issued`: the credentials of the seeded app, which are told once; `refused`: what did not
    happen, by the codes of why."""

    issued: Issued | None
    refused: Sequence[str]


async def is_untouched(services: Services) -> bool:
    """Whether nobody has ever booked: only then is there room for a past."""
    async with services.read() as conn:
        return not await rows.has_bookings(conn)


def beginning(until: datetime, days: int = DAYS) -> datetime:
    """When the past begins that ends at `until`."""
    return until - timedelta(days=days, hours=1)


async def live_through(
    services: Services, seeded: Seeded, *, until: datetime, password: str, seed: int, pay: Pay | None,
    days: int = DAYS,
) -> Lived:  # fmt: skip
    """From where the clock stands to `until`, in order; the clock stands at `until` then.

    Everything is made by the services that make it otherwise, so whatever holds of the product holds of its past.
    Letters are not kept: they were read long ago.
    """
    town = await _town(services, seeded, seed, pay)
    dates = [town.today + timedelta(days=n) for n in range(1, days)]
    issued = await _invite(town, password, seeded.service_ids, dates)
    if town.technicians and town.buyers:
        _plan(town, dates)
    await town.live(until)
    await stand_at(services, until)
    if services.settings.payments.is_configured:
        await MoneyWorker(services, services.gateway).run_due()
    await services.tracker.flush()
    await analytics.roll(services)
    async with services.transaction() as tx:
        await rows.forget_letters(tx.conn)
        spent = [f"booking_creation:{b.account_id}" for b in town.buyers]
        await quotas.forget(tx.conn, keys=[*spent, *(f"payment:customer:{b.account_id}" for b in town.buyers)])
    await services.roster.refresh()
    return Lived(issued, town.broken)


async def _town(services: Services, seeded: Seeded, seed: int, pay: Pay | None) -> Town:
    async with services.read() as conn:
        admin_id = await rows.admin_by_email(conn, email=seeded.admin_email)
        buyers = []
        for number, account_id in enumerate(seeded.customer_ids, 1):
            home = await addresses.find_default(conn, account_id)
            if home is not None and home.lat is not None and home.lng is not None:
                phone = CUSTOMER_PHONE.format(number)
                buyers.append(Buyer(account_id, home.id, f"Customer {number:03d}", phone, home.lat, home.lng))
    known = [services.roster.find(one) for one in seeded.technician_ids]
    zone = services.zones.locate(buyers[0].lat, buyers[0].lng) if buyers else None
    return Town(
        services, Actor("admin", str(admin_id)), [one for one in known if one is not None], buyers,
        zone.timezone if zone else services.settings.timezone, random.Random(seed),
        (await catalogue.current(services)).offered(zone.currency if zone else services.settings.currency), pay,
    )  # fmt: skip


# ---------------------------------------------------------------- who else lives there


async def _invite(town: Town, password: str, service_ids: Sequence[UUID], days: Sequence[date]) -> Issued | None:
    """The businesses of the town, and what they are going to do."""
    services, start = town.services, town.now + timedelta(hours=1)
    issued = await seed_integration(services, password)
    provider = await seed_provider(services, password)
    home = await seed_organisation(services, password)
    partner = await seed_erp(services, password, CUSTOMER_PHONE.format(1)) if town.buyers else None
    await services.roster.refresh()
    town.begin(start, business.paydays(town, days))
    if provider is not None:
        town.begin(start, business.wallet(town, provider, days))
    if home is not None:
        await business.settle_in(town, home, "Riverside Offices", town.buyers[1:4])
        town.begin(start, business.bills(town, home.organisation_id, days))
        for n, day in enumerate(days[::2] if len(town.buyers) > 1 else ()):
            member = town.buyers[1:4][n % len(town.buyers[1:4])]
            _book(town, member, day, method="account", category="Cleaning", organisation_id=home.organisation_id)
    if partner is not None:
        town.begin(start, business.trade(town, partner, service_ids, days))
        for day in days[5::8]:
            _book(town, town.buyers[0], day, method="account")
    if issued is not None and town.buyers:
        guests = await business.app_customers(town, issued.integration.id, town.buyers[-3:])
        town.begin(start, business.calls(town, issued.integration.id, days))
        for n, day in enumerate(days[3::5]):
            _book(town, guests[n % len(guests)], day, integration_id=issued.integration.id)
    return issued


# ---------------------------------------------------------------- visits


def _plan(town: Town, days: Sequence[date]) -> None:
    """What customers book for themselves: most is given to the first technicians, the rest is searched for."""
    dice, stars = town.dice, list(zip(town.technicians, STARS_WEIGHTS, strict=False))
    for day in days:
        for _ in range(dice.randint(*(AT_WEEKENDS if day.weekday() >= 5 else A_DAY))):
            star = _drawn(dice, stars) if dice.random() < STARS_SHARE else None
            buyer = dice.choice(_near(town.buyers, star))
            method = "online" if town.pay is not None and dice.random() < ONLINE else "cash"
            promo_code = "SAVE10" if dice.random() < WITH_PROMO else None
            _book(town, buyer, day, method=method, star=star, promo_code=promo_code)


def _drawn(dice: random.Random, stars: Sequence[tuple[Technician, int]]) -> Technician:
    return dice.choices([one for one, _ in stars], [weight for _, weight in stars])[0]


def _book(
    town: Town, buyer: Buyer, day: date, *, method: str = "cash", category: str | None = None,
    star: Technician | None = None, promo_code: str | None = None, organisation_id: UUID | None = None,
    integration_id: UUID | None = None,
) -> None:  # fmt: skip
    """Somebody is going to book for that day, on the day before."""
    dice = town.dice
    fitting = [one for one in town.offered if _fits(one, star) and category in (None, one.category)]
    if not fitting:
        return
    plan = Plan(
        buyer, {dice.choice(fitting).id: dice.choice((1, 1, 1, 2))}, day, time(dice.choice(HOURS)), method,
        "cancelled" if dice.random() < CANCELLED else "done", star.id if star else None, promo_code, organisation_id,
        integration_id,
    )  # fmt: skip
    asked_at = town.at(day - timedelta(days=1), time(dice.randint(9, 20), dice.randint(0, 59)))
    town.begin(asked_at, visit(town, plan))


def _fits(service: ServiceRow, star: Technician | None) -> bool:
    return star is None or (service.category in star.categories and service.tier in star.tiers)


def _near(buyers: Sequence[Buyer], star: Technician | None) -> Sequence[Buyer]:
    """The quarter of the customers that lives nearest to a technician; all of them where it is nobody's."""
    if star is None or star.base is None:
        return buyers
    lat, lng = star.base
    return sorted(buyers, key=lambda one: haversine_m(lat, lng, one.lat, one.lng))[: max(3, len(buyers) // 4)]
