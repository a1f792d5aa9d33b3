"""What happens by itself and later: who does which work, and at which turns of the clock it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial

from dispatch.billing import (
    bulk_bookings,
    bulk_visits,
    invoice_payments,
    invoices,
    left_approvals,
    platform_bills,
    provider_payouts,
    reconciliation,
    renewals,
)
from dispatch.engine import tasks
from dispatch.engine.tasks import Handler, Run
from dispatch.loops import Loop
from dispatch.parties import custom_reports, desk, enrolments, members, partner_imports, partner_status
from dispatch.process import housekeeping
from dispatch.process.backups.run import back_up
from dispatch.reports import analytics
from dispatch.services import Services
from storage import figures
from storage import tasks as rows
from storage.tasks import Turn

log = logging.getLogger(__name__)

#: When the queue has stopped, because the database was away, it is started again after so many seconds.
RESTART_S = 5.0
#: Turns of one kind are farther apart than this: within it, two nodes speak of the same one.
MINUTES = 20


async def _tidy(run: Run) -> None:
    await housekeeping.tidy(run.services)


async def _members(run: Run) -> None:
    await members.apply_planned(run.services)


async def _invoices(run: Run) -> dict[str, int]:
    """Bills, keeps the PDFs, asks after links, sends those that are due, and says what is overdue; in this order.

    No step waits for another to succeed: what failed is raised when all have had their turn, and tried again.
    """
    services = run.services
    steps: dict[str, Callable[[Services], Awaitable[int]]] = {
        "invoices": invoices.bill_due, "papers": invoices.keep_papers,
    }  # fmt: skip
    if services.settings.payments.is_configured:
        steps |= {"settled": invoice_payments.poll, "links": invoice_payments.send_links}
    steps["overdue"] = invoices.turn_overdue
    done: dict[str, int] = {}
    failed: list[Exception] = []
    for name, step in steps.items():
        try:
            done[name] = await step(services)
        except Exception as e:
            log.exception("the step %r of the invoices failed", name)
            failed.append(e)
    if failed:
        raise ExceptionGroup("not every step of the invoices came to its end", failed)
    return done


async def _organisation_reports(run: Run) -> dict[str, int]:
    return {"reports": await custom_reports.run_due(run.services)}


async def _reconcile(run: Run) -> dict[str, int]:
    services, gateway = run.services, run.services.gateway
    if (day := run.task.payload.get("day")) is None:
        return {"days": await reconciliation.run_due(services, gateway)}
    # Somebody has put right what it found, and asks for that day again.
    await reconciliation.reconcile(services, gateway, date.fromisoformat(day))
    return {"days": 1}


async def _pay_providers(run: Run) -> dict[str, int]:
    return {"payouts": await provider_payouts.pay_due(run.services)}


async def _renew(run: Run) -> dict[str, int]:
    return await renewals.turn(run.services)


async def _bill_plans(run: Run) -> dict[str, int]:
    return await platform_bills.turn(run.services)


async def _analytics(run: Run) -> dict[str, int]:
    return {"days": await analytics.roll(run.services)}


async def _returning_customers(run: Run) -> None:
    async with run.services.transaction() as tx:
        await figures.count_returning(tx.conn)


async def _backup(run: Run) -> dict[str, str]:
    made = await back_up(run.services.settings)
    return {"reached": made.reached.isoformat()}


async def _lift_blocks(run: Run) -> None:
    async with run.services.transaction() as tx:
        await partner_status.lift_expired(tx)


async def _desk(run: Run) -> dict[str, int]:
    async with run.services.transaction() as tx:
        return {"waiting": await desk.look(tx)}


#: Every kind of work that happens later, and who does it.
HANDLERS: Mapping[str, Handler] = {
    "tidy": _tidy,
    reconciliation.TASK: _reconcile,
    "pay_providers": _pay_providers,
    "renew": _renew,
    "bill_plans": _bill_plans,
    "members": _members,
    "invoices": _invoices,
    "organisation_reports": _organisation_reports,
    enrolments.TASK: enrolments.work,
    bulk_bookings.TASK: bulk_visits.book_due,
    bulk_bookings.CANCEL: bulk_bookings.cancel_left,
    members.LEFT: left_approvals.look,
    partner_imports.TASK: partner_imports.work,
    "analytics": _analytics,
    "returning_customers": _returning_customers,
    "backup": _backup,
    "lift_blocks": _lift_blocks,
    "desk": _desk,
}

#: What is asked for by the clock (cron lines in UTC): a day that could not be compared at its first turn gets another.
CRONS: Mapping[str, str] = {
    "tidy": "17 * * * *",
    reconciliation.TASK: "10 * * * *",
    "pay_providers": "5 * * * *",
    "renew": "20 * * * *",
    "bill_plans": "25 * * * *",
    "members": "6 * * * *",
    bulk_bookings.TASK: "3 * * * *",
    "analytics": "40 * * * *",
    "returning_customers": "50 * * * *",
    # The log alone, but once a day: three tries in the hour that may be lost.
    "backup": "*/20 * * * *",
    "lift_blocks": "2 * * * *",
    "desk": "30 2 * * *",
    "invoices": "20 * * * *",
    "organisation_reports": "35 * * * *",
}
#: No work of its own: it brings what was lost.
TAKE_UP = "take_up"
#: Those that only make sense with a payment gateway.
NEEDS_GATEWAY = (reconciliation.TASK,)
#: Those that need a folder for backups.
NEEDS_FOLDER = ("backup",)


def crons_of(services: Services) -> dict[str, Turn]:
    """Kind -> (cron line, what happens at its turn)."""
    settings = services.settings
    left_out = set(() if settings.payments.is_configured else NEEDS_GATEWAY)
    left_out |= set(() if settings.backup.folder else NEEDS_FOLDER)
    asked = {kind: (line, partial(ask, services, kind)) for kind, line in CRONS.items() if kind not in left_out}
    return {TAKE_UP: ("* * * * *", partial(tasks.take_up, services)), **asked}


async def ask(services: Services, kind: str) -> None:
    """One turn: the work is asked for once, however many nodes hear the clock strike."""
    async with services.transaction() as tx:
        now = datetime.now(UTC)
        await tasks.enqueue(tx, kind, key=f"{kind}:{now:%Y-%m-%dT%H}:{now.minute // MINUTES}")


def loop_of(services: Services) -> Loop:
    """Takes up whatever is due, on this node, for as long as the process lives."""

    async def serve() -> None:
        await rows.serve(services.pool, partial(tasks.work, services, HANDLERS), crons_of(services))

    return Loop("tasks", serve, every_s=RESTART_S)
