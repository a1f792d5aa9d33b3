"""A provider's team: who belongs to it, who is asked in, and as what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, EmailStr, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelQuery, CamelView
from api.wire.results import Message, PageWith, Reply
from dispatch.parties import provider_team
from dispatch.services import Services
from storage.provider_team import Teammate


def _as_written_here(value: Any) -> Any:
    return value.strip().capitalize() if isinstance(value, str) else value


Role = Annotated[Literal["Admin", "Manager", "Staff"], BeforeValidator(_as_written_here)]
AnyRole = Annotated[Literal["Owner", "Admin", "Manager", "Staff"], BeforeValidator(_as_written_here)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class InviteIn(CamelBody):
    name: Name
    email: EmailStr
    role: Role


class RoleIn(CamelBody):
    role: Role


class RemoveQuery(CamelQuery):
    force: bool = False


class BulkIn(CamelBody):
    """`role` goes with the action role."""

    action: Literal["remove", "role", "resend"]
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    role: Role | None = None
    force: bool = False


class MemberOut(CamelView):
    id: UUID
    name: str | None
    email: str | None
    role: str
    role_key: str
    status: str
    source: Literal["owner", "invitation"]
    invited_at: datetime
    joined_at: datetime | None
    last_active: datetime | None
    permissions: list[str]


class SummaryOut(CamelView):
    total_members: int
    active_count: int
    pending_count: int


class TeamOut(CamelView):
    summary: SummaryOut


class InvitedMemberOut(CamelView):
    id: UUID
    name: str | None
    email: str | None
    role: str
    role_key: str
    status: str
    invited_at: datetime


class InvitedOut(CamelView):
    invitation_id: UUID
    member: InvitedMemberOut


class ResentOut(CamelView):
    invitation_id: UUID
    resent_at: datetime


class ChangedMemberOut(CamelView):
    id: UUID
    role: str
    role_key: str
    updated_at: datetime


class ChangedOut(CamelView):
    member: ChangedMemberOut


class DoneOut(CamelView):
    """`error` is why it was not done, or null."""

    id: UUID
    error: str | None


class BulkOut(CamelView):
    done: int
    failed: int
    results: list[DoneOut]


LIST = Grammar(
    key="members", source=provider_team.LIST,
    filters={"role": AnyRole, "status": Literal["active", "pending", "inactive"]},
    sorts={"name": "name", "email": "email", "role": "role", "status": "status", "invitedAt": "invited_at"},
)  # fmt: skip
TAGS = ["team"]


@provider.route("GET", "/team/members", permission="team:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[MemberOut, TeamOut]:
    """The team, in the order of their names."""
    async with services.read() as conn:
        found = await provider_team.page(conn, caller.provider_id, listing.wanted)
        counts = await provider_team.summary(conn, caller.provider_id)
    summary = SummaryOut(total_members=counts.total, active_count=counts.active, pending_count=counts.pending)
    return PageWith.among(found, _member_out, TeamOut(summary=summary))


@provider.route("POST", "/team/members/invite", permission="team:write", idempotency="optional", status=201, tags=TAGS)
async def invite(services: Services, caller: TeamMember, body: InviteIn) -> Reply[InvitedOut]:
    """Ask somebody in by e-mail; they belong to the team once they have followed the link.

    Example: {"name": "Bola Ade", "email": "bola@example.com", "role": "Manager"}
    """
    async with services.transaction() as tx:
        member, invitation_id = await provider_team.invite(
            tx, caller.provider, name=body.name, email=body.email, role=body.role, actor=caller.actor
        )
    shown = InvitedMemberOut(
        id=member.id, name=member.name, email=member.email, role=member.role, role_key=member.role.lower(),
        status=_status(member), invited_at=member.invited_at or member.created_at,
    )  # fmt: skip
    return Reply(InvitedOut(invitation_id=invitation_id, member=shown), message="Invitation sent successfully")


@provider.route("POST", "/team/members/{member_id}/resend-invitation", permission="team:write", tags=TAGS)
async def resend(services: Services, caller: TeamMember, member_id: UUID) -> Reply[ResentOut]:
    """Send the invitation again; the earlier link is over."""
    async with services.transaction() as tx:
        invitation_id = await provider_team.invite_again(tx, caller.provider, member_id, caller.actor)
        at = tx.now
    shown = ResentOut(invitation_id=invitation_id, resent_at=at)
    return Reply(shown, message="Invitation resent successfully")


@provider.route("PUT", "/team/members/{member_id}/role", permission="team:write", tags=TAGS)
async def set_role(services: Services, caller: TeamMember, member_id: UUID, body: RoleIn) -> Reply[ChangedOut]:
    """Give a member another role; it counts within seconds.

    Example: {"role": "Staff"}
    """
    async with services.transaction() as tx:
        member = await provider_team.set_role(tx, caller.provider_id, member_id, body.role, caller.actor)
    shown = ChangedMemberOut(id=member.id, role=member.role, role_key=member.role.lower(), updated_at=member.updated_at)
    return Reply(ChangedOut(member=shown), message="Role updated successfully")


@provider.route("DELETE", "/team/members/{member_id}", permission="team:write", tags=TAGS)
async def remove(services: Services, caller: TeamMember, member_id: UUID, query: RemoveQuery) -> Message:
    """Remove a member; one who is signed in only with force. The owner stays."""
    async with services.transaction() as tx:
        await provider_team.remove(tx, caller.provider_id, member_id, force=query.force, actor=caller.actor)
    return Message("Team member removed successfully")


@provider.route("POST", "/team/members/bulk", permission="team:write", tags=TAGS)
async def bulk(services: Services, caller: TeamMember, body: BulkIn) -> BulkOut:
    """The same for several members at once; each is done or not by itself.

    Example: {"action": "role", "memberIds": ["11111111-1111-4111-8111-111111111111"], "role": "Staff"}
    """
    told = await provider_team.each(
        services, caller.provider, body.member_ids, body.action, role=body.role, force=body.force, actor=caller.actor
    )
    failed = sum(error is not None for error in told.values())
    results = [DoneOut(id=member_id, error=error) for member_id, error in told.items()]
    return BulkOut(done=len(results) - failed, failed=failed, results=results)


def _status(member: Teammate) -> str:
    return member.status if member.status in ("active", "pending") else "inactive"


def _member_out(member: Teammate) -> MemberOut:
    return MemberOut(
        id=member.id, name=member.name, email=member.email, role=member.role, role_key=member.role.lower(),
        status=_status(member), source="owner" if member.role == provider_team.OWNER else "invitation",
        invited_at=member.invited_at or member.created_at, joined_at=member.joined_at,
        last_active=member.last_active_at, permissions=provider_team.permissions_of(member),
    )  # fmt: skip
