"""What goes: copies that are older than their days, the log that none of the kept needs, and halves."""

from __future__ import annotations

import logging
import shutil
from datetime import datetime
from pathlib import Path

from dispatch.process.backups.whole import NOTE, Whole, damaged, reached_by, wholes
from storage.database import copies

log = logging.getLogger(__name__)


def drop_old(folder: Path, before: datetime) -> int:
    """Whole copies that are not needed to go back to `before` or later, and the log that none of the kept needs."""
    dropped = 0
    for history in {*folder.glob("*/base"), *folder.glob("dumps")}:
        mine = [w for w in wholes(folder) if w.folder.parent == history]
        elder, needed = [w for w in mine if w.at < before], [w for w in mine if w.at >= before]
        if elder and reached_by(elder[-1]) >= before:
            # With it begins the way to every moment between `before` and the next whole copy.
            needed.insert(0, elder[-1])
        for whole in mine:
            if whole not in needed:
                _drop(whole.folder)
                dropped += 1
        if not needed and history.parent != folder and not any(copy.parent == history for copy in damaged(folder)):
            shutil.rmtree(history.parent)
        elif needed and not needed[0].is_dump:
            _drop_log(needed[0])
    for gone in (folder / "files").glob("gone-*"):
        if gone.name < f"gone-{before:%Y-%m-%d}":
            shutil.rmtree(gone)
    return dropped


def _drop(copy: Path) -> None:
    """Its note goes first, so that what is left of it by a kill counts for nothing."""
    (copy / NOTE).unlink(missing_ok=True)
    shutil.rmtree(copy)


def drop_halves(folder: Path) -> None:
    """What a kill has left of copies that were being made or dropped. Nobody makes one now: we are alone here."""
    for half in (*folder.glob("*/base/*"), *folder.glob("dumps/*")):
        if not (half / NOTE).exists():
            try:
                shutil.rmtree(half)
            except OSError as e:
                # It costs room and does no harm: no reason to make no backup.
                log.warning("half a copy cannot be removed: %s", e)


def _drop_log(eldest: Whole) -> None:
    first = copies.first_segment_of(eldest.folder)
    for piece in copies.segments(eldest.log):
        if piece.name < first:
            piece.unlink()
