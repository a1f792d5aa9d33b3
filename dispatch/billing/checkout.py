"""Checkout, first half: what it would cost, when somebody could come, a price that stands for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from dispatch.billing import member_bookings, on_account, pricing, promos
from dispatch.billing.pricing import Line, Price
from dispatch.billing.promos import Verdict
from dispatch.billing.trade_orders import Booker
from dispatch.engine import catalogue, free_times, slots
from dispatch.engine.bookings import NewItem
from dispatch.engine.free_times import Need, SlotTaken, Times
from dispatch.errors import Invalid, Missing
from dispatch.live.counts import CHECKOUTS
from dispatch.localtime import local, to_utc
from dispatch.parties import addresses, programs
from dispatch.parties.addresses import Located
from dispatch.services import Services, Tx
from storage import checkout as rows
from storage.catalogue import ServiceRow

#: Of one service, as the schema has it.
MAX_QUANTITY = 20
#: A visit longer than that is two bookings.
MAX_VISIT_MINUTES = 720


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants to see priced. `quantities` by service, in the order of asking."""

    quantities: Mapping[UUID, int]
    promo_code: str | None = None
    address_id: UUID | None = None
    booking_date: date | None = None
    booking_time: time | None = None
    #: Priced by the terms of whoever is billed for this customer.
    on_account: bool = False
    #: In whose name it is booked, and under which of its programs; then it is on account.
    organisation_id: UUID | None = None
    program_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A priced wish. `free` are local clock faces on `day`, `none_because` is the code of why there are none (NO_TIME);
    `held_at` is the time kept for the preview, if any.
    """

    id: UUID
    items: tuple[NewItem, ...]
    price: Price
    currency: str
    timezone: str
    promo: Verdict | None
    located: Located | None
    day: date | None
    free: tuple[time, ...]
    none_because: str | None
    held_at: datetime | None
    expires_at: datetime
    billed_to: UUID | None = None
    organisation_id: UUID | None = None
    program_id: UUID | None = None

    @property
    def held_local(self) -> datetime | None:
        """The time kept for the preview, as the address's clocks show it."""
        return local(self.held_at, self.timezone) if self.held_at else None


async def prepare(services: Services, account_id: UUID, wish: Wish) -> Preview:
    """Prices a wish and keeps the price for `preview_s` (R59); with a booking_time, keeps that time as well.

    A bad promo code is worth 0 and does not stop anything. Raises Missing (service, address), Invalid (date,
    quantities, an address that cannot be placed), SlotTaken with the free times; on account also what on_account.quote
    raises.
    """
    check_quantities(wish.quantities)
    located = await _located(services, account_id, wish.address_id)
    currency, timezone = place_terms(services, located)
    items = await items_of(services, wish.quantities, currency)
    billed_to, verdict, is_urgent = None, None, False
    if wish.on_account:
        booker = Booker(account_id, wish.organisation_id)
        async with services.read() as conn:
            if wish.organisation_id is not None:
                await member_bookings.check(conn, account_id, wish.organisation_id, wish.program_id)
                is_urgent = await programs.is_urgent(conn, wish.organisation_id, wish.program_id)
            priced = await on_account.quote(conn, services.settings, booker, items, currency)
        billed_to, items, price = priced.billed_to, priced.items, priced.price
        if wish.promo_code:
            verdict = Verdict(promos.normal(wish.promo_code), False, 0, "Promo codes do not apply on account.")
    else:
        verdict, price = await price_of(services, account_id, items, wish.promo_code, currency)
    day, found, need = wish.booking_date, Times([]), None
    starts_at: datetime | None = None
    if located is not None:
        need = need_of(account_id, located, timezone, items, is_urgent=is_urgent)
        day, found = await _free_times(services, need, wish.booking_date)
    elif day is not None:
        free_times.check_day(services, day, timezone)
    free = tuple(local(m, timezone).time() for m in found.starts)
    if need is not None and day is not None and wish.booking_time is not None:
        starts_at = to_utc(day, wish.booking_time, timezone)
        if starts_at not in found.starts:
            raise free_times.taken(found, timezone)
    preview = Preview(
        uuid4(), items, price, currency, timezone, verdict, located, day if located else None, free,
        found.none_because, starts_at,
        services.clock.now() + timedelta(seconds=services.settings.billing.preview_s), billed_to,
        wish.organisation_id, wish.program_id,
    )  # fmt: skip
    try:
        await services.retrying(lambda tx: _keep(tx, account_id, preview, need))
    except SlotTaken:
        raise free_times.taken(found, timezone, starts_at) from None
    CHECKOUTS.labels("previewed").inc()
    return preview


async def promo_worth(
    services: Services, account_id: UUID, code: str, amount_minor: int, quantities: Mapping[UUID, int]
) -> Verdict:
    """What a code takes off an amount, or off a cart as `prepare` prices it at the default address (C4).

    Raises Missing for services that are not offered there.
    """
    async with services.read() as conn:
        address = await addresses.find_default(conn, account_id)
    zone = None
    if address is not None and address.lat is not None and address.lng is not None:
        zone = services.zones.locate(address.lat, address.lng)
    currency = zone.currency if zone else place_terms(services, None)[0]
    if not quantities:
        return await promos.validate(services, code, account_id, amount_minor, currency)
    check_quantities(quantities)
    items = await items_of(services, quantities, currency)
    verdict, _ = await price_of(services, account_id, items, code, currency)
    assert verdict is not None, "a code was given"
    return verdict


async def _keep(tx: Tx, account_id: UUID, preview: Preview, need: Need | None) -> None:
    promo = preview.promo
    await rows.insert_preview(
        tx.conn, id=preview.id, account_id=account_id, items=[stored(i) for i in preview.items],
        zone_id=need.zone_id if need else None,
        address_id=preview.located.address.id if preview.located else None, booking_date=preview.day,
        starts_at=preview.held_at, duration_minutes=minutes_of(preview.items), currency=preview.currency,
        timezone=preview.timezone, subtotal_minor=preview.price.subtotal_minor,
        savings_minor=preview.price.savings_minor, discount_minor=preview.price.discount_minor,
        tax_minor=preview.price.tax_minor, grand_total_minor=preview.price.grand_total_minor,
        promo_code_id=promo.promo_id if promo and promo.is_valid else None, billed_to=preview.billed_to,
        organisation_id=preview.organisation_id, program_id=preview.program_id,
        expires_at=preview.expires_at,
    )  # fmt: skip
    if need is not None and preview.held_at is not None:
        await slots.hold_preview(tx, preview.id, need, preview.held_at, preview.expires_at)


# ---------------------------------------------------------------- parts that confirm and promo validation
# share


def check_quantities(quantities: Mapping[UUID, int], field: str = "service_ids") -> None:
    """Raises Invalid for an empty cart and for more of one service than a booking may have."""
    if not quantities:
        raise Invalid({field: "Name at least one service."})
    if any(not 1 <= n <= MAX_QUANTITY for n in quantities.values()):
        raise Invalid({field: f"Of each service, 1 to {MAX_QUANTITY} can be booked at once."})


async def items_of(services: Services, quantities: Mapping[UUID, int], currency: str) -> tuple[NewItem, ...]:
    """The lines of a visit at today's prices. Raises Missing for what is not offered in this currency, naming it, and
    Invalid for more than one visit.
    """
    items = await offered_items(services, quantities, currency)
    if minutes_of(items) > MAX_VISIT_MINUTES:
        raise Invalid({"service_ids": f"One visit lasts at most {MAX_VISIT_MINUTES // 60} hours; book two."})
    return items


