"""The rota: each person on duty hears of each open alert once, whoever looks and however often."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from dispatch.engine import alerts
from dispatch.errors import Invalid
from dispatch.events import SYSTEM
from dispatch.parties import rota
from dispatch.services import Services
from storage import staff as staff_rows
from storage.database.listing import Wanted
from tests.parties import add_staff
from tests.turns import one_after_the_other


async def on_duty(services: Services, account_id: UUID, from_h: float, to_h: float, *channels: str) -> None:
    async with services.transaction() as tx:
        begin, end = tx.now + timedelta(hours=from_h), tx.now + timedelta(hours=to_h)
        await rota.add(tx, SYSTEM, account_id, begin, end, list(channels or ("email",)))


async def shout(services: Services, subject: str) -> None:
    async with services.transaction() as tx:
        await alerts.raise_alert(tx, "odd_thing", f"Look at {subject}.", subject=subject)


async def sent(services: Services) -> list[tuple[str, str]]:
    async with services.read() as conn:
        found = await conn.fetch("SELECT channel, recipient FROM outbox ORDER BY channel, recipient")
    return [(row["channel"], row["recipient"]) for row in found]


async def test_those_on_duty_hear_once_by_each_of_their_channels(services: Services) -> None:
    now = await add_staff(services, "support", "now@example.com")
    both = await add_staff(services, "admin", "both@example.com")
    later = await add_staff(services, "admin", "later@example.com")
    await on_duty(services, now, -1, 1)
    await on_duty(services, now, -2, 2)
    await on_duty(services, both, -1, 1, "email", "push")
    await on_duty(services, later, 1, 2)
    await shout(services, "one")
    await asyncio.gather(*(rota.tell(services) for _ in range(4)))
    await rota.tell(services)
    expected = [("email", "both@example.com"), ("email", "now@example.com"), ("push", f"admin:{both}")]
    assert await sent(services) == expected
    await shout(services, "one")
    assert await rota.tell(services) == 0
    await shout(services, "two")
    assert await rota.tell(services) == 3


async def test_what_was_told_does_not_hide_what_was_not(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rota, "MOST_TOLD", 2)
    await on_duty(services, await add_staff(services, "support", "one@example.com"), -1, 1)
    for n in range(5):
        await shout(services, f"thing {n}")
    assert [await rota.tell(services) for _ in range(4)] == [2, 2, 1, 0]
    assert len(await sent(services)) == 5


async def test_who_comes_on_duty_hears_what_is_open_and_who_was_blocked_nothing(services: Services) -> None:
    await shout(services, "open")
    await shout(services, "settled")
    async with services.transaction() as tx:
        await alerts.resolve(tx, ["odd_thing"], subject="settled")
    assert await rota.tell(services) == 0
    gone = await add_staff(services, "support", "gone@example.com")
    await on_duty(services, gone, -1, 1)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE memberships SET status = 'suspended' WHERE account_id = $1", gone)
    assert await rota.tell(services) == 0
    await on_duty(services, await add_staff(services, "support", "come@example.com"), -1, 1)
    assert await rota.tell(services) == 1
    assert await sent(services) == [("email", "come@example.com")]


async def test_two_who_move_one_shift_at_once_both_do(services: Services) -> None:
    who, now = await add_staff(services), services.clock.now()
    async with services.transaction() as tx:
        shift = await rota.add(tx, SYSTEM, who, now, now + timedelta(hours=8), ["email"])
    later = now + timedelta(hours=1)
    _, after = await one_after_the_other(
        services, lambda tx: rota.change(tx, SYSTEM, shift.id, {"starts_at": later}),
        lambda tx: rota.change(tx, SYSTEM, shift.id, {"channels": ["push"]}),
    )  # fmt: skip
    assert (after.starts_at, after.channels) == (later, ["push"])


async def test_a_shift_is_as_long_as_it_may_be_and_no_longer(services: Services) -> None:
    who = await add_staff(services, "support")
    async with services.transaction() as tx:
        begin = tx.now
        await rota.add(tx, SYSTEM, who, begin, begin + rota.LONGEST, ["email"])
        for ends_at in (begin + rota.LONGEST + timedelta(seconds=1), begin):
            with pytest.raises(Invalid):
                await rota.add(tx, SYSTEM, who, begin, ends_at, ["email"])


async def test_whoever_is_blocked_is_on_duty_no_longer(services: Services) -> None:
    who = await add_staff(services, "support", "gone@example.com")
    await on_duty(services, who, -1, 1)

    async def now(is_now: bool) -> list[bool]:
        async with services.read() as conn:
            found = await rota.page(conn, Wanted(filters={"is_now": is_now, "account_id": [who]}), "UTC")
        return [shift.is_now for shift in found.rows]

    assert (await now(True), await now(False)) == ([True], [])
    for status in ("suspended", "removed"):
        async with services.transaction() as tx:
            await staff_rows.set_status(tx.conn, id=who, status=status)
        assert (await now(True), await now(False)) == ([], [False])
    await shout(services, "nobody")
    assert await rota.tell(services) == 0
