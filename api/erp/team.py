"""The ERP's own staff."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr

from api.audiences import Member, erp
from api.shared.texts import text
from api.wire.models import Body, View
from api.wire.results import Message, Reply
from dispatch.parties import erp_team
from dispatch.services import Services
from storage.erp_team import Clerk

TAGS = ("team",)
Role = Literal["admin", "sales", "credit_controller", "viewer"]


class InviteIn(Body):
    email: EmailStr
    name: Annotated[str, text(100)]
    role: Role


class RoleIn(Body):
    role: Role


class ClerkOut(View):
    """`pending` until the link that was sent has been used."""

    id: UUID
    email: str | None
    name: str | None
    role: str
    pending: bool
    created_at: datetime


@erp.route("GET", "/team", permission="team:read", tags=TAGS)
async def list_team(services: Services, caller: Member) -> list[ClerkOut]:
    """Everybody who works here."""
    async with services.read() as conn:
        return [clerk_out(c) for c in await erp_team.page(conn)]


@erp.route("POST", "/team", status=201, permission="team:write", tags=TAGS)
async def invite(services: Services, caller: Member, body: InviteIn) -> Reply[ClerkOut]:
    """Invite somebody; who has no password yet gets a link by e-mail.

    Example: {"email": "sales@example.com", "name": "Sana Idrissi", "role": "sales"}
    """
    async with services.transaction() as tx:
        made = await erp_team.invite(tx, caller.actor, body.email, body.name, body.role)
    return Reply(clerk_out(made), "Invitation sent")


@erp.route("PATCH", "/team/{id}", permission="team:write", tags=TAGS)
async def set_role(services: Services, caller: Member, id: UUID, body: RoleIn) -> Reply[ClerkOut]:
    """Give somebody another role."""
    async with services.transaction() as tx:
        return Reply(clerk_out(await erp_team.set_role(tx, caller.actor, id, body.role)), "Role updated")


@erp.route("DELETE", "/team/{id}", permission="team:write", tags=TAGS)
async def remove(services: Services, caller: Member, id: UUID) -> Message:
    """End somebody's work here; the last admin stays."""
    async with services.transaction() as tx:
        await erp_team.remove(tx, caller.actor, id)
    return Message("Removed from the team")


def clerk_out(row: Clerk) -> ClerkOut:
    return ClerkOut(
        id=row.id, email=row.email, name=row.name, role=row.role, pending=not row.has_password,
        created_at=row.created_at,
    )  # fmt: skip
