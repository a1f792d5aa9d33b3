"""Zones: polygons by key, which of them a point is in, and how they come in from GeoJSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo.geodesy import EARTH_RADIUS_M, METRES_PER_DEGREE, unwrapped_lngs

K = TypeVar("K", bound=Hashable)
Area = Polygon | MultiPolygon

#: A document with more points than this is refused: a country's outline has fewer.
MAX_POINTS = 500_000
#: Points of which a map remembers the zone: addresses are asked for at every step of a booking.
REMEMBERED = 10_000
#: The only reference system of RFC 7946, in the spellings that older documents name it by.
WGS84_NAMES = ("CRS84", "EPSG:4326", "EPSG::4326")


@dataclass(frozen=True, slots=True)
class Imported:
    """One zone of a GeoJSON document."""

    properties: dict[str, Any]
    geometry: Area


class ZoneMap(Generic[K]):
    """Zones under a tree of their own. Immutable: a change builds a new one (141 wards take 5 ms). A border
    belongs to its zone; where zones overlap the smallest wins, then the earlier one."""

    def __init__(self, zones: Iterable[tuple[K, Area | Mapping[str, Any]]] = ()) -> None:
        pairs = [(key, _as_area(shape)) for key, shape in zones]
        pairs.sort(key=lambda pair: area_km2(pair[1]))
        self._keys = [key for key, _ in pairs]
        self._place = {key: place for place, key in enumerate(self._keys)}
        if len(self._place) != len(pairs):
            raise ValueError("two zones have the same key")
        self._areas: NDArray[np.object_] = np.empty(len(pairs), dtype=object)
        self._areas[:] = [area for _, area in pairs]
        shapely.prepare(self._areas)
        self._tree = shapely.STRtree(self._areas.tolist())
        self._zone_at: dict[tuple[float, float], K | None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def locate(self, lat: float, lng: float) -> K | None:
        """The zone of a point; None outside all of them (and for a point that is none, such as NaN)."""
        point = lat, lng
        if point in self._zone_at:
            return self._zone_at[point]
        if len(self._zone_at) >= REMEMBERED:
            self._zone_at.clear()
        places = self._covering(lat, lng)
        found = self._zone_at[point] = self._keys[places[0]] if places else None
        return found

    def covers(self, key: K, lat: float, lng: float) -> bool:
        """Whether the point is in the zone or on its border. Raises KeyError for an unknown zone."""
        return bool(shapely.intersects_xy(self._areas[self._place[key]], lng, lat))

    def centre(self, key: K) -> tuple[float, float]:
        """A (lat, lng) that is inside the zone, however it is shaped. Raises KeyError for an unknown zone."""
        return centre(self._areas[self._place[key]])

    def area(self, key: K) -> Area:
        """The polygon. Raises KeyError for an unknown zone."""
        found: Area = self._areas[self._place[key]]
        return found

    def _covering(self, lat: float, lng: float) -> list[int]:
        if not (math.isfinite(lat) and math.isfinite(lng)):
            return []
        near = np.sort(self._tree.query(shapely.Point(lng, lat)))
        inside = shapely.intersects_xy(self._areas[near], lng, lat)
        return [int(place) for place in near[inside]]


def centre(area: Area) -> tuple[float, float]:
    """A (lat, lng) inside the area; the middle of a ring's hole is not."""
    point = area.representative_point()
    return point.y, point.x


def area_km2(area: Area) -> float:
    """The area on the sphere in square kilometres (through Lambert's cylindrical equal-area map)."""

    def flatten(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack((np.radians(points[:, 0]), np.sin(np.radians(points[:, 1]))))

    flat = shapely.transform(area, flatten)
    return float(flat.area) * (EARTH_RADIUS_M / 1000.0) ** 2


def simplify(area: Area, tolerance_m: float) -> Area:
    """The same area with fewer points, none farther than about `tolerance_m` from the old line, for a map."""
    simple = area.simplify(tolerance_m / METRES_PER_DEGREE, preserve_topology=True)
    return _polygons_of(simple) or area


def to_geojson(area: Area) -> dict[str, Any]:
    """The GeoJSON geometry of an area."""
    return dict(mapping(area))


def parse_geojson(document: object, bad: dict[int, str] | None = None) -> list[Imported]:
    """The areas of a FeatureCollection, a Feature, a Polygon or a MultiPolygon.

    Holes stay; an outline that crosses itself is repaired if an area is left, and one that goes over the 180th
    meridian is cut there (RFC 7946, 3.1.9). Raises ValueError, which says what is wrong where; with `bad`, what is
    wrong with single features of a collection is put there by their places instead, and the others are answered.
    """
    if not isinstance(document, Mapping):
        raise ValueError("not GeoJSON: the document must be an object")
    _check_reference(document)
    budget = [MAX_POINTS]
    kind = document.get("type")
    if kind == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list) or not features:
            raise ValueError("a FeatureCollection needs a list of features")
        found = []
        for n, feature in enumerate(features):
            try:
                found.append(_feature(feature, f"features[{n}]", budget))
            except ValueError as e:
                if bad is None or budget[0] < 0:
                    raise
                bad[n] = str(e)
        return found
    if kind == "Feature":
        return [_feature(document, "feature", budget)]
    return [Imported({}, _geometry(document, "geometry", budget))]


