"""Sign-ins: a short access token and a rotating refresh token; theft shows and ends the family. Real time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID, uuid4

from dispatch import bus
from dispatch.config.people import TokenTimes
from dispatch.errors import NotSignedIn
from dispatch.live.standing import Standing
from dispatch.tokens import Tokens
from dispatch.vault import Vault
from storage import sessions as rows
from storage.database.pool import Conn, Pool

#: How long the token before the present one still gets the same answer: its holder may have lost the first, and notices
#: only when its own patience is over (15 s in our pages, 30 s in most apps).
GRACE_S = 60
_PREFIX = "drt_"
_MAC_BYTES = 32


class Ending(StrEnum):
    """Why a sign-in is over: kept with it, and told to whoever holds its last tokens."""

    SIGNED_OUT = "signed_out"
    TOKEN_REUSED = "token_reused"
    PASSWORD_CHANGED = "password_changed"
    #: It had been chosen by somebody who never proved to own the address.
    PASSWORD_DROPPED = "password_dropped"
    PHONE_CHANGED = "phone_changed"
    CHANGED_BY_STAFF = "changed_by_staff"
    RESET_BY_STAFF = "reset_by_staff"
    ACCESS_CHANGED = "access_changed"
    REMOVED = "removed"
    SUSPENDED = "suspended"
    NOT_VERIFIED = "not_verified"
    BLOCKED = "blocked"
    ERASED = "erased"
    ENDED_BY_OPERATOR = "ended_by_operator"
    #: Never kept: it is found when somebody asks.
    EXPIRED = "expired"


class RefreshRefused(NotSignedIn):
    """The refresh token is not valid or no longer; sign in again."""

    code = "unauthorized"

    def __init__(self, ending: Ending | None = None) -> None:
        """With `ending` only for whoever holds the sign-in's last tokens."""
        super().__init__(details={"reason": ending} if ending else None)


class RefreshReplayed(RefreshRefused):
    """The refresh token is not valid or no longer; sign in again."""

    #: A rollback would let the thief's family live.
    keeps_work = True


class Unit(Protocol):
    """What a sign-in needs of the transaction that it is part of."""

    @property
    def conn(self) -> Conn: ...

    def after_commit(self, call: Callable[[], None]) -> None: ...

    def hint(self, topic: str, hint: bus.Hint) -> None: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """What a sign-in or a refresh gives."""

    session_id: UUID
    subject_id: UUID
    access_token: str
    refresh_token: str
    expires_in: int


