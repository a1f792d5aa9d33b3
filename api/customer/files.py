"""Files by their link: whoever was given one needs no sign-in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import customer
from api.shared.files import content
from api.wire.models import Query
from api.wire.results import File
from dispatch.engine import files
from dispatch.services import Services


class LinkQuery(Query):
    """As they stand in the link; what everybody may see needs neither."""

    expires: Annotated[int, Field(ge=0, le=2**40)] | None = None
    signature: Annotated[str, StringConstraints(max_length=128)] | None = None


@customer.route("GET", "/files/{id}", public=True, limited=False, tags=["files"])
async def download(services: Services, id: UUID, query: LinkQuery) -> File:
    """The file behind a link that we gave out; links expire, those of images of services do not."""
    return content(services, await files.by_link(services, id, query.expires, query.signature))
