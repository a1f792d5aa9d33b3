"""The row behind app_now(), which the process's Clock shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database.binder import Statements

sql = Statements("clock")


@dataclass(frozen=True, slots=True)
class ClockRow:
    """Unix seconds: at `real_at` of real time the domain's time was `app_at`."""

    real_at: float
    app_at: float
    speed: float


get = sql.row("get", ClockRow)
set_reading = sql.run("set")
server_version = sql.scalar("server_version", int)
encoding = sql.scalar("encoding", str)
now = sql.scalar("now", datetime)
real_now = sql.scalar("real_now", datetime)
