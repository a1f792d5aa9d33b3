"""A provider's customers: whoever it did a job for, asked for money, or wrote down itself."""

from __future__ import annotations

from uuid import UUID

from dispatch.errors import Invalid
from dispatch.services import Tx
from dispatch.wording import Verbatim
from storage import accounts as account_rows
from storage import provider_customers as rows
from storage.database.pool import Conn
from storage.provider_customers import Customer


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


async def of_address(tx: Tx, provider_id: UUID, *, source: str, name: str, email: str, phone: str | None) -> Customer:
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
