"""What waits for somebody of the house."""

from __future__ import annotations

from storage.database.binder import Statements

sql = Statements("desk")

waits = sql.scalar("waits", list)
