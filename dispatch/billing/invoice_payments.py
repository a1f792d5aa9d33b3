"""Paying invoices: by a link of the gateway, by a transfer that staff record, from what an organisation has as credit.

What an invoice does not need of a payment is credit, which the next invoices take first. A transfer can be taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.billing import ledger
from dispatch.billing.captures import GATEWAY_ACTOR
from dispatch.billing.ledger import Line
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.localtime import local
from dispatch.outbox import messages
from dispatch.parties import billing_settings, organisations
from dispatch.ports.gateway import GatewayError, GatewayLink
from dispatch.services import Services, Tx
from storage import invoice_payments as rows
from storage import invoices as invoice_rows
from storage import page_payments as page_rows
from storage.database.errors import StorageError, is_unique
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.invoice_payments import InvoicePayment, Summary
from storage.invoices import Invoice

log = logging.getLogger(__name__)
LIST = rows.of_organisation
#: So many links are asked about at one turn, those first that have waited longest for it.
MOST_ASKED = 500
#: So many are sent at one turn, those first that were tried longest ago.
MOST_SENT = 200
#: What a means is at the gateway's page. Its netbanking knows rupees only.
_AT_PAGE = {"credit_card": "card", "bank_transfer": "netbanking"}
_BANKS = "INR"


class AlreadyPaid(Conflict):
    """This invoice is paid already."""

    code = "invoice_paid"


class TransferKnown(Conflict):
    """A transfer with this reference is recorded already."""

    code = "transfer_known"


class AlreadyReversed(Conflict):
    """This payment was taken back already."""

    code = "payment_reversed"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What arrived at the bank: a part of an invoice, all of it, or more."""

    amount_minor: int
    reference: str
    paid_on: date


async def record_transfer(tx: Tx, actor: Actor, invoice_id: UUID, transfer: Transfer) -> InvoicePayment:
    """Staff found money at the bank; what the invoice does not need of it, or all of it where it was paid meanwhile, is
    credit. Raises Missing, TransferKnown.
    """
    invoice = await _lock(tx, invoice_id)
    try:
        payment_id = await rows.insert(
            tx.conn, invoice_id=invoice.id, organisation_id=invoice.organisation_id, method="bank_transfer",
            currency=invoice.currency, amount_minor=transfer.amount_minor, reference=transfer.reference,
            recorded_by=f"admin:{actor.id}", means=[],
        )  # fmt: skip
    except StorageError as e:
        if is_unique(e):
            raise TransferKnown from e
        raise
    assert payment_id is not None, "an insert returns its id"
    await _settle(tx, invoice, payment_id, transfer.amount_minor, "bank_transfer", transfer.paid_on, "bank")
    await audit.record(
        tx, actor, "invoice.transfer", "invoice", invoice_id,
        {
            "amount_minor": {"old": None, "new": transfer.amount_minor},
            "reference": {"old": None, "new": transfer.reference},
        },
    )  # fmt: skip
    return await get(tx.conn, payment_id)


async def reverse_transfer(
    tx: Tx, actor: Actor, invoice_id: UUID, payment_id: UUID, reason: str
) -> InvoicePayment:
    """Takes back a transfer that was recorded by mistake, or that the bank took back: once, by a journal of its own.

    What it paid is open again, of other invoices too as far as they were paid from what was left of it, and its
    reference may be recorded again. Raises Missing (also for what is no transfer), AlreadyReversed.
    """
    invoice = await _lock(tx, invoice_id)
    before = await get(tx.conn, payment_id)
    if before.invoice_id != invoice.id or before.method != "bank_transfer":
        raise Missing("payment")
    if not await _reverse(tx, actor, invoice, before, reason, out_of="bank"):
        raise AlreadyReversed
    await audit.record(
        tx, actor, "invoice.transfer_reversed", "invoice", invoice_id,
        {
            "amount_minor": {"old": before.amount_minor, "new": None},
            "reference": {"old": before.reference, "new": None}, "reason": {"old": None, "new": reason},
        },
    )  # fmt: skip
    return await get(tx.conn, payment_id)


async def gave_back(tx: Tx, payment_id: UUID, refund_id: str) -> None:
    """The gateway gave back all that came in at the page of an invoice: what it paid is open again, once."""
    found = await get(tx.conn, payment_id)
    invoice = await _lock(tx, found.invoice_id)
    before = await get(tx.conn, payment_id)
    reason = f"The gateway gave it back ({refund_id})"
    if await _reverse(tx, GATEWAY_ACTOR, invoice, before, reason, out_of="gateway_clearing"):
        log.warning("payment %s of invoice %s went back at the gateway", payment_id, invoice.number)


