"""Rows of commands: what a socket asked for once, and the answer it gets every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.database.binder import Statements

sql = Statements("commands")


@dataclass(frozen=True, slots=True)
class Done:
    name: str
    body_hash: bytes
    answer: Any


keep = sql.run("keep")
get = sql.row("get", Done)
purge = sql.run("purge")
