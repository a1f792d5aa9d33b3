"""Facts over real sockets: gapless, in order, resumable, nobody else's; commands take effect once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from socketio.exceptions import ConnectionError as SocketRefused

from api.realtime import fanout as fanout_module
from api.realtime.fanout import Fanout
from dispatch.engine import facts
from dispatch.events import SYSTEM
from dispatch.process import runtime
from storage import facts as fact_rows
from tests.api.live import Live, Person, live_server, until
from tests.api.test_story import book, fix, make_everybody_a_beautician
from tests.statements import counted

FIRST, SECOND = "+911000100001", "+911000100002"


@pytest.fixture
async def live(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with live_server(fresh_dsn, tmp_path, technicians=2) as made:
        yield made


def fanout_of(live: Live) -> Fanout:
    found: Fanout = live.sockets.namespace_handlers["/customer"].fanout
    return found


def command() -> str:
    return str(uuid.uuid4())


async def happens(live: Live, booking_id: str, times: int = 1) -> None:
    """Facts of a booking, each in a transaction of its own."""
    for n in range(times):
        async with live.services.transaction() as tx:
            await tx.conn.execute("SELECT FROM bookings WHERE id = $1 FOR UPDATE", UUID(booking_id))
            await facts.record(tx, UUID(booking_id), "booking.priority_changed", SYSTEM, {"n": n})


async def happens_unheard(live: Live, booking_id: str, times: int = 1) -> None:
    """The same, and the hints are lost."""
    for n in range(times):
        async with live.services.transaction() as tx:
            await fact_rows.append_booking(
                tx.conn, booking_id=UUID(booking_id), types=["booking.priority_changed"], actor_kinds=["system"],
                actor_ids=[None], data=[{"n": n}], request_id=None,
            )  # fmt: skip


def seqs(person: Person, booking_id: str) -> list[int]:
    return [d["seq"] for e, d in person.heard if e == "booking.updated" and d["booking_id"] == booking_id]


async def hears_up_to(person: Person, booking_id: str, seq: int) -> list[int]:
    await until(lambda: seq in seqs(person, booking_id), f"fact {seq} should come; came {seqs(person, booking_id)}")
    return seqs(person, booking_id)


async def prepared(live: Live) -> tuple[Person, dict[str, Any]]:
    place = await make_everybody_a_beautician(live)
    customer = await live.person("customer", FIRST)
    return customer, await book(customer, place)


async def head_of(live: Live, booking_id: str) -> int:
    return int(await live.value("SELECT event_seq FROM bookings WHERE id = $1", UUID(booking_id)))


async def test_a_new_booking_is_told_from_its_first_fact_on_every_socket(live: Live) -> None:
    place = await make_everybody_a_beautician(live)
    customer, again = await live.person("customer", FIRST), await live.person("customer", FIRST)
    stranger = await live.person("customer", SECOND)
    for person in (customer, again, stranger):
        await person.connect()
    booking = await book(customer, place)
    head = await head_of(live, booking["id"])
    for person in (customer, again):
        assert await hears_up_to(person, booking["id"], head) == list(range(1, head + 1))
    # Commands are answered after what was written before them: what is not here by now does not come.
    refused = await stranger.ask("track.start", {"booking_id": booking["id"]})
    assert refused["error"]["code"] == "not_found" and not refused["ok"]
    resumed = await stranger.ask("resume", {"streams": {booking["id"]: 0}})
    assert resumed["data"]["streams"] == {} and resumed["data"]["reset"] == []
    assert stranger.heard == []


async def test_resume_tells_exactly_what_was_missed(live: Live) -> None:
    customer, booking = await prepared(live)
    await customer.connect()
    head = await head_of(live, booking["id"])
    joined = await customer.ask("resume", {})
    assert joined["data"]["streams"] == {booking["id"]: head}
    assert customer.heard == []
    await customer.close()
    await happens(live, booking["id"], 5)
    await customer.connect()
    answer = await customer.ask("resume", {"epoch": joined["data"]["epoch"], "streams": {booking["id"]: head}})
    assert answer["data"] == {"epoch": joined["data"]["epoch"], "streams": {booking["id"]: head + 5}, "reset": []}
    assert seqs(customer, booking["id"]) == list(range(head + 1, head + 6))
    await happens(live, booking["id"])
    assert await hears_up_to(customer, booking["id"], head + 6) == list(range(head + 1, head + 7))
    # Once more from the beginning: everything again, in order.
    customer.heard.clear()
    await customer.ask("resume", {"streams": {booking["id"]: 0}})
    assert seqs(customer, booking["id"]) == list(range(1, head + 7))


async def test_resume_while_facts_are_flowing_leaves_no_gap(live: Live) -> None:
    customer, booking = await prepared(live)
    await customer.connect()
    head = await head_of(live, booking["id"])
    # What a client knows from REST counts once it has said so: facts that happen before that are told then.
    await customer.ask("resume", {"streams": {booking["id"]: head}})
    flowing = asyncio.create_task(happens(live, booking["id"], 40))
    told: list[int] = []
    while not flowing.done():
        await customer.ask("resume", {"streams": {booking["id"]: max([head, *seqs(customer, booking["id"])]) - 1}})
        # Who resumes without a pause is a flood, and cut.
        await asyncio.wait({flowing}, timeout=0.4)
    await flowing
    told = await hears_up_to(customer, booking["id"], head + 40)
    # Repetitions are allowed, jumps are not: nothing comes before everything that precedes it.
    highest = head
    for seq in told:
        assert seq <= highest + 1, told
        highest = max(highest, seq)


async def test_what_cannot_be_continued_is_reset(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    customer, booking = await prepared(live)
    head = await head_of(live, booking["id"])
    await customer.connect()
    other = await customer.ask("resume", {"epoch": "another history", "streams": {booking["id"]: head}})
    assert other["data"]["reset"] == [booking["id"]] and other["data"]["epoch"] == fanout_of(live).epoch
    told = await customer.hears("reset", epoch=fanout_of(live).epoch)
    assert told["streams"] == {booking["id"]: head}
    ahead = await customer.ask("resume", {"streams": {booking["id"]: head + 1}})
    assert ahead["data"]["reset"] == [booking["id"]]
    monkeypatch.setattr(fanout_module, "RESUME_EVENTS", 3)
    await happens_unheard(live, booking["id"], 4)
    missed = await customer.ask("resume", {"streams": {booking["id"]: head}})
    assert missed["data"]["reset"] == [booking["id"]]
    assert seqs(customer, booking["id"]) == []
    # From there it goes on, without what the snapshot covers.
    await happens(live, booking["id"])
    assert await hears_up_to(customer, booking["id"], head + 5) == [head + 5]
    # Three are few enough, and more than a page of them comes complete.
    customer.heard.clear()
    await customer.ask("resume", {"streams": {booking["id"]: head + 2}})
    assert seqs(customer, booking["id"]) == [head + 3, head + 4, head + 5]


async def test_a_lost_hint_is_found(live: Live) -> None:
    customer, booking = await prepared(live)
    technician = await live.person("technician", "PT-001")
    for person in (customer, technician):
        await person.connect()
        # Connected is not yet joined: whoever was answered is.
        await person.ask("resume", {})
    head = await head_of(live, booking["id"])
    await happens_unheard(live, booking["id"], 2)
    party_id = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    async with live.services.transaction() as tx:
        await fact_rows.append_parties(
            tx.conn, party_ids=[party_id], types=["earnings.updated"], data=[{"n": 1}], later=[0]
        )
    await fanout_of(live).look_for_lost()
    assert await hears_up_to(customer, booking["id"], head + 2) == [head + 1, head + 2]
    assert (await technician.hears("earnings.updated"))["seq"] == 1


async def test_what_a_technician_is_told_by_their_own_node_is_not_read_again_and_is_what_a_resume_tells(
    live: Live,
) -> None:
    place = await make_everybody_a_beautician(live)
    customer, technician = await live.person("customer", FIRST), await live.person("technician", "PT-001")
    party_id = await live.value("SELECT id FROM parties WHERE code = 'PT-001'")
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE technicians SET is_active = false WHERE id <> $1", party_id)
    await live.services.roster.refresh()
    await technician.connect()
    await technician.ask("presence.set", {"command_id": command(), "online": True})
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})
    with counted(live.services.pool) as asked:
        booking = await book(customer, place)
        at_once = await technician.hears("offer.made", booking_id=booking["id"])
    assert not [one for one in asked if "AS stands" in one]
    await technician.ask("resume", {"streams": {str(party_id): at_once["seq"] - 1}})
    assert [data for event, data in technician.heard if event == "offer.made"] == [at_once, at_once]
    # What somebody else told meanwhile lies between: all of it is told, in its order.
    async with live.services.transaction() as tx:
        await fact_rows.append_parties(
            tx.conn, party_ids=[party_id], types=["earnings.updated"], data=[{"n": 1}], later=[0]
        )
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "changed my mind"})
    closed = await technician.hears("offer.closed", booking_id=booking["id"])
    told = [data["seq"] for event, data in technician.heard if event in ("earnings.updated", "offer.closed")]
    assert told == [at_once["seq"] + 1, closed["seq"]] == [closed["seq"] - 1, closed["seq"]]


async def test_finished_bookings_can_be_resumed_by_name(live: Live) -> None:
    customer, booking = await prepared(live)
    head = await head_of(live, booking["id"])
    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "changed my mind"})
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE bookings SET updated_at = app_now() - interval '3 days'")
    await customer.connect()
    assert (await customer.ask("resume", {}))["data"]["streams"] == {}
    answer = await customer.ask("resume", {"streams": {booking["id"]: head}})
    now = await head_of(live, booking["id"])
    assert answer["data"]["streams"] == {booking["id"]: now} and now > head
    assert seqs(customer, booking["id"]) == list(range(head + 1, now + 1))


async def test_a_command_takes_effect_once(live: Live) -> None:
    place = await make_everybody_a_beautician(live)
    customer, technician = await live.person("customer", FIRST), await live.person("technician", "PT-001")
    twin, rival = await live.person("technician", "PT-001"), await live.person("technician", "PT-002")
    for person in (technician, twin, rival):
        await person.connect()
    await technician.ask("presence.set", {"command_id": command(), "online": True})
    await rival.ask("presence.set", {"command_id": command(), "online": False})
    await until(lambda: sum(t.is_available for t in live.services.roster) == 1, "only one is online")
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})
    booking = await book(customer, place)
    offer = await technician.hears("offer.made", booking_id=booking["id"])
    accept = {"command_id": command(), "offer_id": offer["offer_id"]}
    theirs = await rival.ask("offer.accept", {"command_id": command(), "offer_id": offer["offer_id"]})
    assert theirs["error"]["code"] == "not_found"
    answers = await asyncio.gather(*(p.ask("offer.accept", accept) for p in (technician, twin) for _ in range(3)))
    assert all(a == answers[0] and a["ok"] for a in answers)
    assert await live.value("SELECT count(*) FROM assignments") == 1
    # The same id for another command, or with another body, is refused and does nothing.
    for event, body in (
        ("offer.accept", {**accept, "offer_id": command()}),
        ("offer.reject", accept),
        ("presence.set", {"command_id": accept["command_id"], "online": False}),
    ):
        refused = await technician.ask(event, body)
        assert refused["error"]["code"] == "command_id_reused", event
    # What failed is not remembered: it may be asked again.
    step = {"command_id": command(), "booking_id": booking["id"], "step": "in_progress"}
    early = await technician.ask("job.advance", step)
    assert early["error"]["code"] == "wrong_state" and early["error"]["details"]["allowed_from"] == ["arrived"]
    for state in ("in_transit", "arrived"):
        moved = await technician.ask(
            "job.advance", {"command_id": command(), "booking_id": booking["id"], "step": state}
        )
        assert moved["ok"]
    assert (await technician.ask("job.advance", step))["ok"]
    # The ids of different people do not meet.
    assert (await rival.ask("presence.set", {"command_id": accept["command_id"], "online": True}))["ok"]


@pytest.mark.parametrize(
    ("event", "body", "field"),
    [
        ("offer.accept", {"offer_id": "x"}, "offer_id"),
        ("offer.accept", {}, "command_id"),
        ("presence.set", {"command_id": str(uuid.uuid4()), "online": "yes"}, "online"),
        ("presence.set", {"command_id": str(uuid.uuid4()), "online": True, "extra": 1}, "extra"),
        ("job.advance", {"command_id": str(uuid.uuid4()), "booking_id": str(uuid.uuid4()), "step": "fly"}, "step"),
        (
            "job.advance",
            {"command_id": str(uuid.uuid4()), "booking_id": str(uuid.uuid4()), "step": "arrived",
             "estimated_arrival": "2026-01-05T10:00:00"},
            "estimated_arrival",
        ),
        ("location.report", {"fixes": []}, "fixes"),
        ("location.report", {"fixes": [[1, 91.0, 0.0, 5.0, None, None]]}, "fixes.0.1"),
        ("location.report", {"fixes": [["now", 1.0, 2.0, 5.0, None, None]]}, "fixes.0.0"),
        ("resume", {"streams": {"x": 1}}, "streams.x"),
    ],
)  # fmt: skip
async def test_bad_payloads_name_their_fields(commands: Person, event: str, body: dict[str, Any], field: str) -> None:
    answer = await commands.ask(event, body)
    assert answer["ok"] is False and answer["error"]["code"] == "validation_error"
    assert field in answer["error"]["details"], answer


@pytest.fixture(scope="module")
async def commands(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Person]:
    """A technician's socket on a server of its own, for payloads that change nothing."""
    from tests.conftest import clone

    async with live_server(await clone(pg_home), tmp_path_factory.mktemp("commands"), technicians=1) as live:
        person = await live.person("technician", "PT-001")
        await person.connect()
        yield person