async def _reverse(
    tx: Tx, actor: Actor, invoice: Invoice, payment: InvoicePayment, reason: str, *, out_of: str
) -> bool:
    """A payment goes back out of an account of the platform; what it paid is open again. False: it did not count."""
    if not await _take_back(tx, actor, payment, reason):
        return False
    owner, currency = invoice.organisation_id, invoice.currency
    surplus = payment.amount_minor - payment.applied_minor
    if surplus:
        await _free_credit(tx, actor, owner, currency, surplus, reason)
    lines = [
        Line(ledger.platform(out_of, currency), payment.amount_minor),
        Line(ledger.party_receivable(owner, currency), -payment.applied_minor),
        Line(ledger.party_wallet(owner, currency), -surplus),
    ]  # fmt: skip
    await ledger.post(
        tx, "invoice_payment_reversed", str(payment.id), [line for line in lines if line.amount_minor],
        description=f"Payment of invoice {invoice.number} taken back",
    )  # fmt: skip
    # Credit of another payment goes to what is open again.
    await use_credit(tx, owner)
    return True


async def _take_back(tx: Tx, actor: Actor, payment: InvoicePayment, reason: str) -> bool:
    """The payment counts no more, and what it paid is open again. False: it did not count."""
    by = f"{actor.kind}:{actor.id}"
    if await rows.reverse(tx.conn, id=payment.id, reversed_by=by, reason=reason) is None:
        return False
    if payment.applied_minor:
        await invoice_rows.unpay(tx.conn, id=payment.invoice_id, amount_minor=payment.applied_minor)
    return True


async def _free_credit(tx: Tx, actor: Actor, owner: UUID, currency: str, needed_minor: int, reason: str) -> None:
    """So much is credit again: what it paid last is open before what it paid first."""
    held = (await ledger.lock_owner(tx, "party", owner, currency)).get("wallet", 0)
    for paid in await rows.paid_by_credit(tx.conn, organisation_id=owner, currency=currency):
        if held >= needed_minor:
            break
        await _take_back(tx, actor, paid, reason)
        await ledger.post(
            tx, "invoice_credit_reversed", str(paid.id),
            [
                Line(ledger.party_wallet(owner, currency), paid.amount_minor),
                Line(ledger.party_receivable(owner, currency), -paid.amount_minor),
            ],
            description=f"Credit on invoice {paid.invoice_number} taken back",
        )  # fmt: skip
        held += paid.amount_minor
    assert held >= needed_minor, "credit is what payments were more than needed, less what it has paid since"


async def pay_online(
    services: Services, organisation_id: UUID | None, invoice_id: UUID, by: Actor, *, by_itself: bool = False
) -> InvoicePayment:
    """A link of the gateway for what is open, with the means that the organisation has set; the one that waits already,
    where it is over the same amount and has the same means. `by_itself`: it is sent without being asked for.

    Of one that waits the gateway is asked first whether it was paid, so that nobody is sent to pay twice. The row is
    committed before a link is made. Raises Missing, AlreadyPaid, GatewayError.
    """
    services.require_gateway()
    async with services.transaction() as tx:
        invoice = await _lock_open(tx, invoice_id, organisation_id)
        means = await _means(tx, invoice, by_itself)
        waiting = await rows.open_link(tx.conn, invoice_id=invoice_id)
    if waiting is not None and waiting.gateway_link_id:
        is_wanted = (waiting.amount_minor, waiting.means) == (invoice.open_minor, means)
        await _hear(services, waiting, is_wanted=is_wanted)
    async with services.transaction() as tx:
        invoice = await _lock_open(tx, invoice_id, organisation_id)
        waiting = await rows.open_link(tx.conn, invoice_id=invoice_id)
        if waiting is not None and waiting.url:
            return waiting
        payment_id = waiting.id if waiting else await rows.insert(
            tx.conn, invoice_id=invoice.id, organisation_id=invoice.organisation_id, method="online",
            currency=invoice.currency, amount_minor=invoice.open_minor, reference=None,
            recorded_by=f"{by.kind}:{by.id}", means=means,
        )  # fmt: skip
        assert payment_id is not None, "an insert returns its id"
        begun = await get(tx.conn, payment_id)
    found = await services.gateway.find_payment_link(str(payment_id)) if waiting else None
    made = found or await services.gateway.create_payment_link(
        begun.amount_minor, invoice.currency, str(payment_id), description=f"Invoice {invoice.number}",
        methods=methods_at_page(begun.means, invoice.currency),
    )  # fmt: skip
    async with services.transaction() as tx:
        await rows.set_link(tx.conn, id=payment_id, gateway_link_id=made.id, url=made.short_url)
        return await get(tx.conn, payment_id)


