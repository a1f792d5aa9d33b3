"""Third-party apps, the contract's integration partners: found, made, changed, moved between states, ended."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from dispatch import urls
from dispatch.access import invitations, passwords
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.services import Tx
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import Owner
from storage import api_keys as key_rows
from storage import integrations as rows
from storage import webhooks as endpoint_rows
from storage.database.errors import StorageError, constraint_of, is_unique
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.integrations import Integration, Note

REALM: Literal["integration"] = "integration"
#: What its managing account is in it.
OWNER = "owner"
#: status -> where it may go.
MOVES: Mapping[str, tuple[str, ...]] = {
    "pending": ("active", "rejected"), "active": ("suspended", "inactive"), "suspended": ("active",),
    "inactive": ("active",), "rejected": (),
}  # fmt: skip
#: What a new app's key may do; staff may take some of it away.
SCOPES: Mapping[str, Any] = {
    "services": "read", "slots": "read", "customers": "write", "bookings": "write", "webhooks": "write",
    "usage": "read",
}  # fmt: skip
#: How long a token for the onboarding is good, in seconds of real time.
ONBOARDING_S = 30 * 24 * 3600.0
MOST_SLUG_CHARS = 50
MOST_NOTES = 200
_MOST_READERS = 10

LIST = rows.of_staff


class PartnerNotFound(Missing):
    """There is no such partner."""

    code = "partner_not_found"


class PartnerExists(Conflict):
    """A partner with this e-mail address exists already; its managing account can go on with it."""

    code = "partner_exists"


class DuplicateEntry(Conflict):
    """Another partner has this already."""

    code = "duplicate_entry"

    def __init__(self, name: str) -> None:
        super().__init__(f"Another partner has this {_SAID[name]} already.", details={"field": name})


class WrongMove(Conflict):
    """A partner cannot go from this status to that one."""

    code = "invalid_status_transition"


_SAID = {"email": "e-mail address", "slug": "slug"}


@dataclass(frozen=True, slots=True)
class NewIntegration:
    """What is said of an app when it is made. Without a slug it gets one from its name."""

    name: str
    email: str
    phone: str
    partner_type: str = "technology"
    business_info: Mapping[str, Any] = field(default_factory=dict)
    slug: str | None = None


# ---------------------------------------------------------------- reading


async def get(conn: Conn, id: UUID) -> Integration:
    """Raises PartnerNotFound, also for a deleted one."""
    found = await rows.get(conn, id=id)
    if found is None:
        raise PartnerNotFound
    return found


async def active_by_slug(conn: Conn, slug: str) -> Integration:
    """What everybody may see. Raises PartnerNotFound unless it is active."""
    found = await rows.by_slug(conn, slug=slug)
    if found is None or found.status != "active":
        raise PartnerNotFound
    return found


async def page(conn: Conn, wanted: Wanted) -> Slice[Integration]:
    """All of them, for staff."""
    return await rows.of_staff.page(conn, wanted)


async def managed_by(conn: Conn, account_id: UUID) -> Sequence[Integration]:
    """Those that an account manages, the newest first."""
    return await rows.managed_by(conn, account_id=account_id)


# ---------------------------------------------------------------- making


async def make(
    tx: Tx, new: NewIntegration, actor: Actor, *, onboarding_hash: bytes | None = None, names_existing: bool = True
) -> Integration:
    """The app in its first state, its managing account with a link that sets a password, and an entry in the audit.

    Raises PartnerExists, DuplicateEntry.
    """
    if (existing := await rows.id_of_email(tx.conn, email=new.email)) is not None:
        raise PartnerExists(details={"partnerId": str(existing)} if names_existing else None)
    slug = new.slug or await _free_slug(tx, new.name)
    try:
        async with tx.savepoint():
            party_id = await rows.insert_party(tx.conn, slug=slug, name=new.name, email=new.email, phone=new.phone)
            assert party_id is not None, "an insert gives its id"
            await rows.insert(
                tx.conn, id=party_id, slug=slug, partner_type=new.partner_type, business_info=dict(new.business_info),
                onboarding_hash=onboarding_hash, onboarding_s=ONBOARDING_S if onboarding_hash else None,
            )  # fmt: skip
    except StorageError as error:
        raise _duplicate(error) from error
    await invitations.invite(tx, new.email, new.name, realm=REALM, party_id=party_id, party_name=new.name, role=OWNER)
    made = await get(tx.conn, party_id)
    await audit.changed(tx, actor, "create_integration", "integration", party_id, None, _audited(made))
    return made


def slug_of(name: str) -> str:
    """Lower case, special characters dropped, blanks as hyphens, at most 50 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9\s-]", "", plain)
    return re.sub(r"[\s-]+", "-", words).strip("-")[:MOST_SLUG_CHARS].strip("-") or "partner"


