"""How the business stands: what is open, what waits, and what the last thirty days were worth."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("figures")


@dataclass(frozen=True, slots=True)
class Figure:
    """`label` tells the values of one name apart; it is empty where there is one value only."""

    name: str
    label: str
    value: float


present = sql.rows("present", Figure)
count_returning = sql.run("count_returning")
