"""How trade partners are found: while somebody types, and around a place."""

from __future__ import annotations

from dataclasses import dataclass

from geo.geodesy import bounding_boxes, haversine_m
from storage import trade_partners as rows
from storage.database.listing import search_query
from storage.database.pool import Conn
from storage.trade_partners import Found, TradePartner

#: What is shown while somebody types (R159), and around a place: by itself and at most.
MOST_TYPED, NEAR, MOST_NEAR = 20, 50, 100
#: A shorter number is no part of a phone.
_MIN_DIGITS = 3
#: Of one beginning so many words are looked at: a partner may have several that begin so.
_LOOKED_AT = 100
_MOST_CHARS = 100
#: So much of a circle's edge may be lost in sums, in metres.
_SLACK_M = 0.01


@dataclass(frozen=True, slots=True)
class Near:
    """A partner, and how far away it is, in metres on the sphere."""

    partner: TradePartner
    distance_m: float


async def typed(conn: Conn, text: str) -> list[Found]:
    """Whoever's code, name, address or phone has words that begin so; MOST_TYPED at most, an exact code first."""
    text = text.strip()[:_MOST_CHARS]
    query = search_query(text)
    if not query:
        return []
    digits = "".join(c for c in text if c in "0123456789")
    if len(digits) >= _MIN_DIGITS and not set(text) - set("0123456789+-(). "):
        return await _numbered(conn, text, digits)
    if "&" not in query:
        return await _beginning(conn, query.removeprefix("'").removesuffix("':*").lower(), text)
    return await rows.search_words(conn, query=query, most=MOST_TYPED)


async def _numbered(conn: Conn, text: str, digits: str) -> list[Found]:
    """A phone by its first or its last digits (as search_phone in the database keeps both), or a word of digits."""
    found: dict[int, Found] = {}
    for prefix in (f">{digits}", f"<{digits[::-1]}", digits):
        if len(found) < MOST_TYPED:
            found |= {row.no: row for row in await _beginning(conn, prefix, text) if row.no not in found}
    return list(found.values())[:MOST_TYPED]


async def _beginning(conn: Conn, prefix: str, text: str) -> list[Found]:
    return await rows.search_beginnings(conn, prefix=prefix, typed=text, looked_at=_LOOKED_AT, most=MOST_TYPED)


async def near(conn: Conn, lat: float, lng: float, radius_m: float, most: int = NEAR) -> list[Near]:
    """The `most` nearest within a radius, the nearest first.

    The database finds candidates on its flat map: as many as are wanted, the nearest there, bound how far the really
    nearest can be, however many there are within the radius or at one spot.
    """
    placed = await rows.nearest(conn, lat=lat, lng=lng, most=most)
    if not placed:
        return []
    farthest_m = max(haversine_m(lat, lng, p.lat, p.lng) for p in placed)
    reach_m = min(radius_m, farthest_m) if len(placed) == most else radius_m
    boxes = bounding_boxes(lat, lng, reach_m + _SLACK_M)
    inside = await rows.within(
        conn, souths=[b.south for b in boxes], wests=[b.west for b in boxes], norths=[b.north for b in boxes],
        easts=[b.east for b in boxes], lat=lat, lng=lng, most=most,
    )  # fmt: skip
    distances = {p.no: haversine_m(lat, lng, p.lat, p.lng) for p in inside}
    chosen = sorted((m, no) for no, m in distances.items() if m <= radius_m)[:most]
    found = {p.no: p for p in await rows.of_numbers(conn, numbers=[no for _, no in chosen])}
    return [Near(found[no], distance_m) for distance_m, no in chosen if no in found]
