"""Rows of links that set a password; only their hashes are kept."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("passwords")


@dataclass(frozen=True, slots=True)
class Link:
    """Whose password a link sets, and into which team it leads, if it does."""

    email: str | None
    party_name: str | None
    is_invitation: bool


put_link = sql.scalar("put_link", UUID)
use_link = sql.scalar("use_link", UUID)
join_by = sql.run("join_by")
find_link = sql.row("find_link", Link)
end_links = sql.run("end_links")
end_invitations = sql.run("end_invitations")
purge = sql.run("purge")
