"""The technician's part of the API, typed: offers and jobs over the socket, the same and the money over REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from dispatch.client.client import Live
from dispatch.client.customer import Call
from dispatch.client.documents import Job, Jobs

Step = Literal["in_transit", "arrived", "in_progress"]
#: [t_ms, lat, lng, accuracy_m, speed_mps, heading_deg]; what is not known is None.
Fix = tuple[int, float, float, float | None, float | None, float | None]


class TechnicianApi:
    """REST. Everything raises what the call raises: CallFailed, Unreachable."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def jobs(self, **query: str) -> list[Job]:
        """Offers and jobs, a page of them."""
        found = cast(Jobs, await self._call("GET", "/v1/partner/bookings", query=query or None))
        return found["bookings"]

    async def job(self, booking_id: str) -> Job:
        return cast(Job, await self._call("GET", f"/v1/partner/bookings/{booking_id}"))

    async def accept(self, booking_id: str) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], await self._call("POST", f"/v1/partner/bookings/{booking_id}/accept", {}))

    async def reject(self, booking_id: str, reason: str) -> None:
        await self._call("POST", f"/v1/partner/bookings/{booking_id}/reject", {"reason": reason})

    async def advance(self, booking_id: str, step: Step) -> None:
        await self._call("PATCH", f"/v1/partner/bookings/{booking_id}/status", {"status": step})

    async def complete(self, booking_id: str) -> Mapping[str, Any]:
        """What was earned stands in the answer."""
        return cast(Mapping[str, Any], await self._call("POST", f"/v1/partner/bookings/{booking_id}/complete", {}))

    async def earnings(self, **query: str) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], await self._call("GET", "/v1/partner/earnings", query=query or None))


class TechnicianSocket:
    """Commands over the socket; each takes effect once, however often the connection breaks."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def go_online(self, *, online: bool = True) -> None:
        await self._live.command("presence.set", online=online)

    async def report(self, fixes: Sequence[Fix | list[Any]], sent_at_ms: int | None = None) -> Mapping[str, Any]:
        """Positions, at most 50; a report that is lost is not repeated, the next one says more."""
        body = {"fixes": [list(fix) for fix in fixes]} | ({"sent_at_ms": sent_at_ms} if sent_at_ms else {})
        return cast(Mapping[str, Any], await self._live.ask("location.report", body))

    async def accept(self, offer_id: str) -> None:
        await self._live.command("offer.accept", offer_id=offer_id)

    async def reject(self, offer_id: str, reason: str) -> None:
        await self._live.command("offer.reject", offer_id=offer_id, reason=reason)

    async def advance(self, booking_id: str, step: str) -> None:
        await self._live.command("job.advance", booking_id=booking_id, step=step)
