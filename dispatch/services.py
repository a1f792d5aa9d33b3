"""What is wired, once, and the transaction: one connection, one moment, and what follows after the commit."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from cachetools import LRUCache

from dispatch import bus
from dispatch.bus import Bus, Hint
from dispatch.clock import Clock
from dispatch.config import Settings
from dispatch.config.money import Payments
from dispatch.errors import DispatchError
from dispatch.events import Fact
from dispatch.live.freed import Freed
from dispatch.live.just_told import JustTold
from dispatch.live.replica import Replica
from dispatch.live.roster import Roster
from dispatch.live.sessions import Sessions
from dispatch.live.tracking import Tracker
from dispatch.live.usage import Usage
from dispatch.live.zones import ZoneBook
from dispatch.ports.files import FileStore, NoFiles
from dispatch.ports.gateway import Gateway, PaymentsNotConfigured
from dispatch.ports.geocoding import Geocoder
from dispatch.tokens import Tokens
from storage import facts as fact_rows
from storage.bookings import Booking
from storage.database.errors import StorageError, is_deadlock
from storage.database.pool import Conn, Pool
from storage.facts import PartyEvent

T = TypeVar("T")

#: A transaction that lost a deadlock or a serialisation race is tried so often.
TRIES = 3
#: Accounts of the ledger that a process remembers.
MOST_ACCOUNTS = 10_000
#: The longest pause before another try, in real seconds; the pauses differ, so that two do not meet again.
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class PartyFact:
    """A fact for a party's own stream: a technician's offers, jobs, earnings."""

    party_id: UUID
    type: str
    data: dict[str, Any]


#: Writes all that was handed to it in one transaction.
Writer = Callable[["Tx", list[Any]], Awaitable[None]]


class Tx:
    """Given to every domain function that writes; the caller commits, the function never does."""

    __slots__ = ("_after", "_late", "_told", "conn", "counted", "heard", "known", "now", "services")

    def __init__(self, conn: Conn, services: Services) -> None:
        self.conn = conn
        self.services = services
        self.now: datetime = services.clock.now()
        self._after: list[Callable[[], None]] = []
        self._late: list[tuple[Writer, Any]] = []
        self._told: list[PartyFact] = []
        #: Bookings that this very transaction has opened, or moved on: nobody needs to read them again.
        self.known: dict[UUID, Booking] = {}
        #: Of these bookings the last number that their counters gave to facts of this transaction, and to how many.
        self.counted: dict[UUID, tuple[int, int]] = {}
        #: What parties' streams have grown by.
        self.heard: list[PartyEvent] = []

    def late(self, writer: Writer, item: Any) -> None:
        """Hands `item` to `writer`, which is called just before the commit, once, with all that was handed to it."""
        self._late.append((writer, item))

    def waiting(self, writer: Writer) -> list[Any]:
        """What was handed to `writer` and waits for the commit."""
        return [item for one, item in self._late if one is writer]

    async def write_late(self) -> None:
        """What was handed on, by writer, in the order in which each was first given something."""
        while self._late:
            late, self._late = self._late, []
            by_writer: dict[Writer, list[Any]] = defaultdict(list)
            for writer, item in late:
                by_writer[writer].append(item)
            for writer, items in by_writer.items():
                await writer(self, items)

    def tell_party(self, fact: PartyFact) -> None:
        """Appends a fact to a party's stream just before the commit.

        Then, and all at once: a technician who rejects makes the next one an offer, and two of them who do that to
        each other at once would lock each other's streams.
        """
        self._told.append(fact)

    def take_told(self) -> list[PartyFact]:
        """What waits to be told, in its order."""
        told, self._told = self._told, []
        return told

    def after_commit(self, call: Callable[[], None]) -> None:
        """Runs `call` once the transaction is durable; what may be lost goes here (hints, caches)."""
        self._after.append(call)

    def hint(self, topic: str, hint: Hint) -> None:
        """Publishes a hint on the bus after the commit."""
        self.after_commit(partial(self.services.bus.publish, topic, hint))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone; what it wanted to do after the commit is forgotten with it."""
        mark, late, told, counted = len(self._after), len(self._late), len(self._told), dict(self.counted)
        try:
            async with self.conn.transaction():
                yield
        except BaseException:
            del self._after[mark:]
            del self._late[late:]
            del self._told[told:]
            self.counted = counted
            raise

    def committed(self) -> None:
        # Whoever was told something waits for it, a technician for an offer: all else comes behind.
        if self.heard:
            self.services.just_told.put(self.heard)
        for party_id in dict.fromkeys(event.party_id for event in self.heard):
            self.services.bus.publish(bus.PARTY_CHANGED, {"party_id": str(party_id)})
        # Calls may hold this transaction: kept here, each would leave a circle with all that it knew to the collector.
        after, self._after = self._after, []
        for call in after:
            call()


