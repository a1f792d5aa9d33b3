"""Files as several audiences show and hand them out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.wire.models import View
from api.wire.results import File
from dispatch.engine import files
from dispatch.services import Services
from storage.files import File as FileRow

#: A file that never changes is kept by whoever may see it: for everybody, or by its reader alone.
_FOR_ALL = {"Cache-Control": "public, max-age=31536000, immutable"}


class FileOut(View):
    """`url` is good for some minutes, but of what everybody may see for good."""

    id: UUID
    purpose: str
    name: str
    content_type: str
    size: int
    url: str
    created_at: datetime


def file_out(services: Services, file: FileRow) -> FileOut:
    return FileOut(
        id=file.id, purpose=file.purpose, name=file.name, content_type=file.media_type, size=file.size,
        url=files.link_to(services, file), created_at=file.created_at,
    )  # fmt: skip


def content(services: Services, file: FileRow) -> File:
    """The file itself."""
    return File(
        files.content_of(services, file), file.name, file.media_type, files.is_shown(file), file.size,
        _FOR_ALL if files.PURPOSES[file.purpose].is_public else {},
    )  # fmt: skip
