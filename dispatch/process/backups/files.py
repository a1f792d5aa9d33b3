"""Files of a folder store: copied beside the database's backups, and put back where a database knows them."""

from __future__ import annotations

import shutil
from collections.abc import Set
from datetime import datetime
from pathlib import Path

from dispatch.config import Settings
from dispatch.process.backups.folders import drop_empty, entries, make, missing
from storage import files
from storage.database.pool import create_pool

#: What a file is named that is not whole yet.
_PART = ".part"


def copy_files(settings: Settings, folder: Path, now: datetime) -> int:
    """Files have names of ours and never change: what is not there yet is copied, what is gone is put aside."""
    source, kept, copied = settings.files_folder, folder / "files", 0
    if source is None or not source.is_dir():
        return 0
    present = {p.relative_to(source) for p in _stored(source)}
    _drop_parts(kept)
    for name in present:
        if not (kept / name).exists():
            try:
                _copy_file(source / name, kept / name)
            except FileNotFoundError:
                if (source / name).exists():
                    raise
                continue  # It was thrown away meanwhile.
            copied += 1
    for target in _stored(kept):
        if target.relative_to(kept) not in present:
            aside = kept / f"gone-{now:%Y-%m-%d}" / target.relative_to(kept)
            make(aside.parent)
            target.rename(aside)
    return copied


def _stored(folder: Path) -> list[Path]:
    """The whole files of a folder store. Raises OSError for what may not be looked into."""
    return [file for file in _shelved(folder) if file.suffix != _PART]


def _shelved(folder: Path) -> list[Path]:
    return [file for shelf in entries(folder) if len(shelf.name) == 2 for file in entries(shelf)]


def _drop_parts(kept: Path) -> None:
    """What a kill has left of files that were being copied: their own may be of people who are forgotten since."""
    for file in _shelved(kept):
        if file.suffix == _PART:
            file.unlink()


def _copy_file(source: Path, target: Path) -> None:
    """Whole or not at all."""
    make(target.parent)
    draft = target.with_name(target.name + _PART)
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


async def known_files(dsn: str) -> frozenset[str]:
    """The store's keys that a restored database knows."""
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.connection() as conn:
            return frozenset(await files.store_keys(conn) or ())
    finally:
        await pool.close()


def put_files_back(settings: Settings, folder: Path, known: Set[str]) -> int:
    """Files that the store lacks, of those that the rows know; also deleted ones, because they may be known again.

    What nobody knows stays away: it was of people who are forgotten. Where it fails, none was put back.
    """
    target = settings.files_folder
    if target is None:
        return 0
    put: list[Path] = []
    folders: set[Path] = set()
    try:
        for kept in (folder / "files", *(folder / "files").glob("gone-*")):
            for source in _stored(kept):
                key = source.relative_to(kept)
                path = target / key
                if key.as_posix() in known and not path.exists():
                    folders.update(missing(path.parent))
                    _copy_file(source, path)
                    put.append(path)
    except BaseException:
        for path in put:
            path.unlink(missing_ok=True)
        drop_empty(folders)
        raise
    return len(put)
