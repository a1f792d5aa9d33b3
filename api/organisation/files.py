"""Files that the organisation sends: documents of its onboarding, attachments of its tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import organisation_of
from api.wire.models import CamelQuery, CamelView
from api.wire.results import Reply
from api.wire.uploads import Upload, UploadRules
from dispatch.engine import files
from dispatch.engine.files import MB, PURPOSES, Owner
from dispatch.errors import Invalid
from dispatch.services import Services
from storage.files import File as FileRow

TAKEN = UploadRules({"file": 1}, 10 * MB, PURPOSES["attachment"].kinds)


class SentQuery(CamelQuery):
    purpose: Literal["document", "attachment"] = "attachment"


class FileOut(CamelView):
    """`url` goes into the fields that take one (documents, attachments); it is good for a year."""

    id: UUID
    name: str
    content_type: str
    size: int
    url: str
    created_at: datetime


class OneFileOut(CamelView):
    file: FileOut


#: Whoever reads a ticket or looks at a document later must find the file.
LINK_S = 365 * 24 * 3600


@organisation.route("POST", "/files", status=201, permission="files:write", tags=["files"])
async def send(
    services: Services, caller: Member, query: SentQuery, upload: Annotated[Upload, TAKEN]
) -> Reply[OneFileOut]:
    """Send one file in the field `file` of a form; its address goes where a URL is asked for."""
    if not upload.files:
        raise Invalid({"file": "Send one file in this field."})
    sent = upload.files[0]
    owner = Owner("organisation", organisation_of(caller))
    kept = await files.add(services, query.purpose, owner, sent.name, sent.content, caller.actor)
    return Reply(OneFileOut(file=file_out(services, kept)), message="The file was received")


def file_out(services: Services, file: FileRow) -> FileOut:
    return FileOut(
        id=file.id, name=file.name, content_type=file.media_type, size=file.size,
        url=files.link_to(services, file, LINK_S), created_at=file.created_at,
    )  # fmt: skip