async def test_what_does_not_exist_is_missing(commands: Person) -> None:
    for event, body in (
        ("offer.accept", {"offer_id": command()}),
        ("offer.reject", {"offer_id": command()}),
        ("job.advance", {"booking_id": command(), "step": "arrived"}),
    ):
        answer = await commands.ask(event, {"command_id": command(), **body})
        assert answer["error"]["code"] == "not_found", event
    assert (await commands.ask("offer.steal", {}))["error"]["code"] == "unknown_event"


async def test_revoked_sessions_are_cut_and_stay_out(live: Live) -> None:
    customer, technician = await live.person("customer", FIRST), await live.person("technician", "PT-001")
    await customer.connect()
    await technician.connect()
    assert customer.sio is not None and technician.sio is not None
    await customer.call("POST", "/v1/auth/logout", {})
    await until(lambda: not customer.sio.connected, "the socket of a signed-out session is cut")
    with pytest.raises(SocketRefused):
        await customer.connect()
    # Revoked without a hint, as by another node whose hint was lost: the recheck finds it.
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE sessions SET revoked_at = clock_timestamp() WHERE realm = 'technician'")
    await until(lambda: not technician.sio.connected, "the recheck cuts it within seconds")


async def test_who_may_not_connect(live: Live) -> None:
    customer, admin = await live.person("customer", FIRST), await live.person("admin", "ops@example.com")
    technician = await live.person("technician", "PT-001")
    for person, kind in (
        (customer, "technician"),
        (technician, "customer"),
        (customer, "ops"),
        (technician, "ops"),
        (admin, "customer"),
    ):
        wrong = Person(live, kind, person.token)
        live.people.append(wrong)
        with pytest.raises(SocketRefused):
            await wrong.connect()
    for token in ("", "nonsense", customer.token[:-2] + "xx"):
        wrong = Person(live, "customer", token)
        with pytest.raises(SocketRefused):
            await wrong.connect()
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false WHERE phone = $1", FIRST)
        await tx.conn.execute("UPDATE sessions SET revoked_at = clock_timestamp() WHERE realm = 'customer'")
    with pytest.raises(SocketRefused):
        await customer.connect()


