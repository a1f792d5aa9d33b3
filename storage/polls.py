"""What is open at the gateway and due to be asked about, because a webhook may be lost."""

from __future__ import annotations

from uuid import UUID

from storage.database.binder import Statements

sql = Statements("polls")

claim_payment = sql.scalar("claim_payment", UUID)
claim_refund = sql.scalar("claim_refund", UUID)
claim_payout = sql.scalar("claim_payout", UUID)
