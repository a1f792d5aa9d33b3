"""Whom the ERP knows as customers: accounts that it makes, and those of the app that are linked in it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.access import passwords, phones
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.services import Services, Tx
from storage import accounts as account_rows
from storage import erp_customers as rows
from storage.database.pool import Conn
from storage.erp_customers import ErpCustomer

#: What a form shows at once; more are found by searching.
MOST_SHOWN = 100


class EmailTaken(Conflict):
    """Somebody has this e-mail address already."""

    code = "email_taken"


class PhoneTaken(Conflict):
    """Somebody has this phone number already; link their account instead."""

    code = "phone_taken"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made. The password is hashed before any transaction, because hashing is slow."""

    name: str
    email: str
    password_hash: str
    phone: str | None


async def new_account(
    services: Services, *, name: str, last_name: str | None, email: str, password: str, phone: str | None
) -> NewAccount:
    """Raises Invalid for a password or a phone that is none, named as the form has them."""
    number = phones.normalise(phone, services.settings.phone_region, "auth.phone") if phone else None
    full = " ".join(part for part in (name, last_name) if part)
    return NewAccount(full, email, await passwords.hashed(password, "auth.password"), number)


async def make(tx: Tx, new: NewAccount) -> int:
    """Makes account and customer; the account's phone is proved by its owner's first sign-in.

    Raises EmailTaken, PhoneTaken: whose it is stays untouched.
    """
    await account_rows.lock_address(tx.conn, email=new.email)
    account_id = await rows.insert_account(
        tx.conn, phone=new.phone, email=new.email, name=new.name, password_hash=new.password_hash
    )
    if account_id is None:
        taken = await rows.taken(tx.conn, email=new.email, phone=new.phone)
        raise PhoneTaken if taken is not None and taken.phone and not taken.email else EmailTaken
    return await _number(tx, account_id)


async def link(tx: Tx, actor: Actor, phone: str) -> ErpCustomer:
    """Makes the account that signs in with this phone known to the ERP; repeated, it is the same. Raises Missing."""
    number = phones.normalise(phone, tx.services.settings.phone_region, "phone")
    account = await account_rows.by_phone(tx.conn, phone=number)
    if account is None:
        raise Missing(message="Nobody signs in with this phone number.")
    no = await _number(tx, account.id)
    await audit.record(tx, actor, "link_customer", "erp_customer", no)
    found = await rows.get(tx.conn, no=no)
    assert found is not None, "it was just written"
    return found


async def find(conn: Conn, search: str | None = None) -> list[ErpCustomer]:
    """The newest, or those whose name, address or phone hold the text; MOST_SHOWN at most."""
    return await rows.find(conn, search=search or None, most=MOST_SHOWN)


async def _number(tx: Tx, account_id: UUID) -> int:
    no = await rows.insert(tx.conn, account_id=account_id)
    assert no is not None, "an upsert returns its row"
    return no
