"""Invoices paid: in parts, over, by transfer and by link, each once; what cannot be paid holds up no other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from dispatch.billing import invoice_payments
from dispatch.billing.invoice_payments import AlreadyPaid, AlreadyReversed, TransferKnown
from dispatch.errors import Missing
from dispatch.parties import billing_settings, organisations
from dispatch.parties.billing_settings import BillingIn
from dispatch.ports.gateway import GatewayLink
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import invoice_payments as payment_rows
from storage import invoices as invoice_rows
from storage import ledger_check as rows
from tests.dispatch.billing.invoiced import STAFF, issued, last_month, seen, today, transfer
from tests.organisations import Home, add_organisation
from tests.turns import side_by_side, until_waiting


async def test_paid_in_parts_then_over_and_the_rest_is_credit(home: Home) -> None:
    await home.done(last_month(home).end)
    made = await issued(home)
    await transfer(home, made.id, 20000, "UTR-1")
    with pytest.raises(TransferKnown):
        await transfer(home, made.id, 20000, "utr-1")
    assert ((await seen(home, made.id)).paid_minor, await home.owes()) == (20000, 38200)
    paid = await transfer(home, made.id, 50000, "UTR-2")
    assert (paid.amount_minor, paid.applied_minor) == (50000, 38200)
    after = await seen(home, made.id)
    assert (after.status, after.paid_on, await home.owes()) == ("paid", today(home), 0)
    # The next invoice takes the credit first.
    await home.done(last_month(home).end)
    following = await issued(home)
    assert (following.paid_minor, following.status, await home.owes()) == (11800, "pending", 46400)
    async with home.services.read() as conn:
        # What was paid is what came; what the credit paid of it later did not come once more.
        sums = await invoice_payments.summary(conn, home.id)
        assert (sums.payments, sums.paid_minor, sums.pending_minor) == (3, 70000, 0)
        assert await rows.QUESTIONS["organisation_debts"](conn) == []
        assert await rows.QUESTIONS["organisation_credit"](conn) == []


async def test_what_was_done_is_paid_with_its_invoice(home: Home) -> None:
    """By a transfer, and by credit that there is when it is made; the fee of a cancelled one is none of that."""
    done = [await home.done(last_month(home).end)]
    fee = await home.done(last_month(home).end, status="cancelled", fee_minor=5000)

    async def paid() -> list[str]:
        async with home.services.read() as conn:
            found = [await booking_rows.get(conn, booking_id=one) for one in (*done, fee)]
        return [one.payment_status for one in found if one is not None]

    made = await issued(home)
    await transfer(home, made.id, made.total_minor - 1, "UTR-1")
    assert await paid() == ["pending", "pending"]
    await transfer(home, made.id, 60001, "UTR-2")
    assert await paid() == ["paid", "pending"]
    done.append(await home.done(last_month(home).end))
    assert (await issued(home)).status == "paid"
    assert await paid() == ["paid", "paid", "pending"]


async def test_credit_goes_to_what_is_due_first(home: Home) -> None:
    made = []
    for _ in range(3):
        await home.done(last_month(home).end)
        made.append(await issued(home))
    paid, later, sooner = made
    await transfer(home, paid.id, paid.total_minor, "UTR-1")
    async with home.services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET due_on = due_on + 1 WHERE id = $1", later.id)
    await transfer(home, paid.id, 10000, "UTR-2")
    assert [(await seen(home, one.id)).paid_minor for one in (later, sooner)] == [0, 10000]


async def test_a_transfer_for_what_was_paid_meanwhile_is_credit(home: Home) -> None:
    await home.done(last_month(home).end)
    made = await issued(home)
    await transfer(home, made.id, made.total_minor, "UTR-1")
    again = await transfer(home, made.id, 30000, "UTR-2")
    assert (again.status, again.amount_minor, again.applied_minor) == ("success", 30000, 0)
    assert ((await seen(home, made.id)).paid_minor, await home.owes()) == (made.total_minor, 0)
    await home.done(last_month(home).end)
    following = await issued(home)
    assert (following.paid_minor, await home.owes()) == (30000, 28200)
    # What is open of another is paid of it at once.
    await transfer(home, made.id, 28200, "UTR-3")
    assert ((await seen(home, following.id)).status, await home.owes()) == ("paid", 0)
    async with home.services.read() as conn:
        assert await rows.QUESTIONS["organisation_debts"](conn) == []
        assert await rows.QUESTIONS["organisation_credit"](conn) == []


async def taken_back(home: Home, payment: Any) -> Any:
    async with home.services.transaction() as tx:
        return await invoice_payments.reverse_transfer(tx, STAFF, payment.invoice_id, payment.id, "a zero too many")


async def agrees(home: Home) -> bool:
    """The ledger's proof."""
    async with home.services.read() as conn:
        found = [await rows.QUESTIONS[each](conn) for each in ("organisation_debts", "organisation_credit")]
    return found == [[], []]


