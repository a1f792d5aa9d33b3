"""Tokens for development and scripts: `dispatch token technician PT-001` signs somebody in without a code."""

from __future__ import annotations

import secrets
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from dispatch.access import passwords, phones
from dispatch.errors import Missing, NotAllowed
from dispatch.live.sessions import Ending, Pair
from dispatch.services import Services, Tx
from storage import accounts as account_rows
from storage import seeded_people as people_rows
from storage import sessions as session_rows
from storage import technician_access as technician_rows
from storage.accounts import Account
from storage.seeded_people import SeededPerson

KINDS = ("admin", "customer", "technician", "service")
SERVICE_LIFE_S = 30 * 24 * 3600
#: Of each kind, on a page that offers to sign in as somebody.
MOST_OFFERED = 6
_ADMIN_ROLE = "super_admin"


class NotInProduction(NotAllowed):
    """Tokens are minted by hand in development only."""

    code = "not_in_production"


async def mint_dev_token(services: Services, kind: str, name: str) -> str:
    """An access token for somebody named by id, phone, PT- code or e-mail; a service by any name.

    In development whoever is missing among customers and staff is made, and staff get the role super_admin.
    In production only a service gets a token. Raises NotInProduction, Missing, Invalid (a wrong phone).
    """
    if kind == "service":
        return await _service(services, name)
    return (await open_dev_session(services, kind, name)).access_token


async def open_dev_session(services: Services, kind: str, name: str) -> Pair:
    """The same as a whole sign-in, which can be refreshed: what one click on a page of development opens."""
    if services.settings.is_production:
        raise NotInProduction
    if kind not in KINDS or kind == "service":
        raise Missing("kind of token")
    async with services.transaction() as tx:
        if kind == "technician":
            subject_id = await _technician(tx, name)
        else:
            subject_id = await _account(tx, name)
        if kind == "admin":
            tie = await account_rows.membership(tx.conn, account_id=subject_id, realm="admin")
            if tie is None or tie.status != "active":
                await account_rows.add_membership(
                    tx.conn, account_id=subject_id, realm="admin", role=tie.role if tie else _ADMIN_ROLE
                )
        return await services.sessions.open(tx, kind, subject_id, user_agent="dispatch token")


async def seeded_people(services: Services) -> list[SeededPerson]:
    """Whom a page of development offers to sign in as: the first few of every kind. Raises NotInProduction."""
    if services.settings.is_production:
        raise NotInProduction
    async with services.read() as conn:
        return await people_rows.first_ones(conn, each=MOST_OFFERED)


async def set_dev_password(services: Services, email: str, password: str) -> None:
    """A password for an account that has none yet, in development only. Raises NotInProduction, Missing."""
    if services.settings.is_production:
        raise NotInProduction
    async with services.read() as conn:
        found = await account_rows.by_email(conn, email=email)
        if found is None:
            raise Missing("account")
        known = await account_rows.credentials_of(conn, id=found.id)
    if known is None:
        password_hash = await passwords.hashed(password)
        async with services.transaction() as tx:
            await passwords.set_password(tx, found.id, password_hash, proves_email=True)


async def revoke_service_tokens(services: Services, name: str) -> int:
    """Ends every token that was minted for a service of this name; returns how many. Nodes know within 5 s."""
    async with services.transaction() as tx:
        return await services.sessions.revoke_all(tx, "service", _service_id(name), Ending.ENDED_BY_OPERATOR)


async def _service(services: Services, name: str) -> str:
    session_id = uuid4()
    async with services.transaction() as tx:
        await session_rows.open(
            tx.conn, id=session_id, realm="service", subject_id=_service_id(name),
            # There is nothing to refresh: when it is over another one is minted.
            refresh_hash=secrets.token_bytes(32), ttl_s=SERVICE_LIFE_S, ip=None, user_agent="dispatch token",
        )  # fmt: skip
    return services.tokens.mint("service", name, session_id, SERVICE_LIFE_S)


def _service_id(name: str) -> UUID:
    """Sign-ins are of ids, services have names: the same one for the same name."""
    return uuid5(NAMESPACE_URL, f"service:{name}")


async def _technician(tx: Tx, name: str) -> UUID:
    identifier = _uuid(name)
    if identifier is not None:
        found = await technician_rows.get(tx.conn, id=identifier)
    else:
        found = await technician_rows.by_code(tx.conn, code=name.upper())
        if found is None and not any(c.isalpha() for c in name):
            found = await technician_rows.by_phone(tx.conn, phone=_phone(tx, name))
    if found is None:
        raise Missing("technician")
    return found.id


async def _account(tx: Tx, name: str) -> UUID:
    identifier = _uuid(name)
    found: Account | None
    if identifier is not None:
        found = await account_rows.get(tx.conn, id=identifier)
        if found is None:
            raise Missing("account")
        return found.id
    if "@" in name:
        found = await account_rows.by_email(tx.conn, email=name)
        found = found or await account_rows.insert(tx.conn, phone=None, email=name, name=None)
    else:
        phone = _phone(tx, name)
        found = await account_rows.by_phone(tx.conn, phone=phone)
        found = found or await account_rows.insert(tx.conn, phone=phone, email=None, name=None)
    assert found is not None, "an insert returns its row"
    return found.id


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _phone(tx: Tx, text: str) -> str:
    return phones.normalise(text, tx.services.settings.phone_region)
