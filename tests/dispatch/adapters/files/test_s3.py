"""A bucket keeps and gives back, by requests and addresses that it finds well signed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import pytest

from dispatch.adapters.files.s3 import S3Store
from dispatch.ports.files import Blob, BytesLost, FilesAway
from tests.dispatch.adapters.files.bucket import BUCKET, KEY_ID, REGION, SECRET, Bucket, a_bucket

CONTENT = bytes(range(256)) * 3000


def blob(key: str, content: bytes = CONTENT) -> Blob:
    return Blob(key, BytesIO(content), len(content), hashlib.sha256(content).digest(), "image/png")


@pytest.fixture
async def at() -> AsyncIterator[tuple[Bucket, str]]:
    async with a_bucket() as made:
        yield made


def store(endpoint: str, **changes: str) -> S3Store:
    return S3Store(endpoint, BUCKET, **{"region": REGION, "key_id": KEY_ID, "secret": SECRET, **changes})


async def test_what_is_put_can_be_read_until_it_is_deleted(at: tuple[Bucket, str]) -> None:
    bucket, endpoint = at
    files = store(endpoint)
    await files.put(blob("ab/one"))
    assert bucket.objects["ab/one"] == (CONTENT, "image/png") and bucket.refused == []
    assert b"".join([piece async for piece in files.read("ab/one")]) == CONTENT
    await files.delete("ab/one")
    await files.delete("ab/one")
    with pytest.raises(BytesLost):
        await anext(files.read("ab/one"))


async def test_a_link_is_good_for_whoever_has_it_and_only_as_it_was_given(at: tuple[Bucket, str]) -> None:
    _, endpoint = at
    files = store(endpoint)
    await files.put(blob("ab/two"))
    link = files.link("ab/two", name="Ünit & co.png", media_type="image/png", is_inline=False, life_s=60)
    assert link is not None and SECRET not in link
    async with aiohttp.ClientSession() as session:
        async with session.get(aiohttp_url(link)) as answer:
            assert answer.status == 200 and await answer.read() == CONTENT
            assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%9Cnit%20%26%20co.png"
        for changed in (link.replace("ab/two", "ab/one"), link.replace("Expires=66", "Expires=600")):
            async with session.get(aiohttp_url(changed)) as answer:
                assert answer.status == 403


def aiohttp_url(text: str) -> object:
    from yarl import URL

    return URL(text, encoded=True)


async def test_a_wrong_secret_and_a_bucket_that_is_away_are_unavailable(at: tuple[Bucket, str]) -> None:
    bucket, endpoint = at
    with pytest.raises(FilesAway):
        await store(endpoint, secret="another").put(blob("ab/three"))
    assert bucket.refused == ["the signature is wrong"] and not bucket.objects
    bucket.is_away = True
    with pytest.raises(FilesAway):
        await anext(store(endpoint).read("ab/three"))
    with pytest.raises(FilesAway):
        await store("http://127.0.0.1:9").delete("ab/three")


async def test_a_bucket_that_does_not_exist_is_away_and_loses_nothing(at: tuple[Bucket, str]) -> None:
    bucket, endpoint = at
    await store(endpoint).put(blob("ab/four"))
    other = S3Store(endpoint, "another", region=REGION, key_id=KEY_ID, secret=SECRET)
    for asked in (other.put(blob("ab/four")), anext(other.read("ab/four")), other.delete("ab/four")):
        with pytest.raises(FilesAway) as refused:
            await asked
        assert str(refused.value.__cause__) == "the bucket answers 404 NoSuchBucket"
        assert not refused.value.details, "nobody outside is told"
    assert list(bucket.objects) == ["ab/four"] and bucket.refused == []


def test_a_cdn_stands_before_what_everybody_may_see() -> None:
    assert store("http://s3", cdn_url="https://cdn.example/").public_link("ab/one") == "https://cdn.example/ab/one"
    assert store("http://s3").public_link("ab/one") is None
