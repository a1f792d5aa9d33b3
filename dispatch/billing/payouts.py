"""Payouts: earnings turned into money for a technician or a provider, less the cash that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from dispatch import localtime, numbers
from dispatch.billing import ledger, provider_facts, provider_transactions, provider_wallet
from dispatch.billing.ledger import Line
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.engine import facts
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.outbox import messages, payout_notices
from dispatch.reports.formats import amount_text
from dispatch.services import Tx
from storage import earnings as earning_rows
from storage import intents as intent_rows
from storage import ledger as ledger_rows
from storage import payouts as rows
from storage import providers as provider_rows
from storage import technicians as technician_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.earnings import Open
from storage.payouts import Payout, Sums

METHODS = ("bank_transfer", "upi")
STATUSES = ("pending", "processing", "completed", "failed")


class NothingToPay(Conflict):
    """There are no pending earnings to pay out."""

    code = "no_pending_earnings"


class BalanceTooSmall(Conflict):
    """This is more than can be paid out."""

    code = "balance_too_small"

    def __init__(self, available_minor: int, asked_minor: int, currency: str) -> None:
        super().__init__(
            f"At most {amount_text(available_minor, currency)} can be paid out.",
            details={"available_minor": available_minor, "asked_minor": asked_minor},
        )


class EarningsTaken(Conflict):
    """Some of these earnings are paid or in another payout already."""

    code = "earnings_taken"


class PayoutState(Conflict):
    """This payout is past that."""

    code = "wrong_state"


async def create(
    tx: Tx,
    party_id: UUID,
    *,
    method: str,
    requested_by: str,
    amount_minor: int | None = None,
    earning_ids: Sequence[UUID] | None = None,
    deduction_minor: int = 0,
    notes: str | None = None,
    currency: str | None = None,
    series: str = "PO",
    is_request: bool = False,
    needs_review: bool = False,
) -> Payout:
    """Reserves a payout of an amount against what a payee is owed; without one, of all open earnings or those named.

    Cash in hand is netted: net = total - deduction - cash. An amount is the net, so all cash is settled before
    anything is sent. What is reserved comes out of the oldest earnings, the last of them in part. A payout whose net
    is zero is completed at once, since no money has to move. An amount comes out of all that is owed in its currency,
    earned by jobs or not; earnings are paid as far as they are still owed. Of any number of parallel requests those
    succeed that the balance covers.

    Raises NothingToPay, BalanceTooSmall, EarningsTaken, Invalid (amounts, foreign ids, mixed currencies, an amount in
    none of several).
    """
    if method not in METHODS:
        raise Invalid({"payment_method": f"must be one of {', '.join(METHODS)}"})
    if amount_minor is not None and (amount_minor <= 0 or earning_ids is not None):
        raise Invalid({"amount": "must be more than zero, and stands without earnings"})
    chosen = await _choose(tx, party_id, earning_ids, currency, amount_minor is not None)
    if currency is None:
        currency = chosen[0].currency if amount_minor is None else await _only_currency(tx, party_id)
        chosen = [e for e in chosen if e.currency == currency]
    balances = await ledger.lock_owner(tx, "party", party_id, currency)
    owed, held = balances.get("payable", 0), -balances.get("cash_in_hand", 0)
    total, offset = _sums(amount_minor, deduction_minor, sum(e.open_minor for e in chosen), owed, held, currency)
    today = localtime.local(tx.now, tx.services.settings.timezone).date()
    parts = _parts(chosen, total)
    payout_id = await rows.insert(
        tx.conn, number=await numbers.take(tx.conn, series, today), party_id=party_id, currency=currency,
        total_minor=total, deduction_minor=deduction_minor, cash_offset_minor=offset,
        net_minor=total - deduction_minor - offset, method=method, requested_by=requested_by,
        earning_ids=list(parts), notes=notes, is_request=is_request, needs_review=needs_review,
    )  # fmt: skip
    assert payout_id is not None, "an insert answers with its id"
    await rows.insert_parts(tx.conn, payout_id=payout_id, earning_ids=list(parts), amounts=list(parts.values()))
    await earning_rows.claim(tx.conn, payout_id=payout_id)
    payout = await _get(tx.conn, payout_id)
    await ledger.post(tx, "payout", str(payout_id), reserved(payout), description=f"Payout {payout.number}")
    await _open_lines(tx, payout)
    if payout.net_minor == 0:
        await _complete(tx, payout, None, None, None)
        payout = await _get(tx.conn, payout_id)
    return payout


def _sums(
    amount_minor: int | None, deduction_minor: int, open_minor: int, owed_minor: int, held_minor: int, currency: str
) -> tuple[int, int]:
    """What is taken from the balance in all, and how much of it settles cash in hand."""
    if amount_minor is not None:
        total = amount_minor + max(0, deduction_minor) + held_minor
        if deduction_minor < 0:
            raise Invalid({"deduction": "must not be less than zero"})
        if total > owed_minor:
            left = max(0, owed_minor - deduction_minor - held_minor)
            raise BalanceTooSmall(left, amount_minor, currency)
        return total, held_minor
    # Part of what was earned may have left the balance another way, as a bill of the plan.
    total = min(open_minor, owed_minor)
    if total <= 0:
        raise NothingToPay()
    if not 0 <= deduction_minor <= total:
        raise Invalid({"deduction": "must be between zero and the earnings"})
    return total, min(held_minor, total - deduction_minor)


def _parts(chosen: Sequence[Open], total_minor: int) -> dict[UUID, int]:
    """How much of which earning, the oldest first."""
    parts: dict[UUID, int] = {}
    for earning in chosen:
        part = min(earning.open_minor, total_minor)
        if part <= 0:
            break
        parts[earning.id] = part
        total_minor -= part
    return parts


async def _choose(
    tx: Tx, party_id: UUID, earning_ids: Sequence[UUID] | None, currency: str | None, is_amount: bool
) -> list[Open]:
    """The earnings that a payout comes out of, the oldest first; of an amount they may be in several currencies."""
    ids = None if earning_ids is None else list(dict.fromkeys(earning_ids))
    found = await earning_rows.lock_open(tx.conn, payee_id=party_id, ids=ids)
    if ids is not None and len(found) < len(ids):
        known = await earning_rows.count_known(tx.conn, payee_id=party_id, ids=ids) or 0
        if known < len(ids):
            raise Invalid({"earnings_ids": "names earnings that this payee does not have"})
        raise EarningsTaken()
    if ids is not None and len({e.currency for e in found} | {currency or found[0].currency}) > 1:
        raise Invalid({"earnings_ids": "must all be in one currency"})
    if currency is not None:
        return [e for e in found if e.currency == currency]
    if is_amount:
        return found
    if not found:
        raise NothingToPay()
    # One payout has one currency; the others wait for the next one.
    return [e for e in found if e.currency == found[0].currency]


async def _only_currency(tx: Tx, party_id: UUID) -> str:
    """The currency in which a payee is owed something. Raises NothingToPay, Invalid where there are several."""
    accounts = await ledger_rows.accounts_of(tx.conn, owner_kind="party", owner_id=party_id)
    owed = [a.currency for a in accounts if a.type == "payable" and a.balance_minor > 0]
    if not owed:
        raise NothingToPay()
    if len(owed) > 1:
        raise Invalid({"currency": f"is required: money is owed in {', '.join(owed)}"})
    return owed[0]


def reserved(payout: Payout) -> list[Line]:
    """What creating a payout posts: the debt and the cash are settled, the money is on its way."""
    currency = payout.currency
    return [
        Line(ledger.payable(payout.party_id, currency), -payout.total_minor),
        Line(ledger.cash_in_hand(payout.party_id, currency), payout.cash_offset_minor),
        Line(ledger.platform("adjustments", currency), payout.deduction_minor),
        Line(ledger.platform("payout_clearing", currency), payout.net_minor),
    ]


async def process(
    tx: Tx,
    payout_id: UUID,
    *,
    bank_transaction_id: str | None = None,
    upi_transaction_id: str | None = None,
    notes: str | None = None,
) -> Payout:
    """Staff have sent the money: the payout is completed and its earnings are paid.

    The proof is the transaction's id of the payout's method; a UPI payout also takes the bank's (C79). Raises
    Missing, Invalid, PayoutState (also while the gateway is sending it).
    """
    payout = await lock(tx, payout_id)
    if payout.status not in ("pending", "processing"):
        raise PayoutState(f"This payout is {payout.status}.")
    if payout.method == "bank_transfer" and not bank_transaction_id:
        raise Invalid({"bank_transaction_id": "is required for a bank transfer"})
    if not (bank_transaction_id or upi_transaction_id):
        raise Invalid({"upi_transaction_id": "is required for a UPI payout"})
    if await intent_rows.open_of_payout(tx.conn, payout_id=payout_id):
        raise PayoutState("The gateway is sending this payout; its outcome decides.")
    await _complete(tx, payout, bank_transaction_id, upi_transaction_id, notes)
    return await _get(tx.conn, payout_id)


async def _complete(tx: Tx, payout: Payout, bank_id: str | None, upi_id: str | None, notes: str | None) -> None:
    moved = await rows.complete(
        tx.conn, payout_id=payout.id, bank_transaction_id=bank_id, upi_transaction_id=upi_id, notes=notes
    )
    assert moved == 1, "the payout is locked"
    await earning_rows.pay(tx.conn, payout_id=payout.id)
    await ledger.post(
        tx, "payout_completed", str(payout.id),
        [
            Line(ledger.platform("payout_clearing", payout.currency), -payout.net_minor),
            Line(ledger.platform("bank", payout.currency), payout.net_minor),
        ],
        description=f"Payout {payout.number} sent",
    )  # fmt: skip
    await _tell(tx, payout, "paid")
    if payout.party_kind == "technician" and payout.net_minor:
        await payout_notices.paid(tx, payout.party_id, payout.number, payout.net_minor, payout.currency)


async def fail(tx: Tx, payout_id: UUID, *, failure_reason: str) -> Payout:
    """The money did not go: exactly what was reserved is given back, and the earnings wait again."""
    payout = await lock(tx, payout_id)
    if payout.status not in ("pending", "processing"):
        raise PayoutState(f"This payout is {payout.status}.")
    if await intent_rows.open_of_payout(tx.conn, payout_id=payout_id):
        raise PayoutState("The gateway is sending this payout; its outcome decides.")
    await give_back(tx, payout, failure_reason)
    return await _get(tx.conn, payout_id)


async def returned(tx: Tx, payout_id: UUID, *, reason: str) -> Payout:
    """Staff saw at the bank that what they had sent came back, or it was said to be sent by mistake: it is owed again.

    Raises Missing, PayoutState, also for what the gateway has sent, whose word decides.
    """
    payout = await lock(tx, payout_id)
    if payout.status != "completed":
        raise PayoutState(f"This payout is {payout.status}: only what was sent can come back.")
    if payout.gateway_payout_id is not None:
        raise PayoutState("The gateway has sent this payout, and says by itself when it comes back.")
    if payout.net_minor == 0:
        raise PayoutState("No money was sent by this payout, so none can come back.")
    await came_back(tx, payout, reason)
    return await _get(tx.conn, payout_id)


async def give_back(tx: Tx, payout: Payout, failure_reason: str, *, is_declined: bool = False) -> None:
    """The failing itself, for staff and for the gateway alike; the caller holds the payout's lock.

    `is_declined`: it was never sent, and the caller writes why.
    """
    moved = await rows.fail(tx.conn, payout_id=payout.id, failure_reason=failure_reason)
    assert moved == 1, "the payout is locked"
    await earning_rows.release(tx.conn, payout_id=payout.id, was_paid=False)
    back = [Line(line.account, -line.amount_minor) for line in reserved(payout)]
    await ledger.post(tx, "payout_failed", str(payout.id), back, description=f"Payout {payout.number} failed")
    await _tell(tx, payout, "pending")
    if not is_declined:
        await _write_failed(tx, payout, failure_reason)


async def came_back(tx: Tx, payout: Payout, reason: str) -> None:
    """The bank returned what had been sent: what the payout took is owed again. The caller holds the payout's lock."""
    moved = await rows.came_back(tx.conn, payout_id=payout.id, failure_reason=reason)
    assert moved == 1, "the payout is locked and completed"
    await earning_rows.release(tx.conn, payout_id=payout.id, was_paid=True)
    sent = [
        Line(ledger.platform("payout_clearing", payout.currency), -payout.net_minor),
        Line(ledger.platform("bank", payout.currency), payout.net_minor),
    ]
    back = [Line(line.account, -line.amount_minor) for line in [*reserved(payout), *sent]]
    await ledger.post(tx, "payout_returned", str(payout.id), back, description=f"Payout {payout.number} came back")
    await _tell(tx, payout, "pending")
    await _write_failed(tx, payout, reason)


