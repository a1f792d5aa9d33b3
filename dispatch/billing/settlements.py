"""What staff settle with one person by hand: a wallet paid out, fees taken off, cash that a technician brought.

Each is one balanced journal with a row, and can be taken back once by another journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from dispatch.billing import ledger
from dispatch.billing.ledger import Line
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.reports.formats import amount_text
from dispatch.services import Tx
from storage import ledger as ledger_rows
from storage import settlements as rows
from storage.database.pool import Conn
from storage.settlements import Settlement

WALLET_PAID_OUT, FEES_WAIVED, CASH_HANDED_IN = "wallet_paid_out", "fees_waived", "cash_handed_in"
#: So many of the newest are shown beside a person.
MOST_SHOWN = 100


class TooMuch(Conflict):
    """This is more than there is to settle."""

    code = "more_than_there_is"

    def __init__(self, held_minor: int, asked_minor: int, currency: str) -> None:
        super().__init__(
            f"At most {amount_text(held_minor, currency)} can be settled: that is all there is.",
            details={"held_minor": held_minor, "asked_minor": asked_minor},
        )


class SettlementKnown(Conflict):
    """This was recorded already."""

    code = "settlement_known"


class SettlementReversed(Conflict):
    """This was taken back already."""

    code = "settlement_reversed"


@dataclass(frozen=True, slots=True)
class Wish:
    """What changed hands. The reference is the bank's or the receipt's, and counts once for each person."""

    currency: str
    amount_minor: int
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """How a person stands in a currency, in minor units."""

    currency: str
    wallet_minor: int
    owed_minor: int
    cash_in_hand_minor: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """Whose account is settled, and where the other side of it stands. `sign` is that of the account's balance."""

    owner_kind: str
    type: str
    other: str
    sign: int
    words: str


_KINDS: Mapping[str, _Kind] = {
    WALLET_PAID_OUT: _Kind("account", "wallet", "bank", 1, "Paid out of the wallet"),
    FEES_WAIVED: _Kind("account", "receivable", "fee_revenue", -1, "Fees taken off"),
    CASH_HANDED_IN: _Kind("party", "cash_in_hand", "bank", -1, "Cash handed in"),
}


async def standing(conn: Conn, owner_kind: str, owner_id: UUID) -> list[Held]:
    """What a customer (account) has and owes, or a technician (party) holds, by currency; empty for who never had any.

    Raises Missing.
    """
    await _check(conn, owner_kind, owner_id)
    found: dict[str, dict[str, int]] = {}
    for account in await ledger_rows.accounts_of(conn, owner_kind=owner_kind, owner_id=owner_id):
        found.setdefault(account.currency, {})[account.type] = account.balance_minor
    return [
        Held(currency, held.get("wallet", 0), -held.get("receivable", 0), -held.get("cash_in_hand", 0))
        for currency, held in sorted(found.items())
    ]


async def newest(conn: Conn, owner_id: UUID) -> list[Settlement]:
    """What was settled with somebody, the newest first, with what was taken back; a hundred at most."""
    return await rows.newest(conn, owner_id=owner_id, limit=MOST_SHOWN)


async def record(tx: Tx, actor: Actor, kind: str, owner_id: UUID, wish: Wish) -> Settlement:
    """Settles so much of what a customer has in the wallet (the house has sent it), owes of fees (the house forgoes
    them), or of the cash that a technician holds (the house has it); once for each reference, and audited.

    A fee that an open payment asks for already stays in it: whoever pays it all the same has it in the wallet. Raises
    Missing, TooMuch, SettlementKnown.
    """
    what = _KINDS[kind]
    await _check(tx.conn, what.owner_kind, owner_id)
    balances = await ledger.lock_owner(tx, what.owner_kind, owner_id, wish.currency)
    settlement_id = await rows.insert(
        tx.conn, kind=kind, owner_id=owner_id, currency=wish.currency, amount_minor=wish.amount_minor,
        reference=wish.reference, reason=wish.reason, recorded_by=f"{actor.kind}:{actor.id}",
    )  # fmt: skip
    if settlement_id is None:
        raise SettlementKnown
    held = what.sign * balances.get(what.type, 0)
    if wish.amount_minor > held:
        raise TooMuch(held, wish.amount_minor, wish.currency)
    made = await _get(tx.conn, settlement_id)
    words = f"{what.words}: {made.reference}" if made.reference else what.words
    await ledger.post(tx, kind, str(made.id), _lines(made), description=words)
    await audit.changed(tx, actor, kind, _noun(what.owner_kind), owner_id, None, _audited(made))
    return made


async def reverse(tx: Tx, actor: Actor, settlement_id: UUID, reason: str) -> Settlement:
    """Takes back a record that was a mistake, once, by a journal of its own; its reference may be recorded again.

    Raises Missing, SettlementReversed.
    """
    before = await _get(tx.conn, settlement_id)
    what = _KINDS[before.kind]
    await ledger.lock_owner(tx, what.owner_kind, before.owner_id, before.currency)
    if await rows.reverse(tx.conn, id=settlement_id, reversed_by=f"{actor.kind}:{actor.id}", reason=reason) is None:
        raise SettlementReversed
    back = [Line(line.account, -line.amount_minor) for line in _lines(before)]
    await ledger.post(tx, f"{before.kind}_reversed", str(before.id), back, description=f"{what.words}: taken back")
    changes = {**audit.difference(_audited(before), None), "reason": {"old": None, "new": reason}}
    await audit.record(tx, actor, f"{before.kind}_reversed", _noun(what.owner_kind), before.owner_id, changes)
    return await _get(tx.conn, settlement_id)


def _lines(made: Settlement) -> list[Line]:
    what = _KINDS[made.kind]
    settled = -what.sign * made.amount_minor
    return [
        Line(ledger.Account(what.owner_kind, made.owner_id, what.type, made.currency), settled),
        Line(ledger.platform(what.other, made.currency), -settled),
    ]


async def _check(conn: Conn, owner_kind: str, owner_id: UUID) -> None:
    if not await rows.owner_known(conn, owner_kind=owner_kind, owner_id=owner_id):
        raise Missing(_noun(owner_kind))


async def _get(conn: Conn, settlement_id: UUID) -> Settlement:
    found = await rows.get(conn, id=settlement_id)
    if found is None:
        raise Missing("settlement")
    return found


def _noun(owner_kind: str) -> str:
    return "user" if owner_kind == "account" else "technician"


def _audited(made: Settlement) -> dict[str, object]:
    return {
        "settlement_id": made.id, "amount_minor": made.amount_minor, "currency": made.currency,
        "reference": made.reference, "reason": made.reason,
    }  # fmt: skip
