"""The people of an organisation: who they are in it, what they may do, and whether they still belong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Member, organisation
from api.organisation.fields import Code, Email, Name, Phone, ServiceNames, Word, by_of, phone_of
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Day, Money
from api.wire.results import Message, Page, Reply
from dispatch.errors import Invalid
from dispatch.localtime import local
from dispatch.parties import members, organisations, overviews
from dispatch.parties.members import Access, NewMember
from dispatch.services import Services
from storage.members import Member as MemberRow
from storage.members import Stats

Level = Literal["standard", "viewer", "coordinator", "finance", "manager", "admin"]
Status = Literal["pending", "active", "inactive", "suspended", "removed"]
TAGS = ("users",)
#: Fields that have other names inside.
_NAMES = {"phone_number": "phone", "employee_id": "employee_no", "hire_date": "hired_on"}

USERS = Grammar(
    key="users", source=members.LIST,
    filters={
        "status": Status, "department": UUID, "accessLevel": Literal["owner", Level], "role": str,
        "segment": Annotated[str, StringConstraints(to_lower=True)],
    },
    names={"accessLevel": "access_level"}, aliases={"access_level": "accessLevel"},
)  # fmt: skip


class UserIn(CamelBody):
    """The portal is opened with `email`; the app knows a member by `phoneNumber`, which they prove there by a code."""

    first_name: Word
    last_name: Word = ""
    email: Email
    employee_id: Code | None = None
    phone_number: Phone | None = None
    department: UUID | None = None
    access_level: Level = "standard"
    employment_status: Word | None = None
    hire_date: Day | None = None
    segment: Word | None = None


class UserChange(CamelBody):
    """What is sent changes, the rest stays; null takes away what may be unknown."""

    keeps_null = frozenset({"employee_id", "phone_number", "employment_status", "hire_date", "segment"})

    first_name: Word | None = None
    last_name: Word | None = None
    employee_id: Code | None = None
    phone_number: Phone | None = None
    employment_status: Word | None = None
    hire_date: Day | None = None
    segment: Word | None = None


class PermissionsIn(CamelBody):
    """`monthlyLimit` null takes the limit away."""

    keeps_null = frozenset({"monthly_limit"})

    can_book: bool | None = None
    require_approval: bool | None = None
    monthly_limit: Annotated[Money, Field(ge=0)] | None = None
    allowed_services: ServiceNames | None = None


class AccessIn(CamelBody):
    """What is sent changes, the rest stays; `department` null takes the member out of theirs."""

    keeps_null = frozenset({"department"})

    status: Literal["active", "inactive", "suspended"] | None = None
    access_level: Level | None = None
    permissions: PermissionsIn | None = None
    department: UUID | None = None


class StatusIn(CamelBody):
    status: Literal["active", "suspended", "removed"]
    reason: Name | None = None
    #: `immediate`, or a day of the organisation's clocks.
    effective: Literal["immediate"] | Day = "immediate"


class StatusOut(CamelView):
    user_id: UUID
    status: str
    reason: str | None
    effective: str


class UserDepartmentOut(CamelView):
    id: UUID
    name: str


class UserStatsOut(CamelView):
    total_bookings: int
    last_booking: datetime | None
    total_spent: Money


class UserPermissionsOut(CamelView):
    can_book: bool
    require_approval: bool
    monthly_limit: Money | None
    allowed_services: list[str]


class PlannedStatusOut(CamelView):
    """What somebody will be from a day on, for `statusReason`; any status that is given at once is in its place."""

    status: str
    effective: date


class UserOut(CamelView):
    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone_number: str | None
    employee_id: str | None
    department: UserDepartmentOut | None
    role: str
    access_level: str
    status: str
    status_reason: str | None
    planned_status: PlannedStatusOut | None
    permissions: UserPermissionsOut
    employment_status: str | None
    hire_date: date | None
    segment: str | None
    enrolled_date: date
    last_active_at: datetime | None
    stats: UserStatsOut


class OneUserOut(CamelView):
    user: UserOut


@organisation.route("GET", "/users", permission="users:read", listing=USERS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[UserOut]:
    """Our people, the newest first; a manager sees those of their department."""
    async with services.read() as conn:
        home = await organisations.get(conn, caller.party_id)
        found = await members.page(conn, by_of(caller), listing.wanted)
        stats = await members.stats(conn, [m.id for m in found.rows])
    timezone = organisations.timezone_of(home)
    return Page.of(found, lambda m: user_out(m, stats.get(m.id), timezone))


@organisation.route("POST", "/users", status=201, permission="users:write", tags=TAGS)
async def enrol(services: Services, caller: Member, body: UserIn) -> Reply[OneUserOut]:
    """Enrol one person; a letter tells them.

    Example: {"firstName": "John", "lastName": "Doe", "email": "john@example.com", "employeeId": "EMP001"}
    """
    new = NewMember(
        body.first_name, body.last_name, body.email, phone_of(services, body.phone_number, "phoneNumber"),
        body.employee_id, body.department, body.access_level, body.employment_status, body.hire_date, body.segment,
    )  # fmt: skip
    async with services.transaction() as tx:
        home = await organisations.lock(tx, caller.party_id)
        member_id = await members.enrol(tx, by_of(caller), new, home.name)
    return Reply(await get(services, caller, member_id), message="User enrolled")


@organisation.route("GET", "/users/{id}", permission="users:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneUserOut:
    """One of our people."""
    async with services.read() as conn:
        home = await organisations.get(conn, caller.party_id)
        found = await members.get(conn, by_of(caller), id)
        stats = await members.stats(conn, [id])
    return OneUserOut(user=user_out(found, stats.get(id), organisations.timezone_of(home)))


@organisation.route("PUT", "/users/{id}", permission="users:write", tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, body: UserChange) -> Reply[OneUserOut]:
    """Mend what we know of somebody: the name, the phone that the app knows them by, what programs go by.

    Example: {"phoneNumber": "+639171234567", "segment": "grade_11"}
    """
    sent = body.model_dump(exclude_unset=True, by_alias=False)
    changes = {_NAMES.get(name, name): value for name, value in sent.items()}
    if "phone" in changes:
        changes["phone"] = phone_of(services, changes["phone"], "phoneNumber")
    async with services.transaction() as tx:
        await members.change(tx, by_of(caller), id, changes)
    return Reply(await get(services, caller, id), message="User updated")


@organisation.route("PUT", "/users/{id}/access", permission="users:write", tags=TAGS)
async def set_access(services: Services, caller: Member, id: UUID, body: AccessIn) -> Reply[OneUserOut]:
    """What somebody may do in our name: their access level, department, limit and services.

    Example: {"accessLevel": "standard", "permissions": {"canBook": true, "monthlyLimit": 5000}}
    """
    by = by_of(caller)
    async with services.transaction() as tx:
        before = await members.get(tx.conn, by, id)
        await members.set_access(tx, by, id, _access(before, body))
        if body.status is not None and body.status != before.status:
            await members.set_status(tx, by, id, body.status)
    return Reply(await get(services, caller, id), message="User access updated")


@organisation.route("PUT", "/users/{id}/status", permission="users:write", tags=TAGS)
async def set_status(services: Services, caller: Member, id: UUID, body: StatusIn) -> Reply[StatusOut]:
    """Activate, suspend or remove somebody, now or on a day to come; who is suspended is signed out at once.

    Example: {"status": "suspended", "reason": "Employment terminated", "effective": "immediate"}
    """
    async with services.transaction() as tx:
        home = await organisations.get(tx.conn, caller.party_id)
        on_day = None if isinstance(body.effective, str) else body.effective
        if on_day is not None and on_day <= overviews.today_of(home, tx.now):
            raise Invalid({"effective": "must be immediate, or a day to come"})
        await members.set_status(tx, by_of(caller), id, body.status, body.reason, on_day)
    effective = "immediate" if on_day is None else on_day.isoformat()
    out = StatusOut(user_id=id, status=body.status, reason=body.reason, effective=effective)
    return Reply(out, message=f"User {body.status}" if on_day is None else "User status will change on that day")


@organisation.route("POST", "/users/{id}/invitation", permission="users:write", tags=TAGS)
async def invite_again(services: Services, caller: Member, id: UUID) -> Message:
    """Send another link that sets the password, to somebody who has none yet: the one before lasts for three days."""
    async with services.transaction() as tx:
        await members.invite_again(tx, by_of(caller), id)
    return Message("Invitation sent")


@organisation.route("DELETE", "/users/{id}", permission="users:write", tags=TAGS)
async def remove(services: Services, caller: Member, id: UUID) -> Message:
    """Remove somebody; what they booked stays, and they may be enrolled again."""
    async with services.transaction() as tx:
        await members.set_status(tx, by_of(caller), id, "removed")
    return Message("User removed")


def user_out(m: MemberRow, stats: Stats | None, timezone: str) -> UserOut:
    home = m.department_id and UserDepartmentOut(id=m.department_id, name=m.department_name or "")
    planned = None
    if m.next_status is not None and m.next_status_on is not None:
        planned = PlannedStatusOut(status=m.next_status, effective=m.next_status_on)
    return UserOut(
        id=m.id, first_name=m.first_name, last_name=m.last_name, email=m.email, phone_number=m.phone,
        employee_id=m.employee_no, department=home or None, role=m.role, access_level=m.access_level, status=m.status,
        status_reason=m.status_reason, planned_status=planned,
        permissions=UserPermissionsOut(
            can_book=m.can_book, require_approval=m.require_approval, monthly_limit=m.monthly_limit_minor,
            allowed_services=m.allowed_services or ["all"],
        ),
        employment_status=m.employment_status, hire_date=m.hired_on, segment=m.segment,
        enrolled_date=local(m.enrolled_at, timezone).date(), last_active_at=m.last_active_at,
        stats=UserStatsOut(
            total_bookings=stats.bookings if stats else 0, last_booking=stats.last_booking if stats else None,
            total_spent=stats.spent_minor if stats else 0,
        ),
    )  # fmt: skip


def _access(before: MemberRow, body: AccessIn) -> Access:
    """What is there with what was sent in its place."""
    access = Access(
        before.access_level, before.department_id, before.can_book, before.require_approval,
        before.monthly_limit_minor, before.allowed_services,
    )  # fmt: skip
    changes: dict[str, Any] = {}
    if body.access_level is not None:
        changes["access_level"] = body.access_level
    if "department" in body.model_fields_set:
        changes["department_id"] = body.department
    sent = body.permissions.model_dump(exclude_unset=True, by_alias=False) if body.permissions else {}
    if "monthly_limit" in sent:
        sent["monthly_limit_minor"] = sent.pop("monthly_limit")
    return replace(access, **changes, **sent)
