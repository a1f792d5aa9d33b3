"""Payouts through the gateway: the money is sent by an intent, and the gateway's word ends the payout."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import payouts
from dispatch.billing.payouts import PayoutState
from dispatch.engine import alerts
from dispatch.errors import Invalid, Unavailable
from dispatch.ports.gateway import BankAccount, Gateway, GatewayPayout, GatewayRefused
from dispatch.services import Services, Tx
from dispatch.vault import cell, vault_of
from storage import bank_accounts as account_rows
from storage import intents as intent_rows
from storage import payouts as rows
from storage.intents import Intent
from storage.payouts import Destination, Payout

#: A payout that nobody reports on is asked about after so many seconds.
POLL_S = 120.0
#: The alert of a payout that a person must look at.
REVIEW = "payout_review"
#: The gateway's words for money that did not go.
FAILED = frozenset({"failed", "rejected", "cancelled", "reversed"})


class PayoutsByHand(Unavailable):
    """This server pays out by hand: no payout account is set up."""

    code = "payouts_not_configured"


async def hand_over(tx: Tx, payout_id: UUID) -> Payout:
    """Hands a pending payout to the gateway: it is `processing` until the gateway says how it ended (C79).

    Raises Missing, PayoutState, PayoutsByHand, Invalid (no bank account on file, or a payout by UPI).
    """
    if not tx.services.settings.payments.account_number or not tx.services.settings.payments.is_configured:
        raise PayoutsByHand()
    payout = await payouts.lock(tx, payout_id)
    # Whoever changes the account just now was told that it counts from then on: their change comes first, or after.
    await account_rows.lock_party(tx.conn, party_id=payout.party_id)
    if not await rows.start(tx.conn, payout_id=payout_id):
        raise PayoutState(f"This payout is {payout.status}.")
    payout = await payouts.get(tx.conn, payout_id)
    if payout.method != "bank_transfer" or payout.bank_account_id is None:
        raise Invalid({"payment_method": "only a bank transfer to an account on file goes through the gateway"})
    await intent_rows.insert(
        tx.conn, kind="payout", payment_id=None, refund_id=None, payout_id=payout_id, gateway_ref=None,
        idempotency_key=f"po-{payout_id.hex}", delay_s=0.0,
    )  # fmt: skip
    return payout


async def send(services: Services, gateway: Gateway, intent: Intent) -> None:
    """The handler of payout intents. The key makes a repetition harmless: the gateway sends once per key."""
    async with services.read() as conn:
        payout = await rows.get(conn, payout_id=intent.payout_id)
        goal = await rows.destination(conn, payout_id=intent.payout_id)
    if payout is None or goal is None or payout.status != "processing" or payout.gateway_payout_id:
        return
    fund_account_id = goal.fund_account_id or await _fund_account(services, gateway, goal)
    told = await gateway.create_payout(
        fund_account_id, payout.net_minor, payout.currency, idempotency_key=intent.idempotency_key,
        reference_id=payout.number, narration=_narration(services), notes={"payout_id": str(payout.id)},
    )  # fmt: skip
    async with services.transaction() as tx:
        await heard(tx, payout.id, told)


def _narration(services: Services) -> str:
    """What the bank statement says: letters and digits only, thirty at most."""
    return "".join(c for c in services.settings.brand if c.isalnum() and c.isascii())[:30] or "Payout"


async def _fund_account(services: Services, gateway: Gateway, goal: Destination) -> str:
    if goal.bank_account_id is None or goal.number_enc is None or not goal.ifsc:
        raise GatewayRefused("The bank account on file lacks its number or its IFSC.")
    number = vault_of(services.settings).open(goal.number_enc, cell("bank_accounts", goal.bank_account_id, "number"))
    contact_id = await gateway.create_contact(goal.name, goal.code)
    account = BankAccount(holder=goal.account_name or goal.name, ifsc=goal.ifsc, number=number)
    fund_account_id = await gateway.create_fund_account(contact_id, bank_account=account)
    async with services.transaction() as tx:
        await rows.set_fund_account(tx.conn, bank_account_id=goal.bank_account_id, fund_account_id=fund_account_id)
    return fund_account_id


async def heard(tx: Tx, payout_id: UUID, told: GatewayPayout) -> None:
    """What the gateway says about a payout, whoever tells it: answer, webhook or poll."""
    payout = await payouts.lock(tx, payout_id)
    if payout.status == "completed" and told.status in FAILED:
        if told.id == payout.gateway_payout_id:
            await payouts.came_back(tx, payout, told.failure_reason or told.status)
        await _alert(tx, payout, f"Payout {payout.number} came back after it had been completed ({told.status}).")
        return
    if payout.status == "failed" and told.status not in FAILED:
        # Its earnings wait again: whoever pays them out now pays twice.
        await _alert(tx, payout, f"The gateway sends payout {payout.number} ({told.status}), which was failed here.")
        return
    if payout.status == "completed" and told.id != payout.gateway_payout_id:
        await _alert(tx, payout, f"Payout {payout.number} was completed by hand, the gateway sends {told.id} too.")
        return
    if payout.status != "processing":
        return
    if (told.amount_minor, told.currency) != (payout.net_minor, payout.currency):
        await _alert(tx, payout, f"The gateway's {told.id} is not payout {payout.number} in amount and currency.")
        return
    if payout.gateway_payout_id is None:
        await rows.sent(tx.conn, payout_id=payout.id, gateway_payout_id=told.id, poll_s=POLL_S)
    # What was tried for a day and waits for a person was whether the gateway has it: that is known now.
    if await intent_rows.close_reviewed(tx.conn, payout_id=payout.id, payment_id=None, refund_id=None):
        await alerts.resolve(tx, [REVIEW], subject=f"payout:{payout.id}")
    if told.status == "processed":
        await payouts.completed_by_gateway(tx, payout, told.utr)
    elif told.status in FAILED:
        await payouts.give_back(tx, payout, told.failure_reason or told.status)


async def refused(tx: Tx, payout_id: UUID, reason: str) -> None:
    """The gateway did not take the payout: exactly what was reserved is given back."""
    payout = await payouts.lock(tx, payout_id)
    if payout.status == "processing":
        await payouts.give_back(tx, payout, reason)


async def look(services: Services, gateway: Gateway, payout_id: UUID) -> None:
    """Asks the gateway how a payout ended. Raises GatewayError."""
    async with services.read() as conn:
        payout = await rows.get(conn, payout_id=payout_id)
    if payout is None or payout.gateway_payout_id is None:
        return
    told = await gateway.fetch_payout(payout.gateway_payout_id)
    async with services.transaction() as tx:
        await heard(tx, payout.id, told)


async def _alert(tx: Tx, payout: Payout, message: str) -> None:
    await alerts.raise_alert(tx, REVIEW, message, subject=f"payout:{payout.id}")
