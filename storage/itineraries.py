"""Rows of itineraries: a salesperson's round of trade partners, stop by stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from storage.database.binder import Statements

sql = Statements("itineraries")


@dataclass(frozen=True, slots=True)
class Itinerary:
    id: int
    code: str
    name: str
    salesperson_id: int | None
    is_active: bool
    created_at: datetime
    partners: int


@dataclass(frozen=True, slots=True)
class Stop:
    id: int
    itinerary_id: int
    itinerary_code: str
    itinerary_name: str
    partner_no: int
    partner_code: str
    partner_name: str
    partner_status: str
    rank: int
    visit_frequency_days: int | None
    start_time: time | None
    end_time: time | None
    is_stop_point: bool


every = sql.rows("every", Itinerary)
count = sql.scalar("count", int)
get = sql.row("get", Itinerary)
lock = sql.scalar("lock", int)
insert = sql.scalar("insert", int)
save = sql.run("save")
delete = sql.run("delete")
stops = sql.rows("stops", Stop)
of_partner = sql.rows("of_partner", Stop)
make_room = sql.run("make_room")
add_stop = sql.scalar("add_stop", int)
stop = sql.row("stop", Stop)
save_stop = sql.run("save_stop")
drop_stop = sql.run("drop_stop")
reorder = sql.scalar("reorder", int)