async def offered_items(services: Services, quantities: Mapping[UUID, int], currency: str) -> tuple[NewItem, ...]:
    """The same, however long it all takes."""
    offered = await catalogue.current(services)
    if unknown := [str(i) for i in quantities if offered.find(i, currency) is None]:
        raise Missing("service", details={"service_ids": unknown})
    return tuple(_item(offered.get(i, currency), n) for i, n in quantities.items())


def _item(service: ServiceRow, quantity: int) -> NewItem:
    listed = service.price_minor if service.list_price_minor is None else service.list_price_minor
    return NewItem(
        service.id, service.name, service.category, service.tier, quantity, service.duration_minutes, listed,
        service.price_minor,
    )  # fmt: skip


def minutes_of(items: tuple[NewItem, ...]) -> int:
    return sum(i.duration_minutes * i.quantity for i in items)


def lines_of(items: tuple[NewItem, ...]) -> list[Line]:
    return [Line(i.price_minor, i.quantity, i.list_price_minor) for i in items]


async def price_of(
    services: Services, account_id: UUID, items: tuple[NewItem, ...], promo_code: str | None, currency: str
) -> tuple[Verdict | None, Price]:
    """What a cart costs with a code, by the settings' tax."""
    lines, billing = lines_of(items), services.settings.billing
    verdict = None
    if promo_code:
        subtotal, savings = pricing.sums(lines)
        verdict = await promos.validate(services, promo_code, account_id, subtotal - savings, currency)
    price = pricing.price(
        lines,
        discount_minor=verdict.discount_minor if verdict else 0,
        tax_percent=Decimal(str(billing.tax_pct)),
        tax_base=billing.tax_base,
    )
    return verdict, price


def place_terms(services: Services, located: Located | None) -> tuple[str, str]:
    """Currency and time zone of an address: its zone's, else those that all zones share, else the
    settings'.
    """
    zone = located.zone if located else None
    if zone is not None:
        return zone.currency, zone.timezone
    return services.zones.terms((services.settings.currency, services.settings.timezone))


def need_of(
    account_id: UUID, located: Located, timezone: str, items: tuple[NewItem, ...], *, is_urgent: bool = False
) -> Need:
    return Need(
        account_id, located.lat, located.lng, located.zone.id if located.zone else None, timezone,
        minutes_of(items),
        tuple(sorted({i.category for i in items})), tuple(sorted({i.tier for i in items})), is_urgent,
    )  # fmt: skip


def stored(item: NewItem) -> dict[str, object]:
    """A line as the preview keeps it."""
    return {
        "service_id": str(item.service_id), "name": item.name, "category": item.category, "tier": item.tier,
        "quantity": item.quantity, "duration_minutes": item.duration_minutes,
        "list_price_minor": item.list_price_minor, "price_minor": item.price_minor,
    }  # fmt: skip


async def _located(services: Services, account_id: UUID, address_id: UUID | None) -> Located | None:
    """The named address, else the default one, else None. Raises Missing, Invalid."""
    async with services.read() as conn:
        if address_id is not None:
            address = await addresses.get(conn, account_id, address_id)
        else:
            found = await addresses.find_default(conn, account_id)
            if found is None:
                return None
            address = found
    return await addresses.locate(services, address)


async def _free_times(services: Services, need: Need, day: date | None) -> tuple[date, Times]:
    """The free times of a day; without one, of the first day that has any (today when none has)."""
    today = local(services.clock.now(), need.timezone).date()
    async with services.read() as conn:
        if day is not None:
            free_times.check_day(services, day, need.timezone)
            return day, await free_times.times(conn, services, need, day)
        reasons: list[str | None] = []
        for ahead in range(services.settings.dispatch.max_advance_days + 1):
            found = await free_times.times(conn, services, need, today + timedelta(days=ahead))
            if found.starts:
                return today + timedelta(days=ahead), found
            if found.none_because in free_times.EVERY_DAY:
                return today, found
            reasons.append(found.none_because)
    return today, Times([], max(set(reasons), key=reasons.count))
