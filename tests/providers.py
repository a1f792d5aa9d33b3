"""For tests about providers: one with an owner, team members, a technician, money in its wallet."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from dispatch.access import passwords
from dispatch.billing import ledger, provider_plans, provider_requests, provider_subscriptions
from dispatch.billing.ledger import Line
from dispatch.billing.provider_requests import NewRequest
from dispatch.billing.provider_subscriptions import NewSubscription
from dispatch.parties import provider_customers, providers
from dispatch.parties.providers import NewProvider
from dispatch.services import Services
from storage import accounts as account_rows
from storage.accounts import Tie
from storage.payment_requests import PaymentRequest
from storage.provider_customers import Customer
from storage.provider_subscriptions import Subscription
from storage.providers import Provider
from tests.parties import PASSWORD

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Owned:
    """A provider and its owner's account, membership and address."""

    provider: Provider
    account_id: UUID
    membership_id: UUID
    email: str

    @property
    def id(self) -> UUID:
        return self.provider.id


async def add_provider(services: Services, **values: Any) -> Owned:
    """A provider in INR and Kolkata (where tests take place) whose owner signs in with PASSWORD."""
    n = next(_numbers)
    email = values.pop("email", f"owner{n}@provider.example")
    units = values.pop("units", None)
    given: dict[str, Any] = {
        "name": f"Provider {n}", "owner_name": f"Owner {n}", "currency": "INR", "timezone": "Asia/Kolkata", **values,
    }  # fmt: skip
    async with services.transaction() as tx:
        made = await providers.create(tx, NewProvider(owner_email=email, **given), inviter="The house")
        if units is not None:
            await providers.set_units(tx, made.id, units)
    tie = await _join(services, email)
    return Owned(made, tie.account_id, tie.id, email)


async def add_member(services: Services, owned: Owned, role: str = "Staff", email: str | None = None) -> Tie:
    """Somebody in the team who has accepted and signs in with PASSWORD."""
    email = email or f"member{next(_numbers)}@example.com"
    async with services.transaction() as tx:
        await providers.invite(tx, owned.provider, name="A Member", email=email, role=role, inviter="The owner")
    return await _join(services, email)


async def token_of(services: Services, membership_id: UUID) -> str:
    """An access token of a team member."""
    async with services.transaction() as tx:
        pair = await services.sessions.open(tx, "provider", membership_id, ip=None, user_agent=None)
    return pair.access_token


async def enlist(services: Services, technician_id: UUID, owned: Owned) -> None:
    """From now on the technician works for the provider: jobs that they accept are paid to it."""
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE technicians SET provider_id = $2 WHERE id = $1", technician_id, owned.id)
    await services.roster.refresh([technician_id])


async def fund(services: Services, owned: Owned, minor: int, currency: str = "INR") -> None:
    """The house puts money into the wallet."""
    async with services.transaction() as tx:
        lines = [Line(ledger.payable(owned.id, currency), minor), Line(ledger.platform("refunds", currency), -minor)]
        await ledger.post(tx, "goodwill", str(uuid4()), lines)


async def _join(services: Services, email: str) -> Tie:
    """Takes the invitation that lies in the outbox."""
    async with services.read() as conn:
        link = await conn.fetchval(
            "SELECT data->>'link' FROM outbox WHERE recipient = $1 AND template = 'invitation' "
            "ORDER BY id DESC LIMIT 1", email,
        )  # fmt: skip
    password_hash = await passwords.hashed(PASSWORD)
    async with services.transaction() as tx:
        account_id = await passwords.use_link(tx, link.rsplit("/", 1)[1], password_hash)
        ties = await account_rows.memberships_of(tx.conn, account_id=account_id)
    return next(tie for tie in reversed(ties) if tie.realm == "provider")


async def add_customer(services: Services, owned: Owned, name: str = "A Customer") -> Customer:
    """A customer that the provider wrote down."""
    email = f"{name.split()[0].lower()}{next(_numbers)}@example.com"
    async with services.transaction() as tx:
        return await provider_customers.of_address(tx, owned.id, source="manual", name=name, email=email, phone=None)


async def subscribe(services: Services, owned: Owned, minor: int = 300_000, **values: Any) -> Subscription:
    """A new customer's subscription to a plan of thirty days."""
    customer = await add_customer(services, owned)
    name = f"Plan {next(_numbers)}"
    async with services.transaction() as tx:
        await provider_plans.create(
            tx, owned.id, name=name, type="standard", amount_minor=minor, currency="INR", duration_days=30, features=[]
        )
    new = NewSubscription(customer.id, name, **values)
    return await provider_subscriptions.create(services, owned.provider, new)


async def ask(services: Services, owned: Owned, minor: int = 150_000, method: str = "link") -> PaymentRequest:
    """A request for money of a new customer, with its page where there is one."""
    customer = await add_customer(services, owned)
    return await provider_requests.create(services, owned.provider, NewRequest(customer, minor, "INR", method))
