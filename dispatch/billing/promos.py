"""Promo codes: what one is worth now, and the limits that hold however many confirm at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import audit
from dispatch.engine.cache import Cached
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor, Fact
from dispatch.services import Reactions, Services, Tx
from dispatch.shares import percent_of
from storage import promos as rows
from storage.database.pool import Conn
from storage.promos import Promo, PromoRow


class PromoUsedUp(Conflict):
    """This promo code can no longer be used; prepare the checkout again."""

    code = "promo_unavailable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code is worth: `discount_minor` is 0 when it is not valid, and `message` says why."""

    code: str
    is_valid: bool
    discount_minor: int
    message: str
    promo_id: UUID | None = None


async def _read(conn: Conn, code: str) -> Promo | None:
    return await rows.find(conn, code=code)


#: Definitions only (C77): uses are always counted in the database.
_cache = Cached(bus.PROMO_CHANGED, _read, hint_key="code")


def normal(code: str) -> str:
    """Codes are stored in upper case; customers may type them as they like, in wide letters too, and what copying out
    of a message brings along is no part of one.
    """
    plain = unicodedata.normalize("NFKC", code)
    return "".join(char for char in plain if unicodedata.category(char) != "Cf").strip().upper()


def discount_of(promo: Promo, amount_minor: int) -> int:
    """The discount on an amount (list prices less savings): capped by max_discount and by the amount
    itself.
    """
    if promo.discount_percent is not None:
        discount = percent_of(amount_minor, promo.discount_percent)
    else:
        discount = promo.discount_minor or 0
    if promo.max_discount_minor is not None:
        discount = min(discount, promo.max_discount_minor)
    return max(0, min(discount, amount_minor))


def refusal(promo: Promo, amount_minor: int, currency: str, now: datetime) -> str | None:
    """Why the definition alone rules a code out for this amount, or None."""
    if not promo.is_active:
        return "This promo code is not active."
    if promo.currency != currency:
        return f"This promo code is only valid for orders in {promo.currency}."
    if promo.valid_from is not None and now < promo.valid_from:
        return "This promo code is not valid yet."
    if promo.valid_until is not None and now >= promo.valid_until:
        return "This promo code has expired."
    if promo.min_order_minor is not None and amount_minor < promo.min_order_minor:
        return f"This promo code needs an order of at least {promo.min_order_minor / 100:.2f} {promo.currency}."
    return None


async def validate(services: Services, code: str, account_id: UUID, amount_minor: int, currency: str) -> Verdict:
    """Whether the customer could use the code now, and for how much. Never raises for a bad code."""
    code = normal(code)
    promo = await _cache.get(services, code)
    if promo is None:
        return Verdict(code, False, 0, "This promo code does not exist.")
    reason = refusal(promo, amount_minor, currency, services.clock.now())
    if reason is None:
        async with services.read() as conn:
            reason = await _used_up(conn, promo, account_id)
    if reason is not None:
        return Verdict(code, False, 0, reason)
    return Verdict(code, True, discount_of(promo, amount_minor), "Promo code applied successfully", promo.id)


async def _used_up(conn: Conn, promo: Promo, account_id: UUID) -> str | None:
    if promo.total_limit is not None:
        used = await rows.used_count(conn, promo_code_id=promo.id)
        if used is not None and used >= promo.total_limit:
            return "This promo code has been used up."
    if promo.per_user_limit is not None:
        used = await rows.used_by(conn, promo_code_id=promo.id, account_id=account_id)
        if used is not None and used >= promo.per_user_limit:
            return "You have already used this promo code."
    return None


async def redeem(tx: Tx, promo_id: UUID, account_id: UUID, booking_id: UUID, discount_minor: int) -> None:
    """Uses the code for a booking, in the booking's own transaction. Raises PromoUsedUp.

    The conditional update counts the total and locks the row, so the uses of one customer are counted one at
    a time.
    """
    per_user = await rows.claim(tx.conn, promo_code_id=promo_id)
    if per_user is None:
        raise PromoUsedUp()
    if per_user:
        used = await rows.used_by(tx.conn, promo_code_id=promo_id, account_id=account_id)
        if (used or 0) >= per_user:
            raise PromoUsedUp("You have already used this promo code.")
    await rows.redeem(
        tx.conn,
        promo_code_id=promo_id,
        account_id=account_id,
        booking_id=booking_id,
        discount_minor=discount_minor,
    )


