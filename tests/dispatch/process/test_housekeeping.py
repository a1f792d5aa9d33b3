"""Housekeeping: what has had its time goes, what is still needed stays, and no number comes twice."""

from __future__ import annotations

from api.realtime.fanout import RESUME_EVENTS
from dispatch.access import passwords
from dispatch.engine import facts
from dispatch.process import housekeeping
from storage import outbox, tasks
from tests.parties import add_account
from tests.world import World


async def counts(world: World) -> dict[str, int]:
    tables = ("match_attempts", "match_candidates", "party_events", "notifications")
    return {t: await world.value(f"SELECT count(*) FROM {t}") for t in tables}


async def test_old_explanations_and_messages_go(world: World) -> None:
    await world.technician()
    account_id = await world.customer()
    await world.book(account_id)
    await world.execute(
        "INSERT INTO notifications (account_id, type, title, message) "
        "SELECT $1, 'x', 'x', 'x' FROM generate_series(1, 3)",
        account_id,
    )
    before = await counts(world)
    assert before["match_attempts"] == before["match_candidates"] == 1 and before["notifications"] >= 3
    await world.advance(days=89)
    await housekeeping.tidy(world.services)
    assert await counts(world) == before
    await world.advance(days=2)
    await housekeeping.tidy(world.services)
    after = await counts(world)
    assert (after["match_attempts"], after["match_candidates"], after["notifications"]) == (0, 0, 0)
    # The offer itself stays: it is the history of the booking.
    assert await world.value("SELECT count(*) FROM offers") == 1


async def test_a_technicians_newest_facts_stay_and_the_numbers_go_on(world: World) -> None:
    one, many = await world.technician(), housekeeping.NEWEST + 2 * housekeeping.MOST + 7
    assert housekeeping.NEWEST >= RESUME_EVENTS
    await world.execute(
        "INSERT INTO party_events (party_id, seq, type) SELECT $1, n, 'job.updated' FROM generate_series(1, $2::int) n",
        one, many,
    )  # fmt: skip
    await world.execute("UPDATE parties SET event_seq = $2 WHERE id = $1", one, many)
    await housekeeping.tidy(world.services)
    assert await world.value("SELECT count(*) FROM party_events") == many
    await world.advance(days=31)
    await housekeeping.tidy(world.services)
    kept = await world.fetch("SELECT min(seq) AS low, max(seq) AS high, count(*) AS n FROM party_events")
    assert tuple(kept[0]) == (many - housekeeping.NEWEST + 1, many, housekeeping.NEWEST)
    async with world.services.transaction() as tx:
        facts.tell_party(tx, one, "job.updated", {})
    assert await world.value("SELECT max(seq) FROM party_events") == many + 1


async def test_links_that_set_a_password_go_a_month_after_they_ran_out(world: World) -> None:
    account_id = await add_account(world.services, "asha@example.com", None)
    month_s = 30 * 24 * 3600.0
    async with world.services.transaction() as tx:
        for life_s in (60.0, -60.0, -month_s - 60.0):
            await passwords.make_link(tx, account_id, life_s)
    await housekeeping.tidy(world.services)
    assert await world.value("SELECT count(*) FROM password_links") == 2


async def test_what_waits_is_never_too_old(world: World) -> None:
    """A message that could not leave, and work that is to be done or waits for a person, stay whatever their age."""
    async with world.services.transaction() as tx:
        for state in ("pending", "sent", "dead"):
            await outbox.put(
                tx.conn, channel="sms", stream=state, recipient="+911234567890", template="notification", body="x",
                data={}, is_secret=False, account_id=None, request_id=None,
            )  # fmt: skip
            await tx.conn.execute("UPDATE outbox SET state = $1 WHERE stream = $1", state)
        for state in ("queued", "running", "held", "done"):
            await tasks.insert(tx.conn, kind="report", key=state, payload={}, owner=None, request_id=None)
            await tx.conn.execute(
                "UPDATE tasks SET state = $1, error = 'x',"
                " finished_at = CASE WHEN $1 IN ('held', 'done') THEN clock_timestamp() END WHERE key = $1",
                state,
            )
        await tx.conn.execute("UPDATE outbox SET created_at = created_at - interval '10 years'")
        await tx.conn.execute(
            "UPDATE tasks SET created_at = created_at - interval '10 years',"
            " finished_at = finished_at - interval '9 years'"
        )
    await housekeeping.tidy(world.services)
    assert [row["state"] for row in await world.fetch("SELECT state FROM outbox")] == ["pending"]
    left = await world.fetch("SELECT state FROM tasks ORDER BY state")
    assert [row["state"] for row in left] == ["held", "queued", "running"]
