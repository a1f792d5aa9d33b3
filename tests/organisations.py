"""For tests about organisations: one with its owner and members, signed in as whom one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from dispatch.access import passwords
from dispatch.events import Actor
from dispatch.parties import departments, members, organisations
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.members import By, NewMember
from dispatch.parties.organisations import Registration
from dispatch.services import Services
from storage import accounts as account_rows
from storage.departments import Department
from tests.parties import PASSWORD

_numbers = count(1)


@dataclass
class Home:
    """An organisation: `id`, its owner's member id, and a bearer header for every member that was made here."""

    services: Services
    id: UUID
    owner_id: UUID
    tokens: dict[UUID, str] = field(default_factory=dict)

    @property
    def by(self) -> By:
        """The owner, acting."""
        return By(self.id, Actor("organisation", "the owner"), "partner_owner", member_id=self.owner_id)

    def headers(self, member_id: UUID | None = None) -> dict[str, str]:
        """What somebody (the owner) sends with a request."""
        return {"Authorization": f"Bearer {self.tokens[member_id or self.owner_id]}"}

    async def member(
        self, level: str = "standard", *, department_id: UUID | None = None, phone: str | None = None, **more: Any
    ) -> UUID:
        """An active member with a token. A department's manager needs the department."""
        n = next(_numbers)
        new = NewMember(
            "Member", f"No {n}", f"member{n}@organisation{self.id.hex[:6]}.example", access_level=level,
            department_id=department_id, phone=phone, **more,
        )  # fmt: skip
        async with self.services.transaction() as tx:
            member_id = await members.enrol(tx, self.by, new, "The organisation")
            await members.apply_status(tx, self.id, member_id, "active", None)
        await self.sign_in(member_id)
        return member_id

    async def account_of(self, member_id: UUID) -> UUID:
        async with self.services.read() as conn:
            return (await members.get(conn, self.by, member_id)).account_id

    async def department(self, name: str = "Engineering", **more: Any) -> Department:
        """`budget_minor`, `approvers`, `allowed_services` ... as in DepartmentIn."""
        code = more.pop("code", name.upper())
        async with self.services.transaction() as tx:
            return await departments.create(
                tx, self.id, DepartmentIn(name, code, **more), today=tx.now.date(), set_by="a test"
            )

    async def sign_in(self, member_id: UUID) -> None:
        async with self.services.transaction() as tx:
            pair = await self.services.sessions.open(tx, organisations.REALM, member_id)
        self.tokens[member_id] = pair.access_token


async def add_organisation(
    services: Services, *, org_type: str = "business", expected_users: int = 100, is_active: bool = True, **more: Any
) -> Home:
    """A registered organisation, verified unless told otherwise, in India unless `address` says another country.

    The owner signs in as owner{n}@example.com with PASSWORD.
    """
    n = next(_numbers)
    values: dict[str, Any] = {"address": {"country": "India", "city": "Kolkata"}, **more}
    new = Registration(
        org_type=org_type, name=f"Organisation {n}", first_name="Olive", last_name="Owner",
        email=f"owner{n}@example.com", phone=None, expected_users=expected_users, **values,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await organisations.register(tx, new)
    password_hash = await passwords.hashed(PASSWORD)
    async with services.transaction() as tx:
        if is_active:
            await organisations.set_status(tx, made.organisation.id, "active", None, Actor("admin", "a test"))
        account = await account_rows.by_email(tx.conn, email=new.email)
        assert account is not None
        await passwords.set_password(tx, account.id, password_hash)
    home = Home(services, made.organisation.id, made.member_id)
    await home.sign_in(made.member_id)
    return home