async def test_a_transfer_that_was_a_mistake_is_taken_back_once(home: Home) -> None:
    """What it paid is open again, also of the invoices that were paid from what was left of it."""
    made = []
    for _ in range(3):
        await home.done(last_month(home).end)
        made.append(await issued(home))
    first, second, third = made
    assert first.total_minor == 58200
    async with home.services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET due_on = due_on + 1 WHERE id = $1", third.id)
    await transfer(home, first.id, 8200, "UTR-1")
    wrong = await transfer(home, first.id, 150_000, "UTR-2")
    assert [(await seen(home, one.id)).status for one in made] == ["paid", "paid", "pending"]
    assert await home.owes() == 3 * 58200 - 158_200
    back = await taken_back(home, wrong)
    assert (back.status, back.reversal_reason) == ("failed", "a zero too many") and back.reversed_at is not None
    after = [await seen(home, one.id) for one in made]
    assert [(one.status, one.paid_minor, one.paid_on) for one in after] == [
        ("pending", 8200, None), ("pending", 0, None), ("pending", 0, None),
    ]  # fmt: skip
    assert await home.owes() == 3 * 58200 - 8200 and await agrees(home)
    with pytest.raises(AlreadyReversed):
        await taken_back(home, wrong)
    async with home.services.read() as conn:
        done = await conn.fetch("SELECT payment_status FROM bookings WHERE organisation_id = $1", home.id)
        assert [one["payment_status"] for one in done] == ["pending"] * 3
        assert (await invoice_payments.summary(conn, home.id)).paid_minor == 8200
    # As it should have been written.
    await transfer(home, first.id, 15_000, "utr-2")
    assert (await seen(home, first.id)).paid_minor == 23_200 and await agrees(home)


async def test_what_another_payment_left_stays_when_one_is_taken_back(home: Home) -> None:
    await home.done(last_month(home).end)
    first = await issued(home)
    wrong = await transfer(home, first.id, 58200, "UTR-1")
    right = await transfer(home, first.id, 100_000, "UTR-2")
    await home.done(last_month(home).end)
    second = await issued(home)
    assert (second.status, await home.owes()) == ("paid", 0)
    await taken_back(home, wrong)
    after = [await seen(home, one.id) for one in (first, second)]
    assert [one.paid_minor for one in after] == [41_800, 58_200] and await home.owes() == 16_400
    assert await agrees(home)
    await taken_back(home, right)
    after = [await seen(home, one.id) for one in (first, second)]
    assert [one.paid_minor for one in after] == [0, 0] and await home.owes() == 2 * 58200 and await agrees(home)


