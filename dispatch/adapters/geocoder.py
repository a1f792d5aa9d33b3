"""Turns a written address into a position: none by default, or any server that speaks Nominatim's search."""

from __future__ import annotations

import logging
import math
from typing import Any

import aiohttp
import orjson

from dispatch.ports.geocoding import Geocoder, NoGeocoder, Position, Query

log = logging.getLogger(__name__)

#: A checkout waits for the geocoder, but not for long: the centre of the pincode will do.
TIMEOUT_S = 3.0
#: Only so much of an answer is read.
MAX_ANSWER_BYTES = 256 * 1024


class NominatimGeocoder:
    """Asks `{url}/search` (jsonv2). `user_agent` names the installation, as public servers demand."""

    def __init__(self, url: str, *, user_agent: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/") + "/search"
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def locate(self, query: Query) -> Position | None:
        params = {
            "street": query.line1, "city": query.city, "state": query.state, "postalcode": query.postal_code,
            "countrycodes": query.country.lower(), "format": "jsonv2", "limit": "1",
        }  # fmt: skip
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=self._headers) as session,
                session.get(self._url, params=params, allow_redirects=False) as answer,
            ):
                answer.raise_for_status()
                return _first(orjson.loads(await _read(answer)))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as e:
            # What was searched for is somebody's home: it is not logged.
            log.warning("the geocoder did not answer: %s", type(e).__name__)
            return None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, or as much of it as is read; one call gives only what has arrived."""
    pieces, left = [], MAX_ANSWER_BYTES
    while left > 0 and (piece := await answer.content.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _first(found: Any) -> Position | None:
    if not isinstance(found, list) or not found:
        return None
    lat, lng = float(found[0]["lat"]), float(found[0]["lon"])
    if not (math.isfinite(lat) and math.isfinite(lng) and -90 <= lat <= 90 and -180 <= lng <= 180):
        return None
    # place_rank 30 is a house; a street is 26 or 27.
    return Position(lat, lng, int(found[0].get("place_rank", 0)) < 28)


def geocoder(url: str | None, *, user_agent: str = "dispatch-server") -> Geocoder:
    """The geocoder of the settings: none without an address."""
    return NominatimGeocoder(url, user_agent=user_agent) if url else NoGeocoder()
