"""For tests about organisations: one with its owner and members, signed in as whom one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from dispatch.access import passwords
from dispatch.billing import checkout, confirm, ledger
from dispatch.billing.checkout import Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact
from dispatch.billing.ledger import Line
from dispatch.clock import Reading
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import addresses, departments, members, organisations
from dispatch.parties.addresses import AddressIn
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.members import By, NewMember
from dispatch.parties.organisations import Registration
from dispatch.process import runtime
from dispatch.services import Services
from storage import accounts as account_rows
from storage.departments import Department
from tests.parties import PASSWORD
from tests.world import KOLKATA, World

_numbers = count(1)

#: A moment at which each of these has another day than the other.
NOON, APART = datetime(2026, 1, 15, 12, tzinfo=UTC), ("Pacific/Kiritimati", "America/Los_Angeles")


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

    async def in_zone(self, timezone: str, now: datetime) -> date:
        """The organisation is there from now on, and time stands still; returns the day that it is there."""
        await runtime.set_clock(self.services, Reading(0.0, now.timestamp(), 0.0))
        async with self.services.transaction() as tx:
            await tx.conn.execute("UPDATE parties SET timezone = $1 WHERE id = $2", timezone, self.id)
        return local(now, timezone).date()

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

    async def done(
        self, day: date, *, member_id: UUID | None = None, department_id: UUID | None = None, price_minor: int = 60000,
        discount_minor: int = 9000, tax_minor: int = 7200, name: str = "Office Cleaning", status: str = "completed",
        rating: int | None = None, fee_minor: int | None = None, currency: str = "INR",
    ) -> UUID:  # fmt: skip
        """A booking on account of that day, done (or cancelled with a fee) and owed; R68's arithmetic by itself."""
        total = price_minor - discount_minor + tax_minor
        owed = total if status == "completed" else fee_minor or 0
        account_id = await self.account_of(member_id or self.owner_id)
        async with self.services.transaction() as tx:
            service_id = await tx.conn.fetchval(
                "INSERT INTO services (name, category, service_type, tier) VALUES ($1, 'Cleaning', 'home', 'Minimal')"
                " RETURNING id", name,
            )  # fmt: skip
            technician_id = await tx.conn.fetchval(
                "INSERT INTO parties (kind, code, name) VALUES ('technician', 'T-' || gen_random_uuid(), 'Tess')"
                " RETURNING id"
            )
            await tx.conn.execute(
                "INSERT INTO technicians (id, categories, tiers) VALUES ($1, '{Cleaning}', '{Minimal}')", technician_id
            )
            booking_id = UUID(str(await tx.conn.fetchval(
                """
                INSERT INTO bookings (number, account_id, organisation_id, billed_to, department_id, member_id, address,
                  lat, lng, timezone, local_date, local_time, starts_at, ends_at, categories, tiers, status,
                  payment_method, currency, subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor,
                  technician_id, rating, cancellation_fee_minor, cancelled_by)
                VALUES ('BKG-' || left(gen_random_uuid()::text, 8), $1, $2, $2, $3, $4,
                  '{"address_line1": "5th Floor"}', 22.5, 88.3, 'Asia/Kolkata', $5::date, '10:00',
                  $5::date + time '10:00', $5::date + time '11:00', '{Cleaning}', '{Minimal}', $6, 'account', $14, $7,
                  0, $8, $9, $10, $11, $12, $13, CASE WHEN $6 = 'cancelled' THEN 'admin' END)
                RETURNING id
                """,
                account_id, self.id, department_id, member_id, day, status, price_minor, discount_minor, tax_minor,
                total, technician_id, rating, fee_minor, currency,
            )))  # fmt: skip
            await tx.conn.execute(
                "INSERT INTO booking_items (booking_id, position, service_id, name, category, tier, quantity,"
                " duration_minutes, list_price_minor, price_minor)"
                " VALUES ($1, 1, $2, $3, 'Cleaning', 'Minimal', 1, 60, $4, $4)",
                booking_id, service_id, name, price_minor,
            )  # fmt: skip
            if owed:
                await ledger.post(
                    tx, "completion", str(booking_id),
                    [
                        Line(ledger.party_receivable(self.id, currency), -owed),
                        Line(ledger.platform("platform_revenue", currency), owed),
                    ],
                )  # fmt: skip
        return booking_id

    async def owes(self) -> int:
        """What the ledger says that it owes, in minor units."""
        async with self.services.read() as conn:
            return -await ledger.balance(conn, ledger.party_receivable(self.id, "INR"))

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
        await passwords.set_password(tx, account.id, password_hash, proves_email=True)
    home = Home(services, made.organisation.id, made.member_id)
    await home.sign_in(made.member_id)
    return home


async def books(
    world: World, home: Home, account_id: UUID, *, days: int = 4, hour: int = 11, minute: int = 0,
    program: UUID | None = None, service: UUID | None = None,
) -> Confirmed:  # fmt: skip
    """A member's own booking in the name of the organisation, through the customer's checkout."""
    place = AddressIn("Home", "1 Test Street", "Kolkata", "WB", "700001", lat=KOLKATA[0], lng=KOLKATA[1])
    async with world.services.transaction() as tx:
        address = await addresses.create(tx, account_id, place)
    wish = Wish(
        {service or world.service_ids["Facial"]: 1}, address_id=address.id, on_account=True, organisation_id=home.id,
        program_id=program,
    )  # fmt: skip
    preview = await checkout.prepare(world.services, account_id, wish)
    day = world.now.date() + timedelta(days=days)
    contact = Contact("A member", "+911234567890", None)
    confirmation = Confirmation(preview.id, "account", address.id, day, time(hour, minute), contact)
    return await confirm.confirm(world.services, account_id, confirmation)