async def test_only_transfers_are_taken_back_and_of_two_at_once_one(home: Home) -> None:
    await home.done(last_month(home).end)
    first = await issued(home)
    paid = await transfer(home, first.id, 100_000, "UTR-1")
    await home.done(last_month(home).end)
    second = await issued(home)
    async with home.services.read() as conn:
        [credit] = await invoice_payments.of_invoice(conn, second.id)
    for wrong in (credit, replace(paid, invoice_id=second.id)):
        with pytest.raises(Missing):
            await taken_back(home, wrong)
    ended = await asyncio.gather(*(taken_back(home, paid) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["AlreadyReversed", "InvoicePayment"]
    assert await home.owes() == 2 * 58200 and await agrees(home)


@pytest.mark.parametrize("what", ["transfer", "link", "online"])
async def test_whoever_pays_waits_for_whoever_makes_an_invoice(home: Home, what: str) -> None:
    """Both need the organisation and its open invoices: in another order each would wait for the other."""
    links = with_links(home)
    await home.done(last_month(home).end)
    made = await issued(home)
    link = None
    if what == "link":
        asked = await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)
        links.settle("paid")
        link = (asked.id, next(iter(links.made.values())))
        # It is over more than is open, and there is another invoice for the rest.
        await transfer(home, made.id, 20000, "UTR-1")
        await home.done(last_month(home).end)
        await issued(home)

    async def pay() -> None:
        if what == "transfer":
            await transfer(home, made.id, 20000, "UTR-1")
        elif link is not None:
            await invoice_payments.settle_link(home.services, *link)
        else:
            await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)

    async with home.services.transaction() as tx:
        await organisations.lock(tx, home.id)
        task = asyncio.create_task(pay())
        await until_waiting(home.services, task, may_end=True)
        # As whoever makes an invoice does: it takes what there is as credit.
        await asyncio.wait_for(invoice_payments.use_credit(tx, home.id), timeout=60)
    await task
    paid = (await seen(home, made.id)).paid_minor
    assert paid == {"transfer": 20000, "link": made.total_minor, "online": 0}[what]


class Links:
    """A gateway that makes links."""

    def __init__(self) -> None:
        self.made: dict[str, GatewayLink] = {}
        self.methods: list[list[str]] = []
        self.fetched: list[str] = []
        self.broken_for: str | None = None

    async def create_payment_link(self, amount_minor: int, currency: str, reference_id: str, **m: Any) -> GatewayLink:
        if self.broken_for is not None and self.broken_for in m["description"]:
            raise RuntimeError("an answer that nobody understands")
        self.methods.append(m["methods"])
        link = GatewayLink(
            f"plink_{len(self.made)}", "https://pay.example/1", amount_minor, 0, currency, "created", reference_id,
            None, (), None,  # type: ignore[arg-type]
        )  # fmt: skip
        self.made[link.id] = link
        return link

    async def find_payment_link(self, reference_id: str) -> GatewayLink | None:
        return next((m for m in self.made.values() if m.reference_id == reference_id), None)

    async def fetch_payment_link(self, link_id: str) -> GatewayLink:
        self.fetched.append(link_id)
        return self.made[link_id]

    async def cancel_payment_link(self, link_id: str) -> GatewayLink:
        self.made[link_id] = replace(self.made[link_id], status="cancelled")
        return self.made[link_id]

    def settle(self, status: str) -> None:
        for key, link in self.made.items():
            if link.status == "created":
                self.made[key] = replace(link, status=status)


def with_links(home: Home) -> Links:
    """The gateway of the organisation's server makes links."""
    links, payments = Links(), home.services.settings.payments
    home.services.open_gateway = lambda payments: links  # type: ignore[assignment, return-value]
    payments.key_id, payments.key_secret = "k", SecretStr("s")
    return links


