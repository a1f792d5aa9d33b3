"""Rows of webhook deliveries: one event for one endpoint, its place in the order, and every try of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Filter, Listed, Mostly, Sort, made_on_days

sql = Statements("webhook_deliveries")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A line of the log. `last_status` and `error` are those of the last try."""

    id: UUID
    endpoint_id: UUID
    url: str
    type: str
    booking_id: UUID | None
    seq: int | None
    state: str
    attempts: int
    last_status: int | None
    error: str | None
    event_at: datetime
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    attempt: int
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    reply: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this node may send now, with all that it takes; `tries` and `attempts` count the present one.

    Of a fact of a booking `data` is None: what it says is `fact`, caused by `actor_kind`.
    """

    id: UUID
    endpoint_id: UUID
    owner_kind: str
    url: str
    secret_enc: bytes
    previous_enc: bytes | None
    type: str
    booking_id: UUID | None
    seq: int | None
    data: dict[str, Any] | None
    event_at: datetime
    tries: int
    attempts: int
    booking_number: str | None
    fact: dict[str, Any] | None
    actor_kind: str | None
    request_id: str | None


find = sql.row("find", Delivery)
attempts = sql.rows("attempts", Attempt)
put = sql.run("put")
put_test = sql.scalar("put_test", UUID)
claim = sql.rows("claim", Claimed)
tried = sql.run("tried")
finish = sql.run("finish")
later = sql.run("later")
hurry = sql.run("hurry")
give_up = sql.run("give_up")
replay = sql.scalar("replay", UUID)
replay_range = sql.run("replay_range")
purge = sql.run("purge")

_FILTERS: dict[str, Filter] = {
    # Nearly all are delivered, and nobody looks for those.
    "state": Mostly("d.state", "text", usual="delivered"), "type": AnyOf("d.type", "text"),
    "endpoint_id": AnyOf("d.endpoint_id", "uuid"), "booking_id": AnyOf("d.booking_id", "uuid"),
    **made_on_days("d.created_at"),
}  # fmt: skip

of_owner = Listed(
    sql, "of_owner", Delivery,
    key=Sort("d.no", "bigint"), sorts={"created_at": Sort("d.created_at", "timestamptz")},
    default_sort=(("created_at", True),), filters=_FILTERS,
    indexed=[
        ("created_at", ()), ("created_at", ("endpoint_id",)), ("created_at", ("state",)),
        ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip
