"""What staff decide about organisations: verified or not, whose they are, what is granted them beside their tier."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Conflict
from dispatch.events import Actor
from dispatch.outbox import messages
from dispatch.parties import onboarding, organisations, tiers
from dispatch.services import Tx
from storage import organisations as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.organisations import Organisation

LIST = rows.everybodys
#: What has to be there before anybody can say that an organisation is who it says.
NEEDED = ("document_verification", "contract_signing")


class NotReady(Conflict):
    """Its documents or its signature are not here yet."""

    code = "onboarding_incomplete"


async def page(conn: Conn, wanted: Wanted) -> Slice[Organisation]:
    return await LIST.page(conn, wanted)


async def verify(tx: Tx, organisation_id: UUID, actor: Actor, note: str | None) -> None:
    """It may book from now on. Raises Missing, NotReady."""
    await organisations.lock(tx, organisation_id)
    progress = await onboarding.progress(tx.conn, organisation_id)
    if lacking := [s.step for s in progress.steps if s.step in NEEDED and s.status != onboarding.DONE]:
        raise NotReady(details={"missing_steps": lacking})
    await set_status(tx, organisation_id, "active", note, actor)


async def set_status(tx: Tx, organisation_id: UUID, status: str, reason: str | None, actor: Actor) -> None:
    """Another standing, of which it is told. Raises Missing, AlreadyRegistered."""
    before = await organisations.lock(tx, organisation_id)
    if not await organisations.set_status(tx, organisation_id, status, reason, actor):
        return
    await audit.record(
        tx, actor, f"organisation.{status}", "organisation", organisation_id,
        {"status": {"old": before.status, "new": status}, "reason": {"old": before.status_reason, "new": reason}},
    )  # fmt: skip
    params = {"organisation": before.name, "status": status, "reason": reason or ""}
    template = "organisation_verified" if status == "active" else "organisation_status"
    await messages.enqueue(tx, "email", organisations.reached_at(before), template, params)


async def set_account_manager(tx: Tx, organisation_id: UUID, account_id: UUID | None) -> UUID | None:
    """Gives it to somebody of the staff; returns who had it. Raises Missing."""
    before = await organisations.lock(tx, organisation_id)
    if account_id is not None:
        await organisations.require_staff(tx.conn, account_id)
    await rows.set_account_manager(tx.conn, id=organisation_id, account_id=account_id)
    return before.account_manager_id


async def set_terms(tx: Tx, organisation_id: UUID, changes: Mapping[str, Any]) -> Organisation:
    """A discount and days of payment of its own; returns what was before. Raises Missing, TierTooLow."""
    before = await organisations.lock(tx, organisation_id)
    if changes.get("volume_discount_percent"):
        tiers.require(before.tier, "volume_discounts")
    if changes.get("payment_terms_days") is not None:
        tiers.require(before.tier, "flexible_terms")
    discount = changes.get("volume_discount_percent")
    await rows.set_terms(
        tx.conn, id=organisation_id,
        volume_discount_pct=before.volume_discount_pct if discount is None else Decimal(str(discount)),
        payment_terms_days=changes.get("payment_terms_days", before.payment_terms_days),
    )  # fmt: skip
    return before
