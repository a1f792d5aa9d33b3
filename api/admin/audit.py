"""What staff and services did, and what it changed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import View
from api.wire.results import Page
from dispatch.engine import audit, audit_checks
from dispatch.services import Services
from storage import audit as rows
from storage.audit import Entry

#: An id that is kept as text, because services have names there.
AdminId = Annotated[UUID, AfterValidator(str)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class WhoOut(View):
    """`id` of staff is that of the account; a service has its name there."""

    id: str | None
    name: str | None
    email: str | None


class EntryOut(View):
    """`changes` is {field: {old, new}}, or what was asked for; secrets are masked."""

    id: UUID
    admin: WhoOut
    realm: str
    action: str
    resource_type: str
    resource_id: str | None
    changes: dict[str, Any] | None
    ip_address: str | None
    user_agent: str | None
    created_at: datetime


LIST = Grammar(
    key="logs", source=rows.entries,
    filters={
        "admin_id": AdminId, "resource_type": Word, "resource_id": Word, "action": Word, "realm": Word,
        "ip_address": Word, **DAYS,
    },
)  # fmt: skip


class ChainOut(View):
    """`findings` are sentences; `hash` is the end of the chain: kept elsewhere, it proves that all was left alone.

    Read were the entries `checked_from` to `checked_to` (null: nothing is new), and `checked_again` of those up to
    `checked_before`, which were found whole before. What is after `checked_to` is read next time.
    """

    is_intact: bool
    entries: int
    hash: str
    checked_from: int | None
    checked_to: int | None
    checked_again: int
    checked_before: int
    findings: list[str]


_CHECKING = asyncio.Lock()


@admin.route("GET", "/audit-logs", permission="audit:read", listing=LIST, tags=["audit"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[EntryOut]:
    """Everything that was done, the newest first."""
    async with services.read() as conn:
        return Page.of(await audit.page(conn, listing.wanted, services.settings.timezone), _entry)


@admin.route("GET", "/audit-logs/chain", permission="audit:read", tags=["audit"])
async def chain(services: Services, caller: Admin) -> ChainOut:
    """Whether the entries are still what was written, and none is missing: those since they were last found whole, and
    some of the others, for one who asks at a time. `dispatch audit verify` reads all of them.
    """
    async with _CHECKING, services.transaction() as tx:
        found = await audit_checks.check(tx)
    is_new = found.first <= found.last
    return ChainOut(
        is_intact=not found.findings, entries=found.head.seq, hash=found.head.hash.hex(),
        checked_from=found.first if is_new else None, checked_to=found.last if is_new else None,
        checked_again=found.again, checked_before=found.marked, findings=found.findings,
    )  # fmt: skip


def _entry(e: Entry) -> EntryOut:
    return EntryOut(
        id=e.key, admin=WhoOut(id=e.actor_id, name=e.actor_name, email=e.actor_email), realm=e.realm, action=e.action,
        resource_type=e.resource_type, resource_id=e.resource_id, changes=e.changes, ip_address=e.ip,
        user_agent=e.user_agent, created_at=e.at,
    )  # fmt: skip
