"""Rows of custom fields and of their values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database.binder import Statements

sql = Statements("custom_fields")


@dataclass(frozen=True, slots=True)
class CustomField:
    id: int
    entity_type: str
    field_name: str
    field_label: str
    field_type: str
    options: list[str]
    is_required: bool
    is_active: bool
    position: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A value as text; its field's type says how it is read."""

    entity_id: str
    field_id: int
    field_name: str
    field_label: str
    field_type: str
    value: str


of_entity = sql.rows("of_entity", CustomField)
get = sql.row("get", CustomField)
lock = sql.row("lock", CustomField)
insert = sql.row("insert", CustomField)
save = sql.row("save", CustomField)
delete = sql.run("delete")
reorder = sql.scalar("reorder", int)
values_of = sql.rows("values_of", Kept)
has_product = sql.scalar("has_product", bool)
put_values = sql.run("put_values")
drop_values = sql.run("drop_values")
