"""The outbox: order within a stream, leases, retries, secrets, and the local default."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dispatch.outbox import messages, sweeper
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.ports.messages import LocalOutbox, Message, SendFailed
from dispatch.services import Services, Tx
from storage import outbox
from storage.database.pool import Pool
from tests.identity import PHONE, make_services
from tests.statements import counted
from tests.turns import side_by_side


class Recorder:
    """A sender that keeps what it gets and fails as told."""

    def __init__(self, failures: list[Exception | None] | None = None) -> None:
        self.got: list[Message] = []
        self._failures = failures or []

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.got]

    async def send(self, message: Message) -> None:
        self.got.append(message)
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure

    async def close(self) -> None:
        return None


async def put(services: Services, text: str, stream: str | None = None, **kwargs: Any) -> int:
    async with services.transaction() as tx:
        params = {"title": text, "message": ""}
        return await messages.enqueue(tx, "sms", PHONE, "notification", params, stream=stream, **kwargs)


async def rows(services: Services) -> list[Any]:
    async with services.read() as conn:
        return await conn.fetch("SELECT *, next_try_at > clock_timestamp() AS waits FROM outbox ORDER BY id")


async def make_due(services: Services) -> None:
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE outbox SET next_try_at = clock_timestamp()")


async def test_what_is_sent_stays_readable(services: Services) -> None:
    await put(services, "one")
    assert await OutboxSweeper(services, "sms", LocalOutbox()).run_once() == 1
    async with services.read() as conn:
        listed = await messages.list_outbox(conn, PHONE)
        assert [(m.body, m.state, m.attempts) for m in listed] == [("one: ", "sent", 1)]
        assert await messages.list_outbox(conn, "+910000000000") == []
    assert await OutboxSweeper(services, "sms", LocalOutbox()).run_once() == 0


async def test_a_stream_leaves_in_order_and_a_failure_holds_it_up(services: Services) -> None:
    for text in ("a1", "a2"):
        await put(services, text, "a")
    await put(services, "b1", "b")
    recorder = Recorder([SendFailed("no"), SendFailed("no")])
    sweep = OutboxSweeper(services, "sms", recorder)
    assert await sweep.run_once() == 2
    assert sorted(recorder.texts) == ["a1: ", "b1: "]
    assert await sweep.run_once() == 0, "a2 stands behind a1, which waits"
    await make_due(services)
    await sweep.run_once()
    assert await sweep.run_once() == 1
    assert [t for t in recorder.texts if t.startswith("a")] == ["a1: ", "a1: ", "a2: "]
    assert {r["state"] for r in await rows(services)} == {"sent"}


async def test_two_nodes_send_each_message_once(services: Services, fresh_pool: Pool, tmp_path: Path) -> None:
    for n in range(40):
        await put(services, str(n), f"s{n}")
    recorder = Recorder()
    nodes = [OutboxSweeper(s, "sms", recorder) for s in (services, make_services(fresh_pool, tmp_path))]
    tried = await asyncio.gather(*(node.run_once() for node in nodes for _ in range(2)))
    assert sum(tried) == 40
    assert sorted(recorder.texts) == sorted(f"{n}: " for n in range(40))


async def test_what_is_sent_at_one_time_is_written_down_by_one_statement(services: Services) -> None:
    for n in range(30):
        await put(services, str(n), f"s{n}")
    sweep = OutboxSweeper(services, "sms", Recorder())
    with counted(services.pool) as asked:
        assert await sweep.run_once() == 30
    assert len([one for one in asked if "outbox" in one]) == 2, "one takes them, one says that they are sent"
    assert {r["state"] for r in await rows(services)} == {"sent"}


async def test_a_slow_one_keeps_nobody_else_from_being_written_down(services: Services) -> None:
    for text in ("slow", "quick"):
        await put(services, text, text)
    let_go = asyncio.Event()

    class Slow(Recorder):
        async def send(self, message: Message) -> None:
            await super().send(message)
            if message.text.startswith("slow"):
                await let_go.wait()

    running = asyncio.create_task(OutboxSweeper(services, "sms", Slow()).run_once())
    async with asyncio.timeout(60):
        # What is written down is seen by asking only.
        while [r["state"] for r in await rows(services)] != ["pending", "sent"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    let_go.set()
    assert await running == 2
    assert {r["state"] for r in await rows(services)} == {"sent"}


async def test_what_a_dead_node_had_taken_comes_back_after_the_lease(services: Services) -> None:
    await put(services, "one")
    async with services.transaction() as tx:
        taken = await sweeper.rows.claim(tx.conn, channel="sms", lease_s=60.0, limit=10)
    assert len(taken) == 1
    recorder = Recorder()
    sweep = OutboxSweeper(services, "sms", recorder)
    assert await sweep.run_once() == 0
    await make_due(services)
    assert await sweep.run_once() == 1
    assert recorder.texts == ["one: "]


async def test_it_is_given_up_after_the_last_try_and_the_next_may_go(services: Services) -> None:
    await put(services, "one", "s")
    await put(services, "two", "s")
    tries = len(sweeper.DELAYS_S) + 1
    recorder = Recorder([SendFailed("no answer")] * tries)
    sweep = OutboxSweeper(services, "sms", recorder)
    for _ in range(tries):
        await make_due(services)
        assert await sweep.run_once() == 1
    first, _ = await rows(services)
    assert (first["state"], first["attempts"], first["error"]) == ("dead", tries, "no answer")
    await sweep.run_once()
    assert recorder.texts[-1] == "two: "


async def test_what_cannot_succeed_is_not_repeated(services: Services) -> None:
    await put(services, "one")
    sweep = OutboxSweeper(services, "sms", Recorder([SendFailed("bad number", is_permanent=True)]))
    await sweep.run_once()
    assert (await rows(services))[0]["state"] == "dead"


async def test_a_secret_that_is_no_longer_good_is_not_sent_and_all_else_is_however_late(services: Services) -> None:
    await put(services, "letter")
    await put(services, "code", is_secret=True)
    async with services.transaction() as tx:
        link = {"link": "https://example.com/x", "name": "A", "inviter": "B", "hours": 1}
        await messages.enqueue(tx, "sms", PHONE, "invitation", link, stream="good", is_secret=True)
        await messages.enqueue(tx, "sms", PHONE, "invitation", link, stream="late", is_secret=True)
        for stream, seconds in (("good", 3500), ("late", 3601), (None, sweeper.SECRET_LIFE_S + 1)):
            await tx.conn.execute(
                "UPDATE outbox SET created_at = clock_timestamp() - make_interval(secs => $2)"
                " WHERE stream = coalesce($1, stream) AND (stream IN ('good', 'late')) = ($1 IS NOT NULL)",
                stream, float(seconds),
            )  # fmt: skip
    sender = Recorder()
    sweep = OutboxSweeper(services, "sms", sender)
    while await sweep.run_once():
        pass
    states = {(row["stream"], row["is_secret"]): row["state"] for row in await rows(services)}
    assert states == {
        (f"sms:{PHONE}", False): "sent", (f"sms:{PHONE}", True): "dead", ("good", True): "sent", ("late", True): "dead",
    }  # fmt: skip
    assert "code" not in str(sender.texts)


async def test_a_broken_sender_is_a_failed_try_and_says_nothing_of_the_message(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    await put(services, "SECRET")
    sweep = OutboxSweeper(services, "sms", Recorder([ValueError("SECRET")]))
    await sweep.run_once()
    row = (await rows(services))[0]
    assert (row["state"], row["waits"]) == ("pending", True)
    assert "SECRET" not in row["error"] and "SECRET" not in caplog.text


def test_the_wait_grows_is_jittered_and_respects_the_provider() -> None:
    for attempt, base in enumerate(sweeper.DELAYS_S, start=1):
        waits = {sweeper.retry_delay_s(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert all(base * 0.75 <= wait <= base * 1.25 for wait in waits)
    assert sweeper.retry_delay_s(1, 90.0) == 90.0
    assert sweeper.retry_delay_s(1, 1e9) == sweeper.DELAYS_S[-1]


async def test_the_hint_wakes_the_sweep(services: Services) -> None:
    sent = asyncio.Event()

    class Waker(Recorder):
        async def send(self, message: Message) -> None:
            sent.set()

    sweep = OutboxSweeper(services, "sms", Waker())
    sweep.start()
    try:
        await put(services, "one")
        async with asyncio.timeout(60):
            await sent.wait()
    finally:
        await sweep.stop()


class Awaited(Recorder):
    """A sender that says when it got so many."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.all_came = asyncio.Event()
        self._wanted = wanted

    async def send(self, message: Message) -> None:
        await super().send(message)
        if len(self.got) == self._wanted:
            self.all_came.set()


