"""Rows of document_sequences: the counters behind every number that people read."""

from __future__ import annotations

from storage.database.binder import Statements

sql = Statements("numbers")

take = sql.scalar("take", int)
