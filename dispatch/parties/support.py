"""Whom organisations may ask and what they can learn from: rows that staff keep, none until they do (R140, R145)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import organisations
from dispatch.services import Tx
from storage import support as rows
from storage.database.pool import Conn
from storage.support import Contact, Training


@dataclass(frozen=True, slots=True)
class ContactIn:
    """`account_id` for an account manager's card, and for nobody else's."""

    kind: str
    account_id: UUID | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    hours: str | None = None
    languages: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingIn:
    type: str
    title: str
    url: str | None = None
    register_url: str | None = None
    duration_minutes: int | None = None
    pages: int | None = None
    scheduled_at: datetime | None = None
    seats: int | None = None


async def contacts(conn: Conn, account_id: UUID | None) -> dict[str, Contact]:
    """The card of an account manager and the lines that everybody has, by kind."""
    found = await rows.contacts(conn, account_id=account_id, everybody=False)
    return {c.kind: c for c in found}


async def all_contacts(conn: Conn) -> list[Contact]:
    return await rows.contacts(conn, account_id=None, everybody=True)


async def put_contact(tx: Tx, actor: Actor, new: ContactIn) -> UUID:
    """Puts a card in place of the one that was there. Raises Invalid, Missing (who is no member of staff)."""
    if (new.kind == "account_manager") != (new.account_id is not None):
        raise Invalid({"account_id": "An account manager's card names somebody of the staff; the others name nobody."})
    if new.account_id is not None:
        await organisations.require_staff(tx.conn, new.account_id)
    contact_id = await rows.put_contact(tx.conn, **{**asdict(new), "languages": list(new.languages)})
    assert contact_id is not None, "an upsert returns its id"
    await audit.record(tx, actor, "support_contact.put", "support_contact", contact_id)
    return contact_id


async def drop_contact(tx: Tx, actor: Actor, contact_id: UUID) -> None:
    """Raises Missing."""
    if await rows.drop_contact(tx.conn, id=contact_id) is None:
        raise Missing("contact")
    await audit.record(tx, actor, "support_contact.drop", "support_contact", contact_id)


async def training(conn: Conn) -> list[Training]:
    """What organisations are shown: without what is over."""
    return await rows.shown_training(conn)


async def all_training(conn: Conn) -> list[Training]:
    return await rows.all_training(conn)


async def add_training(tx: Tx, actor: Actor, new: TrainingIn) -> UUID:
    training_id = await rows.add_training(tx.conn, **asdict(new))
    assert training_id is not None, "an insert returns its id"
    await audit.record(tx, actor, "training.add", "training", training_id)
    return training_id


async def change_training(tx: Tx, actor: Actor, training_id: UUID, new: TrainingIn, is_active: bool) -> None:
    """Raises Missing."""
    if await rows.change_training(tx.conn, id=training_id, is_active=is_active, **asdict(new)) is None:
        raise Missing("training")
    await audit.record(tx, actor, "training.change", "training", training_id)


async def drop_training(tx: Tx, actor: Actor, training_id: UUID) -> None:
    """Raises Missing."""
    if await rows.drop_training(tx.conn, id=training_id) is None:
        raise Missing("training")
    await audit.record(tx, actor, "training.drop", "training", training_id)
