"""What the doctor says of backups, of the read replica and of open files."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from dispatch.cli.doctor import backup_of, data_folder, files_of, open_files_of, replica_of
from dispatch.config import Settings
from dispatch.config.stores import Database, Files
from dispatch.process import open_files
from dispatch.vault import generated_keys
from tests.dispatch.adapters.files.bucket import BUCKET, KEY_ID, REGION, SECRET, a_bucket
from tests.dispatch.process.backups.places import dump_at, settings_at, whole_at
from tests.doors import one_door


def test_doctor_says_when_there_is_none(tmp_path: Path) -> None:
    assert backup_of(settings_at(tmp_path)).verdict == "wrong"
    assert backup_of(Settings(env="test", data=tmp_path)).verdict == "note"


def test_doctor_says_when_backups_cannot_be_looked_into(tmp_path: Path) -> None:
    (tmp_path / "kept").symlink_to(tmp_path / "kept")
    found = backup_of(settings_at(tmp_path))
    assert found.verdict == "wrong" and f"{tmp_path / 'kept'} cannot be looked into" in found.seen


def test_doctor_says_when_files_cannot_be_kept(tmp_path: Path) -> None:
    settings, shelf = Settings(env="test", data=tmp_path / "data"), tmp_path / "data" / "files" / "ab"
    assert files_of(settings).verdict == "ok" and list(tmp_path.iterdir()) == [], "looking makes nothing"
    shelf.mkdir(parents=True)
    assert files_of(settings).verdict == "ok" and list(shelf.iterdir()) == []
    shelf.rmdir()
    shelf.symlink_to(shelf)
    for files in (shelf.parent, Path("/proc/none")):
        found = files_of(Settings(env="test", data=tmp_path, files=Files(folder=files)))
        assert found.verdict == "wrong" and f"{files} cannot be written" in found.seen


async def test_doctor_says_when_a_bucket_takes_no_files(tmp_path: Path) -> None:
    async with a_bucket() as (bucket, endpoint):
        for name, secret, said in (
            (BUCKET, SECRET, "in the bucket files"),
            ("another", SECRET, "the bucket another takes nothing (the bucket answers 404 NoSuchBucket)"),
            (BUCKET, "wrong", "the bucket files takes nothing (the bucket answers 403 Forbidden)"),
        ):
            files = Files(
                store="s3", s3_endpoint=endpoint, s3_bucket=name, s3_region=REGION, s3_key_id=KEY_ID,
                s3_secret=SecretStr(secret),
            )  # fmt: skip
            found = await asyncio.to_thread(files_of, Settings(env="test", data=tmp_path, files=files))
            assert (found.seen.startswith(said), found.verdict) == (True, "ok" if said.startswith("in") else "wrong")
            assert bucket.objects == {}, "nothing is left of the look"


def test_doctor_says_when_keys_are_damaged(tmp_path: Path) -> None:
    settings = Settings(env="test", data=tmp_path)
    generated_keys(tmp_path / "token-keys.json")
    assert data_folder(settings).verdict == "ok"
    (tmp_path / "vault_keys.json").touch(mode=0o600)
    found = data_folder(settings)
    assert found.verdict == "wrong" and "vault_keys.json are damaged" in found.seen


def test_doctor_says_when_the_data_folder_cannot_be_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)
    found = data_folder(Settings(env="test", data=folder))
    assert found.verdict == "wrong" and found.seen == f"{folder} cannot be used (File name too long)"


@pytest.mark.parametrize(
    ("hours", "whole", "dump"),
    [(0.5, "ok", "ok"), (1.5, "wrong", "ok"), (24.5, "wrong", "ok"), (25.5, "wrong", "wrong")],
)
def test_an_hour_may_be_lost_and_with_dumps_a_day_more(tmp_path: Path, hours: float, whole: str, dump: str) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    for place, make, verdict in (("copied", whole_at, whole), ("dumped", dump_at, dump)):
        settings = settings_at(tmp_path / place)
        make(tmp_path / place / "kept", at)
        found = backup_of(settings)
        assert found.verdict == verdict and f"{hours * 60:.0f} minutes" in found.seen


@pytest.mark.parametrize(
    ("most", "verdict", "said"),
    [
        (65_536, "ok", "up to 65536"),
        (4_096, "ok", "up to 4096"),
        (4_095, "note", "about 3839 connections"),
        (1_024, "note", "about 768 connections"),
        (1_023, "wrong", "about 767 connections"),
        (256, "wrong", "about 128 connections"),
    ],
)
def test_few_open_files_are_few_connections_and_doctor_says_what_to_allow(most: int, verdict: str, said: str) -> None:
    found = open_files_of(most)
    assert (found.what, found.verdict) == ("open files", verdict)
    assert said in found.seen
    assert (str(open_files.WANTED) in found.remedy) == (verdict != "ok")


async def test_the_replica_is_looked_at_by_its_own_name(fresh_dsn: str) -> None:
    assert await replica_of(Settings(env="test")) == []
    async with one_door(fresh_dsn) as (door, dsn):
        settings = Settings(env="test", database=Database(replica_url=SecretStr(dsn)))
        (found,) = await replica_of(settings)
        assert (found.what, found.verdict) == ("read replica", "ok") and f"127.0.0.1:{door.port}" in found.seen
        await door.close()
        (found,) = await replica_of(settings)
        assert found.verdict == "wrong" and "DISPATCH_DATABASE__REPLICA_URL" in found.remedy
