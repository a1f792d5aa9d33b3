"""Rows of links that set a password; only their hashes are kept."""

from __future__ import annotations

from uuid import UUID

from storage.database.binder import Statements

sql = Statements("passwords")

put_link = sql.run("put_link")
use_link = sql.scalar("use_link", UUID)
end_links = sql.run("end_links")
purge = sql.run("purge")
