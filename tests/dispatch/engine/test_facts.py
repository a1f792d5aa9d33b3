"""The table of facts: every fact has a row, every reader gets their keys, and a fact vanishes with its transaction."""

from __future__ import annotations

import ast
import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch import bus
from dispatch.engine import facts, offers, search
from dispatch.engine.facts import BOOKING_FACTS, KNOWN, PARTY_FACTS, READERS, Stage, UnknownFact, door, stage_of, view
from dispatch.events import CANCELLERS, KINDS, STAFF, SYSTEM, Actor
from dispatch.services import Tx
from geo.geodesy import haversine_m
from storage import bookings as booking_rows
from storage import facts as fact_rows
from tests import turns
from tests.world import KOLKATA, NOON, World

ROOT = Path(__file__).parents[3]
SECRET = "she was rude"


def written() -> set[tuple[str, str]]:
    """(how, fact) of every literal that the product records or tells."""
    found = set()
    for path in (ROOT / "dispatch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "facts":
                found |= {
                    (node.func.attr, arg.value)
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str) and "." in arg.value
                }
    return found


def test_every_fact_that_is_written_has_its_row() -> None:
    assert len(written()) > 15
    for how, fact in written():
        assert fact in {"record": BOOKING_FACTS, "tell_party": PARTY_FACTS}[how], fact


async def test_a_fact_without_a_row_is_refused(world: World) -> None:
    await world.technician()
    booking = await world.book(dispatch=False)
    for write in (
        lambda tx: facts.record(tx, booking.id, "booking.invented", SYSTEM),
        lambda tx: _tell(tx, booking.id, "offer.invented"),
    ):
        with pytest.raises(UnknownFact):
            async with world.services.transaction() as tx:
                await write(tx)


async def _tell(tx: Any, party_id: UUID, fact: str) -> None:
    facts.tell_party(tx, party_id, fact, {})


def test_the_readers_are_the_callers_and_staff_read_everything() -> None:
    assert set(READERS) | set(STAFF) == set(KINDS)
    assert set(CANCELLERS) == set(KINDS) - {"system", "service", "gateway"}
    for fact in (*BOOKING_FACTS, *PARTY_FACTS):
        for reader in STAFF:
            assert view(fact, reader, {"anything": 1, "reason": SECRET}, actor_kind="technician") == {
                "anything": 1, "reason": SECRET,
            }  # fmt: skip


@pytest.mark.parametrize("fact", sorted(BOOKING_FACTS))
@pytest.mark.parametrize("reader", ["customer", "organisation", "integration"])
def test_whoever_booked_never_reads_other_peoples_words_nor_who_was_asked(fact: str, reader: str) -> None:
    row = BOOKING_FACTS[fact]
    data = {key: "x" for key in (*row.buyer, *row.worker, *row.place)} | {"reason": SECRET, "problem": "late"}
    for actor in ("technician", "provider"):
        assert SECRET not in view(fact, reader, data, actor_kind=actor).values()
    told = view(fact, reader, data, actor_kind="system")
    assert set(told) <= set(row.buyer)
    assert not {"offer_id", "lat", "lng", "problem", "earning_minor"} & set(told)
    if fact.startswith("partner.") or fact == "booking.queued":
        assert "reason" not in told


def test_fee_refund_and_amounts_are_told() -> None:
    money = {"fee_minor": 1, "refund_minor": 2, "amount_minor": 3, "currency": "INR"}
    assert view("booking.cancelled", "customer", money) == {"fee_minor": 1, "refund_minor": 2, "currency": "INR"}
    for fact in ("payment.captured", "payment.refunded", "booking.refunded"):
        assert view(fact, "customer", money) == {"amount_minor": 3, "currency": "INR"}


def test_what_the_house_says_and_ones_own_words_are_told() -> None:
    for actor in ("customer", "admin", "system"):
        assert view("booking.cancelled", "customer", {"reason": "rain"}, actor_kind=actor) == {"reason": "rain"}


def test_a_fact_that_the_table_no_longer_has_is_shown_without_data() -> None:
    assert view("booking.of_old", "customer", {"reason": SECRET}) == {}


# ---------------------------------------------------------------- stages

ADDRESS = {"address_line1": "5 Lake Road", "city": "Kolkata", "state": "West Bengal", "pincode": "700029"}
CONTACT = {"name": "Asha", "phone": "+911234567890", "email": "asha@example.com"}


