"""Every named statement prepares against the migrated schema, and its columns are its row type's fields."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import storage
from storage.database.binder import REGISTRY, Statement, Statements, columns_of, split, to_positional
from storage.database.pool import Conn

for _module in pkgutil.walk_packages(storage.__path__, "storage."):
    importlib.import_module(_module.name)


@pytest.mark.parametrize("statement", REGISTRY, ids=lambda s: f"{s.noun}.{s.name}")
async def test_statement_prepares(db: Conn, statement: Statement) -> None:
    prepared = await db.prepare(statement.text)
    if statement.row_type is not None:
        assert tuple(a.name for a in prepared.get_attributes()) == columns_of(statement.row_type)


def test_every_statement_of_every_file_is_bound() -> None:
    bound = {(s.noun, s.name) for s in REGISTRY}
    for noun in {s.noun for s in REGISTRY}:
        assert {(noun, name) for name in Statements(noun).names} == {b for b in bound if b[0] == noun}


def test_parameters_casts_and_text() -> None:
    text, names = to_positional("SELECT :a::text, ':no' || $$:no$$, x::int, :b, :a -- :no\nWHERE t > :b")
    assert text == "SELECT $1::text, ':no' || $$:no$$, x::int, $2, $1 -- :no\nWHERE t > $2"
    assert names == ("a", "b")


def test_wrong_parameters_fail_loudly() -> None:
    statement = Statement("test", "x", "SELECT :a")
    REGISTRY.remove(statement)
    with pytest.raises(TypeError, match=r"missing \['a'\], surplus \['b'\]"):
        statement.arguments({"b": 1})


def test_a_name_may_stand_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        split("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;")
