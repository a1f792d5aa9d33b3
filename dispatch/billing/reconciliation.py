"""The daily comparison: the gateway's payments and refunds against ours, mended where a webhook got lost."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import astuple, dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from dispatch import localtime
from dispatch.billing import compare, ledger
from dispatch.engine import alerts
from dispatch.errors import Conflict
from dispatch.ports.gateway import Gateway, GatewayPayment
from dispatch.services import Services
from storage import ledger as ledger_rows
from storage import locks
from storage import reconciliation as rows
from storage.reconciliation import Item, Run

T = TypeVar("T")

#: So many of the gateway's rows are compared at once.
BATCH = 200
#: The task that compares, and the alert of what it left open; its subject names the day.
TASK, OPEN = "reconcile", "reconciliation_open"
#: An alert tells so much of what was found; the rest is found by comparing that day from the command line.
MOST_TOLD = 5
#: Days before yesterday that are compared yet, where nothing had compared them.
DAYS_BACK = 7
#: A run that says nothing for so long, in seconds, is dead: another may take its place.
LEASE_S = 1800.0


class AlreadyRunning(Conflict):
    """This day is being reconciled at the moment."""

    code = "reconciliation_running"


@dataclass(frozen=True, slots=True)
class Report:
    """A day's comparison: how much was looked at, and every discrepancy of that day so far."""

    run: Run
    items: list[Item]

    @property
    def open_items(self) -> list[Item]:
        return [item for item in self.items if item.resolution == "open"]

    def csv(self) -> str:
        """The items with a header line; amounts in minor units."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([f.name for f in fields(Item)])
        writer.writerows(["" if cell is None else str(cell) for cell in astuple(item)] for item in self.items)
        return out.getvalue()


@dataclass(slots=True)
class _Counts:
    payments_there: int = 0
    payments_here: int = 0
    refunds_there: int = 0
    refunds_here: int = 0
    still_open: list[str] = field(default_factory=list)


async def reconcile(services: Services, gateway: Gateway, day: date) -> Report:
    """Compares one local day. Repeated, it finds what is still so and changes nothing.

    A payment that is captured there and not here, and a refund whose end we never heard of, are booked by the
    same transitions that webhooks use. Everything else is listed for a person. One run per day at a time.
    Raises AlreadyRunning, GatewayError (the run is marked failed and may be repeated).
    """
    async with services.transaction() as tx:
        is_free = await rows.lock(tx.conn, lock=locks.RECONCILIATION)
        if not is_free or await rows.claim(tx.conn, day=day, lease_s=LEASE_S) is None:
            raise AlreadyRunning()
    counts = _Counts()
    try:
        await _payments(services, gateway, day, counts)
        await _refunds(services, gateway, day, counts)
    except BaseException as e:
        await _finish(services, day, counts, "failed", str(e) or type(e).__name__)
        raise
    await _finish(services, day, counts, "done", None)
    found = await report(services, day)
    await _tell(services, found)
    return found


async def _tell(services: Services, found: Report) -> None:
    """Staff hear of what is open and has to do with us; of money of another shop at the same account nobody does."""
    day = found.run.day
    ours = [item for item in found.open_items if item.local_id is not None]
    async with services.transaction() as tx:
        if not ours:
            await alerts.resolve(tx, [OPEN], subject=f"reconciliation:{day}")
            return
        more = f" and {len(ours) - MOST_TOLD} more" if len(ours) > MOST_TOLD else ""
        await alerts.raise_alert(
            tx, OPEN,
            f"{day:%d %B %Y} and the payment gateway do not agree: "
            f"{'; '.join(_words(item) for item in ours[:MOST_TOLD])}{more}.",
            subject=f"reconciliation:{day}",
        )  # fmt: skip


def _words(item: Item) -> str:
    name = f"{item.entity} {item.gateway_id}"
    if item.kind == "missing_there":
        return f"{name} is not known to the gateway"
    if item.kind == "missing_here":
        return f"{name} fits nothing that we know ({item.local_id})"
    if item.kind == "amount":
        return f"{name} is {(item.here_minor or 0) / 100:.2f} here and {(item.there_minor or 0) / 100:.2f} there"
    return f"{name} is {item.here_status} here and {item.there_status} there"


async def report(services: Services, day: date) -> Report:
    """What the day's runs found. Raises Conflict when there was none."""
    async with services.read() as conn:
        run = await rows.get(conn, day=day)
        items = await rows.items(conn, day=day)
    if run is None:
        raise Conflict("This day has not been reconciled.")
    return Report(run, items)


def span(services: Services, day: date) -> tuple[datetime, datetime]:
    """The day's first moment and the next day's, by the clocks of the business."""
    timezone = services.settings.timezone
    return localtime.to_utc(day, time(), timezone), localtime.to_utc(day + timedelta(days=1), time(), timezone)


