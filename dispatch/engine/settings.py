"""What staff may set while the server runs: a table of knobs, kept in rows, and in memory on every node.

A change acts at once where it is made, with a hint on the other nodes, and within REFRESH_S where the hint is lost.
What is not set is the environment's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch import bus
from dispatch.config import Settings
from dispatch.engine import audit, waking
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.loops import Loop
from dispatch.services import Services, Tx
from storage import settings as rows
from storage.database.pool import Conn

#: Another node's change is known after so many real seconds at the latest.
REFRESH_S = 3.0


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting by its public name: where it stands, and how many of its units are one of the public's.

    `is_rest`: outside stands what is missing to a hundred. `refuses`: technicians are refused by it, so that a change
    may let somebody in.
    """

    group: str
    field: str
    least: float
    most: float
    unit: float = 1.0
    is_rest: bool = False
    is_whole: bool = False
    refuses: bool = False

    def shown(self, settings: Settings) -> float | int:
        """The value as the outside reads it."""
        value = float(getattr(getattr(settings, self.group), self.field)) / self.unit
        value = 100.0 - value if self.is_rest else value
        return round(value) if self.is_whole and value == round(value) else round(value, 4)

    def kept(self, shown: float) -> float | int:
        value = (100.0 - shown if self.is_rest else shown) * self.unit
        return round(value) if value == round(value) else value


#: The contract's six, and what is asked for beside them.
KNOBS: Mapping[str, Knob] = {
    "commission_percentage": Knob("billing", "technician_share_pct", 0, 100, is_rest=True),
    "cancellation_fee_percentage": Knob("billing", "cancellation_fee_pct", 0, 100),
    "free_cancellation_minutes": Knob("billing", "free_cancellation_s", 0, 10_080, 60, is_whole=True),
    "partner_assignment_timeout": Knob("dispatch", "offer_window_s", 1, 1440, 60, is_whole=True),
    "otp_expiry_minutes": Knob("otp", "life_s", 1, 60, 60, is_whole=True),
    "max_booking_advance_days": Knob("dispatch", "max_advance_days", 1, 365, is_whole=True),
    "min_booking_lead_minutes": Knob("dispatch", "lead_s", 0, 10_080, 60, is_whole=True),
    "search_radius_km": Knob("dispatch", "radius_m", 0.1, 200, 1000, refuses=True),
}


def shown(settings: Settings) -> dict[str, float | int]:
    """Every knob by its public name."""
    return {name: knob.shown(settings) for name, knob in KNOBS.items()}


async def current(services: Services, conn: Conn) -> dict[str, float | int]:
    """As they stand in the database, whatever this node knows yet."""
    return shown(merged(services.configured, await _kept(conn)))


async def update(tx: Tx, actor: Actor, changes: Mapping[str, float | int]) -> dict[str, float | int]:
    """Sets those that are named, all or none. Returns all. Raises Invalid, which names each bad one, also where
    nothing could be booked between the two ends."""
    if bad := {name: text for name, value in changes.items() if (text := complaint(name, value))}:
        raise Invalid(bad)
    await rows.lock(tx.conn)
    services = tx.services
    before = await _kept(tx.conn)
    after = before | {name: changes[name] for name in changes}
    old, new = shown(merged(services.configured, before)), shown(merged(services.configured, after))
    _check_span(changes, new)
    if await audit.changed(tx, actor, "update_settings", "settings", None, old, new):
        await rows.put(tx.conn, [{"key": name, "value": value} for name, value in changes.items()])
        tx.after_commit(lambda: apply(services, after))
        tx.hint(bus.SETTINGS_CHANGED, {})
        if any(knob.refuses and old[name] != new[name] for name, knob in KNOBS.items()):
            await waking.rules_changed(tx)
    return new


def complaint(name: str, value: float) -> str | None:
    """What is wrong with a value."""
    knob = KNOBS[name]
    if not knob.least <= value <= knob.most:
        return f"must be from {knob.least:g} to {knob.most:g}"
    if knob.is_whole and value != round(value):
        return "must be a whole number"
    return None


#: From when and until when people book: how soon, and how far ahead.
_SPAN = ("min_booking_lead_minutes", "max_booking_advance_days")


def _check_span(changes: Mapping[str, float | int], new: Mapping[str, float | int]) -> None:
    """Raises Invalid where the first time to be booked would come after the last."""
    lead, ahead = (new[name] for name in _SPAN)
    if named := [name for name in _SPAN if name in changes and lead > ahead * 1440]:
        text = f"leaves nothing to book: {lead:g} minutes before the visit, and at most {ahead:g} days ahead"
        raise Invalid({name: text for name in named})


def merged(configured: Settings, kept: Mapping[str, Any]) -> Settings:
    """The environment's settings with what was set in their place; a key that nobody knows (any more) does nothing."""
    groups: dict[str, dict[str, float | int]] = {}
    for name, value in kept.items():
        if (knob := KNOBS.get(name)) is not None:
            groups.setdefault(knob.group, {})[knob.field] = knob.kept(value)
    update = {group: getattr(configured, group).model_copy(update=fields) for group, fields in groups.items()}
    return configured.model_copy(update=update) if update else configured


def apply(services: Services, kept: Mapping[str, Any]) -> None:
    """From now on this node works with these."""
    if dict(kept) != services.set_by_staff:
        services.set_by_staff = dict(kept)
        services.settings = merged(services.configured, kept)


async def refresh(services: Services) -> None:
    """Reads what was set, here or elsewhere."""
    async with services.read() as conn:
        kept = await _kept(conn)
    apply(services, kept)


def loop_of(services: Services) -> Loop:
    async def step() -> None:
        await refresh(services)

    loop = Loop("settings", step, every_s=REFRESH_S)
    services.bus.subscribe(bus.SETTINGS_CHANGED, lambda _: loop.wake())
    return loop


async def _kept(conn: Conn) -> dict[str, Any]:
    return {row.key: row.value for row in await rows.all_of_them(conn)}
