"""The documents that say who a partner is: uploaded by its onboarding or by staff, fetched by whoever may see it."""

from __future__ import annotations

from typing import Annotated, get_args
from uuid import UUID

from api.audiences import Member, integration
from api.edge.request_info import RequestInfo
from api.integration import callers
from api.integration.views import DocumentOut, DocumentType, document_out
from api.shared.files import content
from api.wire.models import CamelView
from api.wire.results import File, Message
from api.wire.uploads import Upload, UploadRules
from dispatch.engine.files import PURPOSES
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.parties import integration_onboarding
from dispatch.parties.integration_onboarding import UploadedDocument
from dispatch.services import Services

TAGS = ("documents",)
RULES = UploadRules({"document": 1}, PURPOSES["document"].most_bytes, PURPOSES["document"].kinds)


class DocumentsOut(CamelView):
    documents: list[DocumentOut]


@integration.route("POST", "/{id}/upload-documents", public=True, admit=callers.admit_documents, tags=TAGS)
async def upload(
    services: Services,
    id: UUID,
    upload: Annotated[Upload, RULES],
    request_info: RequestInfo,
    caller: Member | None = None,
) -> DocumentsOut:
    """Adds a file, by the onboarding's token or by staff; a field `type` beside it says what it is."""
    # A file takes its time, and the onboarding may have ended meanwhile.
    await callers.admit_documents(services, request_info, caller, {"id": id})
    actor = caller.actor if caller is not None and caller.realm == "admin" else callers.stranger(request_info, id)
    return await _kept(services, id, upload, upload.texts.get("type", "other"), actor)


async def attach(
    services: Services, caller: Member, id: UUID, document_type: DocumentType, upload: Annotated[Upload, RULES]
) -> DocumentsOut:
    """Staff add a file of this type."""
    return await _kept(services, id, upload, document_type, caller.actor)


for _method in ("PUT", "POST"):
    integration.route(_method, "/{id}/attach-document/{document_type}", permission="integrations:write", tags=TAGS)(
        attach
    )


@integration.route("DELETE", "/{id}/delete-attach-document/{document_id}", permission="integrations:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID, document_id: UUID) -> Message:
    """Takes a document away."""
    async with services.transaction() as tx:
        await integration_onboarding.drop_document(tx, id, document_id, caller.actor)
    return Message("The document was deleted.")


@callers.route("GET", "/{id}/documents/{document_id}", "profile:read", tags=TAGS)
async def fetch(services: Services, caller: Member, id: UUID, document_id: UUID) -> File:
    """The file of an uploaded document."""
    async with services.read() as conn:
        found = await integration_onboarding.file_of(conn, id, document_id)
    return content(services, found)


async def _kept(services: Services, id: UUID, upload: Upload, type_: str, actor: Actor) -> DocumentsOut:
    if type_ not in get_args(DocumentType):
        raise Invalid({"type": f"must be one of {', '.join(get_args(DocumentType))}"})
    if not upload.files:
        raise Invalid({"document": "Send the file in the field 'document'."})
    file = upload.files[0]
    document = UploadedDocument(type_, upload.texts.get("name", "").strip()[:100] or file.name, file.content)
    held = await integration_onboarding.upload(services, id, document, actor)
    return DocumentsOut(documents=[document_out(id, d) for d in held])