Reaction = Callable[[Tx, Fact], Awaitable[None]]


class Reactions:
    """What else happens in the transaction of a fact: how billing and messages hear of the engine."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[Reaction]] = defaultdict(list)

    def on(self, fact_type: str, reaction: Reaction) -> None:
        self._by_type[fact_type].append(reaction)

    async def run(self, tx: Tx, fact: Fact) -> None:
        for reaction in self._by_type.get(fact.type, ()):
            await reaction(tx, fact)


@dataclass(slots=True)
class Services:
    """One per process. `transaction()`, `statement()` and `read()` are the only ways to the database from outside
    storage."""

    settings: Settings
    clock: Clock
    pool: Pool
    bus: Bus
    tokens: Tokens
    sessions: Sessions
    zones: ZoneBook
    roster: Roster
    tracker: Tracker
    #: How the payment gateway of a configuration is reached, who finds written addresses, where files lie.
    open_gateway: Callable[[Payments], Gateway]
    geocoder: Geocoder
    files: FileStore = field(default_factory=NoFiles)
    reactions: Reactions = field(default_factory=Reactions)
    freed: Freed = field(default_factory=Freed)
    just_told: JustTold = field(default_factory=JustTold)
    #: Accounts of the ledger that were there lately; none ever goes.
    ledger_accounts: LRUCache[Hashable, None] = field(default_factory=lambda: LRUCache(MOST_ACCOUNTS))
    usage: Usage = field(default_factory=Usage)
    #: A copy of the database that may be a little behind, for questions about long times.
    replica: Replica | None = None
    #: The environment's settings; `settings` is these with what staff have set in their place.
    configured: Settings = field(init=False)
    set_by_staff: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configured = self.settings

    @property
    def gateway(self) -> Gateway:
        """The payment gateway's client. Raises PaymentsNotConfigured on a server without keys."""
        self.require_gateway()
        return self.open_gateway(self.settings.payments)

    def require_gateway(self) -> None:
        """Raises PaymentsNotConfigured on a server without keys."""
        if not self.settings.payments.is_configured:
            raise PaymentsNotConfigured

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction; commits at the end of the block, then runs what waited for the commit.

        An error that `keeps_work` leaves the block after the commit.
        """
        refusal: DispatchError | None = None
        async with self.pool.transaction() as conn:
            tx = Tx(conn, self)
            try:
                yield tx
            except DispatchError as e:
                if not e.keeps_work:
                    raise
                refusal = e
            await tx.write_late()
            await _tell_parties(tx)
        tx.committed()
        if refusal is not None:
            raise refusal

    async def retrying(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """`work` in a transaction of its own, tried again in a new one when it lost a deadlock."""
        for tries_left in reversed(range(TRIES)):
            try:
                async with self.transaction() as tx:
                    return await work(tx)
            except StorageError as e:
                if not is_deadlock(e) or not tries_left:
                    raise
            await asyncio.sleep(random.uniform(0, PAUSE_S))
        raise AssertionError("unreachable")

    def read(self) -> AbstractAsyncContextManager[Conn]:
        """A connection for reading; each statement sees its own snapshot."""
        return self.pool.connection()

    def statement(self) -> AbstractAsyncContextManager[Conn]:
        """A connection for one statement that is a transaction by itself: a claim, or what became of it."""
        return self.pool.connection()

    @asynccontextmanager
    async def read_reports(self) -> AsyncIterator[Conn]:
        """As `read`, from the replica where there is one that answers: what is asked may be a little behind."""
        async with AsyncExitStack() as stack:
            conn = await self.replica.lend(stack) if self.replica else None
            yield await stack.enter_async_context(self.read()) if conn is None else conn


async def _tell_parties(tx: Tx) -> None:
    """Writes the facts that wait for the end of the transaction, and notes whom it hints at."""
    told = tx.take_told()
    if not told:
        return
    to_come = Counter(fact.party_id for fact in told)
    later = []
    for fact in told:
        to_come[fact.party_id] -= 1
        later.append(to_come[fact.party_id])
    numbered = await fact_rows.append_parties(
        tx.conn, party_ids=[fact.party_id for fact in told], types=[fact.type for fact in told],
        data=[fact.data for fact in told], later=later,
    )  # fmt: skip
    tx.heard = [
        PartyEvent(one.party_id, one.seq, fact.type, fact.data, one.at, stands=fact.type == "offer.made")
        for fact, one in zip(told, numbered, strict=True)
    ]
