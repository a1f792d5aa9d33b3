"""Files that are kept: checked by what stands in them, held in the store, owned by somebody, lent by links that expire.

A row comes first, then the bytes, then the cause keeps the row: whatever fails in between is thrown away by `tidy`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import platform
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from time import time as real_time
from typing import IO
from uuid import UUID, uuid4

from dispatch.config import Settings
from dispatch.engine import alerts
from dispatch.errors import Conflict, Gone, Invalid, Missing
from dispatch.events import Actor
from dispatch.ports import media
from dispatch.ports.files import Blob, FilesAway
from dispatch.services import Services, Tx
from dispatch.vault import vault_of
from storage import files as rows
from storage.database.errors import StorageError
from storage.database.pool import Conn
from storage.files import File

log = logging.getLogger(__name__)

MB = 1024 * 1024
_PIECE_BYTES = 256 * 1024
#: What nobody has kept by then is thrown away.
STAGED_HOURS = 24
#: So many are thrown away at a time.
MOST = 200
#: The alert that the store takes nothing from a machine, until it takes something from it again. One that is gone says
#: nothing any more: what was raised so many hours ago is over, and who still fails raises it anew.
UNKEPT, UNKEPT_HOURS = "files_unkept", 24


@dataclass(frozen=True, slots=True)
class Rules:
    """What a purpose takes. `keep_days` None keeps for good; what is public is shown to everybody, and in the page."""

    kinds: frozenset[str]
    most_bytes: int = 10 * MB
    keep_days: int | None = None
    is_public: bool = False


_SCANS = frozenset({media.PDF, media.PNG, media.JPEG})
_TABLES = frozenset({media.CSV, media.XLSX, media.PDF})
PURPOSES: Mapping[str, Rules] = {
    "document": Rules(_SCANS),
    "service_image": Rules(frozenset({media.PNG, media.JPEG, media.WEBP}), 5 * MB, is_public=True),
    "invoice": Rules(frozenset({media.PDF})),
    "export": Rules(_TABLES | {media.TEXT}, 200 * MB, keep_days=7),
    "attachment": Rules(_SCANS | _TABLES | {media.WEBP, media.GIF, media.TEXT, media.DOCX}),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is: a kind of party, "account", "booking", "service", or the house, which has no id."""

    kind: str
    id: UUID | None = None


HOUSE = Owner("house")


class FileInUse(Conflict):
    """This file belongs to somebody: replace it where it is shown."""

    code = "file_in_use"


class LinkExpired(Gone):
    """This link has expired: ask for a new one."""

    code = "link_expired"


# ---------------------------------------------------------------- keeping


async def receive(
    services: Services, purpose: str, owner: Owner, name: str, content: IO[bytes], by: Actor, *, field: str = "file"
) -> File:
    """Checks `content` and puts it into the store; whoever has cause to then keeps it (`keep`).

    Raises Invalid (under the name `field`) for what the purpose does not take, FilesAway. Opens transactions of its
    own, because the bytes go out between them.
    """
    rules = PURPOSES[purpose]
    kind, size, sha256 = await asyncio.to_thread(_looked_at, content, name)
    if not size:
        raise Invalid({field: "This file is empty."})
    if size > rules.most_bytes:
        raise Invalid({field: f"A file weighs at most {rules.most_bytes // MB} MB."})
    if kind is None or kind not in rules.kinds:
        raise Invalid({field: f"This kind of file is not taken here; send {media.listed(rules.kinds)}."})
    key = uuid4().hex
    async with services.transaction() as tx:
        file = await rows.stage(
            tx.conn, owner_kind=owner.kind, owner_id=owner.id, purpose=purpose, name=name[:200] or "file",
            media_type=kind, bytes=size, sha256=sha256, store_key=f"{key[:2]}/{key}",
            made_by=":".join(filter(None, (by.kind, by.id))), keep_days=rules.keep_days,
        )  # fmt: skip
    assert file is not None
    try:
        await services.files.put(Blob(file.store_key, content, size, sha256, kind))
    except FilesAway as error:
        log.exception("the file %s could not be kept", file.id)
        async with services.transaction() as tx:
            why = error.__cause__ or error.message
            text = f"Files cannot be kept on {platform.node()}, and who sends one is told so: {why}"
            await alerts.raise_alert(tx, UNKEPT, text, subject=_store())
        raise
    return file


def _store() -> str:
    """As this machine has it: nodes on one have the same, and of several one alone may fail."""
    return f"files:{platform.node()}"


async def keep(tx: Tx, file_id: UUID) -> File:
    """A received file belongs to its cause from this transaction on. Raises Missing for one that is not waiting."""
    file = await rows.keep(tx.conn, file_id=file_id)
    if file is None:
        raise Missing("file")
    await alerts.resolve(tx, (UNKEPT,), subject=_store())
    return file


async def add(
    services: Services, purpose: str, owner: Owner, name: str, content: IO[bytes], by: Actor, *, field: str = "file"
) -> File:
    """Receives and keeps at once, where nothing else has to happen with it. Raises as `receive`."""
    received = await receive(services, purpose, owner, name, content, by, field=field)
    async with services.transaction() as tx:
        return await keep(tx, received.id)


