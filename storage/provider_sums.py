"""Rows of provider_days: a provider's lines summed up per local day, kept by a trigger."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("provider_sums")


@dataclass(frozen=True, slots=True)
class Totals:
    lines: int
    settled_minor: int


totals = sql.row("totals", Totals)
clear = sql.run("clear")
fill = sql.run("fill")
