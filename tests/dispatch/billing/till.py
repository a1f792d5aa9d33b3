"""A till for tests: a world that takes money, the local gateway beside it, and webhooks that really arrive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from dispatch.billing import gateway_events, ledger, ledger_check, payments
from dispatch.billing.worker import MoneyWorker
from dispatch.engine import bookings, jobs
from dispatch.errors import DispatchError
from dispatch.events import Actor
from dispatch.local_gateway.server import LocalGateway
from dispatch.ports.gateway import Gateway, GatewayPayment
from dispatch.services import Tx
from storage import payments as payment_rows
from storage.bookings import Booking
from storage.payments import Payment
from tests import turns
from tests.world import World

GRAND = 177120
#: What goes by real time, as the gateway does.
WAITING = {
    "payment_intents": ("next_try_at", "give_up_at"), "gateway_events": ("next_try_at", "give_up_at"),
    "payments": ("poll_at", "asked_from"), "refunds": ("poll_at", "asked_from"), "payouts": ("poll_at", "asked_from"),
}  # fmt: skip
STAFF = Actor("admin", "staff-1")


@dataclass
class Till:
    """Bookings that are paid. `world` is the rest of the tests' world."""

    world: World
    gw: LocalGateway
    worker: MoneyWorker

    @property
    def gateway(self) -> Gateway:
        return self.world.services.gateway

    async def online(self, account_id: UUID | None = None, **changes: Any) -> tuple[Booking, dict[str, Any]]:
        """An online booking with its order."""
        booking = await self.world.book(
            account_id, dispatch=False, payment_method="online", wait_for_payment=True, **changes
        )
        block = await payments.start(self.world.services, booking)
        assert block is not None
        return booking, block

    async def verify(self, booking: Booking, reply: dict[str, Any]) -> payments.Verified:
        """What the browser does after the checkout page."""
        return await payments.verify(
            self.world.services, booking.account_id, order_id=reply["razorpay_order_id"],
            payment_id=reply["razorpay_payment_id"], signature=reply["razorpay_signature"],
        )  # fmt: skip

    async def paid(self, account_id: UUID | None = None, **changes: Any) -> Booking:
        """An online booking that is paid."""
        booking, block = await self.online(account_id, **changes)
        await self.verify(booking, await self.gw.pay(block["order_id"]))
        return await self.world.booking(booking.id)

    async def finish(self, booking: Booking, technician_id: UUID) -> Booking:
        """The technician accepts and does the job."""
        await self.world.accept(booking.id, technician_id)
        return await self.work(booking, technician_id)

    async def work(self, booking: Booking, technician_id: UUID) -> Booking:
        """The technician does a job that they have accepted, as soon as it can be begun."""
        early = booking.starts_at - timedelta(seconds=self.world.services.settings.dispatch.steps_ahead_s)
        await self.world.advance(seconds=max(0.0, (early - self.world.now).total_seconds()))
        async with self.world.services.transaction() as tx:
            for step in ("in_transit", "arrived"):
                await jobs.advance(tx, booking.id, technician_id, step)
            await jobs.complete(tx, booking.id, technician_id)
        return await self.world.booking(booking.id)

    async def rich(self, minor: int) -> UUID:
        """A customer with so much in the wallet."""
        account_id = await self.world.customer()
        async with self.world.services.transaction() as tx:
            await self.give(tx, account_id, minor)
        return account_id

    async def give(self, tx: Tx, account_id: UUID, minor: int) -> None:
        """The house puts so much into a wallet."""
        accounts = [ledger.wallet(account_id, "INR"), ledger.platform("fee_revenue", "INR")]
        lines = [ledger.Line(accounts[0], minor), ledger.Line(accounts[1], -minor)]
        await ledger.post(tx, "goodwill", str(uuid4()), lines)

    async def owing(self, fee_minor: int) -> Booking:
        """A cancelled booking whose customer owes so much of a fee."""
        booking = await self.world.book()
        async with self.world.services.transaction() as tx:
            return await bookings.cancel(
                tx, booking.id, Actor("customer", str(booking.account_id)), "x", fee_minor=fee_minor
            )

    async def settle_debt(self, tx: Tx, account_id: UUID) -> None:
        """Somebody at the house takes the customer's debt off."""
        debt = ledger.receivable(account_id, "INR")
        owed = -await ledger.balance(tx.conn, debt)
        lines = [ledger.Line(debt, owed), ledger.Line(ledger.platform("fee_revenue", "INR"), -owed)]
        await ledger.post(tx, "waived", str(account_id), lines)

    async def deadlocks(self) -> int:
        """How many deadlocks this database has seen; retries would hide them. Every connection tells what it knows."""
        return await turns.deadlocks(self.world.services)

    async def reported(self, payment_id: UUID) -> tuple[Payment, GatewayPayment]:
        """A payment is paid at the gateway's page; what the gateway says of it."""
        async with self.world.services.read() as conn:
            payment = await payment_rows.get(conn, payment_id=payment_id)
        assert payment is not None and payment.gateway_order_id is not None
        reply = await self.gw.pay(payment.gateway_order_id)
        return payment, await self.gateway.fetch_payment(reply["razorpay_payment_id"])

    async def cancel(self, booking: Booking, actor: Actor | None = None, **money: Any) -> Booking:
        actor = actor or Actor("customer", str(booking.account_id))
        async with self.world.services.transaction() as tx:
            return await bookings.cancel(tx, booking.id, actor, "no longer needed", **money)

    async def drain(self) -> None:
        """Works until the gateway has sent everything and nothing of ours is due or will be tried again."""
        while True:
            await self.gw.quiet()
            done = await self.worker.run_due()
            waiting = await self.world.value(
                "SELECT (SELECT count(*) FROM payment_intents WHERE next_try_at IS NOT NULL AND kind <> 'capture')"
                " + (SELECT count(*) FROM gateway_events WHERE next_try_at IS NOT NULL)"
            )
            if not done and not waiting:
                return
            await asyncio.sleep(0.01)

    async def later(self, **by: float) -> None:
        """So much real time passes for all that waits for the gateway or is asked about."""
        passed = timedelta(**by)
        for table, stamps in WAITING.items():
            moved = ", ".join(f"{stamp} = {stamp} - $1::interval" for stamp in stamps)
            await self.world.execute(f"UPDATE {table} SET {moved}", passed)

    async def away(self, fault: str = "html_502", *, has_effect: bool = False, match: str = "*") -> None:
        """The gateway is out of reach from now on. `has_effect`: it does what is asked, only its answers are lost."""
        effect = "after" if has_effect else "before"
        await self.gw.control(api=[{"fault": fault, "effect": effect, "probability": 1.0, "match": match}])

    async def back(self) -> None:
        """The gateway answers again."""
        await self.gw.control(api=[])

    async def intents(self) -> list[tuple[str, str]]:
        """The kind and state of each, in the order in which they came to be."""
        rows = await self.world.fetch("SELECT kind, state FROM payment_intents ORDER BY created_at")
        return [(row["kind"], row["state"]) for row in rows]

    async def alerts(self) -> list[str]:
        """The kinds of the open alerts."""
        rows = await self.world.fetch("SELECT kind FROM alerts WHERE resolved_at IS NULL ORDER BY created_at")
        return [row["kind"] for row in rows]

    async def payment(self, booking: Booking, kind: str = "online") -> Payment:
        async with self.world.services.read() as conn:
            found = await payments.rows.of_booking(conn, booking_id=booking.id)
        return next(p for p in found if p.kind == kind and p.surplus_of is None)

    async def sums(self) -> dict[str, int]:
        """The ledger's sum per type of account, zeros left out."""
        rows = await self.world.fetch(
            "SELECT l.type, sum(p.amount_minor)::bigint AS total FROM ledger_postings p"
            " JOIN ledger_accounts l ON l.id = p.account_id GROUP BY l.type HAVING sum(p.amount_minor) <> 0"
        )
        return {row["type"]: row["total"] for row in rows}

    async def check(self) -> None:
        """The ledger is sound, and nothing is held that belongs to nobody."""
        async with self.world.services.read() as conn:
            assert await ledger_check.check(conn) == []


def hook(world: World) -> web.Application:
    """The webhook's endpoint, as bare as can be."""

    async def take(request: web.Request) -> web.Response:
        try:
            await gateway_events.receive(
                world.services, await request.read(), request.headers.get("X-Razorpay-Signature"),
                request.headers.get("x-razorpay-event-id"),
            )  # fmt: skip
        except DispatchError as e:
            return web.json_response({"code": e.code}, status=400)
        return web.json_response({"success": True})

    app = web.Application()
    app.router.add_post("/hook", take)
    return app