@pytest.mark.parametrize(
    ("state", "done_h", "stage"),
    [
        ("assigned", None, Stage.OFFERED), ("accepted", None, Stage.OWN), ("in_transit", None, Stage.OWN),
        ("arrived", None, Stage.OWN), ("in_progress", None, Stage.OWN), ("completed", 11.9, Stage.OWN),
        ("completed", 12.0, Stage.OVER), ("completed", 9000.0, Stage.OVER), ("cancelled", None, Stage.OVER),
        ("rejected", None, Stage.OVER), ("expired", None, Stage.OVER), ("withdrawn", None, Stage.OVER),
        (None, None, Stage.OVER), ("of_tomorrow", None, Stage.OVER),
    ],
)  # fmt: skip
def test_the_stage_of_a_tie(state: str | None, done_h: float | None, stage: Stage) -> None:
    completed_at = None if done_h is None else NOON - timedelta(hours=done_h)
    assert stage_of(state, completed_at, NOON, 12) is stage


@pytest.mark.parametrize("stage", list(Stage))
def test_a_technician_never_has_the_e_mail_and_the_door_only_while_it_is_theirs(stage: Stage) -> None:
    found = door(stage, ADDRESS, *KOLKATA, CONTACT)
    assert "asha@example.com" not in str(found)
    is_own = stage is Stage.OWN
    assert (found.contact == {"name": "Asha", "phone": "+911234567890"}) is is_own
    assert ("5 Lake Road" in str(found.address)) is is_own
    assert ((found.lat, found.lng) == KOLKATA) is is_own
    assert KNOWN[stage].phone is is_own
    if stage is Stage.OFFERED:
        assert found.lat is not None and found.lng is not None
        assert 0 < haversine_m(*KOLKATA, found.lat, found.lng) <= 360
        assert found.address["pincode"] == "700029"
    if stage is Stage.OVER:
        assert found.lat is None and found.lng is None and "700029" not in str(found)


# ---------------------------------------------------------------- vanishing


@pytest.mark.parametrize("fact", sorted(BOOKING_FACTS))
async def test_a_fact_vanishes_with_its_transaction(world: World, fact: str) -> None:
    """No row, no number, no hint, no message: as if it had never happened; and so with a savepoint."""
    person = await world.technician()
    booking = await world.book()
    await world.accept(booking.id, person)
    before, hints = await _left(world), list[Any]()
    for topic in (bus.BOOKING_CHANGED, bus.PARTY_CHANGED, bus.OUTBOX_FILLED, bus.ALERT_RAISED):
        world.services.bus.subscribe(topic, hints.append)
    with pytest.raises(ZeroDivisionError):
        async with world.services.transaction() as tx:
            await _happen(tx, booking.id, person, fact)
            raise ZeroDivisionError
    async with world.services.transaction() as tx:
        with pytest.raises(ZeroDivisionError):
            async with tx.savepoint():
                await _happen(tx, booking.id, person, fact)
                raise ZeroDivisionError
    assert await _left(world) == before and hints == []
    async with world.services.transaction() as tx:
        await _happen(tx, booking.id, person, fact)
    after = await _left(world)
    # What is not undone is there, without a gap.
    assert after["booking_events"] >= before["booking_events"] + 1
    assert after["event_seq"] == after["booking_events"]
    assert after["party_seq"] == before["party_seq"] + len(PARTY_FACTS)


async def _happen(tx: Any, booking_id: UUID, person: UUID, fact: str) -> None:
    # Only what messages hang on: what money makes of a fact is its own test's matter.
    await tx.conn.execute("SELECT FROM bookings WHERE id = $1 FOR UPDATE", booking_id)
    tx.services.reactions = _words_only()
    await facts.record(tx, booking_id, fact, SYSTEM, {"technician_id": str(person)})
    for told, row in PARTY_FACTS.items():
        # Those of providers are about no booking.
        key = "booking_id" if "booking_id" in row.worker else row.worker[0]
        facts.tell_party(tx, person, told, {key: str(booking_id)})


def _words_only() -> Any:
    from dispatch.outbox import notifications
    from dispatch.services import Reactions

    made = Reactions()
    notifications.register(made)
    return made


