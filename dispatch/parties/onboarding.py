"""What an organisation goes through before it is at home: four steps, in order, a quarter each (R130)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.errors import Conflict
from dispatch.services import Tx
from storage import onboarding as rows
from storage.database.pool import Conn
from storage.onboarding import Step

#: In their order: what a step asks for, as a title and a sentence.
STEPS: Mapping[str, tuple[str, str]] = {
    "document_verification": ("Submit your documents", "Submit business documents"),
    "contract_signing": ("Review Partnership Agreement", "Review and sign partnership agreement"),
    "payment_setup": ("Set up billing", "Configure billing and payment methods"),
    "user_enrollment": ("Enroll your people", "Enroll employees/members"),
}
DONE = "completed"


class OutOfOrder(Conflict):
    """This step is not the next one."""

    code = "step_out_of_order"


@dataclass(frozen=True, slots=True)
class Progress:
    """`current` is the step that comes next, or `completed`."""

    steps: list[Step]

    @property
    def current(self) -> str:
        return next((s.step for s in self.steps if s.status == "pending"), DONE)

    @property
    def percent(self) -> int:
        return 100 * sum(s.status == DONE for s in self.steps) // max(len(self.steps), 1)


async def begin(tx: Tx, party_id: UUID) -> None:
    await rows.insert(tx.conn, party_id=party_id, steps=list(STEPS))


async def progress(conn: Conn, party_id: UUID | None) -> Progress:
    return Progress(await rows.of_party(conn, party_id=party_id))


async def complete(tx: Tx, party_id: UUID | None, step: str, data: dict[str, Any]) -> Progress:
    """Completes a step in its turn. Raises OutOfOrder for one that is done already, or whose turn it is not yet."""
    if await rows.complete(tx.conn, party_id=party_id, step=step, data=data) is None:
        now = await progress(tx.conn, party_id)
        done = any(s.step == step and s.status == DONE for s in now.steps)
        raise OutOfOrder(
            "This step is completed already." if done else f"The next step is {now.current.replace('_', ' ')}.",
            details={"next_step": now.current},
        )
    return await progress(tx.conn, party_id)


async def reopen(tx: Tx, party_id: UUID, step: str) -> bool:
    """Staff ask for a step once more. False: it was open."""
    return await rows.reopen(tx.conn, party_id=party_id, step=step) is not None