async def release(tx: Tx, booking_id: UUID) -> None:
    """Gives the use back when a booking ends unserved. Twice is once; nothing happens without a
    redemption.
    """
    await rows.release(tx.conn, booking_id=booking_id)


async def on_cancelled(tx: Tx, fact: Fact) -> None:
    """The reaction to `booking.cancelled`: whoever cancelled, the code may be used again."""
    booking = tx.known.get(fact.booking_id)
    if booking is None or booking.promo_code_id is not None:
        await release(tx, fact.booking_id)


def register(reactions: Reactions) -> None:
    """Hears of cancelled bookings."""
    reactions.on("booking.cancelled", on_cancelled)


@dataclass(frozen=True, slots=True)
class PromoIn:
    """A code as it is written; exactly one of the discounts is set, the other is None."""

    code: str
    currency: str
    discount_percent: Decimal | None = None
    discount_minor: int | None = None
    description: str | None = None
    min_order_minor: int | None = None
    max_discount_minor: int | None = None
    per_user_limit: int | None = None
    total_limit: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_active: bool = True


async def upsert(tx: Tx, promo: PromoIn) -> UUID:
    """Writes a definition; every node drops its copy after the commit."""
    code = normal(promo.code)
    written = await rows.upsert(tx.conn, **_columns(promo))
    assert written is not None
    changed(tx, code)
    return written


def _columns(promo: PromoIn) -> dict[str, Any]:
    kind = "fixed" if promo.discount_percent is None else "percentage"
    return {**asdict(promo), "code": normal(promo.code), "discount_type": kind}


def changed(tx: Tx, code: str) -> None:
    """Whoever writes a definition calls this: every node drops its copy after the commit."""
    tx.after_commit(lambda: _cache.drop(tx.services, code))
    tx.hint(bus.PROMO_CHANGED, {"code": code})


# ---------------------------------------------------------------- as staff write them


class CodeTaken(Conflict):
    """There is a promo code of this name already."""

    code = "code_taken"


def discount(kind: str, value: float, minor: Callable[[float], int]) -> dict[str, Any]:
    """The fields of a PromoIn for a discount in percent or an amount. Raises Invalid beyond 100 percent."""
    if kind == "fixed":
        return {"discount_minor": minor(value)}
    if value > 100:
        raise Invalid({"discount_value": "must be at most 100 percent"})
    percent = Decimal(str(value))
    if percent != round(percent, 2):
        raise Invalid({"discount_value": "must have at most two decimals"})
    return {"discount_percent": percent}


async def get(conn: Conn, promo_id: UUID) -> PromoRow:
    """Raises Missing."""
    found = await rows.get(conn, promo_code_id=promo_id)
    if found is None:
        raise Missing("promo code")
    return found


async def create(tx: Tx, promo: PromoIn, actor: Actor) -> PromoRow:
    """A new code, audited. Raises CodeTaken, Invalid (a window that ends before it begins)."""
    _check_window(promo.valid_from, promo.valid_until)
    written = await rows.insert(tx.conn, **_columns(promo))
    if written is None:
        raise CodeTaken
    made = await get(tx.conn, written)
    await audit.changed(tx, actor, "create_promo_code", "promo_code", made.id, None, made)
    changed(tx, made.code)
    return made


async def change(
    tx: Tx, promo_id: UUID, actor: Actor, changes: Mapping[str, Any], value: float | None,
    minor: Callable[[float], int],
) -> PromoRow:  # fmt: skip
    """Changes fields of a PromoIn, and what the code is worth in its own kind.

    Raises Missing, Invalid, also for a total below what was used already: a code is ended by being made inactive.
    """
    before = await rows.lock(tx.conn, promo_code_id=promo_id)
    if before is None:
        raise Missing("promo code")
    kept = {f.name: getattr(before, f.name) for f in fields(PromoIn)} | dict(changes)
    if value is not None:
        kept |= discount(before.discount_type, value, minor)
    after = PromoIn(**kept)
    _check_window(after.valid_from, after.valid_until)
    if after.total_limit is not None and after.total_limit < before.used_count:
        raise Invalid({"total_usage_limit": f"must not be below the {before.used_count} uses that there are"})
    await upsert(tx, after)
    found = await get(tx.conn, promo_id)
    await audit.changed(tx, actor, "update_promo_code", "promo_code", promo_id, before, found)
    return found


def _check_window(valid_from: datetime | None, valid_until: datetime | None) -> None:
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise Invalid({"valid_until": "must be after valid_from"})
