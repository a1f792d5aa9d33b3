"""Rows of otp_challenges: one live code for a phone and a purpose, kept as a hash, in real time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("otp")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a counted guess may be compared with."""

    id: UUID
    code_hash: bytes
    salt: bytes


put = sql.run("put")
count_guess = sql.row("count_guess", Challenge)
is_dead = sql.scalar("is_dead", bool)
use = sql.run("use")
forget_phone = sql.run("forget_phone")
purge = sql.run("purge")
