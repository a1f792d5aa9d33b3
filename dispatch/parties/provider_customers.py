"""A provider's customers: whoever it did a job for, asked for money, or wrote down itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from dispatch.errors import Conflict, Invalid, Missing
from dispatch.services import Tx
from dispatch.wording import Verbatim
from storage import accounts as account_rows
from storage import provider_customers as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.provider_customers import Customer, Line, Subscribed, Summary


class DuplicateEmail(Conflict):
    """User with this email already exists"""

    code, is_documented = "duplicate_email", True


async def ensure(
    tx: Tx,
    provider_id: UUID,
    account_id: UUID,
    *,
    source: str,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    location: str | None = None,
) -> Customer:
    """The customer that an account is to this provider, from now on if it was none before."""
    found = await rows.ensure(
        tx.conn, provider_id=provider_id, account_id=account_id, source=source, name=name, email=email, phone=phone,
        location=location,
    )  # fmt: skip
    assert found is not None, "an upsert answers with its row"
    return found


async def of_address(
    tx: Tx, provider_id: UUID, *, source: str, name: str | None, email: str, phone: str | None
) -> Customer:
    """The customer with this e-mail address; a new one gets an account that nobody has signed in to."""
    await account_rows.lock_address(tx.conn, email=email)
    known = await rows.by_email(tx.conn, provider_id=provider_id, email=email)
    if known is not None:
        return known
    account = await account_rows.insert(tx.conn, phone=None, email=email, name=name)
    assert account is not None, "an insert answers with its row"
    return await ensure(tx, provider_id, account.id, source=source, name=name, email=email, phone=phone)


async def named(conn: Conn, provider_id: UUID, customer_id: UUID, field: str = "customerId") -> Customer:
    """A customer that a body names, by its own id or by that of its account. Raises Invalid in the contract's words."""
    found = await rows.find(conn, provider_id=provider_id, id=customer_id)
    if found is None:
        raise Invalid({field: Verbatim("Customer not found")})
    return found


async def create(
    tx: Tx, provider_id: UUID, *, name: str, email: str, phone: str | None, location: str | None,
    metadata: Mapping[str, Any],
) -> Customer:  # fmt: skip
    """A customer that is written down. Raises DuplicateEmail when the provider has one with this address."""
    await account_rows.lock_address(tx.conn, email=email)
    if await rows.by_email(tx.conn, provider_id=provider_id, email=email) is not None:
        raise DuplicateEmail
    account = await account_rows.insert(tx.conn, phone=None, email=email, name=name)
    assert account is not None, "an insert answers with its row"
    customer_id = await rows.insert(
        tx.conn, provider_id=provider_id, account_id=account.id, name=name, email=email, phone=phone,
        location=location, metadata=dict(metadata),
    )  # fmt: skip
    assert customer_id is not None, "the address is locked"
    return await get(tx.conn, provider_id, customer_id)


async def change(
    tx: Tx, provider_id: UUID, customer_id: UUID, *, name: str | None, status: str | None, phone: str | None,
    location: str | None,
) -> Customer:  # fmt: skip
    """What is None stays. Raises Missing."""
    known = await get(tx.conn, provider_id, customer_id)
    await rows.change(
        tx.conn, id=known.id, provider_id=provider_id, name=name, status=status, email=None, phone=phone,
        location=location,
    )  # fmt: skip
    return await get(tx.conn, provider_id, known.id)


# ---------------------------------------------------------------- reading

#: A provider's customers, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[Customer]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def get(conn: Conn, provider_id: UUID, customer_id: UUID) -> Customer:
    """By the customer's own id or by that of the account behind it. Raises Missing."""
    found = await rows.find(conn, provider_id=provider_id, id=customer_id)
    if found is None:
        raise Missing("customer")
    return found


async def summary(conn: Conn, provider_id: UUID) -> Summary:
    found = await rows.summary(conn, provider_id=provider_id)
    assert found is not None, "sums are always there"
    return found


async def recent_lines(conn: Conn, customer: Customer) -> list[Line]:
    """The last ten, newest first."""
    return await rows.recent_lines(conn, customer_id=customer.id)


async def subscriptions(conn: Conn, customer: Customer) -> list[Subscribed]:
    """Those that run."""
    return await rows.subscriptions(conn, customer_id=customer.id)
