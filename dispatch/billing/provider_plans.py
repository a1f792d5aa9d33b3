"""What customers of a provider can subscribe to; a plan in use is taken off the list and stays."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dispatch.billing import provider_requests
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.services import Tx
from storage import provider_plans as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.provider_plans import Plan


class PlanExists(Conflict):
    """There is a plan with this name already."""

    code = "plan_exists"


async def create(
    tx: Tx, provider_id: UUID, *, name: str, type: str, amount_minor: int, currency: str, duration_days: int,
    features: Sequence[str],
) -> Plan:  # fmt: skip
    """Raises PlanExists, Invalid (an amount that nobody can be asked for)."""
    _check_amount(amount_minor, currency)
    made = await rows.insert(
        tx.conn, provider_id=provider_id, name=name, type=type, amount_minor=amount_minor, currency=currency,
        duration_days=duration_days, features=list(features),
    )  # fmt: skip
    if made is None:
        raise PlanExists
    return made


async def change(
    tx: Tx, provider_id: UUID, plan_id: UUID, *, name: str | None, type: str | None, amount_minor: int | None,
    duration_days: int | None, features: Sequence[str] | None, is_active: bool | None,
) -> Plan:  # fmt: skip
    """What is None stays; subscriptions that run keep their amount and their end.

    Raises Missing, PlanExists, Invalid (an amount that nobody can be asked for).
    """
    known = await rows.get(tx.conn, id=plan_id, provider_id=provider_id)
    if known is None:
        raise Missing("plan")
    _check_amount(amount_minor, known.currency)
    try:
        async with tx.savepoint():
            changed = await rows.change(
                tx.conn, id=plan_id, provider_id=provider_id, name=name, type=type, amount_minor=amount_minor,
                duration_days=duration_days, features=None if features is None else list(features),
                is_active=is_active,
            )  # fmt: skip
    except StorageError as e:
        if constraint_of(e) != "provider_plans_name":
            raise
        raise PlanExists from None
    if changed is None:
        raise Missing("plan")
    return changed


def _check_amount(amount_minor: int | None, currency: str) -> None:
    if (wrong := provider_requests.too_little(amount_minor, currency)) is not None:
        raise Invalid({"amount": wrong})


async def remove(tx: Tx, provider_id: UUID, plan_id: UUID) -> bool:
    """Deletes a plan that nobody ever had, else takes it off the list. False: it was only taken off. Raises Missing."""
    if await rows.get(tx.conn, id=plan_id, provider_id=provider_id) is None:
        raise Missing("plan")
    if await rows.remove(tx.conn, id=plan_id, provider_id=provider_id):
        return True
    await change(
        tx, provider_id, plan_id, name=None, type=None, amount_minor=None, duration_days=None, features=None,
        is_active=False,
    )  # fmt: skip
    return False


async def of_provider(conn: Conn, provider_id: UUID) -> list[Plan]:
    """Those in use first, the cheapest first."""
    return await rows.of_provider(conn, provider_id=provider_id)
