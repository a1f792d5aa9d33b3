"""Which sign-ins still stand, and as what: kept in memory, renewed from PostgreSQL, never believed for five seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID

from dispatch import bus
from dispatch.live.together import MOST_KEYS, Together
from dispatch.loops import Loop
from storage import sessions as rows
from storage.database.pool import Pool, translated

#: What was asked longer ago is not believed; with the time of asking it stays under five seconds.
BELIEVED_S = 4.0
#: The loop asks again for everybody who came since they were asked for, so that who comes often seldom has to ask.
#: Who comes once, to connect, or seldom is asked for when they come: together with all others who come then.
RENEW_S = 2.0
#: The longest that one question may take: an older answer would not be worth much.
ASK_S = 2.0
#: A question is repeated when a revocation came in between, but not for ever; such an answer is not kept.
_TRIES = 3
_MOST = 200_000
#: So many are forgotten before everybody else has a turn: after a storm of connects thousands are, at one time.
FORGOTTEN = 64


class Seen:
    """What PostgreSQL said of a sign-in, and when it was asked."""

    __slots__ = ("asked_at", "is_alive", "realm", "row", "subject_id", "used_at")

    def __init__(self, row: rows.LivingSession | None, asked_at: float) -> None:
        self.is_alive = row is not None
        self.realm = row.realm if row else ""
        self.subject_id = row.subject_id if row else None
        #: With the role and the permissions of this moment: a demotion acts within the same seconds.
        self.row = row
        self.asked_at = asked_at
        self.used_at = asked_at


class Standing:
    """The list of what still stands. A sign-in of which it cannot be learned whether it stands is not let in."""

    def __init__(self, pool: Pool, node_bus: bus.Bus) -> None:
        self._pool = pool
        self._seen: dict[UUID, Seen] = {}
        #: Counts the revocations, so that what was read before one is not believed after it.
        self._drops = 0
        self._asked: Together[UUID, Seen] = Together(self._ask)
        node_bus.subscribe(bus.SESSION_REVOKED, self.revoked)
        #: While it fails nobody is believed for longer: who is not known is asked for by the request itself.
        self.loop = Loop("sign-ins", self.renew, every_s=RENEW_S)

    async def of(self, session_id: UUID, realm: str) -> Seen | None:
        """What is known of a sign-in that stands in this realm, or None.

        Raises StorageError when it is not known and cannot be asked: the caller is told to come again (503).
        """
        seen, now = self._seen.get(session_id), time.monotonic()
        if seen is None or now - seen.asked_at >= BELIEVED_S:
            seen = await self._asked(session_id)
            assert seen is not None, "every question is answered"
        seen.used_at = now
        return seen if seen.is_alive and seen.realm == realm else None

    async def dead_among(self, session_ids: Iterable[UUID | str]) -> set[UUID]:
        """Which of these no longer stand, asked anew, some at a time: for re-checking open sockets. Of the living, who
        are nearly all, nothing is read."""
        wanted, dead = [str(one) for one in session_ids], set[UUID]()
        for start in range(0, len(wanted), MOST_KEYS):
            with translated():
                async with asyncio.timeout(ASK_S), self._pool.connection() as conn:
                    found = await rows.dead_among(conn, ids=wanted[start : start + MOST_KEYS])
            dead |= {UUID(row.id) for row in found}
        for session_id in dead:
            self._seen.pop(session_id, None)
        return dead

    async def renew(self) -> None:
        """Asks for everybody who came since they were asked for, and forgets of whom too old things are known."""
        since = time.monotonic() - BELIEVED_S
        came = [key for key, seen in self._seen.items() if seen.used_at > seen.asked_at]
        for start in range(0, len(came), MOST_KEYS):
            await self._ask(came[start : start + MOST_KEYS])
        # Most are young: the map is not made anew, which would ask each key for its hash.
        for number, key in enumerate([key for key, seen in self._seen.items() if seen.asked_at <= since], 1):
            if (known := self._seen.get(key)) is not None and known.asked_at <= since:
                del self._seen[key]
            if number % FORGOTTEN == 0:
                await asyncio.sleep(0)

    def revoked(self, hint: bus.Hint) -> None:
        """Forgets what the hint names; answers that are under way are not remembered."""
        self._drops += 1
        if "session_id" in hint:
            self._seen.pop(UUID(hint["session_id"]), None)
        elif "subject_id" in hint:
            subject_id = UUID(hint["subject_id"])
            for key in [key for key, seen in self._seen.items() if seen.subject_id == subject_id]:
                del self._seen[key]

    async def _ask(self, ids: list[UUID]) -> dict[UUID, Seen]:
        """What PostgreSQL says of them now. Raises StorageError."""
        found: dict[UUID, Seen] = {}
        for _ in range(_TRIES):
            drops, asked_at = self._drops, time.monotonic()
            with translated():
                async with asyncio.timeout(ASK_S), self._pool.connection() as conn:
                    living = {row.id: row for row in await rows.living(conn, ids=ids)}
            found = {session_id: Seen(living.get(session_id), asked_at) for session_id in ids}
            if drops == self._drops:
                self._remember(found)
                break
            # Somebody was revoked meanwhile, perhaps one of these: what we have may be from before.
        return found

    def _remember(self, found: dict[UUID, Seen]) -> None:
        for session_id, seen in found.items():
            if (known := self._seen.get(session_id)) is not None:
                seen.used_at = known.used_at
        if len(self._seen) + len(found) > _MOST:
            self._seen.clear()
        self._seen |= found
