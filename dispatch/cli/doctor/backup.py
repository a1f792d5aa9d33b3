"""Backups, and the log that the database keeps for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dispatch.cli.doctor.findings import Finding

if TYPE_CHECKING:
    from dispatch.config import Settings

#: So much may be lost with the server (R221), in seconds.
_MOST_LOSS_S = 3600.0


def backup_of(settings: Settings) -> Finding:
    """Whether there is a backup, and how much would be lost just now."""
    from dispatch.process.backups.whole import damaged, not_restorable, reached_by, wholes

    if settings.backup.folder is None:
        return Finding("backup", "note", "none is made", "set DISPATCH_BACKUP__FOLDER, or leave it to your database")
    try:
        known, broken = wholes(settings.backup.folder), damaged(settings.backup.folder)
        reached = reached_by(known[-1]) if known else None
    except OSError as e:
        remedy = "run this as whom it belongs to, or change DISPATCH_BACKUP__FOLDER"
        return Finding("backup", "wrong", f"{e.filename} cannot be looked into ({e.strerror})", remedy)
    if reached is None:
        return Finding("backup", "wrong", f"there is none in {settings.backup.folder}", "dispatch backup says why")
    age_s = (datetime.now(UTC) - reached).total_seconds()
    # A dump is of once a day.
    most_s = 86_400 + _MOST_LOSS_S if known[-1].is_dump else _MOST_LOSS_S
    said = f"{len(known)} copies; what was committed in the last {age_s / 60:.0f} minutes would be lost"
    if age_s > most_s:
        return Finding("backup", "wrong", said, "dispatch backup says why")
    if why := not_restorable(known[-1]):
        return Finding("backup", "note", why, "or restore it where they are")
    if broken:
        said = f"{said}; {', '.join(map(str, broken))} counts for nothing, because its note is damaged"
        return Finding("backup", "note", said, "remove it")
    return Finding("backup", "ok", said)


async def log_kept(settings: Settings, dsn: str) -> list[Finding]:
    """Whether the database keeps log for backups that nobody fetches, or without end."""
    from storage.database import copies

    most = await copies.most_kept(dsn)
    if most == copies.NO_LIMIT:
        said = "the database keeps its log for backups without end: its disk fills up when none is made"
        return [Finding("log kept", "wrong", said, "set max_slot_wal_keep_size, or dispatch backup --forget")]
    if most is not None and settings.backup.folder is None:
        said = f"the database keeps up to {most} of log for backups, and none is made from here"
        return [Finding("log kept", "note", said, "if none is made elsewhere either: dispatch backup --forget")]
    return []
