"""An organisation's keys for its own systems: from Professional on, with scopes, addresses, a limit and an end."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from dispatch.access import api_keys
from dispatch.access.api_keys import NewKey
from dispatch.access.permissions import Grants, Level, scopes_of
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.localtime import local, to_utc
from dispatch.parties import organisations, tiers
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import api_keys as rows
from storage.api_keys import Listed
from storage.database.pool import Conn

KIND = "organisation"
#: What a system may be given; who decides about keys, bills and the organisation itself is a person.
SCOPES = frozenset({
    "users", "departments", "bookings", "approvals", "quotes", "programs", "providers", "jobs", "budgets", "finance",
    "analytics", "reports", "support",
})  # fmt: skip
#: What a key may ask in a quarter of an hour, where nothing else was said (R53, C57).
DEFAULT_LIMIT, MOST_KEYS = 1000, 20


class TooManyKeys(Conflict):
    """There are as many keys as there may be: revoke one first."""

    code = "too_many_keys"


class KeyOver(Conflict):
    """This key opens nothing any more, as its time is over or whoever made it has left: make another one."""

    code = "key_over"


@dataclass(frozen=True, slots=True)
class KeyIn:
    """`expires` is a moment, or a day of the organisation's clocks: then at the time of day of its making (C97)."""

    name: str
    permissions: Sequence[str]
    description: str | None = None
    ip_whitelist: Sequence[str] = ()
    rate_limit: int = DEFAULT_LIMIT
    expires: date | datetime | None = None


async def make(tx: Tx, by: By, grants: Grants, new: KeyIn) -> tuple[NewKey, datetime | None]:
    """A new key and its end. It never has more than its maker. Raises TierTooLow, Invalid, TooManyKeys."""
    home = await organisations.lock(tx, by.organisation_id)
    tiers.require(home.tier, "api_access")
    scopes, networks = _checked(new, grants)
    if len(await rows.of_party(tx.conn, party_id=home.id)) >= MOST_KEYS:
        raise TooManyKeys
    ends_at = _end(new.expires, tx.now, organisations.timezone_of(home))
    made = await api_keys.make(
        tx, home.id, kind=KIND, name=new.name, scopes=scopes, made_by=by.member_id, ip_allow=networks,
        expires_at=ends_at, description=new.description, rate_limit=new.rate_limit,
    )  # fmt: skip
    await audit.record(
        tx,
        by.actor,
        "api_key.create",
        "api_key",
        made.id,
        {"permissions": {"old": None, "new": sorted(new.permissions)}},
    )
    return made, ends_at


async def page(conn: Conn, organisation_id: UUID) -> list[Listed]:
    """Those that are not revoked, the newest first."""
    return await rows.of_party(conn, party_id=organisation_id)


async def rotate(tx: Tx, by: By, key_id: UUID) -> str:
    """A new secret; the old one works for a day more. Raises Missing, KeyOver."""
    secret = await api_keys.rotate(tx, by.organisation_id, key_id, kind=KIND)
    if secret is None:
        raise Missing("key")
    if await rows.find_by_id(tx.conn, id=key_id) is None:
        raise KeyOver
    await audit.record(tx, by.actor, "api_key.rotate", "api_key", key_id)
    return secret


async def revoke(tx: Tx, by: By, key_id: UUID) -> None:
    """From now on it opens nothing. Raises Missing."""
    if await rows.revoke(tx.conn, id=key_id, party_id=by.organisation_id) is None:
        raise Missing("key")
    await audit.record(tx, by.actor, "api_key.revoke", "api_key", key_id)


def _checked(new: KeyIn, grants: Grants) -> tuple[dict[str, Level], list[str]]:
    bad: dict[str, str] = {}
    scopes: dict[str, Level] = {}
    try:
        scopes = scopes_of(new.permissions)
    except ValueError as e:
        bad["permissions"] = str(e)
    if unknown := sorted(scopes.keys() - SCOPES):
        known = ", ".join(sorted(SCOPES))
        bad["permissions"] = f"A key cannot have permissions for {', '.join(unknown)}, only for {known}."
    elif beyond := [r for r, level in scopes.items() if not grants.allow(f"{r}:{level}")]:
        bad["permissions"] = f"You cannot give away what you do not have: {', '.join(beyond)}."
    networks = []
    for n, text in enumerate(new.ip_whitelist):
        try:
            networks.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            bad[f"ipWhitelist.{n}"] = "This is neither an IP address nor a range of them (such as 192.168.1.0/24)."
    if bad:
        raise Invalid(bad)
    return scopes, networks


def _end(expires: date | datetime | None, now: datetime, timezone: str) -> datetime | None:
    if expires is None:
        return None
    if not isinstance(expires, datetime):
        at = local(now, timezone).time()
        expires = to_utc(expires, time(at.hour, at.minute, at.second), timezone)
    if expires <= now:
        raise Invalid({"expiresAt": "must lie ahead"})
    return expires
