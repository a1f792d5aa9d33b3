"""What the doctor says of where files are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from dispatch.cli.doctor.files import files_of
from dispatch.config import Settings
from dispatch.config.stores import Files
from tests.dispatch.adapters.files.bucket import BUCKET, KEY_ID, REGION, SECRET, a_bucket


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
