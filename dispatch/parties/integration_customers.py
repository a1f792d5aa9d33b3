"""People for whom an app books. Each is an account of that app alone: whoever has the phone keeps theirs apart."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Conflict, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.parties import erasure
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import integration_customers as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.integration_customers import AppCustomer

LIST = rows.of_integration


class CustomerBlocked(NotAllowed):
    """This customer is blocked; contact support."""

    code = "account_blocked"


class CustomerExists(Conflict):
    """Another customer of yours has this phone already."""

    code = "customer_exists"


async def create(
    tx: Tx, integration_id: UUID, actor: Actor, *, name: str, phone: str, email: str | None
) -> tuple[AppCustomer, bool]:
    """The app's customer with this phone, and whether they are new. Asked twice, it is the same one."""
    await rows.lock_phone(tx.conn, integration_id=integration_id, phone=phone)
    found = await rows.by_phone(tx.conn, integration_id=integration_id, phone=phone)
    if found is not None:
        return found, False
    account_id = await rows.insert_account(tx.conn, name=name, email=email)
    assert account_id is not None, "an insert gives its id"
    await rows.insert(tx.conn, account_id=account_id, integration_id=integration_id, phone=phone)
    made = await get(tx.conn, integration_id, account_id)
    await audit.record(tx, actor, "create_customer", "integration", integration_id, {"customer_id": account_id})
    return made, True


async def get(conn: Conn, integration_id: UUID, id: UUID) -> AppCustomer:
    """Raises Missing for anybody else's."""
    found = await rows.get(conn, integration_id=integration_id, id=id)
    if found is None:
        raise Missing("customer")
    return found


async def change(
    tx: Tx, integration_id: UUID, id: UUID, actor: Actor, changes: Mapping[str, str | None]
) -> AppCustomer:  # fmt: skip
    """Changes what is named of name, phone and email; None takes the address away. Letters about bookings go to the new
    address; the contact of a booking is its own and stays.

    Raises Missing, CustomerExists.
    """
    await get(tx.conn, integration_id, id)
    phone = changes.get("phone")
    if phone is not None:
        await rows.lock_phone(tx.conn, integration_id=integration_id, phone=phone)
    # Whoever is being forgotten gets no name again.
    if await account_rows.lock(tx.conn, id=id) is None:
        raise Missing("customer")
    if phone is not None:
        found = await rows.by_phone(tx.conn, integration_id=integration_id, phone=phone)
        if found is not None and found.id != id:
            raise CustomerExists(details={"customerId": str(found.id)})
        await rows.set_phone(tx.conn, integration_id=integration_id, id=id, phone=phone)
    await account_rows.update_profile(
        tx.conn, id=id, sets_name="name" in changes, name=changes.get("name"), sets_email="email" in changes,
        email=changes.get("email"),
    )  # fmt: skip
    told = {"customer_id": id, "changed": sorted(changes)}
    await audit.record(tx, actor, "change_customer", "integration", integration_id, told)
    return await get(tx.conn, integration_id, id)


async def forget(tx: Tx, integration_id: UUID, id: UUID, actor: Actor) -> None:
    """Wipes the person from what the app booked for them. Raises Missing, BookingOpen."""
    await get(tx.conn, integration_id, id)
    await erasure.wipe(tx, id)
    await audit.record(tx, actor, "erase_customer", "integration", integration_id, {"customer_id": id})


async def page(conn: Conn, integration_id: UUID, wanted: Wanted, timezone: str) -> Slice[AppCustomer]:
    """The app's own; days are those of `timezone`."""
    return await rows.of_integration.page(conn, wanted, integration_id=integration_id, timezone=timezone)


async def check(conn: Conn, integration_id: UUID, id: UUID) -> None:
    """Raises Missing unless this is a customer of this app, CustomerBlocked when the house serves them no more."""
    is_served = await rows.owner_of(conn, integration_id=integration_id, id=id)
    if is_served is None:
        raise Missing("customer")
    if not is_served:
        raise CustomerBlocked
