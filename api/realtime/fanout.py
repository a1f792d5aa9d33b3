"""Facts to sockets: every node reads the durable streams of those who are connected to it, in order, without gaps."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from api.realtime.engine import HotServer
from dispatch import bus
from dispatch.engine import facts, technician_bookings
from dispatch.errors import DispatchError
from dispatch.live.together import Together
from dispatch.services import Services
from storage import bookings as booking_rows
from storage import facts as rows
from storage.database.errors import StorageError
from storage.database.pool import Conn
from storage.technician_bookings import JobRow

log = logging.getLogger(__name__)

#: A resume that would have to tell more than this gets a reset with a snapshot instead.
RESUME_EVENTS = 500
#: A technician's snapshot holds so many open offers and coming jobs at most.
SNAPSHOT_ROWS = 50
#: How often a node looks for facts whose hint was lost, in real seconds, and how many such looks it looks back:
#: ids are given before the commit, so a slow transaction's row may appear late.
POLL_S, LOOK_BACK = 2.0, 5
#: A fact is dated before it is committed, at most so long in real seconds: whoever joined in between did not see it,
#: so what is that much older than the joining is told as new.
LATE_S = 20.0
#: After so many bytes the next page waits until the socket has taken them.
PAGE_BYTES = 65_536

#: Facts that customers' apps also get under a name of their own.
ALSO = {"partner.near": "technician.near", "partner.arrived": "technician.arrived"}


class PartyForm(Protocol):
    """How a listener hears of its party; technicians hear of theirs as it is written."""

    async def facts(self, conn: Conn, events: Sequence[rows.PartyEvent]) -> list[dict[str, Any]]: ...

    async def snapshot(self, conn: Conn) -> dict[str, Any]: ...


@dataclass(slots=True)
class Listener:
    """One socket: what it has been told of each stream. `lock` keeps its facts in order."""

    sid: str
    owner: UUID
    namespace: str
    fanout: Fanout
    #: By the clock that dates the facts, which is the database's, and a little before the joining.
    joined_at: datetime
    form: PartyForm | None = None
    cursors: dict[UUID, int] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class AccountHeads:
    """Where the streams of an account stand, and the moment by the database's clock."""

    at: datetime
    heads: list[rows.StreamHead]


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resume found: the head of each stream, and those for which the client must take a snapshot."""

    epoch: str
    heads: dict[str, int]
    reset: list[str]


def _worker_view(event: rows.PartyEvent) -> dict[str, Any]:
    return facts.view(event.type, "technician", event.data, stands=event.stands)


def _job_view(job: JobRow) -> dict[str, Any]:
    return {
        "booking_id": job.booking_id, "booking_number": job.number, "state": job.state, "starts_at": job.starts_at,
        "offer_id": job.offer_id, "expires_at": job.offer_expires_at,
    }  # fmt: skip


class Fanout:
    """Two books of listeners: customers by account (booking streams), technicians by party (their own stream)."""

    def __init__(self, services: Services, server: HotServer) -> None:
        self._services = services
        self.server = server
        self._customers: dict[UUID, dict[str, Listener]] = defaultdict(dict)
        self._parties: dict[UUID, dict[str, Listener]] = defaultdict(dict)
        self._tasks: set[asyncio.Task[None]] = set()
        #: What is about to be told, and whether only the database knows all of it.
        self._pending: dict[tuple[str, UUID, UUID], bool] = {}
        self._looks: list[tuple[int, int]] = []
        self.epoch = ""
        self._account_heads: Together[UUID, AccountHeads] = Together(self._heads_of_accounts)
        self._party_seq: Together[UUID, int] = Together(self._seqs_of_parties)
        services.bus.subscribe(bus.BOOKING_CHANGED, self._booking_hint)
        services.bus.subscribe(bus.PARTY_CHANGED, self._party_hint)

    async def start(self) -> None:
        async with self._services.read() as conn:
            self.epoch = str(await rows.epoch(conn))
        # The first look remembers where the streams stood, so that the second finds what was lost since.
        await self.look_for_lost()
        self._spawn(self._poll())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def listener(self, sid: str, owner: UUID, namespace: str, form: PartyForm | None = None) -> Listener:
        return Listener(sid, owner, namespace, self, self._services.clock.now(), form)

    # ------------------------------------------------------------ joining

    async def join_customer(self, listener: Listener) -> dict[str, int]:
        """From now on the listener hears of its bookings; what was before stays unsaid until it resumes."""
        # Under the lock a hint that comes between waits until the cursors stand.
        async with listener.lock:
            self._customers[listener.owner][listener.sid] = listener
            found = await self._account_heads(listener.owner)
            if found is not None:
                listener.joined_at = found.at - timedelta(seconds=LATE_S * self._services.clock.speed)
                for head in found.heads:
                    listener.cursors.setdefault(head.stream_id, head.seq)
        return {str(k): v for k, v in listener.cursors.items()}

    async def _heads_of_accounts(self, account_ids: list[UUID]) -> dict[UUID, AccountHeads]:
        async with self._services.read() as conn:
            at = await rows.now(conn)
            heads = await rows.open_heads(conn, account_ids=account_ids)
        assert at is not None
        found = {account_id: AccountHeads(at, []) for account_id in account_ids}
        for head in heads:
            assert head.account_id is not None, "asked for by account"
            found[head.account_id].heads.append(head)
        return found

    async def _seqs_of_parties(self, party_ids: list[UUID]) -> dict[UUID, int]:
        async with self._services.read() as conn:
            return {head.stream_id: head.seq for head in await rows.party_seqs(conn, party_ids=party_ids)}

    async def join_party(self, listener: Listener) -> dict[str, int]:
        async with listener.lock:
            self._parties[listener.owner][listener.sid] = listener
            seq = await self._party_seq(listener.owner) or 0
            listener.cursors.setdefault(listener.owner, seq)
        return {str(listener.owner): seq}

    def leave(self, listener: Listener) -> None:
        for book in (self._customers, self._parties):
            members = book.get(listener.owner)
            if members is not None:
                members.pop(listener.sid, None)
                if not members:
                    del book[listener.owner]

    # ------------------------------------------------------------ resuming

    async def resume(
        self, listener: Listener, epoch: str | None, streams: dict[UUID, int], *, is_party: bool
    ) -> Resumed:
        """Tells everything after what the client last saw, or names the streams that must start from a snapshot.

        Streams that are not the listener's own are ignored: they do not exist for it.
        """
        heads = await self._heads(listener, list(streams), is_party=is_party)
        reset: list[str] = []
        for stream_id, head in heads.items():
            seen = streams.get(stream_id)
            if seen is None:
                continue
            if (epoch is not None and epoch != self.epoch) or seen > head or head - seen > RESUME_EVENTS:
                reset.append(str(stream_id))
                await self._begin_anew(listener, stream_id, head, is_party=is_party)
            else:
                await self._tell(listener, stream_id, is_party=is_party, after=seen)
        return Resumed(self.epoch, {str(k): v for k, v in heads.items()}, reset)

    async def _begin_anew(self, listener: Listener, stream_id: UUID, head: int, *, is_party: bool) -> None:
        """Tells a snapshot, and then what happened since `head`: told before it, a client would count back."""
        async with listener.lock:
            snapshot = await self._snapshot(listener, stream_id, is_party=is_party)
            told = {"epoch": self.epoch, "streams": {str(stream_id): head}, "snapshot": snapshot}
            self.server.emit_fact(listener.sid, listener.namespace, "reset", told)
            listener.cursors[stream_id] = head
            await self.server.drained(listener.sid, listener.namespace)
        await self._tell(listener, stream_id, is_party=is_party)

    async def _snapshot(self, listener: Listener, stream_id: UUID, *, is_party: bool) -> dict[str, Any]:
        """What a client that starts anew needs of a stream: the booking's state, or the technician's open work."""
        async with self._services.read() as conn:
            if listener.form is not None:
                return await listener.form.snapshot(conn)
            if is_party:
                asked = await technician_bookings.offered(conn, stream_id, SNAPSHOT_ROWS)
                ahead = await technician_bookings.ahead(conn, stream_id, SNAPSHOT_ROWS)
                entries = {entry.job.booking_id: entry.job for entry in (*asked, *ahead)}
                return {"jobs": [_job_view(job) for job in entries.values()]}
            booking = await booking_rows.get(conn, booking_id=stream_id)
        assert booking is not None, "a stream's booking exists"
        return {
            "booking_id": booking.id, "booking_number": booking.number, "status": booking.status,
            "payment_status": booking.payment_status, "starts_at": booking.starts_at,
            "technician_id": booking.technician_id,
        }  # fmt: skip

    async def _heads(self, listener: Listener, named: list[UUID], *, is_party: bool) -> dict[UUID, int]:
        """The streams that are the listener's, the finished ones only where the client names them."""
        if is_party:
            return {listener.owner: await self._party_seq(listener.owner) or 0}
        async with self._services.read() as conn:
            found = await rows.open_heads(conn, account_ids=[listener.owner])
            found += await rows.named_heads_of_account(conn, account_id=listener.owner, ids=named)
        return {h.stream_id: h.seq for h in found}

    # ------------------------------------------------------------ telling

    def _booking_hint(self, hint: bus.Hint) -> None:
        account_id = UUID(hint["account_id"])
        if account_id in self._customers:
            self._pump("booking", UUID(hint["booking_id"]), account_id)

    def _party_hint(self, hint: bus.Hint) -> None:
        party_id = UUID(hint["party_id"])
        if party_id in self._parties:
            self._pump("party", party_id, party_id)

    def _pump(self, kind: str, stream_id: UUID, owner: UUID, *, is_lost: bool = False) -> None:
        # Several hints of one stream in a turn of the loop are one reading: they may be of several nodes.
        key = (kind, stream_id, owner)
        if key in self._pending:
            self._pending[key] = True
        else:
            self._pending[key] = is_lost
            self._spawn(self._pump_now(key))

    async def _pump_now(self, key: tuple[str, UUID, UUID]) -> None:
        is_read = self._pending.pop(key)
        kind, stream_id, owner = key
        book = self._parties if kind == "party" else self._customers
        listeners = list(book.get(owner, {}).values())
        is_party = kind == "party"
        await asyncio.gather(
            *(self._tell_safely(one, stream_id, is_party=is_party, is_read=is_read) for one in listeners)
        )

    async def _tell_safely(self, listener: Listener, stream_id: UUID, *, is_party: bool, is_read: bool) -> None:
        try:
            await self._tell(listener, stream_id, is_party=is_party, is_read=is_read)
        except StorageError:
            log.warning("facts of %s wait for the database", stream_id)
        except DispatchError as e:
            # Whoever may not hear it any more is cut at the next look at the sign-ins; the others hear it regardless.
            log.info("facts of %s are not told to a socket: %s", stream_id, e)

    async def _tell(
        self, listener: Listener, stream_id: UUID, *, is_party: bool, after: int | None = None, is_read: bool = True
    ) -> None:
        """Everything that the listener has not been told; `after` takes it back to what the client says.

        `is_read`: by the stream. Else what this node has just told is enough where it follows at once: what others tell
        at the same time comes with a hint of its own.
        """
        async with listener.lock:
            # Only here, under the lock: while another call is telling, its place must not move.
            if after is not None:
                listener.cursors[stream_id] = after
            waiting = 0
            while True:
                is_new = stream_id not in listener.cursors
                cursor = listener.cursors.setdefault(stream_id, 0)
                messages = None if is_read or not is_party else self._just_told(listener, stream_id, cursor)
                if messages is None:
                    messages = await self._since(listener, stream_id, cursor, is_party=is_party)
                for seq, event, data in messages:
                    listener.cursors[stream_id] = seq
                    if is_new and data["at"] < listener.joined_at:
                        # An old booking that moves again: what was before the connection stays unsaid.
                        continue
                    waiting += self._send(listener, event, data)
                    if waiting > PAGE_BYTES:
                        await self.server.drained(listener.sid, listener.namespace)
                        waiting = 0
                if len(messages) < RESUME_EVENTS:
                    return

    def _send(self, listener: Listener, event: str, data: dict[str, Any]) -> int:
        sent = self.server.emit_fact(listener.sid, listener.namespace, event, data)
        if also := ALSO.get(data.get("event", "")):
            told = {"booking_id": data["booking_id"], "at": data["at"], "seq": data["seq"]}
            sent += self.server.emit_fact(listener.sid, listener.namespace, also, told)
        return sent

    def _just_told(
        self, listener: Listener, stream_id: UUID, seq: int
    ) -> list[tuple[int, str, dict[str, Any]]] | None:
        """What this node itself told a technician a moment ago, where nothing lies between: it is not read again."""
        events = None if listener.form is not None else self._services.just_told.after(stream_id, seq)
        return None if events is None else self._of_party(events, [_worker_view(e) for e in events])

    async def _since(
        self, listener: Listener, stream_id: UUID, seq: int, *, is_party: bool
    ) -> list[tuple[int, str, dict[str, Any]]]:
        async with self._services.read() as conn:
            if is_party:
                mine = await rows.party_since(conn, party_id=stream_id, seq=seq, limit=RESUME_EVENTS)
                told = await listener.form.facts(conn, mine) if listener.form else [_worker_view(e) for e in mine]
                return self._of_party(mine, told)
            events = await rows.booking_since(conn, booking_id=stream_id, seq=seq, limit=RESUME_EVENTS)
        return [(e.seq, "booking.updated", self._customer_view(e)) for e in events]

    def _of_party(
        self, events: Sequence[rows.PartyEvent], told: Sequence[dict[str, Any]]
    ) -> list[tuple[int, str, dict[str, Any]]]:
        shown = zip(events, told, strict=True)
        return [(e.seq, e.type, {"epoch": self.epoch, "seq": e.seq, "at": e.at, **data}) for e, data in shown]

    def _customer_view(self, event: rows.BookingEvent) -> dict[str, Any]:
        return {
            "epoch": self.epoch, "seq": event.seq, "at": event.at, "booking_id": str(event.booking_id),
            "event": event.type,
            "data": facts.view(event.type, "customer", event.data, actor_kind=event.actor_kind),
        }  # fmt: skip

    # ------------------------------------------------------------ what no hint told

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.look_for_lost()
            except Exception:
                log.warning("lost facts could not be looked for", exc_info=True)

    async def look_for_lost(self) -> None:
        """Finds streams that moved lately and are behind at a listener here."""
        async with self._services.read() as conn:
            newest = await rows.newest_ids(conn)
            assert newest is not None
            self._looks = [*self._looks[-LOOK_BACK:], (newest.booking_id, newest.party_id)]
            after_booking, after_party = self._looks[0]
            moved = await rows.booking_heads(conn, after_id=after_booking) if self._customers else []
            parties = await rows.party_heads(conn, after_id=after_party) if self._parties else []
        for head in moved:
            members = self._customers.get(head.account_id, {}) if head.account_id else {}
            if any(one.cursors.get(head.stream_id, 0) < head.seq for one in members.values()):
                self._pump("booking", head.stream_id, head.account_id or head.stream_id, is_lost=True)
        for head in parties:
            members = self._parties.get(head.stream_id, {})
            if any(one.cursors.get(head.stream_id, 0) < head.seq for one in members.values()):
                self._pump("party", head.stream_id, head.stream_id, is_lost=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
