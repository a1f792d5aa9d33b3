"""Staff: who they are, with which role and permissions; invited, changed, blocked and reset by a super_admin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, EmailStr, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, View
from api.wire.results import Message, Page
from dispatch.access.permissions import RESOURCES
from dispatch.parties import staff
from dispatch.parties.staff import Giver
from dispatch.services import Services
from storage import staff as rows
from storage.staff import Staff

Role = Literal["super_admin", "admin", "support", "finance"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _levels(given: Any) -> dict[str, str | None]:
    """{"bookings": ["read", "write"], "users": "read", "payouts": null} as what is kept. Raises ValueError."""
    if not isinstance(given, Mapping):
        raise ValueError("must map resources to read and write")
    kept: dict[str, str | None] = {}
    for resource, level in given.items():
        if resource not in RESOURCES[staff.REALM]:
            known = ", ".join(sorted(RESOURCES[staff.REALM]))
            raise ValueError(f"names {resource}, which is no resource: there are {known}")
        words = [level] if isinstance(level, str) else [] if level is None else level
        if not isinstance(words, list) or any(word not in ("read", "write") for word in words):
            raise ValueError(f"must give {resource} read, write, both or none of them")
        kept[resource] = "write" if "write" in words else "read" if words else None
    return kept


Permissions = Annotated[dict[str, str | None], BeforeValidator(_levels)]


class InviteIn(Body):
    """`permissions` stand in the place of the role's own: `{"bookings": ["read"], "payouts": []}`; a super_admin has
    none."""

    email: EmailStr
    name: Name
    role: Role
    permissions: Permissions = {}


class ChangeIn(Body):
    """The role super_admin takes away what somebody's own permissions are."""

    name: Name | None = None
    role: Role | None = None
    permissions: Permissions | None = None


class StatusIn(Body):
    is_active: bool
    reason: Reason | None = None


class ResetIn(Body):
    """`removes_totp` for somebody whose app is lost."""

    removes_totp: bool = False


class StaffOut(View):
    """`permissions` is what they may do, `overrides` what of it is their own and not the role's."""

    id: UUID
    name: str | None
    email: str | None
    role: str
    permissions: dict[str, list[str]]
    overrides: dict[str, list[str]]
    status: str
    is_active: bool
    totp_enabled: bool
    last_login_at: datetime | None
    created_at: datetime


class RoleOut(View):
    """A role, and what it may do where nobody's own permissions say otherwise."""

    role: str
    permissions: dict[str, list[str]]


class RolesOut(View):
    """The matrix: every resource, and what each role may do with it."""

    resources: list[str]
    roles: list[RoleOut]


LIST = Grammar(
    key="staff", source=rows.everybody, filters={"role": Role, "status": Literal["invited", "active", "blocked"]}
)


@admin.route("GET", "/staff", permission="staff:read", listing=LIST, tags=["staff"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[StaffOut]:
    """Everybody who works here."""
    async with services.read() as conn:
        return Page.of(await staff.page(conn, listing.wanted), _staff)


@admin.route("GET", "/staff/roles", permission="staff:read", tags=["staff"])
async def roles(services: Services, caller: Admin) -> RolesOut:
    """Every role and resource, for whoever chooses among them."""
    return RolesOut(
        resources=sorted(RESOURCES[staff.REALM]),
        roles=[RoleOut(role=role, permissions=staff.reach_of(role, {})) for role in staff.roles()],
    )  # fmt: skip


@admin.route("GET", "/staff/{id}", permission="staff:read", tags=["staff"])
async def get(services: Services, caller: Admin, id: UUID) -> StaffOut:
    """One member of staff."""
    async with services.read() as conn:
        return _staff(await staff.get(conn, id))


@admin.route("POST", "/staff", permission="staff:write", status=201, tags=["staff"])
async def invite(services: Services, caller: Admin, body: InviteIn) -> StaffOut:
    """Invite somebody: they are staff when they have chosen a password with the link in their mailbox.

    Example: {"email": "new@minuteserv.com", "name": "New Colleague", "role": "support"}
    """
    return _staff(await staff.invite(services, _giver(caller), body.email, body.name, body.role, body.permissions))


@admin.route("PATCH", "/staff/{id}", permission="staff:write", tags=["staff"])
async def change(services: Services, caller: Admin, id: UUID, body: ChangeIn) -> StaffOut:
    """Change name, role or permissions. It acts within seconds, on open sockets too.

    Example: {"role": "finance", "permissions": {"bookings": ["read"]}}
    """
    async with services.transaction() as tx:
        return _staff(await staff.update(tx, _giver(caller), id, body.model_dump(exclude_none=True)))


@admin.route("PATCH", "/staff/{id}/status", permission="staff:write", tags=["staff"])
async def set_status(services: Services, caller: Admin, id: UUID, body: StatusIn) -> StaffOut:
    """Block somebody, which ends their sign-ins, or let them in again; an invitation is taken back (`removed`).

    Example: {"is_active": false, "reason": "Left the company"}
    """
    async with services.transaction() as tx:
        return _staff(
            await staff.set_blocked(tx, _giver(caller), id, is_blocked=not body.is_active, reason=body.reason)
        )


@admin.route("POST", "/staff/{id}/reset-password", permission="staff:write", tags=["staff"])
async def reset(services: Services, caller: Admin, id: UUID, body: ResetIn = ResetIn()) -> Message:
    """Send a link for a new password, and end every sign-in and the old one; also sends an invitation once more.

    Example: {"removes_totp": true}
    """
    await staff.reset(services, _giver(caller), id, drops_totp=body.removes_totp)
    return Message("A link to choose a new password is on its way.")


def _giver(caller: Admin) -> Giver:
    return Giver(caller.actor, caller.role, caller.grants)


def _staff(one: Staff) -> StaffOut:
    own = {r: ["read", "write"] if v == "write" else [v] if v else [] for r, v in one.permissions.items()}
    return StaffOut(
        id=one.id, name=one.name, email=one.email, role=one.role,
        permissions=staff.reach_of(one.role, one.permissions), overrides=own, status=one.status,
        is_active=one.status == "active", totp_enabled=one.has_totp, last_login_at=one.last_login_at,
        created_at=one.created_at,
    )  # fmt: skip