async def test_positions_go_to_those_who_watch_and_only_then(live: Live) -> None:
    place = await make_everybody_a_beautician(live)
    customer, technician = await live.person("customer", FIRST), await live.person("technician", "PT-001")
    stranger = await live.person("customer", SECOND)
    for person in (customer, technician, stranger):
        await person.connect()
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})
    booking = await book(customer, place)
    offer = await technician.hears("offer.made", booking_id=booking["id"])
    await technician.ask("offer.accept", {"command_id": command(), "offer_id": offer["offer_id"]})
    assert (await customer.ask("track.start", {"booking_id": booking["id"]}))["data"]["technician"] is None

    async def ping(n: int) -> None:
        await runtime.set_clock(live.services, live.services.clock.shifted(timedelta(seconds=5)))
        answer = await technician.ask("location.report", {"fixes": [fix(live, place[0] + n * 0.0002, place[1])]})
        assert answer["data"]["admitted"] == 1, answer

    await ping(1)
    await customer.ask("resume", {})
    assert [e for e, _ in customer.heard if e == "technician.moved"] == []
    await technician.ask("job.advance", {"command_id": command(), "booking_id": booking["id"], "step": "in_transit"})
    await ping(2)
    moved = await customer.hears("technician.moved", booking_id=booking["id"])
    assert moved["lat"] == pytest.approx(place[0] + 0.0004) and moved["eta_s"] >= 0
    assert set(moved) == {
        "booking_id", "lat", "lng", "at", "accuracy_m", "heading_deg", "distance_m", "eta_s", "eta_confidence",
        "fix_age_s",
    }  # fmt: skip
    shown = await customer.ask("track.start", {"booking_id": booking["id"]})
    assert shown["data"]["technician"]["lat"] == moved["lat"]
    await customer.ask("track.stop", {"booking_id": booking["id"]})
    customer.heard.clear()
    await ping(3)
    await customer.ask("resume", {})
    assert [e for e, _ in customer.heard if e == "technician.moved"] == []
    assert [e for e, _ in stranger.heard] == []
