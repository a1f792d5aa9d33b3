"""Zones from a GeoJSON file: every feature a zone, known codes updated, all or nothing."""

from __future__ import annotations

import asyncio
import tempfile
from codecs import BOM_UTF8
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson

from dispatch.engine import audit, zones
from dispatch.engine.zones import ZoneIn, slug
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.services import Services, Tx
from geo.geodesy import wrapped_lng
from geo.zones import Area, Imported, centre, parse_geojson, to_geojson
from storage import zones as rows
from storage.zones import ZoneFile

#: Properties that usually carry the name, in this order.
NAME_PROPERTIES = ("name", "Name", "NAME", "zone", "ward", "WARD", "code", "id")
#: A file beyond that is no city.
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FEATURES = 10_000
#: Clocks differ from the sun by so many degrees of longitude, and in few places by more.
MOST_OFF_DEG = 20.0


class BadFile(Invalid):
    """This file cannot be imported as zones."""

    def __init__(self, message: str) -> None:
        super().__init__({"file": message}, message)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import wrote: the codes that are new, and those that were there."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    #: What was wrong with features that were left out.
    skipped: tuple[str, ...] = ()
    #: What was imported and may be a mistake.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A zone of a file. `n` is its place among the features, `said` which of its properties the file names."""

    n: int
    zone: ZoneIn
    area: Area
    said: frozenset[str]


@dataclass(slots=True)
class _Complaints:
    """What is wrong with features: the first one ends the import, or all are kept."""

    skip_bad: bool
    kept: list[str] = field(default_factory=list)
    #: How whoever asked says so.
    switch: str = "--skip-bad"

    def add(self, text: str) -> None:
        if not self.skip_bad:
            raise BadFile(f"{text} (With {self.switch} such features are left out and the others imported.)")
        self.kept.append(text)


async def import_zones(
    services: Services,
    path: Path,
    *,
    timezone: str | None = None,
    currency: str | None = None,
    name_property: str | None = None,
    city: str | None = None,
    state: str | None = None,
    skip_bad: bool = False,
    actor: Actor | None = None,
) -> ImportResult:
    """Writes every feature of a GeoJSON file as a zone, in one transaction, and loads them.

    A feature's `code` (else the city and its name, made plain) decides which zone it is; a zone of that code somewhere
    else is not replaced unless the file itself says the code. Its properties `timezone`, `currency`, `city`, `state`
    and `pincodes` (a list, or text with commas) win over the arguments. What neither says is the house's for a new zone
    and stays for one that is there, as its opening hours and days do, and whether it is active. Raises BadFile, which
    says what is wrong with which feature; with `skip_bad` those are left out and told in the result. What `actor` does
    is audited.
    """
    switch = "skip_bad=true" if actor is not None else "--skip-bad"
    terms = {"timezone": timezone, "currency": currency, "city": city, "state": state}
    wanted, skipped = await asyncio.to_thread(
        read, path, timezone=timezone or services.settings.timezone, currency=currency or services.settings.currency,
        name_property=name_property, city=city, state=state, skip_bad=skip_bad, switch=switch,
    )  # fmt: skip
    complaints = _Complaints(skip_bad, list(skipped), switch)
    await services.zones.reload()
    known = {z.code for z in services.zones.zones}
    asked = {name for name, term in terms.items() if term is not None}
    async with services.transaction() as tx:
        written = await _write(tx, wanted, complaints, asked, actor)
        if not written:
            raise BadFile(f"The file {path.name} has no feature that can be imported: {complaints.kept[0]}")
        codes = [one.zone.code for one, _ in written]
        result = ImportResult(
            tuple(c for c in codes if c not in known), tuple(c for c in codes if c in known), tuple(complaints.kept),
            tuple(text for one, is_active in written for text in _warnings(one, is_active)),
        )  # fmt: skip
        if actor is not None:
            changes = {"created": list(result.created), "updated": list(result.updated)}
            await audit.record(tx, actor, "import_zones", "zone", None, changes)
    await services.zones.reload()
    return result


async def _write(
    tx: Tx, wanted: Sequence[Wanted], complaints: _Complaints, asked: AbstractSet[str], actor: Actor | None
) -> list[tuple[Wanted, bool]]:
    """Writes what can be written, and whether it is active; what is wrong with the others goes to `complaints`.

    `asked` are the terms that whoever imports has named for all of them.
    """
    written: list[tuple[Wanted, bool]] = []
    for one in wanted:
        if (other := _elsewhere(tx.services, one)) is not None:
            complaints.add(
                f"Feature {one.n} ({one.zone.name}) would replace the zone {other}, which lies elsewhere: name "
                "its city, or give it a property code."
            )
            continue
        known = tx.services.zones.by_code(one.zone.code)
        before = None if known is None else await rows.lock(tx.conn, zone_id=known.id)
        one = one if before is None else replace(one, zone=_kept(one, before, asked))
        try:
            await zones.put(tx, one.zone, actor)
        except Invalid as e:
            complaint = "; ".join(text for texts in e.fields.values() for text in texts)
            complaints.add(f"Feature {one.n} ({one.zone.name}): {complaint}")
            continue
        is_active = before is None or before.is_active
        if not is_active:
            await rows.set_active(tx.conn, code=one.zone.code, is_active=False)
        written.append((one, is_active))
    return written


