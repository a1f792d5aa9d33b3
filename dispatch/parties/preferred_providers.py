"""Whom an organisation prefers: asked first, alone where it says so, and at a negotiated discount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dispatch.engine import audit, waking
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.parties.departments import services_in
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import preferred_providers as rows
from storage.database.pool import Conn
from storage.preferred_providers import Preferred, Rules


@dataclass(frozen=True, slots=True)
class Preference:
    """`services` empty: all of them. The lowest `priority` is asked first. `discount_pct` is what is asked for."""

    provider_id: UUID
    services: Sequence[str] = ()
    priority: int = 1
    discount_pct: Decimal = Decimal(0)
    exclusivity: bool = False


async def replace_all(
    tx: Tx, by: By, wanted: Sequence[Preference], *, prefers_first: bool, allows_others: bool
) -> None:
    """Puts this list in the place of the one that is there; the organisation's bookings that wait look again.

    Raises Missing (no such provider), Invalid.
    """
    if len({one.provider_id for one in wanted}) != len(wanted):
        raise Invalid({"providers": "Name each provider once."})
    await rows.drop_others(tx.conn, organisation_id=by.organisation_id, kept=[one.provider_id for one in wanted])
    for one in wanted:
        put = await rows.put(
            tx.conn, organisation_id=by.organisation_id, provider_id=one.provider_id,
            services=services_in(one.services), priority=one.priority, discount_pct=one.discount_pct,
            exclusivity=one.exclusivity,
        )  # fmt: skip
        if not put:
            raise Missing("provider")
    await rows.set_rules(
        tx.conn, organisation_id=by.organisation_id, prefers_first=prefers_first, allows_others=allows_others
    )
    await audit.record(
        tx, by.actor, "preferred_providers.set", "organisation", by.organisation_id,
        {"providers": [str(one.provider_id) for one in wanted], "allows_others": allows_others},
    )  # fmt: skip
    await waking.rules_changed(tx, by.organisation_id)


async def agree(tx: Tx, organisation_id: UUID, provider_id: UUID, agreed_pct: Decimal, actor: Actor) -> None:
    """Staff say what an organisation pays less with this provider; prices go by that alone. Raises Missing."""
    before = await rows.agree(tx.conn, organisation_id=organisation_id, provider_id=provider_id, agreed_pct=agreed_pct)
    if before is None:
        raise Missing("preferred provider")
    await audit.record(
        tx, actor, "preferred_provider.agree", "organisation", organisation_id,
        {"agreed_pct": {"old": str(before), "new": str(agreed_pct)}},
    )  # fmt: skip


async def of_organisation(conn: Conn, organisation_id: UUID) -> tuple[list[Preferred], Rules]:
    """Who is preferred, in the order in which they are asked, and by which rules."""
    rules = await rows.rules(conn, organisation_id=organisation_id)
    assert rules is not None, "the organisation is there"
    return await rows.of_organisation(conn, organisation_id=organisation_id), rules
