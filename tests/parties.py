"""For tests about people with passwords: accounts, parties and the memberships between them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from dispatch.access import passwords
from dispatch.services import Services
from storage import accounts as account_rows
from tests.api.live import Live, Person

PASSWORD = "correct horse battery"


async def add_account(services: Services, email: str, password: str | None = PASSWORD, **kept: Any) -> UUID:
    """An account that signs in with this address, chosen in its mailbox unless `proves_email` says otherwise.

    `must_change` is for one whose password somebody else chose.
    """
    async with services.transaction() as tx:
        made = await account_rows.insert(tx.conn, phone=None, email=email, name=email.split("@")[0])
    assert made is not None
    if password is not None:
        password_hash = await passwords.hashed(password)
        async with services.transaction() as tx:
            await passwords.set_password(tx, made.id, password_hash, **{"proves_email": True, **kept})
    return made.id


async def add_party(services: Services, kind: str, code: str) -> UUID:
    async with services.transaction() as tx:
        return UUID(str(await tx.conn.fetchval(
            "INSERT INTO parties (kind, code, name) VALUES ($1, $2, $2) RETURNING id", kind, code
        )))  # fmt: skip


async def add_membership(
    services: Services, account_id: UUID, realm: str, role: str, party_id: UUID | None = None,
    permissions: dict[str, Any] | None = None,
) -> UUID:  # fmt: skip
    async with services.transaction() as tx:
        return UUID(str(await tx.conn.fetchval(
            "INSERT INTO memberships (account_id, realm, role, party_id, permissions) VALUES ($1, $2, $3, $4, $5)"
            " RETURNING id",
            account_id, realm, role, party_id, permissions or {},
        )))  # fmt: skip


async def add_staff(
    services: Services, role: str = "admin", email: str | None = None, permissions: dict[str, Any] | None = None,
    password: str | None = None,
) -> UUID:  # fmt: skip
    """A member of staff with this role; the account. With a password they can sign in with it."""
    account_id = await add_account(services, email or f"{role}.{uuid4().hex[:8]}@example.com", password)
    await add_membership(services, account_id, "admin", role, permissions=permissions)
    return account_id


async def staff(
    live: Live, role: str = "admin", email: str | None = None, permissions: dict[str, Any] | None = None
) -> Person:
    """A signed-in member of staff with this role; `permissions` stand in the place of the role's own."""
    return await live.person("admin", str(await add_staff(live.services, role, email, permissions)))


async def set_status(services: Services, membership_id: UUID, status: str) -> None:
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE memberships SET status = $2 WHERE id = $1", membership_id, status)