def _check_reference(document: Mapping[str, Any]) -> None:
    reference = document.get("crs")
    if reference is None:
        return
    properties = reference.get("properties") if isinstance(reference, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str) or not name.endswith(WGS84_NAMES):
        raise ValueError("crs: only WGS 84 longitude and latitude (CRS84) is understood")


def _feature(feature: object, where: str, budget: list[int]) -> Imported:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise ValueError(f"{where}: not a Feature")
    properties = feature.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise ValueError(f"{where}: properties must be an object")
    return Imported(dict(properties), _geometry(feature.get("geometry"), where, budget))


def _geometry(geometry: object, where: str, budget: list[int]) -> Area:
    if not isinstance(geometry, Mapping):
        raise ValueError(f"{where}: there is no geometry")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        parts = [_polygon(coordinates, where, budget)]
    elif kind == "MultiPolygon":
        parts = [
            _polygon(part, f"{where}, polygon {n}", budget)
            for n, part in enumerate(_list(coordinates, where, "polygons"))
        ]
    else:
        given = f", not {kind!r}" if isinstance(kind, str) and kind.isalpha() else ""
        raise ValueError(f"{where}: a Polygon or a MultiPolygon is needed{given}")
    area: BaseGeometry = parts[0] if kind == "Polygon" else MultiPolygon(parts)
    repaired = _polygons_of(_cut(area if area.is_valid else shapely.make_valid(area)))
    if repaired is None:
        raise ValueError(f"{where}: the outline encloses no area")
    return repaired


def _cut(area: BaseGeometry) -> BaseGeometry:
    """The area between the meridians -180 and 180: what lies beyond one of them is moved around the earth."""
    west, _, east, _ = area.bounds
    if not (west < -180.0 or east > 180.0):
        return area
    parts = [
        shapely.transform(area.intersection(shapely.box(-180.0 + turn, -90.0, 180.0 + turn, 90.0)), _moved_by(-turn))
        for turn in (-360.0, 0.0, 360.0)
    ]
    return shapely.union_all(parts)


def _moved_by(degrees: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda points: points + (degrees, 0.0)


def _polygon(rings: object, where: str, budget: list[int]) -> Polygon:
    outer, *holes = [_ring(ring, f"{where}, ring {n}", budget) for n, ring in enumerate(_list(rings, where, "rings"))]
    west, east = min(lng for lng, _ in outer), max(lng for lng, _ in outer)
    return Polygon(outer, [_beside(hole, west, east) for hole in holes])


def _beside(hole: list[tuple[float, float]], west: float, east: float) -> list[tuple[float, float]]:
    """The hole on the side of the 180th meridian on which its outline was begun."""
    for turn in (0.0, 360.0, -360.0):
        if all(west <= lng + turn <= east for lng, _ in hole):
            return [(lng + turn, lat) for lng, lat in hole]
    return hole


def _ring(points: object, where: str, budget: list[int]) -> list[tuple[float, float]]:
    ring = [_point(point, f"{where}, point {n}") for n, point in enumerate(_list(points, where, "points"))]
    budget[0] -= len(ring)
    if budget[0] < 0:
        raise ValueError(f"more than {MAX_POINTS} points")
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    if len(ring) < 4:
        raise ValueError(f"{where}: a ring needs three different points at least")
    lngs = unwrapped_lngs([lng for lng, _ in ring])
    # One that does not close again goes around a pole: it is left as it was drawn.
    return ring if lngs[-1] != lngs[0] else [(lng, lat) for lng, (_, lat) in zip(lngs, ring, strict=True)]


def _point(point: object, where: str) -> tuple[float, float]:
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) < 2:
        raise ValueError(f"{where}: a point is [longitude, latitude]")
    lng, lat = point[0], point[1]
    for value, name, bound in ((lng, "longitude", 180), (lat, "latitude", 90)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{where}: the {name} is not a number")
        if not -bound <= value <= bound:
            raise ValueError(f"{where}: the {name} {value} is not between -{bound} and {bound}")
    return float(lng), float(lat)


def _list(value: object, where: str, of_what: str) -> Sequence[object]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{where}: a list of {of_what} is needed")
    return value


def _as_area(shape: Area | Mapping[str, Any]) -> Area:
    if isinstance(shape, Mapping):
        area = _polygons_of(shapely.union_all([part.geometry for part in parse_geojson(shape)]))
    else:
        area = _polygons_of(shape)
    if area is None:
        raise ValueError("a zone needs an area")
    return area


def _polygons_of(geometry: BaseGeometry) -> Area | None:
    """What of a geometry has an area: repairs leave stray lines and points beside it."""
    if isinstance(geometry, Polygon | MultiPolygon):
        return geometry if geometry.area > 0.0 else None
    parts = [part for part in getattr(geometry, "geoms", ()) if isinstance(part, Polygon | MultiPolygon)]
    if not parts:
        return None
    merged = shapely.union_all(parts)
    return merged if isinstance(merged, Polygon | MultiPolygon) and merged.area > 0.0 else None