async def _left(world: World) -> dict[str, int]:
    tables = ("booking_events", "party_events", "notifications", "outbox", "alerts")
    found = {t: await world.value(f"SELECT count(*) FROM {t}") for t in tables}
    return found | {
        "event_seq": await world.value("SELECT event_seq FROM bookings"),
        "party_seq": await world.value("SELECT sum(event_seq)::int FROM parties"),
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_caller_may_cause_a_fact_and_cancel(world: World, kind: str) -> None:
    from dispatch.engine import bookings

    await world.technician()
    booking = await world.book(dispatch=False)
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, Actor(kind, "somebody"), "why")
    rows = await world.fetch("SELECT actor_kind FROM booking_events WHERE type = 'booking.cancelled'")
    assert [r["actor_kind"] for r in rows] == [kind]
    assert (await world.booking(booking.id)).cancelled_by == CANCELLERS.get(kind, "system")


async def test_who_tells_many_holds_none_of_them_while_they_wait_for_one(world: World) -> None:
    people = sorted([await world.technician(seen=False) for _ in range(3)])
    await world.execute("UPDATE parties SET name = name WHERE id = $1", people[0])
    before = await turns.deadlocks(world.services)

    def tell(tx: Tx, ids: list[UUID]) -> None:
        for one in ids:
            facts.tell_party(tx, one, "wallet.updated", {"currency": "INR"})

    async def tell_all() -> None:
        async with world.services.transaction() as tx:
            # Their rows are read as they lie, the first of them last; in which order they are held is not up to that.
            await tx.conn.execute("SET LOCAL enable_nestloop = off")
            tell(tx, people[::-1])

    async with world.services.transaction() as tx:
        await tx.conn.execute("SELECT FROM parties WHERE id = $1 FOR NO KEY UPDATE", people[0])
        task = asyncio.create_task(tell_all())
        await turns.until_waiting(world.services, task)
        tell(tx, people)
    await task
    assert await turns.deadlocks(world.services) == before
    seqs = await world.fetch("SELECT array_agg(seq ORDER BY seq) AS seqs FROM party_events GROUP BY party_id")
    assert [r["seqs"] for r in seqs] == [[1, 2]] * len(people)


async def numbered(world: World, booking_id: UUID) -> tuple[list[tuple[int, str]], int]:
    """The booking's facts with their numbers, and what its counter says."""
    async with world.services.read() as conn:
        told = await fact_rows.timeline(conn, booking_id=booking_id)
        booking = await booking_rows.get(conn, booking_id=booking_id)
    assert booking is not None
    return [(fact.seq, fact.type) for fact in told], booking.event_seq


async def test_a_change_that_counts_its_facts_leaves_no_gap_and_no_number_twice(world: World) -> None:
    await world.technician()
    booking = await world.book(dispatch=False)
    async with world.services.transaction() as tx:
        booking = await offers.lock(tx, booking.id)
        await facts.record(tx, booking.id, "booking.queued", SYSTEM)
        booking, offer = await search.search(tx, booking)
        assert offer is not None
        # A second change that counts, and facts that nothing counted.
        booking = await offers.accept(tx, offer.technician_id, offer)
        await facts.record(tx, booking.id, "booking.queued", SYSTEM)
    told, counter = await numbered(world, booking.id)
    types = ["created", "queued", "assigned", "accepted", "confirmed", "queued"]
    assert [(seq, fact.split(".")[1]) for seq, fact in told] == list(enumerate(types, start=1))
    assert counter == len(told)


async def test_what_a_savepoint_counted_is_given_back_with_it(world: World) -> None:
    await world.technician()
    booking = await world.book(dispatch=False)
    async with world.services.transaction() as tx:
        booking = await offers.lock(tx, booking.id)
        with pytest.raises(LookupError):
            async with tx.savepoint():
                await search.search(tx, booking)
                raise LookupError
        await search.search(tx, booking)
    told, counter = await numbered(world, booking.id)
    assert told == [(1, "booking.created"), (2, "partner.assigned")] and counter == 2


async def test_a_hint_says_whether_there_may_be_a_job(world: World) -> None:
    heard: list[bool] = []
    world.services.bus.subscribe(bus.BOOKING_CHANGED, lambda hint: heard.append(hint["may_have_job"]))
    technician_id = await world.technician()
    booking = await world.book()
    await asyncio.sleep(0)
    assert heard and not any(heard)
    await world.accept(booking.id, technician_id)
    # The bus tells on the loop's next turn.
    await asyncio.sleep(0)
    assert heard[-1]