async def _write_failed(tx: Tx, payout: Payout, reason: str) -> None:
    """Whoever was to be paid reads that it did not arrive: else the next payout goes to the same account."""
    told = {"number": payout.number, "amount": amount_text(payout.net_minor, payout.currency), "reason": reason}
    if payout.party_kind == "provider":
        provider = await provider_rows.get(tx.conn, id=payout.party_id)
        if address := provider and (provider.billing_email or provider.email):
            await messages.enqueue(tx, "email", address, "payout_failed", told)
        return
    technician = await technician_rows.get(tx.conn, technician_id=payout.party_id, currency=payout.currency)
    if technician is not None and technician.phone is not None:
        await messages.enqueue(tx, "sms", technician.phone, "payout_owed_again", told)


async def completed_by_gateway(tx: Tx, payout: Payout, utr: str | None) -> None:
    """The gateway says that the money arrived; `utr` is the bank's reference.

    The caller holds the payout's lock.
    """
    is_upi = payout.method == "upi"
    await _complete(tx, payout, None if is_upi else utr, utr if is_upi else None, None)


async def _open_lines(tx: Tx, payout: Payout) -> None:
    """A provider's statement has a line for the money of a payout, and one for what was deducted."""
    if payout.party_kind != "provider":
        return
    for category, minor, reference in (
        ("payout", payout.net_minor, payout.number), ("wallet", payout.deduction_minor, f"{payout.number}-DEDUCTION"),
    ):  # fmt: skip
        if minor:
            await provider_transactions.add(tx, NewTransaction(
                payout.party_id, "debit", category, "pending", minor, payout.currency, reference, payout.method,
                description=payout.notes or f"Payout {payout.number}", payout_id=payout.id,
            ))  # fmt: skip
    _tell_provider(tx, payout, "pending")
    await provider_wallet.tell(tx, payout.party_id, payout.currency)