async def _free_slug(tx: Tx, name: str) -> str:
    """The name's slug, with -1, -2 and so on behind it where it is taken."""
    stem = slug_of(name)
    await rows.lock_slug(tx.conn, stem=stem)
    # Room for a number of four digits, so that a long stem and its numbers are looked for as one.
    short = stem[: MOST_SLUG_CHARS - 5].strip("-")
    taken = set(await rows.slugs_of(tx.conn, stem=stem) or ()) | set(await rows.slugs_of(tx.conn, stem=short) or ())
    if stem not in taken:
        return stem
    return next(s for n in range(1, len(taken) + 2) if (s := f"{short}-{n}") not in taken)


def _duplicate(error: StorageError) -> Exception:
    """Which of the unique values it was, or the error itself."""
    if not is_unique(error):
        return error
    return DuplicateEntry("email" if constraint_of(error) == "parties_integration_email" else "slug")


# ---------------------------------------------------------------- changing


async def change(tx: Tx, id: UUID, changes: Mapping[str, Any], actor: Actor) -> Integration:
    """Changes what is named: name, email, phone, business_info (merged), partner_type, tags, status.

    Raises PartnerNotFound, DuplicateEntry, WrongMove.
    """
    before = await locked(tx, id)
    head = {name: changes.get(name, getattr(before, name)) for name in ("name", "email", "phone")}
    try:
        async with tx.savepoint():
            await rows.set_head(tx.conn, id=id, **head)
    except StorageError as error:
        raise _duplicate(error) from error
    await rows.set_details(
        tx.conn, id=id, partner_type=changes.get("partner_type", before.partner_type),
        business_info=merged(before.business_info, changes.get("business_info", {})),
        tags=list(changes.get("tags", before.tags)),
    )  # fmt: skip
    if head["email"].lower() != (before.email or "").lower():
        await _hand_over(tx, before, head["name"], head["email"])
    if "status" in changes and changes["status"] != before.status:
        await _move(tx, before, changes["status"])
    return await _done(tx, before, actor, "update_integration")


async def _hand_over(tx: Tx, before: Integration, name: str, email: str) -> None:
    """Who has the app's address manages it: who had the one before, or was written to by mistake, does no longer."""
    has_manager = False
    for one in await rows.managers(tx.conn, id=before.id):
        if one.email is not None and one.email.lower() == email.lower():
            has_manager = True
            continue
        await rows.end_manager(tx.conn, membership_id=one.membership_id)
        await passwords.end_invitations(tx, one.membership_id)
        await tx.services.sessions.revoke_all(tx, REALM, one.membership_id, Ending.REMOVED)
    if not has_manager:
        await invitations.invite(tx, email, name, realm=REALM, party_id=before.id, party_name=name, role=OWNER)


async def set_status(tx: Tx, id: UUID, status: str, actor: Actor, reason: str | None = None) -> Integration:
    """Moves it to another state. Raises PartnerNotFound, WrongMove."""
    before = await locked(tx, id)
    await _move(tx, before, status, reason)
    after = await get(tx.conn, id)
    said = {"reason": {"old": None, "new": reason}} if reason else {}
    changes = {"status": {"old": before.status, "new": after.status}, **said}
    await audit.record(tx, actor, "move_integration", "integration", id, changes)
    return after


async def _move(tx: Tx, before: Integration, status: str, reason: str | None = None) -> None:
    sources = [source for source, targets in MOVES.items() if status in targets]
    if not await rows.set_status(tx.conn, id=before.id, status=status, sources=sources):
        raise WrongMove(f"A partner that is {before.status} cannot become {status}.")
    _forget_standing(tx, before.id)
    told = {"from": before.status, "to": status, "reason": reason}
    await deliveries.publish(tx, Owner(REALM, before.id), "partner.status_changed", told)
    await write(tx, before.id, "partner_status", {"name": before.name, "status": status, "reason": reason or ""})


async def write(tx: Tx, id: UUID, template: str, params: Mapping[str, Any]) -> None:
    """A letter to the app's address and to whoever manages it, as not every app has a webhook."""
    for reader in await endpoint_rows.readers(tx.conn, owner_id=id, most=_MOST_READERS):
        await messages.enqueue(tx, "email", reader.address, template, params)


