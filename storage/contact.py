"""Rows of contact_submissions: what visitors wrote to the people behind the service."""

from __future__ import annotations

from uuid import UUID

from storage.database.binder import Statements

sql = Statements("contact")

insert = sql.scalar("insert", UUID)