async def _close_lines(tx: Tx, payout: Payout, step: str) -> None:
    """What became of a payout, on its provider's statement and stream."""
    if payout.party_kind != "provider":
        return
    await provider_transactions.move_of_payout(tx, payout.id, step)
    _tell_provider(tx, payout, "completed" if step == "settle" else "failed")
    await provider_wallet.tell(tx, payout.party_id, payout.currency)


def _tell_provider(tx: Tx, payout: Payout, status: str) -> None:
    provider_facts.tell(
        tx, payout.party_id, "payout.updated",
        {
            "payout_id": str(payout.id), "invoice": payout.number, "amount_minor": payout.net_minor,
            "currency": payout.currency, "status": status,
        },
        about=payout.id,
    )  # fmt: skip


async def _tell(tx: Tx, payout: Payout, status: str) -> None:
    await _close_lines(tx, payout, "settle" if status == "paid" else "fail")
    facts.tell_party(
        tx, payout.party_id, "earnings.updated",
        {
            "payout_id": str(payout.id), "payout_number": payout.number, "net_minor": payout.net_minor,
            "currency": payout.currency, "status": status,
        },
    )  # fmt: skip


# ---------------------------------------------------------------- reading


async def _get(conn: Conn, payout_id: UUID) -> Payout:
    payout = await rows.get(conn, payout_id=payout_id)
    if payout is None:
        raise Missing("payout")
    return payout


async def get(conn: Conn, payout_id: UUID) -> Payout:
    """Raises Missing."""
    return await _get(conn, payout_id)


async def lock(tx: Tx, payout_id: UUID) -> Payout:
    """The same, locked until the end of the transaction."""
    payout = await rows.lock(tx.conn, payout_id=payout_id)
    if payout is None:
        raise Missing("payout")
    return payout


#: A party's payouts, as a list.
LIST = rows.of_party


async def page(conn: Conn, party_id: UUID, wanted: Wanted, timezone: str) -> Slice[Payout]:
    """A party's payouts, newest first; days are those of `timezone`."""
    return await rows.of_party.page(conn, wanted, party_id=party_id, timezone=timezone)


async def sums(
    conn: Conn, party_id: UUID, currency: str, from_at: datetime | None = None, to_at: datetime | None = None
) -> Sums:
    """How many payouts a party had in a span of time, and what has left or is leaving in a currency."""
    found = await rows.sums_of_party(conn, party_id=party_id, currency=currency, from_at=from_at, to_at=to_at)
    assert found is not None, "sums are always there"
    return found
