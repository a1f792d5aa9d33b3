"""Becoming a provider: anybody applies, staff decide, and whoever is accepted gets a link to begin with."""

from __future__ import annotations

from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.outbox import messages
from dispatch.parties import providers
from dispatch.parties.providers import NewProvider
from dispatch.services import Tx
from storage import provider_applications as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.provider_applications import Application

STATUSES = ("pending", "approved", "rejected")


class Decided(Conflict):
    """This application is decided already."""

    code = "already_decided"


async def apply(tx: Tx, new: NewProvider) -> Application:
    """Takes an application down; the same address once more, while its first is open, is the first."""
    defaults = tx.services.settings.providers
    made = await rows.insert(
        tx.conn, name=new.name, facility_type=new.facility_type, owner_name=new.owner_name, email=new.owner_email,
        phone=new.phone or "", address=new.address or {}, services=list(new.services), description=new.description,
        currency=new.currency or defaults.currency, timezone=new.timezone or defaults.timezone,
    )  # fmt: skip
    found = made or await rows.open_of(tx.conn, email=new.owner_email)
    assert found is not None, "one of them is open"
    return found


async def approve(tx: Tx, application_id: UUID, actor: Actor) -> Application:
    """Makes the provider; its owner gets a link by e-mail. Repeated, it changes nothing. Raises Missing, Decided."""
    asked = await _lock(tx, application_id)
    if asked.status == "approved":
        return asked
    if asked.status != "pending":
        raise Decided
    made = await providers.create(
        tx,
        NewProvider(
            asked.name, asked.owner_name, asked.email, asked.phone or None, asked.facility_type, asked.description,
            asked.services, asked.address, asked.currency, asked.timezone,
        ),
        inviter=tx.services.settings.brand,
    )  # fmt: skip
    await rows.approve(tx.conn, id=application_id, provider_id=made.id)
    await audit.record(
        tx, actor, "provider.approved", "provider", made.id, {"status": {"old": "pending", "new": "approved"}}
    )
    return await get(tx.conn, application_id)


async def reject(tx: Tx, application_id: UUID, reason: str | None, actor: Actor) -> Application:
    """Says no, with a reason by e-mail. Repeated, it changes nothing. Raises Missing, Decided."""
    asked = await _lock(tx, application_id)
    if asked.status == "rejected":
        return asked
    if not await rows.reject(tx.conn, id=application_id, reason=reason):
        raise Decided
    await messages.enqueue(
        tx, "email", asked.email, "application_rejected", {"name": asked.name, "reason": reason or ""}
    )
    change = {"status": {"old": "pending", "new": "rejected"}}
    await audit.record(tx, actor, "provider.rejected", "provider_application", application_id, change)
    return await get(tx.conn, application_id)


async def remove(tx: Tx, application_id: UUID, actor: Actor) -> None:
    """Takes an application off the list, with what was written in it; a provider that came of it stays."""
    if not await rows.remove(tx.conn, id=application_id):
        raise Missing("application")
    await audit.record(tx, actor, "provider.application_removed", "provider_application", application_id)


# ---------------------------------------------------------------- reading

#: All applications, as a list.
LIST = rows.every


async def page(conn: Conn, wanted: Wanted) -> Slice[Application]:
    return await rows.every.page(conn, wanted)


async def get(conn: Conn, application_id: UUID) -> Application:
    """Raises Missing."""
    found = await rows.get(conn, id=application_id)
    if found is None:
        raise Missing("application")
    return found


async def _lock(tx: Tx, application_id: UUID) -> Application:
    found = await rows.lock(tx.conn, id=application_id)
    if found is None:
        raise Missing("application")
    return found
