"""What staff settle with one person by hand: wallets paid out, fees taken off, cash that technicians bring."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.models import Body, Currency, Money, View
from api.wire.results import Reply
from dispatch.billing import settlements
from dispatch.billing.settlements import Held, Wish
from dispatch.services import Services
from storage.settlements import Settlement

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Positive = Annotated[Money, Field(gt=0)]
CUSTOMERS, TECHNICIANS = ("users",), ("partners",)


class HandedIn(Body):
    """What changed hands. The reference is the bank's, or the receipt's."""

    amount: Positive
    currency: Currency
    reference: Reference
    reason: Words | None = None


class WaiverIn(Body):
    amount: Positive
    currency: Currency
    reason: Words


class ReversalIn(Body):
    reason: Words


class SettlementOut(View):
    """`kind` is wallet_paid_out, fees_waived or cash_handed_in. One with `reversed_at` was recorded by mistake, and
    does not count.
    """

    id: UUID
    kind: str
    amount: Money
    currency: str
    reference: str | None
    reason: str | None
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None


class CustomerBalance(View):
    """`owed` are fees of cancelled bookings, and what was not paid for done ones; the next booking asks for it."""

    currency: str
    wallet: Money
    owed: Money


class CustomerAccount(View):
    balances: list[CustomerBalance]
    settlements: list[SettlementOut]


class CashBalance(View):
    """What was collected at the door and neither netted by a payout nor handed in."""

    currency: str
    cash_in_hand: Money


class CashOut(View):
    balances: list[CashBalance]
    settlements: list[SettlementOut]


@admin.route("GET", "/users/{id}/account", permission="refunds:read", tags=CUSTOMERS)
async def account(services: Services, caller: Admin, id: UUID) -> CustomerAccount:
    """What a customer has in the wallet and owes, by currency, and what was settled by hand (the newest hundred)."""
    async with services.read() as conn:
        held = await settlements.standing(conn, "account", id)
        made = await settlements.newest(conn, id)
    return CustomerAccount(balances=[_customer(h) for h in held], settlements=[_settled(m) for m in made])


@admin.route(
    "POST", "/users/{id}/wallet/payouts", status=201, permission="payouts:write", idempotency="optional", tags=CUSTOMERS
)  # fmt: skip
async def pay_out(services: Services, caller: Admin, id: UUID, body: HandedIn) -> Reply[SettlementOut]:
    """So much of a customer's wallet was sent to them outside the gateway. The same reference counts once.

    Example: {"amount": 250, "currency": "INR", "reference": "UTR-123456", "reason": "The account is to be erased."}
    """
    made = await _record(services, caller, settlements.WALLET_PAID_OUT, id, _wish(body))
    return Reply(made, message="The payout is recorded.")


@admin.route(
    "POST", "/users/{id}/fees/waive", status=201, permission="refunds:write", idempotency="optional", tags=CUSTOMERS
)  # fmt: skip
async def waive(services: Services, caller: Admin, id: UUID, body: WaiverIn) -> Reply[SettlementOut]:
    """Take off so much of what a customer owes: nobody asks for it any more.

    Example: {"amount": 177.12, "currency": "INR", "reason": "The technician was an hour late."}
    """
    wish = Wish(body.currency, body.amount, reason=body.reason)
    made = await _record(services, caller, settlements.FEES_WAIVED, id, wish)
    return Reply(made, message="The fees are taken off.")


@admin.route("GET", "/partners/{id}/cash", permission="payouts:read", tags=TECHNICIANS)
async def cash(services: Services, caller: Admin, id: UUID) -> CashOut:
    """The cash that a technician holds, in each currency, and what was handed in (the newest hundred)."""
    async with services.read() as conn:
        held = await settlements.standing(conn, "party", id)
        made = await settlements.newest(conn, id)
    return CashOut(
        balances=[CashBalance(currency=h.currency, cash_in_hand=h.cash_in_hand_minor) for h in held],
        settlements=[_settled(m) for m in made],
    )


@admin.route(
    "POST", "/partners/{id}/cash", status=201, permission="payouts:write", idempotency="optional", tags=TECHNICIANS
)  # fmt: skip
async def hand_in(services: Services, caller: Admin, id: UUID, body: HandedIn) -> Reply[SettlementOut]:
    """A technician has brought, or sent, cash that was collected at the door. The same reference counts once.

    Example: {"amount": 500, "currency": "INR", "reference": "Receipt 1042"}
    """
    made = await _record(services, caller, settlements.CASH_HANDED_IN, id, _wish(body))
    return Reply(made, message="The cash is recorded.")


@admin.route("POST", "/settlements/{id}/reverse", permission="payouts:write", tags=("payouts",))
async def reverse(services: Services, caller: Admin, id: UUID, body: ReversalIn) -> Reply[SettlementOut]:
    """Takes back a record that was a mistake, once; what it settled is open again.

    Example: {"reason": "It was another customer's."}
    """
    found = await services.retrying(lambda tx: settlements.reverse(tx, caller.actor, id, body.reason))
    return Reply(_settled(found), message="The record is taken back.")


async def _record(services: Services, caller: Admin, kind: str, owner_id: UUID, wish: Wish) -> SettlementOut:
    return _settled(await services.retrying(lambda tx: settlements.record(tx, caller.actor, kind, owner_id, wish)))


def _wish(body: HandedIn) -> Wish:
    return Wish(body.currency, body.amount, body.reference, body.reason)


def _customer(held: Held) -> CustomerBalance:
    return CustomerBalance(currency=held.currency, wallet=held.wallet_minor, owed=held.owed_minor)


def _settled(m: Settlement) -> SettlementOut:
    return SettlementOut(
        id=m.id, kind=m.kind, amount=m.amount_minor, currency=m.currency, reference=m.reference, reason=m.reason,
        created_at=m.created_at, reversed_at=m.reversed_at, reversal_reason=m.reversal_reason,
    )  # fmt: skip
