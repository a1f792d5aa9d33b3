"""Rows of push tokens: the apps of customers and technicians as the push service knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database.binder import Statements

sql = Statements("push_tokens")


@dataclass(frozen=True, slots=True)
class App:
    token: str
    platform: str
    created_at: datetime
    seen_at: datetime


forget_of_session = sql.run("forget_of_session")
put = sql.run("put")
delete = sql.run("delete")
drop = sql.run("drop")
of_account = sql.rows("of_account", App)
erase = sql.run("erase")
