"""Commands about money: the proof of the ledger, the comparison with the gateway, and the run through its faults."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dispatch.billing.reconciliation import Report
    from dispatch.config import Settings
    from dispatch.services import Services
    from dispatch.simulation.money import Outcome

ledger = typer.Typer(no_args_is_help=True, help="The double-entry ledger.")

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and generated keys (DISPATCH_DATA).")]


def register(app: typer.Typer) -> None:
    """Adds these commands to the application's."""
    app.add_typer(ledger, name="ledger")
    app.command()(reconcile)
    app.command("review")(review)
    app.command("money-faults")(money_faults)


@ledger.command("check")
def check(data: Data = None) -> None:
    """Prove the ledger: journals balance, balances are derivable, sub-ledgers tie. Exit code 1 when not."""
    from dispatch.billing import ledger_check
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services

    async def work(services: Services) -> bool:
        async with services.read() as conn:
            findings = await ledger_check.check(conn)
            counts = await ledger_check.counts(conn)
        for f in findings:
            print(f"{f.meaning}: {f.subject} {f.currency} is {f.found_minor}, should be {f.expected_minor}")
        print(
            f"{counts.journals} journals, {counts.postings} postings, {counts.accounts} accounts: "
            + (f"{len(findings)} findings" if findings else "sound")
        )
        return not findings

    raise SystemExit(0 if with_services(settings_of(data=data, joins=True), work) else 1)


def reconcile(
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The local day; else yesterday.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the discrepancies to this file.")] = None,
    data: Data = None,
) -> None:
    """Compare a day's payments and refunds with the gateway's, mend what a lost webhook left, list the rest."""
    from datetime import timedelta

    from dispatch.adapters.razorpay import opened
    from dispatch.billing import reconciliation
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.localtime import local

    async def work(services: Services) -> Report:
        today = local(services.clock.now(), services.settings.timezone).date()
        wanted: date = day.date() if day else today - timedelta(days=1)
        try:
            return await reconciliation.reconcile(services, services.gateway, wanted)
        finally:
            await opened.close(services.settings.payments)

    report = with_services(settings_of(data=data, joins=True), work)
    show(report)
    if csv is not None:
        csv.write_text(report.csv(), "utf-8")
    raise SystemExit(1 if report.open_items else 0)


def show(report: Report) -> None:
    """The report as a table."""
    from rich.console import Console
    from rich.table import Table

    run = report.run
    table = Table(title=f"Reconciliation of {run.day}: {run.state}")
    for name in ("what", "kind", "gateway's id", "here", "there", "status here", "status there", "resolution"):
        table.add_column(name)
    for item in report.items:
        cells = (
            item.entity, item.kind, item.gateway_id, item.here_minor, item.there_minor, item.here_status,
            item.there_status, item.resolution,
        )  # fmt: skip
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    console = Console()
    console.print(table)
    console.print(
        f"{run.payments_there} payments there, {run.payments_here} here; {run.refunds_there} refunds there, "
        f"{run.refunds_here} here; {len(report.items)} discrepancies, {len(report.open_items)} open"
    )


def review(
    again: Annotated[bool, typer.Option(help="Have everything tried again, with the old keys.")] = False,
    data: Data = None,
) -> None:
    """List what was tried to the end with the payment gateway and waits for a person."""
    from dispatch.billing import review as reviews
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services

    async def work(services: Services) -> None:
        async with services.read() as conn:
            waiting = await reviews.page(conn)
        for one in waiting:
            print(f"{one.id}  {one.what}  {one.about}  {one.error}")
        if again:
            async with services.transaction() as tx:
                count = await reviews.try_again(tx)
            print(f"{count} are tried again by the running server")
        elif not waiting:
            print("nothing waits for a person")

    with_services(settings_of(data=data, joins=True), work)


def money_faults(
    bookings: Annotated[int, typer.Option(min=1, help="How many bookings.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same choices.")] = 1,
) -> None:
    """Let bookings go through a payment gateway that fails at random, and prove the books. Exit code 1 when wrong."""
    import asyncio
    import tempfile

    from dispatch.cli.setup import database, refuse_production, settings_of, stoppable

    with tempfile.TemporaryDirectory(prefix="dispatch-faults-") as folder, stoppable():
        settings = settings_of(data=Path(folder))
        refuse_production(settings, "The run through the gateway's faults")
        # A database of its own, whatever the environment says: the proof counts everything in it.
        settings = settings.model_copy(update={"database_url": "", "redis_url": ""})
        with database(settings) as dsn:
            done = asyncio.run(_fault_run(settings, dsn, bookings, seed))
    print(f"{done.bookings} bookings, seed {done.seed}")
    for title, counts in (
        ("stories", done.stories), ("refused", done.refused), ("faults", done.faults), ("intents", done.intents),
    ):  # fmt: skip
        print(f"{title}: " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    print(f"repaired by the reconciliation: {done.repaired}")
    for line in done.wrong:
        print(f"WRONG {line}")
    print("everything is sound" if not done.wrong else f"{len(done.wrong)} things are wrong")
    raise SystemExit(1 if done.wrong else 0)


async def _fault_run(settings: Settings, dsn: str, bookings: int, seed: int) -> Outcome:
    from aiohttp import web
    from pydantic import SecretStr

    from api.app import create_app
    from dispatch.adapters.razorpay import opened
    from dispatch.cli.setup import make_ready
    from dispatch.local_gateway.server import LocalGateway
    from dispatch.process.runtime import open_services
    from dispatch.seeding.seed import seed as fill
    from dispatch.simulation import money

    await make_ready(settings, dsn)
    async with LocalGateway(seed=seed) as other:
        given = {
            "key_id": other.key_id, "key_secret": SecretStr(other.key_secret), "total_s": 1.0,
            "webhook_secret": SecretStr(other.webhook_secret), "base_url": other.url,
        }  # fmt: skip
        settings = settings.model_copy(update={"payments": settings.payments.model_copy(update=given)})
        async with open_services(settings, dsn, with_workers=False) as services:
            runner = web.AppRunner(create_app(services, with_sockets=False))
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                host, port = runner.addresses[0][:2]
                await other.control(webhook_url=f"http://{host}:{port}/v1/payments/webhook", retry_s=0.1)
                people = await fill(services, technicians=60, customers=40, seed=seed)
                gateway = services.gateway
                return await money.run(services, gateway, other, people.customer_ids, count=bookings, seed=seed)
            finally:
                await runner.cleanup()
                await opened.close(services.settings.payments)
