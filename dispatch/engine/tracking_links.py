"""Links by which anybody whom the customer gives one may follow a booking: signed, expiring, revocable."""

from __future__ import annotations

import base64
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from dispatch.engine import following
from dispatch.errors import Gone, Missing
from dispatch.live.arrivals import SHOWN
from dispatch.services import Services, Tx
from dispatch.vault import vault_of
from storage import bookings as booking_rows
from storage import tracking_links as rows
from storage.tracking_links import Followed

#: The booking, the generation and the moment of expiry (unix seconds), and so much of their HMAC.
_SIGNED, _MAC_BYTES = struct.Struct(">16sIQ"), 16


class LinkExpired(Gone):
    """This link has expired; ask whoever sent it for a new one."""

    code = "link_expired"


class LinkRevoked(Gone):
    """This link was taken back by whoever sent it."""

    code = "link_revoked"


@dataclass(frozen=True, slots=True)
class Link:
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the visit; `at` is when it was reached, None while it is ahead."""

    step: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a link tells, and nothing else. `position` is that of `following.position`."""

    status: str
    starts_at: datetime
    timezone: str
    steps: tuple[Step, ...]
    position: dict[str, Any] | None
    expires_at: datetime


async def make(tx: Tx, account_id: UUID, booking_id: UUID) -> Link:
    """The link of the customer's booking; the same one as long as it stands. It ends some hours after the visit
    should be over. Raises Missing.
    """
    booking = await booking_rows.get(tx.conn, booking_id=booking_id)
    if booking is None or booking.account_id != account_id:
        raise Missing("booking")
    generation = await rows.make(tx.conn, booking_id=booking_id)
    assert generation is not None, "an upsert returns its row"
    ends_s = int(_end(tx.services, max(booking.ends_at, tx.now)).timestamp())
    payload = _SIGNED.pack(booking_id.bytes, generation, ends_s)
    return Link(_token(tx.services, payload), datetime.fromtimestamp(ends_s, UTC))


async def revoke(tx: Tx, account_id: UUID, booking_id: UUID) -> None:
    """Nobody follows by the links that were given until now; repeating it changes nothing. Raises Missing."""
    booking = await booking_rows.get(tx.conn, booking_id=booking_id)
    if booking is None or booking.account_id != account_id:
        raise Missing("booking")
    await rows.revoke(tx.conn, booking_id=booking_id)


async def follow(services: Services, token: str) -> Progress:
    """How the visit stands. Raises Missing (no link of ours), LinkExpired, LinkRevoked."""
    booking_id, generation, signed_end = _read(services, token)
    async with services.read() as conn:
        found = await rows.follow(conn, booking_id=booking_id)
    if found is None:
        raise Missing("link")
    # A visit that was moved to a later time is followed until then.
    expires_at = max(signed_end, _end(services, found.ends_at))
    if expires_at <= services.clock.now():
        raise LinkExpired
    if found.is_revoked or found.generation != generation:
        raise LinkRevoked
    status = _status(found)
    # What the rows say is over is over, whatever this node still remembers.
    position = following.of_booking(services, booking_id, found.technician_id) if status in SHOWN else None
    return Progress(status, found.starts_at, found.timezone, _steps(found), position, expires_at)


def _end(services: Services, visit_ends_at: datetime) -> datetime:
    return visit_ends_at + timedelta(hours=services.settings.privacy.contact_hours)


def _read(services: Services, token: str) -> tuple[UUID, int, datetime]:
    try:
        payload = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[: _SIGNED.size]
        booking, generation, ends_s = _SIGNED.unpack(payload)
    except (ValueError, struct.error):
        raise Missing("link") from None
    # The text itself, because base64 has several for the same bytes.
    if not hmac.compare_digest(token.encode(), _token(services, payload).encode()):
        raise Missing("link")
    return UUID(bytes=booking), generation, datetime.fromtimestamp(ends_s, UTC)


def _token(services: Services, payload: bytes) -> str:
    mac = vault_of(services.settings).mac("tracking link", payload)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(payload + mac).decode().rstrip("=")


def _status(found: Followed) -> str:
    """One word for where the visit stands: the job's where there is one, else the booking's.

    A visit that was paid back afterwards has taken place all the same.
    """
    if found.cancelled_at is not None:
        return "cancelled"
    return found.state or "booked"


def _steps(found: Followed) -> tuple[Step, ...]:
    if _status(found) == "cancelled":
        return Step("booked", found.created_at), Step("cancelled", found.cancelled_at)
    return (
        Step("booked", found.created_at), Step("accepted", found.accepted_at),
        Step("in_transit", found.in_transit_at), Step("arrived", found.arrived_at),
        Step("in_progress", found.started_at), Step("completed", found.completed_at),
    )  # fmt: skip