async def test_a_link_pays_once_and_is_sent_on_the_due_date(home: Home) -> None:
    links, services = with_links(home), home.services
    # The other has agreed to nothing of the kind.
    other = await add_organisation(services)
    for each in (other, home):
        await each.done(last_month(home).end)
        made = await issued(each)
    with pytest.raises(Missing):
        await invoice_payments.pay_online(services, other.id, made.id, STAFF)
    async with services.transaction() as tx:
        await billing_settings.put(tx, other.id, BillingIn(), None)
        await billing_settings.put(tx, home.id, BillingIn(auto_payment=True, recipients=["fin@x.example"]), None)
    assert await invoice_payments.send_links(services) == 0
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = $1", today(home))
    assert [await invoice_payments.send_links(services) for _ in range(2)] == [1, 0]
    asked = await invoice_payments.pay_online(services, home.id, made.id, STAFF)
    assert asked.url == "https://pay.example/1" and len(links.made) == 1
    assert await invoice_payments.poll(services) == 0
    links.settle("paid")
    assert [await invoice_payments.poll(services) for _ in range(2)] == [1, 0]
    after = await seen(home, made.id)
    assert (after.status, after.payment_method, await home.owes()) == ("paid", "online", 0)
    with pytest.raises(AlreadyPaid):
        await invoice_payments.pay_online(services, home.id, made.id, STAFF)


async def test_a_link_that_was_paid_a_moment_ago_is_heard_of_first(home: Home) -> None:
    links = with_links(home)
    await home.done(last_month(home).end)
    made = await issued(home)
    first = await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)
    # What was paid otherwise makes the link too high: another takes its place.
    await transfer(home, made.id, 8200, "UTR-1")
    second = await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)
    assert (first.amount_minor, second.amount_minor, len(links.made)) == (58200, 50000, 2)
    links.settle("paid")
    with pytest.raises(AlreadyPaid):
        await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)
    assert ((await seen(home, made.id)).status, await home.owes()) == ("paid", 0)


async def test_the_page_of_an_invoice_that_was_paid_another_way_is_closed(home: Home) -> None:
    """Else whoever finds the letter with the link pays once more."""
    links = with_links(home)
    await home.done(last_month(home).end)
    made = await issued(home)
    await invoice_payments.pay_online(home.services, home.id, made.id, STAFF)
    await transfer(home, made.id, made.total_minor - 1, "UTR-1")
    assert await invoice_payments.poll(home.services) == 0
    assert [link.status for link in links.made.values()] == ["created"], "something is open"
    await transfer(home, made.id, 1, "UTR-2")
    assert [await invoice_payments.poll(home.services) for _ in range(2)] == [1, 0]
    assert [link.status for link in links.made.values()] == ["cancelled"]
    async with home.services.read() as conn:
        sums = await invoice_payments.summary(conn, home.id)
    assert (sums.paid_minor, sums.pending_minor) == (made.total_minor, 0)


async def settings(home: Home, **values: Any) -> None:
    async with home.services.transaction() as tx:
        await billing_settings.put(tx, home.id, BillingIn(**values), None)


async def test_a_link_offers_what_the_organisation_pays_by(home: Home) -> None:
    links, services = with_links(home), home.services
    await home.done(last_month(home).end)
    made = await issued(home)

    async def asked() -> list[str]:
        await invoice_payments.pay_online(services, home.id, made.id, STAFF)
        return links.methods[-1]

    assert await asked() == [], "nobody has chosen yet"
    await settings(home, primary_method="bank_transfer")
    assert await asked() == await asked() == ["netbanking"]
    await settings(home, primary_method="credit_card", backup_method="bank_transfer")
    assert await asked() == ["card", "netbanking"]
    assert [link.status for link in links.made.values()] == ["cancelled", "cancelled", "created"]
    # On the due date it is the method that was agreed on for this, also for whoever asks for a link then.
    wanted = {"auto_payment": True, "auto_payment_method": "bank_transfer", "recipients": ["fin@x.example"]}
    await settings(home, primary_method="credit_card", **wanted)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = $1", today(home))
    assert await invoice_payments.send_links(services) == 1
    assert await asked() == ["netbanking"]
    assert [link.status for link in links.made.values()] == ["cancelled"] * 3 + ["created"]
    links.settle("paid")
    assert await invoice_payments.poll(services) == 1


