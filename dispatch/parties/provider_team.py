"""A provider's team: asked in by e-mail, given roles, let go; its owner stays until staff name another."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dispatch import bus
from dispatch.access import passwords
from dispatch.access.permissions import grants_of
from dispatch.engine import audit
from dispatch.errors import Conflict, DispatchError, Invalid, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.parties import providers
from dispatch.services import Services, Tx
from storage import accounts as account_rows
from storage import provider_team as rows
from storage import providers as provider_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.provider_team import Summary, Teammate
from storage.providers import Provider

OWNER = "Owner"
#: Those that people are asked in as.
ROLES = ("Admin", "Manager", "Staff")


class OwnerStays(NotAllowed):
    """Cannot remove the provider owner"""

    code, is_documented = "cannot_remove_owner", True


class OwnerKeepsRole(NotAllowed):
    """The provider's owner stays its owner."""

    code = "cannot_change_owner"


class SignedInNow(Conflict):
    """This member is signed in just now; remove them with force to end that too."""

    code = "active_sessions"


class NotPending(Conflict):
    """This member has accepted already."""

    code = "not_pending"


def permissions_of(member: Teammate) -> list[str]:
    """What a member may do, in words such as transactions:write."""
    levels = grants_of("provider", member.role, member.permissions).levels
    return sorted(f"{resource}:{level}" for resource, level in levels.items())


async def invite(
    tx: Tx, provider: Provider, *, name: str, email: str, role: str, actor: Actor
) -> tuple[Teammate, UUID]:
    """Asks somebody in by e-mail; returns them and the invitation's id. Raises DuplicateEmail."""
    inviter = await _name_of(tx, actor)
    member_id, invitation_id = await providers.invite(tx, provider, name=name, email=email, role=role, inviter=inviter)
    await audit.record(tx, actor, "team.invited", "membership", member_id, {"role": {"old": None, "new": role}})
    return await get(tx.conn, provider.id, member_id), invitation_id


async def invite_again(tx: Tx, provider: Provider, member_id: UUID, actor: Actor) -> UUID:
    """Sends another link; the earlier one is over. Raises Missing, NotPending."""
    member = await _lock(tx, provider.id, member_id)
    if not await rows.invited_again(tx.conn, id=member_id) or member.email is None:
        raise NotPending
    return await passwords.invite(
        tx, member.account_id, member_id, member.email, party_name=provider.name, inviter=await _name_of(tx, actor)
    )


async def set_role(tx: Tx, provider_id: UUID, member_id: UUID, role: str, actor: Actor) -> Teammate:
    """Gives another role, which counts within seconds. Raises Missing, OwnerKeepsRole."""
    member = await _lock(tx, provider_id, member_id)
    if not await rows.set_role(tx.conn, id=member_id, role=role):
        raise OwnerKeepsRole
    tx.hint(bus.SESSION_REVOKED, {"subject_id": str(member_id)})
    await audit.record(tx, actor, "team.role", "membership", member_id, {"role": {"old": member.role, "new": role}})
    return await get(tx.conn, provider_id, member_id)


async def name_owner(tx: Tx, provider_id: UUID, *, name: str, email: str, actor: Actor) -> Teammate:
    """Staff name whom the provider belongs to: one of its team at once, somebody else as soon as they use their link.

    Who owned it goes on as an Admin and is told; who was asked to own it and never came is asked no more. Naming the
    owner who is asked already sends another link, and whoever owns it already goes on so. Raises Missing.
    """
    # Of two who name one at the same time the second follows the first.
    provider = await provider_rows.lock(tx.conn, id=provider_id)
    if provider is None:
        raise Missing("provider")
    before = await rows.lock_owner(tx.conn, provider_id=provider_id)
    member = await rows.lock_by_email(tx.conn, provider_id=provider_id, email=email)
    if before is not None and (member is None or member.id != before.id):
        await _step_down(tx, provider, before, name)
    if member is None:
        inviter = tx.services.settings.brand
        member_id, _ = await providers.invite(tx, provider, name=name, email=email, role=OWNER, inviter=inviter)
    else:
        member_id = member.id
        await rows.hand_over(tx.conn, id=member_id, role=OWNER)
        tx.hint(bus.SESSION_REVOKED, {"subject_id": str(member_id)})
        if member.status == "pending":
            await invite_again(tx, provider, member_id, actor)
        elif member.role != OWNER:
            await messages.enqueue(tx, "email", email, "owner_named", {"party": provider.name})
    change = {"owner": {"old": before.email if before else None, "new": email}}
    await audit.record(tx, actor, "provider.owner", "provider", provider_id, change)
    return await get(tx.conn, provider_id, member_id)


