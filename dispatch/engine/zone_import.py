"""Zones from a GeoJSON file: every feature a zone, known codes updated, all or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from dispatch.engine import zones
from dispatch.engine.zones import ZoneIn
from dispatch.errors import Invalid
from dispatch.services import Services
from geo.zones import Imported, parse_geojson, to_geojson

#: Properties that usually carry the name, in this order.
NAME_PROPERTIES = ("name", "Name", "NAME", "zone", "ward", "WARD", "code", "id")
#: A file beyond that is no city.
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FEATURES = 10_000


class BadFile(Invalid):
    """This file cannot be imported as zones."""

    def __init__(self, message: str) -> None:
        super().__init__({"file": message}, message)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import wrote: the codes that are new, and those that were there."""

    created: tuple[str, ...]
    updated: tuple[str, ...]


async def import_zones(
    services: Services,
    path: Path,
    *,
    timezone: str,
    currency: str,
    name_property: str | None = None,
    city: str | None = None,
    state: str | None = None,
) -> ImportResult:
    """Writes every feature of a GeoJSON file as a zone, in one transaction, and loads them.

    A feature's `code` (else the city and its name, made plain) decides which zone it is. Its properties
    `timezone`, `currency`,
    `city`, `state` and `pincodes` (a list, or text with commas) win over the arguments. Raises BadFile, which
    says
    what is wrong with which feature.
    """
    wanted = read(
        path, timezone=timezone, currency=currency, name_property=name_property, city=city, state=state
    )
    await services.zones.reload()
    known = {z.code for z in services.zones.zones}
    written: list[UUID] = []
    async with services.transaction() as tx:
        for n, zone in enumerate(wanted, 1):
            try:
                written.append(await zones.put(tx, zone))
            except Invalid as e:
                complaint = "; ".join(text for texts in e.fields.values() for text in texts)
                raise BadFile(f"Feature {n} ({zone.name}): {complaint}") from e
    await services.zones.reload()
    codes = [z.code for z in wanted]
    return ImportResult(tuple(c for c in codes if c not in known), tuple(c for c in codes if c in known))


def read(
    path: Path,
    *,
    timezone: str,
    currency: str,
    name_property: str | None = None,
    city: str | None = None,
    state: str | None = None,
) -> list[ZoneIn]:
    """The zones of a file, unwritten. Raises BadFile."""
    features = _features(path)
    prefix = slug(city or path.stem)
    found: list[ZoneIn] = []
    seen: dict[str, int] = {}
    for n, feature in enumerate(features, 1):
        zone = _zone(feature, n, name_property, prefix, (timezone, currency, city, state))
        if zone.code in seen:
            raise BadFile(f"Features {seen[zone.code]} and {n} have the same code {zone.code}.")
        seen[zone.code] = n
        found.append(zone)
    return found


def slug(text: str) -> str:
    """A code of capital letters, digits and hyphens."""
    return re.sub(r"[^A-Z0-9]+", "-", text.upper()).strip("-")


def _features(path: Path) -> list[Imported]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFile(f"{path.name} is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB.")
        document = orjson.loads(path.read_bytes())
    except OSError as e:
        raise BadFile(f"{path.name} cannot be read: {e.strerror or e}.") from e
    except orjson.JSONDecodeError as e:
        raise BadFile(f"{path.name} is not JSON: {e}.") from e
    try:
        features = parse_geojson(document)
    except ValueError as e:
        raise BadFile(f"{path.name}: {e}.") from e
    if len(features) > MAX_FEATURES:
        raise BadFile(f"{path.name} has more than {MAX_FEATURES} features.")
    return features


def _zone(
    feature: Imported,
    n: int,
    name_property: str | None,
    prefix: str,
    defaults: tuple[str, str, str | None, str | None],
) -> ZoneIn:
    properties = feature.properties
    name = _name(properties, n, name_property)
    code = slug(str(properties["code"])) if properties.get("code") else f"{prefix}-{slug(name)}"
    timezone, currency, city, state = defaults
    return ZoneIn(
        code, name, to_geojson(feature.geometry), str(properties.get("timezone") or timezone),
        str(properties.get("currency") or currency), city=_text(properties.get("city")) or city,
        state=_text(properties.get("state")) or state, pincodes=_pincodes(properties.get("pincodes")),
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _name(properties: dict[str, Any], n: int, name_property: str | None) -> str:
    candidates = (name_property,) if name_property else NAME_PROPERTIES
    for key in candidates:
        value = properties.get(key)
        if value is not None and str(value).strip():
            return str(value).strip()
    have = ", ".join(sorted(properties)) or "none"
    if name_property:
        raise BadFile(f"Feature {n} has no property '{name_property}' (it has: {have}).")
    raise BadFile(f"Feature {n} has no name; say which property carries it (it has: {have}).")


def _pincodes(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    parts = value if isinstance(value, list) else str(value).split(",")
    return tuple(p for p in ("".join(str(part).split()).upper() for part in parts) if p)