async def _finish(services: Services, day: date, counts: _Counts, state: str, error: str | None) -> None:
    async with services.transaction() as tx:
        if state == "done":
            await rows.close_gone(tx.conn, day=day, still_open=counts.still_open)
        await rows.finish(
            tx.conn, day=day, state=state, error=error, payments_there=counts.payments_there,
            payments_here=counts.payments_here, refunds_there=counts.refunds_there,
            refunds_here=counts.refunds_here,
        )  # fmt: skip


async def _payments(services: Services, gateway: Gateway, day: date, counts: _Counts) -> None:
    from_at, to_at = span(services, day)
    seen: set[str] = set()
    async for batch in _batches(gateway.payments_between(int(from_at.timestamp()), int(to_at.timestamp()) - 1)):
        fresh = [told for told in batch if told.id not in seen]
        seen |= {told.id for told in fresh}
        counts.payments_there += len(fresh)
        async with services.read() as conn:
            known = await rows.payments_known(conn, ids=[t.id for t in fresh])
        here = {k.gateway_id: k for k in known}
        for told in fresh:
            await _note(services, day, counts, await compare.payment(services, gateway, told, here.get(told.id)))
        await _post_fees(services, fresh)
    async with services.read() as conn:
        ours = await rows.payments_captured(conn, from_at=from_at, to_at=to_at)
    counts.payments_here = len(ours)
    for payment in ours:
        if payment.gateway_id not in seen:
            await _note(services, day, counts, await compare.lost_payment(services, gateway, payment))


async def _post_fees(services: Services, told: list[GatewayPayment]) -> None:
    """What the gateway keeps is known from here only, so that every other way of hearing posts the same."""
    with_fee = [t for t in told if t.captured and t.fee_minor]
    if not with_fee:
        return
    currencies = sorted({t.currency for t in with_fee})
    async with services.transaction() as tx:
        for currency in currencies:
            fees, clearing = (
                ledger.platform("gateway_fees", currency),
                ledger.platform("gateway_clearing", currency),
            )
            await ledger_rows.ensure_accounts(
                tx.conn, owner_kinds=["platform"] * 2, owner_ids=[None] * 2,
                types=[clearing.type, fees.type], currencies=[currency] * 2,
            )  # fmt: skip
        await rows.post_fees(
            tx.conn, ids=[t.id for t in with_fee], fees=[t.fee_minor for t in with_fee],
            currencies=[t.currency for t in with_fee],
        )  # fmt: skip


async def _refunds(services: Services, gateway: Gateway, day: date, counts: _Counts) -> None:
    from_at, to_at = span(services, day)
    seen: set[str] = set()
    async for batch in _batches(gateway.refunds_between(int(from_at.timestamp()), int(to_at.timestamp()) - 1)):
        fresh = [told for told in batch if told.id not in seen]
        seen |= {told.id for told in fresh}
        counts.refunds_there += len(fresh)
        async with services.read() as conn:
            known = await rows.refunds_known(conn, ids=[t.id for t in fresh])
        here = {k.gateway_id: k for k in known}
        for told in fresh:
            await _note(services, day, counts, await compare.refund(services, gateway, told, here.get(told.id)))
    async with services.read() as conn:
        ours = await rows.refunds_made(conn, from_at=from_at, to_at=to_at)
    counts.refunds_here = len(ours)
    for refund in ours:
        if refund.gateway_id not in seen:
            await _note(services, day, counts, await compare.lost_refund(services, gateway, refund))


async def _note(services: Services, day: date, counts: _Counts, item: Item | None) -> None:
    if item is None:
        return
    if item.resolution == "open":
        counts.still_open.append(f"{item.entity} {item.kind} {item.gateway_id or ''}")
    values = {f.name: getattr(item, f.name) for f in fields(Item)}
    async with services.transaction() as tx:
        await rows.add_item(tx.conn, day=day, **values)


async def _batches(stream: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for one in stream:
        batch.append(one)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def run_due(services: Services, gateway: Gateway) -> int:
    """The daily job, harmless when repeated: compares yesterday, and days before it that nothing has compared to the
    end because the server or the gateway was away. Returns how many days that are.

    A run before its day was over is none. Raises what `reconcile` raises of the first day that cannot be compared.
    """
    timezone = services.settings.timezone
    yesterday = localtime.local(services.clock.now(), timezone).date() - timedelta(days=1)
    async with services.read() as conn:
        days = await rows.not_done(conn, yesterday=yesterday, back=DAYS_BACK, timezone=timezone)
    done = 0
    for due in days:
        with suppress(AlreadyRunning):
            await reconcile(services, gateway, due.day)
            done += 1
    return done