async def _step_down(tx: Tx, provider: Provider, owner: Teammate, name: str) -> None:
    await rows.hand_over(tx.conn, id=owner.id, role="Admin")
    tx.hint(bus.SESSION_REVOKED, {"subject_id": str(owner.id)})
    if owner.status == "pending":
        await rows.remove(tx.conn, id=owner.id)
        await passwords.end_invitations(tx, owner.id)
    elif owner.email is not None:
        await messages.enqueue(tx, "email", owner.email, "owner_changed", {"party": provider.name, "name": name})


async def remove(tx: Tx, provider_id: UUID, member_id: UUID, *, force: bool, actor: Actor) -> None:
    """Lets somebody go, and ends their sign-ins here. Raises Missing, OwnerStays, SignedInNow (without `force`)."""
    member = await _lock(tx, provider_id, member_id)
    if member.role == OWNER:
        raise OwnerStays
    if not force and await rows.open_sessions(tx.conn, id=member_id):
        raise SignedInNow
    await rows.remove(tx.conn, id=member_id)
    await passwords.end_invitations(tx, member_id)
    await tx.services.sessions.revoke_all(tx, "provider", member_id, Ending.REMOVED)
    change = {"status": {"old": member.status, "new": "removed"}}
    await audit.record(tx, actor, "team.removed", "membership", member_id, change)


async def each(
    services: Services, provider: Provider, member_ids: Sequence[UUID], action: str, *, role: str | None, force: bool,
    actor: Actor,
) -> dict[UUID, str | None]:  # fmt: skip
    """The same deed for several members, each in a transaction of its own: why it was not done, or None.

    Raises Invalid for a role that is not named.
    """
    if action == "role" and role is None:
        raise Invalid({"role": "is required"})
    told: dict[UUID, str | None] = {}
    for member_id in dict.fromkeys(member_ids):
        try:
            async with services.transaction() as tx:
                if action == "remove":
                    await remove(tx, provider.id, member_id, force=force, actor=actor)
                elif action == "resend":
                    await invite_again(tx, provider, member_id, actor)
                else:
                    assert role is not None, "checked above"
                    await set_role(tx, provider.id, member_id, role, actor)
            told[member_id] = None
        except DispatchError as error:
            told[member_id] = error.message
    return told


async def _name_of(tx: Tx, actor: Actor) -> str:
    if actor.kind == "admin":
        return tx.services.settings.brand
    found = await account_rows.get(tx.conn, id=UUID(actor.id)) if actor.id else None
    return (found.name if found else None) or "Your team"


# ---------------------------------------------------------------- reading

#: A provider's team, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[Teammate]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def summary(conn: Conn, provider_id: UUID) -> Summary:
    found = await rows.summary(conn, provider_id=provider_id)
    assert found is not None, "counts are always there"
    return found


async def get(conn: Conn, provider_id: UUID, member_id: UUID) -> Teammate:
    """Raises Missing."""
    found = await rows.get(conn, id=member_id, provider_id=provider_id)
    if found is None:
        raise Missing("team member")
    return found


async def _lock(tx: Tx, provider_id: UUID, member_id: UUID) -> Teammate:
    found = await rows.lock(tx.conn, id=member_id, provider_id=provider_id)
    if found is None:
        raise Missing("team member")
    return found