async def give(tx: Tx, file_id: UUID, owner: Owner) -> File:
    """What the house took in becomes somebody's. Raises Missing for what is not the house's own."""
    file = await rows.give(tx.conn, file_id=file_id, owner_kind=owner.kind, owner_id=owner.id)
    if file is None:
        raise Missing("file")
    return file


async def drop(tx: Tx, file_id: UUID) -> None:
    """Gives a file up; its bytes follow with the next `tidy`."""
    await rows.drop(tx.conn, file_id=file_id)


async def drop_own(tx: Tx, file_id: UUID) -> File:
    """Gives up a file of the house's own. Raises Missing, FileInUse for one that belongs to somebody or is shown."""
    file = await rows.drop_own(tx.conn, file_id=file_id)
    if file is None:
        await get(tx.conn, file_id)
        raise FileInUse
    return file


async def drop_all_of(tx: Tx, owner: Owner) -> None:
    """Gives up everything that somebody owns: they are being forgotten."""
    await rows.drop_of(tx.conn, owner_kind=owner.kind, owner_id=owner.id)


async def tidy(services: Services) -> None:
    """Throws away what was dropped, never kept, or has had its time: the bytes first, so that none are forgotten.

    One that fails is logged and tried again with the next `tidy`; the others go. Where none of many goes, the place
    itself is away, and all wait.
    """
    async with services.transaction() as tx:
        await rows.drop_old(tx.conn, staged_hours=STAGED_HOURS)
        await alerts.resolve_old(tx, (UNKEPT,), hours=UNKEPT_HOURS)
    failed: list[UUID] = []
    while True:
        async with services.read() as conn:
            leaving = await rows.dropped(conn, most=MOST, but=failed)
        stayed = [file.id for file in leaving if not await _throw_away(services, file)]
        if len(leaving) < MOST or len(stayed) == len(leaving):
            return
        failed += stayed


async def _throw_away(services: Services, file: File) -> bool:
    try:
        await services.files.delete(file.store_key)
        async with services.transaction() as tx:
            await rows.forget(tx.conn, file_id=file.id)
    except (FilesAway, StorageError):
        log.exception("the file %s could not be thrown away", file.id)
        return False
    return True


# ---------------------------------------------------------------- reading


async def get(conn: Conn, file_id: UUID, owner: Owner | None = None) -> File:
    """A file that is kept. Raises Missing, also for one that is not `owner`'s."""
    file = await rows.get(conn, file_id=file_id)
    if file is None or (owner is not None and (file.owner_kind, file.owner_id) != (owner.kind, owner.id)):
        raise Missing("file")
    return file


def content_of(services: Services, file: File) -> AsyncGenerator[bytes, None]:
    """Its bytes, in pieces. Raises BytesLost, FilesAway before the first one."""
    return services.files.read(file.store_key)


def is_shown(file: File) -> bool:
    """Whether a browser shows it in its place instead of saving it."""
    return file.media_type.startswith("image/") or file.media_type == media.PDF


def link_to(services: Services, file: File, life_s: int | None = None) -> str:
    """An address from which whoever has it reads the file for so many real seconds; of a public one, for good.

    It ends on whole tenths of that life, at most one tenth later: who asks again a moment later gets the same address,
    so that a list keeps its ETag and a browser its copy.
    """
    settings = services.settings
    if PURPOSES[file.purpose].is_public:
        return services.files.public_link(file.store_key) or f"{_ours(settings)}/{file.id}"
    life_s = life_s or settings.files.link_s
    outside = services.files.link(
        file.store_key, name=file.name, media_type=file.media_type, is_inline=is_shown(file), life_s=life_s
    )
    if outside is not None:
        return outside
    step_s = max(1, life_s // 10)
    until = -(-(int(real_time()) + life_s) // step_s) * step_s
    return f"{_ours(settings)}/{file.id}?expires={until}&signature={_signature(settings, file.id, until)}"


async def by_link(services: Services, file_id: UUID, expires: int | None, signature: str | None) -> File:
    """The file of one of our own addresses. Raises LinkExpired, and Missing where the signature is not ours.

    What everybody may see needs neither `expires` nor `signature`; one without the other opens nothing.
    """
    if signature is not None and expires is not None:
        if not hmac.compare_digest(signature.encode(), _signature(services.settings, file_id, expires).encode()):
            raise Missing("file")
        if expires <= real_time():
            raise LinkExpired
    elif signature is not None or expires is not None:
        raise Missing("file")
    async with services.read() as conn:
        file = await get(conn, file_id)
    if signature is None and not PURPOSES[file.purpose].is_public:
        raise Missing("file")
    return file


def _ours(settings: Settings) -> str:
    return f"{settings.http.public_url.rstrip('/')}/v1/files"


def _signature(settings: Settings, file_id: UUID, until: int) -> str:
    return vault_of(settings).mac("file link", file_id.bytes, str(until).encode()).hex()


def _looked_at(content: IO[bytes], name: str) -> tuple[str | None, int, bytes]:
    kind, size, digest = media.media_type_of(content, name), 0, hashlib.sha256()
    while piece := content.read(_PIECE_BYTES):
        size += len(piece)
        digest.update(piece)
    content.seek(0)
    return kind, size, digest.digest()
