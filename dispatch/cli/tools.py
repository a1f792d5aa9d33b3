"""Commands that look at or change the data and end: beside a running server they use its database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from dispatch.cli.failure import Refused
from dispatch.cli.setup import (
    make_ready,
    note,
    refuse_production,
    services_for_tools,
    shared_database,
    stoppable,
)
from dispatch.wording import counted

if TYPE_CHECKING:
    from dispatch.config import Settings
    from dispatch.services import Services

T = TypeVar("T")


def with_services(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    """Runs `work` on the services of this database. Raises Refused."""

    async def run(dsn: str) -> T:
        async with services_for_tools(settings, dsn) as services:
            return await work(services)

    with stoppable(), shared_database(settings) as dsn:
        return asyncio.run(run(dsn))


def write_json(value: Any) -> None:
    """To standard output, readable and with a newline; JSON is UTF-8, whatever the terminal is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


def migrate(settings: Settings, *, dry_run: bool) -> None:
    from dispatch.process.runtime import check_server
    from storage.database.migrate import migrate_dsn, pending

    async def run(dsn: str) -> list[str]:
        await check_server(dsn)
        return await (pending(dsn) if dry_run else migrate_dsn(dsn))

    with stoppable(), shared_database(settings, makes=not dry_run) as dsn:
        names = asyncio.run(run(dsn))
    for name in names:
        print(f"{'would apply' if dry_run else 'applied'} {name}")
    if not names:
        print("the schema is up to date")


def seed(settings: Settings, technicians: int, customers: int, seed: int) -> None:
    refuse_production(settings, "Seeding")
    from rich.console import Console

    from dispatch.seeding.seed import seed as fill

    async def work(services: Services) -> None:
        with Console(stderr=True).status("seeding the city"):
            made = await fill(services, technicians=technicians, customers=customers, seed=seed)
        print(
            f"{counted(len(made.technician_ids), 'technician')}, {counted(len(made.customer_ids), 'customer')} and "
            f"{counted(len(made.service_ids), 'service')} are there; the administrator is {made.admin_email}"
        )

    try:
        with_services(settings, work)
    except ValueError as e:
        raise Refused(str(e)) from None


def outbox(settings: Settings, to: str | None, limit: int, *, as_json: bool) -> None:
    refuse_production(settings, "The outbox's reader")
    from storage import outbox as rows

    async def read(dsn: str) -> list[rows.Listed]:
        from storage.database.pool import create_pool

        await make_ready(settings, dsn)
        pool = await create_pool(dsn, min_size=1, max_size=2)
        try:
            async with pool.connection() as conn:
                return await rows.page(conn, recipient=to, channel=None, limit=limit)
        finally:
            await pool.close()

    with stoppable(), shared_database(settings) as dsn:
        messages = asyncio.run(read(dsn))
    if as_json:
        write_json([
            {
                "id": m.id, "created_at": m.created_at, "channel": m.channel, "to": m.recipient,
                "template": m.template, "body": m.body, "data": m.data, "state": m.state,
                "sent_at": m.sent_at, "error": m.error,
            }
            for m in messages
        ])  # fmt: skip
        return
    for m in messages:
        print(f"{m.created_at:%Y-%m-%d %H:%M:%S}  {m.channel:<6} {m.recipient:<16} {m.state:<8} {m.body}")
    if not messages:
        note("the outbox is empty" + (f" for {to}" if to else ""))


def token(settings: Settings, kind: str, name: str, *, revoke: bool = False) -> None:
    from dispatch.access import dev_tokens

    if revoke and kind != "service":
        raise Refused("Only tokens of services are ended here: people sign out, or staff block them.")

    async def work(services: Services) -> None:
        if revoke:
            ended = await dev_tokens.revoke_service_tokens(services, name)
            note(f"{counted(ended, 'token')} of {name} ended; servers refuse them within 5 seconds")
        else:
            print(await dev_tokens.mint_dev_token(services, kind, name))

    with_services(settings, work)


def import_zones(
    settings: Settings,
    file: Path,
    timezone: str | None,
    currency: str | None,
    name_property: str | None,
    city: str | None,
    state: str | None,
    *,
    skip_bad: bool,
) -> None:
    from dispatch.engine.zone_import import import_zones as read_and_write
    from dispatch.live.zones import POLL_S

    if not file.is_file():
        raise Refused(f"There is no file {file}.")

    async def work(services: Services) -> None:
        done = await read_and_write(
            services, file, timezone=timezone, currency=currency, name_property=name_property, city=city, state=state,
            skip_bad=skip_bad,
        )  # fmt: skip
        for complaint in done.skipped:
            note(f"left out: {complaint}")
        for warning in done.warnings:
            note(f"look again: {warning}")
        print(f"zones: {len(done.created)} new, {len(done.updated)} updated, {len(done.skipped)} left out")
        print(f"a running server serves by them within a few seconds, at the latest after {POLL_S:.0f}")

    with_services(settings, work)


def list_zones(settings: Settings, *, as_json: bool) -> None:
    async def work(services: Services) -> None:
        found = [
            {"code": z.code, "name": z.name, "currency": z.currency, "timezone": z.timezone}
            for z in services.zones.zones
        ]
        if as_json:
            write_json(found)
            return
        for zone in found:
            print(f"{zone['code']:<24} {zone['name']:<32} {zone['currency']}  {zone['timezone']}")
        if not found:
            note("no zones: everywhere is served")

    with_services(settings, work)
