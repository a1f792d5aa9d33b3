"""Files: judged by their content, kept with their cause, lent by links, thrown away when nobody wants them."""

from __future__ import annotations

import platform
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from dispatch.adapters.files import store_of
from dispatch.engine import files
from dispatch.engine.files import HOUSE, FileInUse, LinkExpired, Owner
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.ports.files import FilesAway
from dispatch.services import Services
from storage import alerts
from storage.database.pool import Pool
from storage.files import File
from tests.dispatch.adapters.files.bucket import BUCKET, KEY_ID, REGION, SECRET, a_bucket
from tests.files import PDF, PNG
from tests.identity import make_services
from tests.turns import one_after_the_other

STAFF = Actor("admin", "7")


@pytest.fixture
def keeping(fresh_pool: Pool, tmp_path: Path) -> Services:
    made = make_services(fresh_pool, tmp_path)
    made.files = store_of(made.settings)
    return made


def on_disk(services: Services) -> int:
    return sum(p.is_file() for p in (services.settings.data / "files").rglob("*"))


async def read(services: Services, file: File) -> bytes:
    return b"".join([piece async for piece in files.content_of(services, file)])


def link_of(services: Services, file: File, **given: Any) -> tuple[UUID, int | None, str | None]:
    parts = urlsplit(files.link_to(services, file, **given))
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return UUID(parts.path.rsplit("/", 1)[-1]), int(asked["expires"]) if asked else None, asked.get("signature")


async def test_a_file_is_kept_and_belongs_to_its_owner_alone(keeping: Services) -> None:
    owner, name = Owner("account", uuid4()), "../../passport.pdf"
    file = await files.add(keeping, "document", owner, name, BytesIO(PDF), STAFF)
    assert (file.media_type, file.size, file.name, file.made_by) == ("application/pdf", len(PDF), name, "admin:7")
    assert name not in file.store_key and await read(keeping, file) == PDF
    async with keeping.read() as conn:
        assert (await files.get(conn, file.id, owner)).id == file.id
        for other in (HOUSE, Owner("account", uuid4()), Owner("technician", owner.id)):
            with pytest.raises(Missing):
                await files.get(conn, file.id, other)


