"""Custom fields: what an entity may carry besides its own columns, and how each type of value is read and shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import custom_fields as rows
from storage.custom_fields import CustomField, Kept
from storage.database.errors import StorageError, is_foreign_key, is_unique
from storage.database.pool import Conn

TYPES = ("text", "textarea", "number", "email", "date", "datetime", "select", "radio", "checkbox")
#: `boolean` is a second name of checkbox.
ALIASES = {"boolean": "checkbox"}
#: Of one entity.
MOST_FIELDS = 200
MOST_CHARS = {"textarea": 5000}
MOST_TEXT = 500
_NUMBER = re.compile(r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$")
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class NameTaken(Conflict):
    """Another field of this entity has this name."""

    code = "field_name_taken"


@dataclass(frozen=True, slots=True)
class FieldIn:
    """A field as it is to be; without a position it comes last."""

    entity_type: str
    field_name: str
    field_label: str
    field_type: str
    options: Sequence[str] = ()
    is_required: bool = False
    is_active: bool = True
    position: int | None = None


async def page(conn: Conn, entity_type: str | None = None, *, with_inactive: bool = True) -> list[CustomField]:
    """In their order."""
    return await rows.of_entity(conn, entity_type=entity_type, with_inactive=with_inactive)


async def get(conn: Conn, field_id: int) -> CustomField:
    """Raises Missing."""
    found = await rows.get(conn, id=field_id)
    if found is None:
        raise Missing("custom field")
    return found


async def create(tx: Tx, actor: Actor, new: FieldIn) -> CustomField:
    """Raises Invalid (options where there are none, none where there must be some), NameTaken."""
    _check_options(new.field_type, new.options)
    if len(await page(tx.conn, new.entity_type)) >= MOST_FIELDS:
        raise Invalid({"entity_type": f"An entity has at most {MOST_FIELDS} custom fields."})
    made = await rows.insert(
        tx.conn, entity_type=new.entity_type, field_name=new.field_name, field_label=new.field_label,
        field_type=new.field_type, options=list(new.options), is_required=new.is_required, is_active=new.is_active,
        position=new.position,
    )  # fmt: skip
    if made is None:
        raise NameTaken
    await audit.record(tx, actor, "create_custom_field", "custom_field", made.id)
    return made


async def change(tx: Tx, actor: Actor, field_id: int, changes: Mapping[str, Any]) -> CustomField:
    """Changes what is named; entity and type of a field stay, because its values were checked by them.

    Raises Missing, Invalid, NameTaken.
    """
    before = await rows.lock(tx.conn, id=field_id)
    if before is None:
        raise Missing("custom field")
    for name, text in (("entity_type", "entity"), ("field_type", "type")):
        if changes.get(name, getattr(before, name)) != getattr(before, name):
            raise Invalid({name: f"The {text} of a field cannot be changed: make another field."})
    after = replace(before, **changes)
    _check_options(after.field_type, after.options)
    try:
        async with tx.savepoint():
            saved = await rows.save(
                tx.conn, id=field_id, field_name=after.field_name, field_label=after.field_label,
                options=list(after.options), is_required=after.is_required, is_active=after.is_active,
                position=after.position,
            )  # fmt: skip
    except StorageError as error:
        if is_unique(error):
            raise NameTaken from error
        raise
    assert saved is not None, "its lock is held"
    await audit.record(tx, actor, "update_custom_field", "custom_field", field_id)
    return saved


async def toggle(tx: Tx, actor: Actor, field_id: int) -> CustomField:
    """An inactive field is in no form, and its values are kept. Raises Missing."""
    before = await rows.lock(tx.conn, id=field_id)
    if before is None:
        raise Missing("custom field")
    return await change(tx, actor, field_id, {"is_active": not before.is_active})


async def delete(tx: Tx, actor: Actor, field_id: int) -> None:
    """With every value of it. Raises Missing."""
    if not await rows.delete(tx.conn, id=field_id):
        raise Missing("custom field")
    await audit.record(tx, actor, "delete_custom_field", "custom_field", field_id)


async def reorder(tx: Tx, ids: Sequence[int]) -> None:
    """The named fields, all of one entity, come first and in this order. Raises Invalid for one that is none of it."""
    if len(set(ids)) != len(ids) or await rows.reorder(tx.conn, ids=list(ids)) != len(ids):
        raise Invalid({"ids": "Name fields of one entity, each of them once."})


def _check_options(field_type: str, options: Sequence[str]) -> None:
    if field_type in ("select", "radio"):
        if not options or len(set(options)) != len(options):
            raise Invalid({"options": "A field to choose from needs options, no two of them alike."})
    elif options:
        raise Invalid({"options": "Only fields of the types select and radio have options."})


# ---------------------------------------------------------------- values


async def checked(conn: Conn, entity_type: str, given: Mapping[str, Any], *, is_new: bool) -> dict[int, str | None]:
    """Field id -> value as it is kept, None for one that is taken away.

    Only what is named is changed; what is required must be there for a new entity and cannot be taken away. Raises
    Invalid with every bad field, named `custom_fields.<id>`.
    """
    fields = {field.id: field for field in await page(conn, entity_type)}
    bad: dict[str, str] = {}
    found: dict[int, str | None] = {}
    for key, value in given.items():
        field = fields.get(int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else None
        if field is None:
            bad[f"custom_fields.{key}"] = f"There is no custom field {key[:20]} of a {entity_type}."
            continue
        try:
            found[field.id] = kept(field, value)
        except ValueError as error:
            bad[f"custom_fields.{key}"] = f"{field.field_label} {error}."
    for field in fields.values():
        is_missing = found.get(field.id, None if is_new else "") is None
        if field.is_required and field.is_active and is_missing and f"custom_fields.{field.id}" not in bad:
            bad[f"custom_fields.{field.id}"] = f"{field.field_label} is required."
    if bad:
        raise Invalid(bad)
    return found


async def put(tx: Tx, entity_id: str, values: Mapping[int, str | None]) -> None:
    """Keeps checked values. Raises Invalid where a field was deleted since."""
    named = {field_id: value for field_id, value in values.items() if value is not None}
    try:
        if named:
            async with tx.savepoint():
                await rows.put_values(tx.conn, entity_id=entity_id, field_ids=list(named), values=list(named.values()))
    except StorageError as error:
        if not is_foreign_key(error):
            raise
        raise Invalid({"custom_fields": "One of these custom fields was deleted just now."}) from error
    if gone := [field_id for field_id, value in values.items() if value is None]:
        await rows.drop_values(tx.conn, entity_id=entity_id, field_ids=gone)


async def put_product(tx: Tx, actor: Actor, product_id: UUID, given: Mapping[str, Any]) -> None:
    """Changes the named values of a product, which is a service of the catalogue. Raises Missing, Invalid."""
    if not await rows.has_product(tx.conn, id=product_id):
        raise Missing("product")
    is_new = not (await of(tx.conn, "product", [str(product_id)])).get(str(product_id))
    values = await checked(tx.conn, "product", given, is_new=is_new)
    await put(tx, str(product_id), values)
    await audit.record(tx, actor, "set_custom_fields", "service", product_id, {str(k): v for k, v in values.items()})


async def of_product(conn: Conn, product_id: UUID) -> list[Kept]:
    """Raises Missing."""
    if not await rows.has_product(conn, id=product_id):
        raise Missing("product")
    return (await of(conn, "product", [str(product_id)])).get(str(product_id), [])


async def of(conn: Conn, entity_type: str, ids: Sequence[str]) -> dict[str, list[Kept]]:
    """The values of some entities, by their ids, in the order of the fields."""
    found: dict[str, list[Kept]] = defaultdict(list)
    if ids:
        for value in await rows.values_of(conn, entity_type=entity_type, entity_ids=list(ids)):
            found[value.entity_id].append(value)
    return found


def kept(field: CustomField, value: Any) -> str | None:
    """A value as it is kept, by its field's type; None and blank texts are no value. Raises ValueError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, dict | list) or (isinstance(value, bool) and field.field_type != "checkbox"):
        raise ValueError("must be a text or a number")
    text = str(value).strip()
    if len(text) > (most := MOST_CHARS.get(field.field_type, MOST_TEXT)):
        raise ValueError(f"must have at most {most} characters")
    reader = _READERS.get(field.field_type)
    if reader is not None:
        return reader(text)
    if field.field_type in ("select", "radio") and text not in field.options:
        raise ValueError(f"must be one of {', '.join(field.options)}")
    return text