def test_banks_are_offered_for_rupees_only() -> None:
    both = ["bank_transfer", "credit_card"]
    assert invoice_payments.methods_at_page(both, "INR") == ["netbanking", "card"]
    assert invoice_payments.methods_at_page(both, "PHP") == ["card"]
    assert invoice_payments.methods_at_page(["bank_transfer"], "PHP") == []


async def test_every_link_is_asked_about_in_its_turn(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait: the eldest are not asked about again before all others were."""
    monkeypatch.setattr(invoice_payments, "MOST_ASKED", 1)
    links, services = with_links(home), home.services
    for each in (home, other := await add_organisation(services)):
        await each.done(last_month(home).end)
        made = await issued(each)
        await invoice_payments.pay_online(services, each.id, made.id, STAFF)
    for _ in range(4):
        assert await invoice_payments.poll(services) == 0
    assert links.fetched == ["plink_0", "plink_1", "plink_0", "plink_1"]
    # One that was made, and whose address never reached us, is found by our own reference.
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoice_payments SET gateway_link_id = NULL, url = NULL")
    links.settle("paid")
    assert [await invoice_payments.poll(services) for _ in range(3)] == [1, 1, 0]
    assert (await seen(other, made.id)).status == "paid"


async def test_a_link_that_cannot_be_made_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where there is room for one at a turn."""
    links, services = with_links(home), home.services
    other = await add_organisation(services)
    due = []
    for each in (home, other):
        await each.done(last_month(home).end)
        due.append(await issued(each))
        async with services.transaction() as tx:
            await billing_settings.put(tx, each.id, BillingIn(auto_payment=True), None)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = $1", today(home))
        await tx.conn.execute("UPDATE invoices SET due_on = due_on - 1 WHERE id = $1", due[0].id)
    links.broken_for = due[0].number
    monkeypatch.setattr(invoice_payments, "MOST_SENT", 1)
    assert [await invoice_payments.send_links(services) for _ in range(3)] == [0, 1, 0]
    links.broken_for = None
    assert await invoice_payments.send_links(services) == 1


async def test_what_cannot_be_kept_of_a_link_holds_up_no_other(home: Home) -> None:
    links, services = with_links(home), home.services
    other = await add_organisation(services)
    made = []
    for each in (home, other):
        await each.done(last_month(home).end)
        made.append(await issued(each))
        await invoice_payments.pay_online(services, each.id, made[-1].id, STAFF)
    links.settle("paid")
    async with services.transaction() as tx:
        sick = f"CHECK (status <> 'success' OR invoice_id <> '{made[0].id}')"
        await tx.conn.execute(f"ALTER TABLE invoice_payments ADD CONSTRAINT sick {sick}")
    assert await invoice_payments.poll(services) == 1
    assert (await seen(other, made[1].id)).status == "paid"


async def test_two_nodes_send_and_ask_about_different_links(home: Home) -> None:
    services, made = home.services, []
    with_links(home)
    for each in (home, await add_organisation(services)):
        await each.done(last_month(home).end)
        made.append((await issued(each)).id)
        async with services.transaction() as tx:
            await billing_settings.put(tx, each.id, BillingIn(auto_payment=True), None)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = $1", today(home))

    async def send(tx: Tx) -> list[UUID]:
        return [i.id for i in await invoice_rows.claim_to_send(tx.conn, most=1)]

    async def ask(tx: Tx) -> list[UUID]:
        return [p.invoice_id for p in await payment_rows.claim(tx.conn, most=1)]

    one, two = await side_by_side(services, send, send)
    assert len(one) == len(two) == 1 and {*one, *two} == {*made}
    for invoice_id in made:
        await invoice_payments.pay_online(services, None, invoice_id, STAFF)
    one, two = await side_by_side(services, ask, ask)
    assert len(one) == len(two) == 1 and {*one, *two} == {*made}