@pytest.mark.parametrize(("purpose", "content", "words"), [
    ("document", b"", "is empty"), ("document", b"name,price", "jpeg, pdf or png"), ("service_image", PDF, "webp"),
    ("service_image", PNG + bytes(5 * 2**20), "at most 5 MB"), ("attachment", b"<svg onload=x>", "not taken here"),
])  # fmt: skip
async def test_what_a_purpose_does_not_take_leaves_nothing_behind(
    keeping: Services, purpose: str, content: bytes, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        await files.add(keeping, purpose, HOUSE, "a.png", BytesIO(content), STAFF, field="photo")
    assert list(refused.value.fields) == ["photo"] and on_disk(keeping) == 0
    async with keeping.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM files") == 0


async def test_a_link_is_for_one_file_and_a_time(keeping: Services) -> None:
    one = await files.add(keeping, "document", HOUSE, "a.png", BytesIO(PNG), STAFF)
    other = await files.add(keeping, "document", HOUSE, "b.png", BytesIO(PNG), STAFF)
    id_, expires, signature = link_of(keeping, one)
    assert expires is not None and signature is not None
    assert (await files.by_link(keeping, id_, expires, signature)).id == one.id
    for wrong in (
        (other.id, expires, signature), (id_, expires + 1, signature), (id_, expires, "é"), (id_, None, None),
        (id_, None, "x"), (id_, None, signature), (id_, None, ""), (id_, expires, None), (id_, expires, ""),
        (id_, expires, signature[:-1]), (id_, expires, signature.upper()), (id_, expires, f"{signature} "),
        (id_, 0, signature), (other.id, None, signature),
    ):  # fmt: skip
        with pytest.raises(Missing):
            await files.by_link(keeping, *wrong)
    with pytest.raises(LinkExpired):
        await files.by_link(keeping, *link_of(keeping, one, life_s=-5))


async def test_a_moment_later_the_link_is_the_same(keeping: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await files.add(keeping, "document", HOUSE, "a.png", BytesIO(PNG), STAFF)
    ends = []
    for at in (1_800_000_001, 1_800_000_009.9, 1_800_000_010, 1_800_000_011):
        monkeypatch.setattr(files, "real_time", lambda at=at: at)
        ends.append(link_of(keeping, one, life_s=100)[1])
    # Never shorter than its life, at most a tenth longer.
    assert ends == [1_800_000_110, 1_800_000_110, 1_800_000_110, 1_800_000_120]


async def test_what_everybody_may_see_needs_no_signature(keeping: Services) -> None:
    image = await files.add(keeping, "service_image", HOUSE, "a.png", BytesIO(PNG), STAFF)
    assert link_of(keeping, image) == (image.id, None, None)
    assert (await files.by_link(keeping, image.id, None, None)).id == image.id


async def test_what_nobody_kept_dropped_or_old_files_are_thrown_away(keeping: Services) -> None:
    kept = await files.add(keeping, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
    dropped = await files.add(keeping, "document", HOUSE, "b.pdf", BytesIO(PDF), STAFF)
    old = await files.add(keeping, "export", HOUSE, "c.pdf", BytesIO(PDF), STAFF)
    waiting = await files.receive(keeping, "document", HOUSE, "d.pdf", BytesIO(PDF), STAFF)
    async with keeping.transaction() as tx:
        await files.drop(tx, dropped.id)
    await files.tidy(keeping)
    assert on_disk(keeping) == 3
    async with keeping.transaction() as tx:
        await tx.conn.execute("UPDATE app_clock SET app_at = app_at + interval '8 days'")
    await files.tidy(keeping)
    assert on_disk(keeping) == 1 and await read(keeping, kept) == PDF
    async with keeping.transaction() as tx:
        for gone in (old, waiting):
            with pytest.raises(Missing):
                await files.keep(tx, gone.id)


async def test_one_file_that_cannot_go_keeps_no_other(
    keeping: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "MOST", 2)
    made = [await files.add(keeping, "document", HOUSE, f"{n}.pdf", BytesIO(PDF), STAFF) for n in range(5)]
    for file in made:
        async with keeping.transaction() as tx:
            await files.drop(tx, file.id)
    stuck = keeping.settings.data / "files" / made[0].store_key
    stuck.unlink()
    stuck.mkdir()
    await files.tidy(keeping)
    assert on_disk(keeping) == 0 and str(made[0].id) in caplog.text
    async with keeping.read() as conn:
        assert [row["id"] for row in await conn.fetch("SELECT id FROM files")] == [made[0].id]
    stuck.rmdir()
    await files.tidy(keeping)
    async with keeping.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM files") == 0


async def test_what_cannot_be_kept_is_refused_logged_and_told_to_staff_until_it_can(
    keeping: Services, caplog: pytest.LogCaptureFixture
) -> None:
    place = keeping.settings.data / "files"
    place.symlink_to(place)

    async def open_alerts() -> list[str]:
        async with keeping.read() as conn:
            return [one.message for one in await alerts.open_ones(conn, limit=9) if one.kind == files.UNKEPT]

    for _ in range(2):
        with pytest.raises(FilesAway):
            await files.add(keeping, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
    [told] = await open_alerts()
    assert str(place) in told and str(place) in caplog.text
    async with keeping.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM files WHERE state = 'kept'") == 0
    place.unlink()
    await files.add(keeping, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
    assert await open_alerts() == []


async def test_that_one_machine_keeps_files_does_not_mean_that_another_does(
    keeping: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = keeping.settings.data / "files"

    async def told_after_a_file_on(machine: str, *, is_broken: bool) -> list[str]:
        monkeypatch.setattr(platform, "node", lambda: machine)
        if is_broken:
            place.rename(place.with_name("away"))
            place.symlink_to(place)
        with pytest.raises(FilesAway) if is_broken else nullcontext():
            await files.add(keeping, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
        if is_broken:
            place.unlink()
            place.with_name("away").rename(place)
        async with keeping.read() as conn:
            found = [one.message for one in await alerts.open_ones(conn, limit=9) if one.kind == files.UNKEPT]
        return sorted(word for message in found for word in ("one", "two") if f" on {word}," in message)

    assert await told_after_a_file_on("one", is_broken=False) == []
    assert await told_after_a_file_on("one", is_broken=True) == ["one"]
    assert await told_after_a_file_on("two", is_broken=False) == ["one"]
    assert await told_after_a_file_on("two", is_broken=True) == ["one", "two"]
    assert await told_after_a_file_on("one", is_broken=False) == ["two"]
    # A machine that is gone has nothing to say.
    for hours, told in ((23, ["two"]), (2, [])):
        async with keeping.transaction() as tx:
            await tx.conn.execute("UPDATE app_clock SET app_at = app_at + make_interval(hours => $1)", hours)
        await files.tidy(keeping)
        assert await told_after_a_file_on("one", is_broken=False) == told


async def test_what_belongs_to_somebody_goes_with_them_and_not_by_hand(keeping: Services) -> None:
    owner = Owner("account", uuid4())
    theirs = [await files.add(keeping, "document", owner, "a.pdf", BytesIO(PDF), STAFF) for _ in range(2)]
    ours = await files.add(keeping, "document", HOUSE, "b.pdf", BytesIO(PDF), STAFF)
    async with keeping.transaction() as tx:
        with pytest.raises(FileInUse):
            await files.drop_own(tx, theirs[0].id)
        await files.drop_all_of(tx, owner)
    await files.tidy(keeping)
    assert on_disk(keeping) == 1 and await read(keeping, ours) == PDF
    async with keeping.transaction() as tx:
        await files.drop_own(tx, ours.id)
        with pytest.raises(Missing):
            await files.get(tx.conn, ours.id)


async def test_the_house_gives_a_file_once(keeping: Services) -> None:
    file = await files.add(keeping, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
    owner = Owner("technician", uuid4())
    async with keeping.transaction() as tx:
        assert (await files.give(tx, file.id, owner)).owner_id == owner.id
    async with keeping.transaction() as tx:
        with pytest.raises(Missing):
            await files.give(tx, file.id, Owner("technician", uuid4()))


async def test_a_bucket_holds_the_bytes_and_lends_them_itself(fresh_pool: Pool, tmp_path: Path) -> None:
    async with a_bucket() as (bucket, endpoint):
        services = make_services(fresh_pool, tmp_path, files={
            "store": "s3", "s3_endpoint": endpoint, "s3_bucket": BUCKET, "s3_key_id": KEY_ID, "s3_secret": SECRET,
            "s3_region": REGION, "cdn_url": "https://cdn.example",
        })  # fmt: skip
        services.files = store_of(services.settings)
        file = await files.add(services, "document", HOUSE, "a.pdf", BytesIO(PDF), STAFF)
        image = await files.add(services, "service_image", HOUSE, "a.png", BytesIO(PNG), STAFF)
        assert await read(services, file) == PDF and bucket.objects[file.store_key][1] == "application/pdf"
        assert files.link_to(services, file).startswith(f"{endpoint}/{BUCKET}/{file.store_key}?X-Amz-Algorithm=")
        assert files.link_to(services, image) == f"https://cdn.example/{image.store_key}"
        async with services.transaction() as tx:
            await files.drop(tx, file.id)
        await files.tidy(services)
        assert list(bucket.objects) == [image.store_key]


async def test_a_file_that_somebody_is_given_meanwhile_is_not_given_up(keeping: Services) -> None:
    file = await files.add(keeping, "service_image", HOUSE, "a.png", BytesIO(PNG), STAFF)
    _, refused = await one_after_the_other(
        keeping, lambda tx: files.give(tx, file.id, Owner("service", uuid4())),
        lambda tx: files.drop_own(tx, file.id),
    )  # fmt: skip
    assert isinstance(refused, FileInUse)
    async with keeping.read() as conn:
        assert (await files.get(conn, file.id)).owner_kind == "service"
