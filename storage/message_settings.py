"""Rows of message settings: by which channels somebody is told, and in which language."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("message_settings")


@dataclass(frozen=True, slots=True)
class MessageSettings:
    sms: bool
    email: bool
    push: bool
    language: str


find = sql.row("find", MessageSettings)
change_of_account = sql.row("change_of_account", MessageSettings)
change_of_technician = sql.row("change_of_technician", MessageSettings)
erase = sql.run("erase")
