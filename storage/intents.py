"""Rows of payment_intents: what we are about to ask of the gateway, committed before we ask."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("intents")


@dataclass(frozen=True, slots=True)
class Intent:
    id: UUID
    kind: str
    payment_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None
    gateway_ref: str | None
    idempotency_key: str
    state: str
    attempts: int
    error: str | None

    @property
    def may_have_happened(self) -> bool:
        """An earlier try's outcome is not known: ask before asking again."""
        return self.attempts > 1


@dataclass(frozen=True, slots=True)
class StateCount:
    state: str
    intents: int


insert = sql.scalar("insert", UUID)
insert_claimed = sql.row("insert_claimed", Intent)
rearm_order = sql.run("rearm_order")
rearm_link = sql.run("rearm_link")
claim = sql.row("claim", Intent)
claim_due = sql.row("claim_due", Intent)
give_up_stale = sql.row("give_up_stale", Intent)
finish = sql.run("finish")
retry = sql.run("retry")
hurry = sql.run("hurry")
expire = sql.run("expire")
rearm_capture = sql.run("rearm_capture")
captured = sql.run("captured")
of_payment = sql.row("of_payment", Intent)
open_of_payout = sql.scalar("open_of_payout", int)
close_reviewed = sql.run("close_reviewed")
count_by_state = sql.rows("count_by_state", StateCount)
in_review = sql.rows("in_review", Intent)
try_again = sql.run("try_again")
try_one_again = sql.run("try_one_again")
