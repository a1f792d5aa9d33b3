"""Who of the staff is on duty when, and the loop that tells them of alerts: each person of each alert once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import audit
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.loops import Loop
from dispatch.outbox import messages
from dispatch.outbox.notifications import push_topic
from dispatch.services import Services, Tx
from storage import alerts as alert_rows
from storage import rota as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.rota import Shift

#: Nobody is on duty for longer at once.
LONGEST = timedelta(days=31)
#: A hint wakes the loop; without one a shift that begins is seen after so many real seconds.
TELL_S = 20.0
#: Whoever comes on duty is told of open alerts that are younger, in seconds of the domain's time.
FRESH_S = 86_400.0
#: So many people are told at once.
MOST_TOLD = 200


async def page(conn: Conn, wanted: Wanted, timezone: str) -> Slice[Shift]:
    return await rows.everything.page(conn, wanted, timezone=timezone)


async def get(conn: Conn, shift_id: UUID) -> Shift:
    """Raises Missing."""
    found = await rows.get(conn, id=shift_id)
    if found is None:
        raise Missing("shift")
    return found


async def add(
    tx: Tx, actor: Actor, account_id: UUID, starts_at: datetime, ends_at: datetime, channels: list[str]
) -> Shift:
    """Puts somebody on duty. Raises Invalid: nobody of the staff, or a span that does not go forward."""
    _check(starts_at, ends_at)
    shift_id = await rows.insert(
        tx.conn, account_id=account_id, starts_at=starts_at, ends_at=ends_at, channels=channels
    )
    if shift_id is None:
        raise Invalid({"staff_id": "must be a member of staff who may sign in"})
    made = await get(tx.conn, shift_id)
    await audit.changed(tx, actor, "create_shift", "shift", shift_id, None, _told(made))
    _wake(tx)
    return made


async def change(tx: Tx, actor: Actor, shift_id: UUID, changes: Mapping[str, Any]) -> Shift:
    """Moves a shift, or how its person is told. Raises Missing, Invalid."""
    before = await rows.lock(tx.conn, id=shift_id)
    if before is None:
        raise Missing("shift")
    new = {name: changes.get(name, getattr(before, name)) for name in ("starts_at", "ends_at", "channels")}
    _check(new["starts_at"], new["ends_at"])
    await rows.update(tx.conn, id=shift_id, **new)
    after = await get(tx.conn, shift_id)
    await audit.changed(tx, actor, "update_shift", "shift", shift_id, _told(before), _told(after))
    _wake(tx)
    return after


async def remove(tx: Tx, actor: Actor, shift_id: UUID) -> None:
    """Raises Missing."""
    before = await rows.lock(tx.conn, id=shift_id)
    if before is None:
        raise Missing("shift")
    await rows.remove(tx.conn, id=shift_id)
    await audit.changed(tx, actor, "delete_shift", "shift", shift_id, _told(before), None)


async def tell(services: Services) -> int:
    """Writes what those on duty have not been told of open alerts; returns how many messages that are."""
    async with services.transaction() as tx:
        notices = await alert_rows.tell(tx.conn, fresh_s=FRESH_S, limit=MOST_TOLD)
        if not notices:
            return 0
        told = await alert_rows.told(
            tx.conn, alert_ids=[n.alert_id for n in notices], account_ids=[n.account_id for n in notices]
        )
        return sum([await _message(tx, one) for one in told])


def loop_of(services: Services) -> Loop:
    async def step() -> float | None:
        # All who could be told were told, or there are more.
        return 0.0 if await tell(services) >= MOST_TOLD else None

    loop = Loop("rota", step, every_s=TELL_S)
    services.bus.subscribe(bus.ALERT_RAISED, lambda _: loop.wake())
    services.bus.subscribe(bus.ROTA_CHANGED, lambda _: loop.wake())
    return loop


async def _message(tx: Tx, one: alert_rows.Told) -> int:
    params = {"title": one.kind.replace("_", " ").capitalize(), "message": one.message}
    stream = f"alert:{one.alert_id}:{one.account_id}"
    sent = 0
    if "email" in one.channels and one.email is not None:
        await messages.enqueue(
            tx, "email", one.email, "notification", params, stream=f"{stream}:email", account_id=one.account_id
        )
        sent += 1
    if "push" in one.channels:
        data = {**params, "topic": push_topic(tx.services.settings, "admin", one.account_id)}
        recipient = f"admin:{one.account_id}"
        await messages.enqueue(
            tx, "push", recipient, "notification", data, stream=f"{stream}:push", account_id=one.account_id
        )
        sent += 1
    return sent


def _check(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid({"ends_at": "must be after starts_at"})
    if ends_at > starts_at + LONGEST:
        raise Invalid({"ends_at": f"must be within {LONGEST.days} days of starts_at"})


def _told(one: Shift) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("account_id", "starts_at", "ends_at", "channels")}


def _wake(tx: Tx) -> None:
    tx.hint(bus.ROTA_CHANGED, {})
