"""Rows of staff_totp and staff_recovery_codes: the second factor of staff."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("totp")


@dataclass(frozen=True, slots=True)
class Factor:
    """`is_on` once its owner has shown a code of it."""

    account_id: UUID
    sealed: bytes
    is_on: bool
    last_step: int


find = sql.row("find", Factor)
begin = sql.run("begin")
use_step = sql.run("use_step")
confirm = sql.run("confirm")
remove = sql.run("remove")
forget_codes = sql.run("forget_codes")
put_codes = sql.many("put_code")
use_code = sql.run("use_code")
codes_left = sql.scalar("codes_left", int)
