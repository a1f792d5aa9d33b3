"""Rows of settings: what staff have set in the place of the environment's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.database.binder import Statements

sql = Statements("settings")


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    value: Any


lock = sql.run("lock")
all_of_them = sql.rows("all", Setting)
put = sql.many("put")