async def test_a_hint_drains_a_whole_stream_and_disturbs_no_other_channel(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the hint and the end of the message before leads to the next one.
    monkeypatch.setattr(sweeper, "POLL_S", 86_400.0)
    looks: list[str] = []
    both_looked = asyncio.Event()
    claim = outbox.claim

    async def counted(conn: Any, **given: Any) -> Any:
        looks.append(given["channel"])
        if len(looks) == 2:
            both_looked.set()
        return await claim(conn, **given)

    monkeypatch.setattr(sweeper.rows, "claim", counted)
    sender = Awaited(3)
    sweeps = [OutboxSweeper(services, "sms", sender), OutboxSweeper(services, "email", Recorder())]
    for sweep in sweeps:
        sweep.start()
    try:
        async with asyncio.timeout(60):
            await both_looked.wait()
            async with services.transaction() as tx:
                for text in ("one", "two", "three"):
                    params = {"title": text, "message": ""}
                    await messages.enqueue(tx, "sms", PHONE, "notification", params)
            await sender.all_came.wait()
    finally:
        for sweep in sweeps:
            await sweep.stop()
    assert sender.texts == ["one: ", "two: ", "three: "]
    assert looks.count("email") == 1, "only the look of its own start"
    assert looks.count("sms") <= 4, "one at the start, one a message, and none to see that nothing is left"


async def test_two_nodes_take_different_messages_at_once(services: Services) -> None:
    for text in ("one", "two"):
        await put(services, text, stream=text)

    async def take(tx: Tx) -> list[str]:
        return [m.body for m in await outbox.claim(tx.conn, channel="sms", lease_s=60.0, limit=1)]

    first, second = await side_by_side(services, take, take)
    assert sorted(first + second) == ["one: ", "two: "]
