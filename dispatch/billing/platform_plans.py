"""What providers can pay the platform for, as staff keep it; a plan in use is taken off the list and stays."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import platform_plans as rows
from storage.database.errors import StorageError, is_unique
from storage.database.pool import Conn
from storage.platform_plans import PlatformPlan

#: Whoever has no plan has this one; the platform then earns by its share of what they do.
FREE = "Free"


class PlanExists(Conflict):
    """There is a plan with this name and currency already."""

    code = "plan_exists"


async def create(
    tx: Tx, actor: Actor, *, name: str, currency: str, monthly_minor: int, yearly_minor: int, features: Sequence[str]
) -> PlatformPlan:
    """Raises PlanExists, Invalid (the name that stands for none)."""
    _check(name)
    made = await rows.insert(
        tx.conn, name=name, currency=currency, monthly_minor=monthly_minor, yearly_minor=yearly_minor,
        features=list(features),
    )  # fmt: skip
    if made is None:
        raise PlanExists
    await audit.changed(tx, actor, "create_platform_plan", "platform_plan", made.id, None, made)
    return made


async def change(
    tx: Tx, actor: Actor, plan_id: UUID, *, name: str | None, monthly_minor: int | None, yearly_minor: int | None,
    features: Sequence[str] | None, is_active: bool | None,
) -> PlatformPlan:  # fmt: skip
    """What is None stays; providers pay another price from their next bill on. Raises Missing, PlanExists, Invalid."""
    before = await get(tx.conn, plan_id)
    _check(name)
    try:
        async with tx.savepoint():
            after = await rows.change(
                tx.conn, id=plan_id, name=name, monthly_minor=monthly_minor, yearly_minor=yearly_minor,
                features=list(features) if features is not None else None, is_active=is_active,
            )  # fmt: skip
    except StorageError as error:
        if is_unique(error):
            raise PlanExists from error
        raise
    if after is None:
        # Nobody has it, and somebody else deleted it a moment ago.
        raise Missing("plan")
    await audit.changed(tx, actor, "update_platform_plan", "platform_plan", plan_id, before, after)
    return after


def _check(name: str | None) -> None:
    if name is not None and name.lower() == FREE.lower():
        raise Invalid({"name": "is the one of those who have no plan"})


async def remove(tx: Tx, actor: Actor, plan_id: UUID) -> bool:
    """Deletes a plan that nobody ever had, else takes it off the list. False: it was only taken off. Raises Missing."""
    before = await get(tx.conn, plan_id)
    is_gone = bool(await rows.remove(tx.conn, id=plan_id))
    after = None if is_gone else await rows.change(
        tx.conn, id=plan_id, name=None, monthly_minor=None, yearly_minor=None, features=None, is_active=False
    )
    if after is None and not is_gone:
        raise Missing("plan")
    await audit.changed(tx, actor, "delete_platform_plan", "platform_plan", plan_id, before, after)
    return is_gone


async def get(conn: Conn, plan_id: UUID) -> PlatformPlan:
    """Raises Missing."""
    found = await rows.get(conn, id=plan_id)
    if found is None:
        raise Missing("plan")
    return found


async def all(conn: Conn) -> list[PlatformPlan]:
    """Every one, also those that are off the list."""
    return await rows.all(conn)


async def offered(conn: Conn, currency: str) -> list[PlatformPlan]:
    """What a provider of this currency can choose."""
    return await rows.offered(conn, currency=currency)