def _number(text: str) -> str:
    try:
        is_number = _NUMBER.match(text) is not None and Decimal(text).is_finite()
    except InvalidOperation:
        is_number = False
    if not is_number:
        raise ValueError("must be a number")
    return text


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError("must be an e-mail address") from error


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError("must be a date such as 2026-01-31") from error


def _datetime(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        # At the ends of the calendar another offset is a day that there is not.
        raise ValueError("must be a moment such as 2026-01-31T10:00:00Z") from error


def _checkbox(text: str) -> str:
    if (word := text.lower()) not in (*_TRUE, *_FALSE):
        raise ValueError("must be true or false")
    return "true" if word in _TRUE else "false"


_READERS = {"number": _number, "email": _email, "date": _date, "datetime": _datetime, "checkbox": _checkbox}


def shown(value: Kept) -> Any:
    """A kept value as its type is written: a number, true or false, else its text."""
    if value.field_type == "number":
        number = Decimal(value.value)
        return int(number) if number == number.to_integral_value() else float(number)
    return value.value == "true" if value.field_type == "checkbox" else value.value


def formatted(value: Kept) -> str:
    """The same as people read it."""
    if value.field_type == "checkbox":
        return "Yes" if value.value == "true" else "No"
    if value.field_type == "datetime":
        return datetime.fromisoformat(value.value).strftime("%Y-%m-%d %H:%M")
    return value.value