async def set_limits(
    tx: Tx, id: UUID, actor: Actor, *, monthly: int | None = None, burst: int | None = None,
    is_billed: bool | None = None,
) -> Integration:  # fmt: skip
    """How much it may ask, and whether the house sends it a bill; what is None stays."""
    before = await locked(tx, id)
    await rows.set_limits(
        tx.conn, id=id, monthly_limit=before.monthly_limit if monthly is None else monthly,
        burst_limit=before.burst_limit if burst is None else burst,
        is_billed=before.is_billed if is_billed is None else is_billed,
    )  # fmt: skip
    _forget_standing(tx, id)
    return await _done(tx, before, actor, "limit_integration")


async def delete(tx: Tx, id: UUID, actor: Actor) -> None:
    """A soft delete: its keys and webhooks stop at once, its managing account no longer finds it.

    Raises PartnerNotFound.
    """
    before = await locked(tx, id)
    await rows.delete(tx.conn, id=id, deleted_by=f"{actor.kind}:{actor.id}")
    await key_rows.revoke_of_party(tx.conn, party_id=id)
    await endpoints.delete_all(tx, Owner(REALM, id), actor)
    _forget_standing(tx, id)
    await write(tx, id, "partner_status", {"name": before.name, "status": "closed", "reason": ""})
    await audit.changed(tx, actor, "delete_integration", "integration", id, _audited(before), None)


async def locked(tx: Tx, id: UUID) -> Integration:
    """The row, until the transaction ends. Raises PartnerNotFound."""
    found = await rows.lock(tx.conn, id=id)
    if found is None:
        raise PartnerNotFound
    return found


async def _done(tx: Tx, before: Integration, actor: Actor, action: str) -> Integration:
    after = await get(tx.conn, before.id)
    await audit.changed(tx, actor, action, "integration", before.id, _audited(before), _audited(after))
    return after


def merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given laid over what is kept, level by level; a null takes a value away."""
    result = dict(kept)
    for name, value in given.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            held = result.get(name)
            result[name] = merged(held if isinstance(held, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def _forget_standing(tx: Tx, id: UUID) -> None:
    tx.after_commit(lambda: tx.services.usage.forget(id))


def addresses(row: Integration) -> dict[str, str | None]:
    """Its addresses as they may stand in the audit."""
    named = {"webhook_url": row.webhook_url, "callback_url": row.callback_url}
    return {name: None if url is None else urls.shown(url) for name, url in named.items()}


def _audited(row: Integration) -> dict[str, Any]:
    """What of it people change."""
    return {
        "name": row.name, "email": row.email, "phone": row.phone, "slug": row.slug, "partner_type": row.partner_type,
        "status": row.status, "business_info": row.business_info, **addresses(row), "tags": row.tags,
        "monthly_limit": row.monthly_limit, "burst_limit": row.burst_limit, "is_billed": row.is_billed,
    }  # fmt: skip


# ---------------------------------------------------------------- notes


class MissingNoteContent(Invalid):
    """A note needs some content."""

    code = "missing_note_content"


async def add_note(tx: Tx, id: UUID, content: str | None, added_by: UUID | None, actor: Actor) -> Note:
    """Raises MissingNoteContent, PartnerNotFound."""
    text = (content or "").strip()
    if not text:
        raise MissingNoteContent({"content": "A note needs some content."})
    await get(tx.conn, id)
    note_id = await rows.add_note(tx.conn, integration_id=id, content=text, added_by=added_by)
    await audit.record(tx, actor, "add_note", "integration", id, {"note_id": {"old": None, "new": note_id}})
    return next(n for n in await rows.notes(tx.conn, integration_id=id, most=MOST_NOTES) if n.id == note_id)


async def notes(conn: Conn, id: UUID) -> Sequence[Note]:
    """The newest first."""
    return await rows.notes(conn, integration_id=id, most=MOST_NOTES)


# ---------------------------------------------------------------- told to all


async def announce_maintenance(tx: Tx, actor: Actor, starts_at: datetime, ends_at: datetime, text: str) -> int:
    """Tells every integration that asked for it; returns how many endpoints are told. Raises Invalid."""
    if ends_at <= starts_at:
        raise Invalid({"ends_at": "must be later than starts_at"})
    told = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "text": text}
    await audit.record(tx, actor, "announce_maintenance", "integration", None, told)
    return await deliveries.broadcast(tx, REALM, "maintenance.scheduled", told)
