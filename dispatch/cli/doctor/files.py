"""Where the files of people lie: a folder or a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

from dispatch.cli.doctor.findings import Finding

if TYPE_CHECKING:
    from dispatch.config import Settings


def files_of(settings: Settings) -> Finding:
    """Whether what people upload can be kept; it is written, because what may be written may stand on a full disk."""
    folder = settings.files_folder
    if folder is None:
        return asyncio.run(_bucket_of(settings))
    try:
        there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        # Without a name, so that nothing is left. The folders inside may be somebody else's.
        for place in (there, *folder.glob("??")):
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
    except OSError as e:
        remedy = "run the server as whom it belongs to, or change DISPATCH_FILES__FOLDER"
        return Finding("files", "wrong", f"{folder} cannot be written ({e.strerror}): uploads answer 503", remedy)
    return Finding("files", "ok", str(folder))


async def _bucket_of(settings: Settings) -> Finding:
    """The same of a bucket, by a name that nobody else gives."""
    from dispatch.adapters.files import store_of
    from dispatch.ports.files import Blob, FilesAway

    content, name = b"x", uuid4().hex
    bucket, store = f"the bucket {settings.files.s3_bucket}", store_of(settings)
    try:
        digest = hashlib.sha256(content).digest()
        await store.put(Blob(f"{name[:2]}/{name}", BytesIO(content), len(content), digest, "text/plain"))
        await store.delete(f"{name[:2]}/{name}")
    except FilesAway as e:
        said = f"{bucket} takes nothing ({e.__cause__ or e.message}): uploads answer 503"
        return Finding("files", "wrong", said, "check DISPATCH_FILES__S3_... and what the key may do there")
    return Finding("files", "ok", f"in {bucket}")
