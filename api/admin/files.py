"""Files as staff see them: what was sent in, for whom; taking some in; handing them out."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from api.audiences import Admin, admin
from api.shared.files import FileOut, content, file_out
from api.wire.listing import Grammar, Listing
from api.wire.models import Query
from api.wire.results import File, Message, Page, Reply
from api.wire.uploads import Upload, UploadRules
from dispatch.engine import audit, files
from dispatch.engine.files import HOUSE, MB, PURPOSES
from dispatch.errors import Invalid
from dispatch.services import Services
from storage import files as rows

#: Everything that staff may send in; each purpose then takes its own.
TAKEN = UploadRules({"file": 1}, 10 * MB, PURPOSES["attachment"].kinds | PURPOSES["service_image"].kinds)

FILES = Grammar(
    key="files", source=rows.files,
    filters={
        "purpose": Literal["document", "service_image", "invoice", "export", "attachment"],
        "owner_kind": str, "owner_id": UUID,
    },
)  # fmt: skip


class SentQuery(Query):
    """What it is for; it becomes somebody's when it is named where it belongs (a service's image, a document)."""

    purpose: Literal["document", "service_image", "attachment"] = "attachment"


@admin.route("GET", "/files", permission="files:read", listing=FILES, tags=["files"])
async def listed(services: Services, caller: Admin, listing: Listing) -> Page[FileOut]:
    """Files that are kept, the newest first."""
    async with services.read() as conn:
        found = await rows.page(conn, listing.wanted)
    return Page.of(found, lambda file: file_out(services, file))


@admin.route("POST", "/files", status=201, permission="files:write", tags=["files"])
async def send(services: Services, caller: Admin, query: SentQuery, upload: Annotated[Upload, TAKEN]) -> Reply[FileOut]:
    """Send one file in the field `file` of a form."""
    if not upload.files:
        raise Invalid({"file": "Send one file in this field."})
    sent = upload.files[0]
    received = await files.receive(services, query.purpose, HOUSE, sent.name, sent.content, caller.actor)
    async with services.transaction() as tx:
        file = await files.keep(tx, received.id)
        await audit.record(tx, caller.actor, "send_file", "file", file.id, {"name": {"old": None, "new": file.name}})
    return Reply(file_out(services, file), message="The file was received.")


@admin.route("GET", "/files/{id}", permission="files:read", tags=["files"])
async def one(services: Services, caller: Admin, id: UUID) -> FileOut:
    """What is known of a file, with a link to it."""
    async with services.read() as conn:
        return file_out(services, await files.get(conn, id))


@admin.route("GET", "/files/{id}/content", permission="files:read", tags=["files"])
async def download(services: Services, caller: Admin, id: UUID) -> File:
    """The file itself."""
    async with services.read() as conn:
        file = await files.get(conn, id)
    return content(services, file)


@admin.route("DELETE", "/files/{id}", permission="files:write", tags=["files"])
async def remove(services: Services, caller: Admin, id: UUID) -> Message:
    """Give up a file of the house's own for good; what belongs to somebody is replaced where it is shown."""
    async with services.transaction() as tx:
        file = await files.drop_own(tx, id)
        await audit.record(tx, caller.actor, "drop_file", "file", id, {"name": {"old": file.name, "new": None}})
    return Message("The file is gone.")