def _kept(one: Wanted, before: ZoneFile, asked: AbstractSet[str]) -> ZoneIn:
    """The zone with all of the one in its place that nobody says anew."""
    terms = {n: getattr(before, n) for n in ("timezone", "currency", "city", "state") if n not in one.said | asked}
    return replace(one.zone, **terms, opens=before.opens, closes=before.closes, days=frozenset(before.days))


async def import_content(services: Services, content: IO[bytes], name: str, **terms: Any) -> ImportResult:
    """As `import_zones`, of a file that was sent."""
    with tempfile.TemporaryDirectory(prefix="zones-") as folder:
        # The name becomes part of codes and complaints, and never a place of its own.
        path = Path(folder) / (f"{slug(Path(name).stem)[:80]}.geojson".lower())
        await asyncio.to_thread(_save, content, path)
        return await import_zones(services, path, **terms)


def _save(content: IO[bytes], path: Path) -> None:
    content.seek(0)
    with path.open("wb") as file:
        copyfileobj(content, file)


def read(
    path: Path,
    *,
    timezone: str,
    currency: str,
    name_property: str | None = None,
    city: str | None = None,
    state: str | None = None,
    skip_bad: bool = False,
    switch: str = "--skip-bad",
) -> tuple[list[Wanted], list[str]]:
    """The zones of a file, unwritten, and what was wrong with those left out (`skip_bad`). Raises BadFile."""
    complaints = _Complaints(skip_bad, switch=switch)
    features = _features(path, complaints)
    prefix = slug(city or path.stem)
    found: list[Wanted] = []
    seen: dict[str, int] = {}
    for n, feature in features:
        try:
            zone = _zone(feature, n, name_property, prefix, (timezone, currency, city, state))
        except BadFile as e:
            complaints.add(e.message)
            continue
        if zone.code in seen:
            complaints.add(f"Features {seen[zone.code]} and {n} have the same code {zone.code}.")
            continue
        seen[zone.code] = n
        said = frozenset(name for name, value in feature.properties.items() if value and _text(value))
        found.append(Wanted(n, zone, feature.geometry, said))
    return found, complaints.kept


def _elsewhere(services: Services, one: Wanted) -> str | None:
    """The zone of the same code, where it and the new one share no ground and nobody said that they are the same."""
    known = services.zones.by_code(one.zone.code)
    boundary = None if known is None or "code" in one.said else services.zones.boundary(known.id)
    if known is None or boundary is None:
        return None
    old = parse_geojson(boundary)[0].geometry
    return None if old.intersects(one.area) else f"{known.code} ({known.name})"


def _warnings(one: Wanted, is_active: bool) -> list[str]:
    """What is worth a second look at what was imported."""
    asleep = f"Feature {one.n} ({one.zone.name}) is a zone that is not active: nothing is booked in it until it is."
    return [text for text in (_swapped(one), None if is_active else asleep) if text is not None]


def _swapped(one: Wanted) -> str | None:
    """Whether latitude and longitude look swapped: by its clock the zone would then lie where it should.

    The sun passes 15 degrees in an hour, and clocks follow it within MOST_OFF_DEG in most places.
    """
    lat, lng = centre(one.area)
    january = datetime(2026, 1, 1, tzinfo=ZoneInfo(one.zone.timezone))
    standard = (january.utcoffset() or timedelta()) - (january.dst() or timedelta())
    meridian = standard / timedelta(hours=1) * 15.0
    off, off_swapped = abs(wrapped_lng(lng - meridian)), abs(wrapped_lng(lat - meridian))
    if off <= MOST_OFF_DEG or off_swapped * 3 > off:
        return None
    return (
        f"Feature {one.n} ({one.zone.name}) lies at latitude {lat:.2f}, longitude {lng:.2f}, far from its time zone "
        f"{one.zone.timezone}. Are the two swapped? GeoJSON writes [longitude, latitude]."
    )


def _features(path: Path, complaints: _Complaints) -> list[tuple[int, Imported]]:
    """The features with their places. Raises BadFile."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFile(f"The file {path.name} is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB.")
        document = orjson.loads(path.read_bytes().removeprefix(BOM_UTF8))
    except OSError as e:
        raise BadFile(f"The file {path.name} cannot be read: {e.strerror or e}.") from e
    except orjson.JSONDecodeError as e:
        raise BadFile(f"The file {path.name} is not JSON (line {e.lineno}, column {e.colno}).") from e
    bad: dict[int, str] = {}
    try:
        features = parse_geojson(document, bad)
    except ValueError as e:
        raise BadFile(f"In the file {path.name}, {e}.") from e
    for text in bad.values():
        complaints.add(f"In the file {path.name}, {text}.")
    if len(features) + len(bad) > MAX_FEATURES:
        raise BadFile(f"The file {path.name} has more than {MAX_FEATURES} features.")
    good = (n for n in range(len(features) + len(bad)) if n not in bad)
    return [(n + 1, feature) for n, feature in zip(good, features, strict=True)]


def _zone(
    feature: Imported,
    n: int,
    name_property: str | None,
    prefix: str,
    defaults: tuple[str, str, str | None, str | None],
) -> ZoneIn:
    properties = feature.properties
    name = _name(properties, n, name_property)
    plain = slug(str(properties.get("code") or name))
    if not plain:
        raise BadFile(f"Feature {n} ({name}) needs a name or a code with a letter or a digit in it.")
    code = plain if properties.get("code") else f"{prefix}-{plain}".strip("-")
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
