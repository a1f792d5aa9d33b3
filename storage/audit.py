"""Rows of audit_log: what staff and services did, and what it changed."""

from __future__ import annotations

from storage.database.binder import Statements

sql = Statements("audit")

insert = sql.run("insert")