def methods_at_page(means: Sequence[str], currency: str) -> list[str]:
    """The gateway's methods for what an organisation pays by; empty, all that it has: none of them can be had there."""
    return [_AT_PAGE[one] for one in means if one != "bank_transfer" or currency == _BANKS]


async def _means(tx: Tx, invoice: Invoice, by_itself: bool) -> list[str]:
    """Once a link was sent by itself, whoever asks for one gets that, and it is not called off."""
    settings = await billing_settings.get(tx.conn, invoice.organisation_id)
    return billing_settings.means(settings, by_itself=by_itself or invoice.link_sent_at is not None)


async def _hear(services: Services, waiting: InvoicePayment, *, is_wanted: bool) -> None:
    """What became of a link; one that is not wanted any more is given up, at the gateway too."""
    link_id = waiting.gateway_link_id or ""
    link = await services.gateway.fetch_payment_link(link_id)
    if link.status == "created" and not is_wanted:
        link = await services.gateway.cancel_payment_link(link_id)
    await settle_link(services, waiting.id, link)


async def poll(services: Services) -> int:
    """Asks the gateway what became of the links that wait, each in its turn; returns how many were settled."""
    async with services.transaction() as tx:
        waiting = await rows.claim(tx.conn, most=MOST_ASKED)
    settled = 0
    for payment in waiting:
        try:
            settled += await _ask(services, payment)
        except GatewayError as e:
            log.warning("the link of payment %s was not answered for: %s", payment.id, e)
        except Exception:
            log.exception("what the gateway says of payment %s could not be kept", payment.id)
    return settled


async def _ask(services: Services, payment: InvoicePayment) -> bool:
    """False: nothing is settled yet. A link whose address we never learnt is found by our own reference."""
    if payment.gateway_link_id is not None:
        link: GatewayLink | None = await services.gateway.fetch_payment_link(payment.gateway_link_id)
    else:
        link = await services.gateway.find_payment_link(str(payment.id))
    if link is not None and link.status == "created":
        async with services.read() as conn:
            invoice = await invoice_rows.get(conn, id=payment.invoice_id)
        if invoice is not None and invoice.status == "paid":
            # It was paid another way: whoever finds the letter with the link is not to pay twice.
            link = await services.gateway.cancel_payment_link(link.id)
    return link is not None and await settle_link(services, payment.id, link)


async def settle_link(services: Services, payment_id: UUID, link: GatewayLink) -> bool:
    """What the gateway says of a link becomes what we know; once. False: nothing is settled yet."""
    if link.status not in ("paid", "cancelled", "expired"):
        return False
    async with services.transaction() as tx:
        found = await rows.get(tx.conn, id=payment_id)
        if found is None:
            raise Missing("payment")
        invoice = await _lock(tx, found.invoice_id)
        payment = await rows.get(tx.conn, id=payment_id)
        assert payment is not None, "it does not go away"
        if payment.status != "pending":
            return False
        if link.status == "paid":
            day = await _today(tx, invoice)
            await _settle(tx, invoice, payment.id, payment.amount_minor, "online", day, "gateway_clearing")
            for gateway_payment_id in link.payment_ids:
                await page_rows.record(
                    tx.conn, gateway_payment_id=gateway_payment_id, reference=payment.id,
                    amount_minor=payment.amount_minor, currency=payment.currency,
                )  # fmt: skip
        else:
            await _drop(tx, payment.id)
    return True


async def send_links(services: Services) -> int:
    """On the due date a link goes to whoever agreed to pay so; nobody's account is debited. Returns how many.

    Each invoice by itself: one whose link cannot be made is tried again at the next turn.
    """
    async with services.transaction() as tx:
        due = await invoice_rows.claim_to_send(tx.conn, most=MOST_SENT)
    sent = 0
    for ref in due:
        try:
            sent += await _send_link(services, ref.id)
        except AlreadyPaid:
            continue
        except GatewayError as e:
            log.warning("no link for invoice %s: %s", ref.id, e)
        except Exception:
            log.exception("no link for invoice %s", ref.id)
    return sent


async def _send_link(services: Services, invoice_id: UUID) -> bool:
    """False: another node has sent it."""
    payment = await pay_online(services, None, invoice_id, SYSTEM, by_itself=True)
    async with services.transaction() as tx:
        if not await invoice_rows.link_sent(tx.conn, id=invoice_id):
            return False
        home = await organisations.get(tx.conn, payment.organisation_id)
        params = {
            "number": payment.invoice_number, "amount": f"{payment.amount_minor / 100:,.2f} {payment.currency}",
            "link": payment.url or "",
        }  # fmt: skip
        for address in await billing_settings.recipients(tx.conn, home):
            await messages.enqueue(tx, "email", address, "invoice_link", params)
    return True


