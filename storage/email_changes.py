"""Rows of email_changes: addresses that wait until whoever reads them says yes; only hashes of links are kept."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("email_changes")


@dataclass(frozen=True, slots=True)
class Wish:
    account_id: UUID
    email: str


put = sql.run("put")
find = sql.row("find", Wish)
use = sql.row("use", Wish)
end = sql.run("end")
erase = sql.run("erase")
of_account = sql.row("of_account", Wish)
set_email = sql.run("set_email")
purge = sql.run("purge")
