"""Rows of provider wallets: the ledger's accounts of a provider, one line per currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database.binder import Statements

sql = Statements("provider_wallet")


@dataclass(frozen=True, slots=True)
class Balance:
    currency: str
    owed_minor: int
    cash_minor: int
    pending_minor: int


balances = sql.rows("balances", Balance)
last_moved = sql.scalar("last_moved", datetime)