async def use_credit(tx: Tx, organisation_id: UUID) -> int:
    """Pays open invoices, the eldest first, from what the organisation has as credit. Returns how much was used.

    The caller holds the organisation's lock.
    """
    home = await organisations.get(tx.conn, organisation_id)
    currency = organisations.currency_of(home)
    wallet = ledger.party_wallet(organisation_id, currency)
    held = (await ledger.lock_owner(tx, "party", organisation_id, currency)).get("wallet", 0)
    used = 0
    for invoice in await invoice_rows.open_of(tx.conn, organisation_id=organisation_id):
        amount = min(held - used, invoice.open_minor)
        if amount <= 0 or invoice.currency != currency:
            continue
        payment_id = await rows.insert(
            tx.conn, invoice_id=invoice.id, organisation_id=organisation_id, method="credit", currency=currency,
            amount_minor=amount, reference=None, recorded_by="system:", means=[],
        )  # fmt: skip
        assert payment_id is not None, "an insert returns its id"
        day = await _today(tx, invoice)
        await rows.settle(tx.conn, id=payment_id, status="success", applied_minor=amount, paid_on=day)
        await invoice_rows.pay(tx.conn, id=invoice.id, amount_minor=amount, method="credit", paid_on=day)
        await ledger.post(
            tx, "invoice_credit", str(payment_id),
            [Line(wallet, -amount), Line(ledger.party_receivable(organisation_id, currency), amount)],
            description=f"Credit on invoice {invoice.number}",
        )  # fmt: skip
        used += amount
    return used


async def get(conn: Conn, payment_id: UUID) -> InvoicePayment:
    found = await rows.get(conn, id=payment_id)
    if found is None:
        raise Missing("payment")
    return found


async def of_invoice(conn: Conn, invoice_id: UUID) -> list[InvoicePayment]:
    """What came in for an invoice, or was to, the oldest first, with what was taken back."""
    return await rows.of_invoice(conn, invoice_id=invoice_id)


async def page(conn: Conn, organisation_id: UUID, wanted: Wanted, timezone: str) -> Slice[InvoicePayment]:
    return await LIST.page(conn, wanted, organisation_id=organisation_id, timezone=timezone)


async def summary(conn: Conn, organisation_id: UUID) -> Summary:
    found = await rows.summary(conn, organisation_id=organisation_id)
    assert found is not None, "an aggregate always has a row"
    return found


async def _settle(
    tx: Tx, invoice: Invoice, payment_id: UUID, amount_minor: int, method: str, paid_on: date, into: str
) -> None:
    """The money that came: what the invoice needs of it, the rest is credit. One balanced journal."""
    needed = min(amount_minor, invoice.open_minor)
    if await rows.settle(tx.conn, id=payment_id, status="success", applied_minor=needed, paid_on=paid_on) is None:
        return
    if needed:
        await invoice_rows.pay(tx.conn, id=invoice.id, amount_minor=needed, method=method, paid_on=paid_on)
    owner, currency = invoice.organisation_id, invoice.currency
    lines = [
        Line(ledger.platform(into, currency), -amount_minor), Line(ledger.party_receivable(owner, currency), needed),
        Line(ledger.party_wallet(owner, currency), amount_minor - needed),
    ]  # fmt: skip
    await ledger.post(
        tx, "invoice_payment", str(payment_id), [line for line in lines if line.amount_minor],
        description=f"Payment of invoice {invoice.number}",
    )  # fmt: skip
    if amount_minor > needed:
        await use_credit(tx, owner)


async def _drop(tx: Tx, payment_id: UUID) -> None:
    await rows.settle(tx.conn, id=payment_id, status="failed", applied_minor=0, paid_on=None)


async def _lock(tx: Tx, invoice_id: UUID, organisation_id: UUID | None = None) -> Invoice:
    """The invoice as it stands; its organisation's row is the lock, as of whoever makes an invoice. Raises Missing."""
    known = await invoice_rows.get(tx.conn, id=invoice_id)
    if known is None or organisation_id not in (None, known.organisation_id):
        raise Missing("invoice")
    await organisations.lock(tx, known.organisation_id)
    found = await invoice_rows.get(tx.conn, id=invoice_id)
    assert found is not None, "it does not go away"
    return found


async def _lock_open(tx: Tx, invoice_id: UUID, organisation_id: UUID | None) -> Invoice:
    """Raises Missing, AlreadyPaid."""
    found = await _lock(tx, invoice_id, organisation_id)
    if found.status == "paid":
        raise AlreadyPaid
    return found


async def _today(tx: Tx, invoice: Invoice) -> date:
    home = await organisations.get(tx.conn, invoice.organisation_id)
    return local(tx.now, organisations.timezone_of(home)).date()
