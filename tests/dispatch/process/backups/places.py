"""Backups for tests: a folder for them, and copies that look like whole ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from dispatch.config import Settings
from dispatch.config.stores import Backup
from storage import files
from storage.database.pool import create_pool

KEY, UNKNOWN = "ab/" + "c" * 32, "ab/" + "d" * 32
NOTE = "INSERT INTO contact_submissions (name, email, subject, message) VALUES ($1, 'a@b.example', 's', 'm')"


def settings_at(place: Path, **backup: Any) -> Settings:
    return Settings(env="test", data=place / "house", backup=Backup(folder=place / "kept", **backup))


async def ask(dsn: str, sql: str, *values: Any) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(sql, *values)
    finally:
        await conn.close()


async def names(dsn: str) -> list[str]:
    return list(await ask(dsn, "SELECT array_agg(name ORDER BY name) FROM contact_submissions") or [])


async def note_file(dsn: str, key: str) -> None:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.transaction() as conn:
            await files.stage(
                conn, owner_kind="house", owner_id=None, purpose="attachment", name="photo", media_type="image/png",
                bytes=7, sha256=b"s" * 32, store_key=key, made_by="staff", keep_days=None,
            )  # fmt: skip
    finally:
        await pool.close()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def whole_at(folder: Path, at: datetime, *, history: str = "7-1") -> Path:
    made = folder / history / ("" if history == "dumps" else "base") / f"{at:%Y%m%dT%H%M%SZ}"
    made.mkdir(parents=True)
    said = {"at": at.isoformat(), "version": 180004, "user": "u", "database": "d", "took_s": 1.0, "bytes": 1}
    (made / "whole.json").write_bytes(orjson.dumps(said))
    return made


def dump_at(folder: Path, at: datetime) -> Path:
    made = whole_at(folder, at, history="dumps")
    (made / "database.dump").touch()
    return made
