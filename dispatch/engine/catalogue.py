"""What can be booked, where and for how much: read often, cached for an hour, dropped on every write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from dispatch import bus
from dispatch.engine.cache import Cached
from dispatch.errors import Invalid, Missing
from dispatch.services import Services, Tx
from storage import catalogue as rows
from storage.catalogue import ServiceRow
from storage.database.pool import Conn

#: R57. Other tiers may be added; these are the contract's.
TIERS = ("Minimal", "Exclusive", "E-Lite")


class Catalogue:
    """A snapshot of everything offered, in all currencies. Never changes once read."""

    def __init__(self, services: Iterable[ServiceRow], last_updated: datetime) -> None:
        self.last_updated = last_updated
        self._by_currency: dict[str, dict[UUID, ServiceRow]] = {}
        self._digests: dict[str, str] = {}
        for row in services:
            self._by_currency.setdefault(row.currency, {})[row.id] = row

    def offered(self, currency: str, *, category: str | None = None, tier: str | None = None) -> list[ServiceRow]:
        """What has a price in `currency`, in a stable order. Filters compare without regard to case."""
        return [
            s
            for s in self._by_currency.get(currency, {}).values()
            if (category is None or s.category.casefold() == category.casefold())
            and (tier is None or s.tier.casefold() == tier.casefold())
        ]

    def digest(self, currency: str) -> str:
        """Says whether two snapshots offer the very same in a currency: a hash of all there is to show."""
        found = self._digests.get(currency)
        if found is None:
            shown = (self.last_updated, *self._by_currency.get(currency, {}).values())
            found = self._digests[currency] = hashlib.sha256(repr(shown).encode()).hexdigest()
        return found

    def find(self, service_id: UUID, currency: str) -> ServiceRow | None:
        return self._by_currency.get(currency, {}).get(service_id)

    def get(self, service_id: UUID, currency: str) -> ServiceRow:
        """Raises Missing: unknown, inactive, or without a price in this currency."""
        found = self.find(service_id, currency)
        if found is None:
            raise Missing("service")
        return found


@dataclass(frozen=True, slots=True)
class ServiceIn:
    """A service as it is written: prices are (price, list price or None) in minor units by currency."""

    name: str
    category: str
    service_type: str
    tier: str
    prices: Mapping[str, tuple[int, int | None]]
    duration_minutes: int = 60
    description: str | None = None
    image_url: str | None = None
    is_active: bool = True


async def _read(conn: Conn, _: str) -> Catalogue:
    changed = await rows.last_change(conn)
    assert changed is not None, "an aggregate always answers"
    return Catalogue(await rows.offered(conn), changed)


_cache = Cached(bus.CATALOGUE_CHANGED, _read)


async def current(services: Services) -> Catalogue:
    """The catalogue, at most an hour old (R207), and a few seconds on a node that may have missed a hint."""
    return await _cache.get(services)


async def upsert_service(tx: Tx, service: ServiceIn, service_id: UUID | None = None) -> UUID:
    """Writes a service and its prices; every node drops its catalogue after the commit.

    Raises Invalid when a list price is below its price, Missing for an id that was retired.
    """
    if bad := [c for c, (price, listed) in service.prices.items() if listed is not None and listed < price]:
        raise Invalid({"market_price": f"The market price may not be below the price ({', '.join(bad)})."})
    written = await rows.insert(
        tx.conn, id=service_id or uuid4(), name=service.name, description=service.description,
        category=service.category, service_type=service.service_type, tier=service.tier,
        duration_minutes=service.duration_minutes, image_url=service.image_url, is_active=service.is_active,
    )  # fmt: skip
    if written is None:
        raise Missing("service")
    for currency, (price, listed) in service.prices.items():
        await rows.put_price(tx.conn, service_id=written, currency=currency, price_minor=price, list_price_minor=listed)
    changed(tx)
    return written


async def retire_service(tx: Tx, service_id: UUID) -> None:
    """Takes a service out of the catalogue; bookings keep their copy of it. Raises Missing."""
    if not await rows.retire(tx.conn, service_id=service_id):
        raise Missing("service")
    changed(tx)


def changed(tx: Tx) -> None:
    """Whoever writes services or their prices calls this: every node drops its copy after the commit."""
    tx.after_commit(lambda: _cache.drop(tx.services))
    tx.hint(bus.CATALOGUE_CHANGED, {})
