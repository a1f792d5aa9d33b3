"""Rows of onboarding_steps: what a party goes through before it is at home, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database.binder import Statements

sql = Statements("onboarding")


@dataclass(frozen=True, slots=True)
class Step:
    step: str
    status: str
    data: dict[str, Any]
    completed_at: datetime | None


insert = sql.run("insert")
of_party = sql.rows("of_party", Step)
complete = sql.scalar("complete", int)
reopen = sql.scalar("reopen", int)