class Sessions:
    """Opens, rotates and revokes sign-ins, and knows which give access (at most 5 s late, across nodes)."""

    def __init__(self, pool: Pool, tokens: Tokens, vault: Vault, node_bus: bus.Bus, times: TokenTimes) -> None:
        self._tokens = tokens
        self._vault = vault
        self._times = times
        self.standing = Standing(pool, node_bus)

    # ------------------------------------------------------------ opening and rotating

    async def open(
        self,
        tx: Unit,
        realm: str,
        subject_id: UUID,
        *,
        ip: str | None = None,
        user_agent: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> Pair:
        """A new sign-in of a subject whose right to it the caller has checked."""
        session_id = uuid4()
        refresh = self._refresh_token(session_id, 0)
        await rows.open(
            tx.conn, id=session_id, realm=realm, subject_id=subject_id, refresh_hash=_hash(refresh),
            ttl_s=self._times.refresh_s, ip=ip, user_agent=user_agent[:300] if user_agent else None,
        )  # fmt: skip
        return self._pair(session_id, realm, subject_id, refresh, self._times.refresh_s, extra)

    async def refresh(
        self, tx: Unit, realms: str | Collection[str], token: str, extra: dict[str, Any] | None = None
    ) -> Pair:
        """Rotates: the new token in place of the presented one, which is dead from then on.

        The token before the present one gets the same new token again for a minute, so that a lost answer or two
        tabs at once end nothing: at any time one refresh token of a family is good. Any older one is theft:
        the family is revoked and its sockets are cut. The family ends 7 days after the sign-in, however often
        it is rotated. Raises RefreshRefused, which says why the sign-in is over to whoever holds its last tokens;
        that of a theft keeps the transaction's work.
        """
        wanted = (realms,) if isinstance(realms, str) else realms
        parsed = self._parse(token)
        if parsed is None:
            raise RefreshRefused
        session_id, turn = parsed
        row = await rows.lock(tx.conn, id=session_id, grace_s=GRACE_S)
        if row is None or row.realm not in wanted:
            raise RefreshRefused
        new = self._refresh_token(session_id, turn + 1)
        presented = _hash(self._refresh_token(session_id, turn))
        is_current = hmac.compare_digest(presented, row.refresh_hash)
        # An older token may be in anybody's hands.
        is_holder = is_current or presented == row.previous_hash
        if not row.is_open:
            raise RefreshRefused(_ending_of(row.revoked_reason) if is_holder else None)
        is_retry = (
            row.is_in_grace and presented == row.previous_hash and hmac.compare_digest(_hash(new), row.refresh_hash)
        )
        if not await rows.living(tx.conn, ids=[session_id]):
            # The subject is blocked: no new token, and no alarm either.
            raise RefreshRefused(Ending.BLOCKED if is_holder else None)
        if not (is_current or is_retry):
            await self.revoke(tx, session_id, Ending.TOKEN_REUSED)
            raise RefreshReplayed(Ending.TOKEN_REUSED)
        if is_current:
            await rows.rotate(tx.conn, id=session_id, refresh_hash=_hash(new))
        return self._pair(session_id, row.realm, row.subject_id, new, row.seconds_left, extra)

    # ------------------------------------------------------------ ending

    async def revoke(self, tx: Unit, session_id: UUID, reason: Ending) -> None:
        """Ends one sign-in: sockets are cut and the token is refused once the transaction has committed."""
        realm = await rows.revoke(tx.conn, id=session_id, reason=reason)
        if realm is not None:
            self._announce(tx, {"realm": realm, "session_id": str(session_id)})

    async def revoke_all(
        self, tx: Unit, realm: str | None, subject_id: UUID, reason: Ending, *, but: UUID | None = None
    ) -> int:
        """Ends every sign-in of a subject in a realm (None: in all), but one if named. Returns how many.

        The sockets of `but` are cut with the others and may connect again.
        """
        ended = await rows.revoke_all(tx.conn, realm=realm, subject_id=subject_id, reason=reason, except_id=but)
        assert ended is not None, "an aggregate always has a row"
        for ended_realm in ended.realms:
            self._announce(tx, {"realm": ended_realm, "subject_id": str(subject_id)})
        return ended.count

    def judge_again(self, tx: Unit, realm: str, subject_id: UUID) -> None:
        """What a subject may has changed: every node asks anew, at once where the hint arrives."""
        self._announce(tx, {"realm": realm, "subject_id": str(subject_id)})

    def _announce(self, tx: Unit, hint: bus.Hint) -> None:
        tx.after_commit(lambda: self.standing.revoked(hint))
        tx.hint(bus.SESSION_REVOKED, hint)

    # ------------------------------------------------------------ asking

    async def alive(self, session_id: UUID, realm: str) -> bool:
        """Whether this sign-in gives access: not revoked, not over, its subject neither blocked nor gone."""
        return await self.standing.of(session_id, realm) is not None

    async def dead_among(self, session_ids: Iterable[UUID | str]) -> set[UUID]:
        """Which of these no longer give access, asked anew: for re-checking open sockets."""
        return await self.standing.dead_among(session_ids)

    # ------------------------------------------------------------ tokens

    def _pair(
        self, session_id: UUID, realm: str, subject_id: UUID, refresh: str, seconds_left: float, extra: Any
    ) -> Pair:
        ttl_s = int(min(self._times.access_s, seconds_left))
        access = self._tokens.mint(realm, str(subject_id), session_id, ttl_s, extra)
        return Pair(session_id, subject_id, access, refresh, ttl_s)

    def _refresh_token(self, session_id: UUID, turn: int) -> str:
        """The family's token number `turn`. Derived, not drawn, so that a retry can get the same one."""
        head = session_id.bytes + turn.to_bytes(4, "big")
        token = base64.urlsafe_b64encode(head + self._vault.mac("refresh", head))
        return _PREFIX + token.decode().rstrip("=")

    def _parse(self, token: str) -> tuple[UUID, int] | None:
        """(session, turn) of a token that this installation made; None for anything else."""
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(_PREFIX) + "==")
        except ValueError:
            return None
        if not token.startswith(_PREFIX) or len(raw) != 20 + _MAC_BYTES:
            return None
        session_id, turn = UUID(bytes=raw[:16]), int.from_bytes(raw[16:20], "big")
        # The text itself, because base64 has several for the same bytes.
        if not hmac.compare_digest(token.encode(), self._refresh_token(session_id, turn).encode()):
            return None
        return session_id, turn


def _ending_of(reason: str | None) -> Ending | None:
    """What was kept, or that time was over; None for what an earlier release wrote there."""
    if reason is None:
        return Ending.EXPIRED
    return Ending(reason) if reason in set(Ending) else None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
