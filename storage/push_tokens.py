"""Rows of push tokens: the apps of customers and technicians as the push service knows them."""

from __future__ import annotations

from storage.database.binder import Statements

sql = Statements("push_tokens")

forget_of_session = sql.run("forget_of_session")
put = sql.run("put")
delete = sql.run("delete")
drop = sql.run("drop")
erase = sql.run("erase")
