"""`dispatch bench`: the real server and the index beside their peers, as ratios from one run."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch.cli.failure import Refused
from dispatch.cli.setup import database, note, services_for_tools, stoppable

if TYPE_CHECKING:
    from dispatch.bench.figures import Figure
    from dispatch.bench.stage import Part, People, Server, Stage
    from dispatch.config import Settings

#: Technicians in the index and bookings behind the lists, where nothing else is asked for.
TECHNICIANS, ROWS = 100_000, 1_000_000
#: People of the stage: in such a city every part finds as many as it wants.
CITY, CUSTOMERS, QUICK_CITY = 10_100, 50, 1_100
#: Tokens outlive the longest run.
TOKEN_S = 86_400
#: Parts that run without a server.
ALONE = ("index", "lists", "erp", "analytics", "providers", "webhooks")


def parts() -> dict[str, Part]:
    """Every part by name, in the order in which they run."""
    from dispatch.bench import analytics, erp, history, index, jobs, lists, pages, providers, rest, webhooks, workers
    from dispatch.bench import sockets_live as live

    return {
        "index": index.part, "history": history.part, "ping": live.ping, "steady": live.steady,
        "fanout": lambda stage: live.fanout_of(jobs.on_the_way(stage))(stage), "offer": live.offer,
        "connect": live.connect, "idle": live.idle, "workers": workers.part, "rest": rest.part, "confirm": jobs.confirm,
        "lists": lists.part, "erp": erp.part, "analytics": analytics.part, "providers": providers.part,
        "webhooks": webhooks.part, "pages": pages.part,
    }  # fmt: skip


def run(
    names: Sequence[str], *, technicians: int, city: int, seed: int, rounds: int, rows: int, quick: bool = False,
    out: Path | None = None, as_json: bool = False,
) -> int:  # fmt: skip
    """Measures these parts, or all; prints a table and keeps the figures in `out`. 1 when an answer was wrong.

    Raises Refused for a part that does not exist.
    """
    from dispatch.bench.processes import SERVER_CORE, NotMeasurable, on_core
    from dispatch.bench.record import keep, told

    known, wanted = parts(), list(names)
    if unknown := sorted(set(wanted) - known.keys()):
        raise Refused(f"There is no part {unknown[0]}: the parts are {', '.join(known)}.")
    with stoppable(), tempfile.TemporaryDirectory(prefix="dispatch-bench-") as folder:
        # Entered by the account that runs the database.
        os.chmod(folder, 0o711)
        # The servers and their databases inherit it; the load generator has a core of its own.
        on_core(SERVER_CORE)()
        with _stage(Path(folder), wanted, technicians, city, seed, rounds, rows, quick=quick) as stage:
            figures: list[Figure] = []
            runs = {}
            for name in wanted or known:
                load = os.getloadavg()[0]
                try:
                    found = known[name](stage)
                except NotMeasurable as e:
                    note(f"{name} is left out: {e}.")
                    continue
                figures += found
                typed = " ".join((name, *_typed(technicians, city, rows, quick=quick)))
                runs[typed] = told(rounds, load, found)
                if out is not None:
                    keep(out, runs)
    _tell(figures, rounds, runs if as_json else None)
    return 1 if any(one.what.startswith("wrong answers") and one.ours for one in figures) else 0


def tables_of(file: Path) -> str:
    """The README's tables of the figures that are kept in a file. Raises Refused."""
    from dispatch.bench.record import tables

    try:
        return tables(file)
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Refused(f"{file} holds no figures of the bench: {e}") from None


@contextmanager
def _stage(
    folder: Path, wanted: list[str], technicians: int, city: int, seed: int, rounds: int, rows: int, *, quick: bool
) -> Iterator[Stage]:
    """The stage, with a seeded database where a part wants a server."""
    from dispatch.bench.stage import People, Stage
    from dispatch.config import Settings

    options: dict[str, Any] = {
        "rounds": rounds, "quick": quick, "seed": seed, "technicians": technicians, "rows": rows, "say": note,
        "empty": lambda: _empty(folder / "empty"),
    }  # fmt: skip
    if wanted and not set(wanted) - set(ALONE):

        def nowhere(_: dict[str, str]) -> Any:
            raise AssertionError("a part that runs alone asks for no server")

        yield Stage(folder, People([], [], [], ""), nowhere, **options)
        return
    # Nobody's file and nobody's Redis: the servers of a bench have what it gives them.
    os.environ |= {"DISPATCH_TOKENS__ACCESS_S": str(TOKEN_S), "DISPATCH_ENV_FILE": "", "REDIS_URL": ""}
    settings = Settings(database_url="", data=folder / "data", log_level="error")
    with database(settings) as dsn:
        note("seeding")
        people = asyncio.run(_people(settings, dsn, min(city, QUICK_CITY) if quick else city, seed))

        @contextmanager
        def serve(more: dict[str, str]) -> Iterator[Server]:
            with _server(settings, dsn, more) as server:
                yield server

        yield Stage(folder, people, serve, **options)


@contextmanager
def _empty(data: Path) -> Iterator[str]:
    """A database of its own that is migrated and has nothing in it."""
    from dispatch.cli.setup import make_ready
    from dispatch.config import Settings

    settings = Settings(database_url="", data=data, log_level="error")
    with database(settings) as dsn:
        asyncio.run(make_ready(settings, dsn))
        yield dsn


async def _people(settings: Settings, dsn: str, technicians: int, seed: int) -> People:
    from dispatch.access.dev_tokens import mint_dev_token
    from dispatch.bench.stage import People
    from dispatch.seeding.seed import seed as fill

    async with services_for_tools(settings, dsn) as services:
        made = await fill(services, technicians=technicians, customers=CUSTOMERS, seed=seed)
        found = []
        for one in made.technician_ids:
            person = services.roster.find(one)
            assert person is not None and person.base is not None, "the seed gives everybody a base"
            found.append((await mint_dev_token(services, "technician", str(one)), *person.base))
        return People(
            found, [str(one) for one in made.technician_ids],
            [await mint_dev_token(services, "customer", str(one)) for one in made.customer_ids],
            await mint_dev_token(services, "service", "bench"),
        )  # fmt: skip


@contextmanager
def _server(settings: Settings, dsn: str, more: dict[str, str]) -> Iterator[Server]:
    """A server as a process of its own for this block. Raises NotMeasurable."""
    from dispatch.bench.processes import SERVER_CORE, running
    from dispatch.bench.stage import Server

    env = {
        "DATABASE_URL": dsn, "DISPATCH_DATA": str(settings.data), "DISPATCH_LOG_LEVEL": "error",
        "DISPATCH_HTTP__TRUSTED_HOPS": "1", "DISPATCH_HTTP__WORKERS": "1",
        "DISPATCH_HTTP__MAX_CONNECTIONS_PER_IP": "100000", **more,
    }  # fmt: skip
    command = [sys.executable, "-m", "dispatch", "serve", "--host", "127.0.0.1", "--port", "0"]
    with running(command, SERVER_CORE, ready="^ready ", env=env) as (process, said):
        url = said.split()[1]
        yield Server("here", url, int(url.rsplit(":", 1)[1]), process.pid, _postmaster(settings.data), dsn)


def _postmaster(data: Path) -> int | None:
    """The embedded database's first process."""
    for file in data.rglob("postmaster.pid"):
        return int(file.read_text().split()[0])
    return None


def _typed(technicians: int, city: int, rows: int, *, quick: bool) -> Iterator[str]:
    """The options of a run that are not the usual ones, as they are typed."""
    for name, value, usual in (("technicians", technicians, TECHNICIANS), ("city", city, CITY), ("rows", rows, ROWS)):
        if value != usual:
            yield f"--{name} {value}"
    if quick:
        yield "--quick"


def _tell(figures: Sequence[Figure], rounds: int, as_json: dict[str, Any] | None) -> None:
    from dispatch.bench.figures import table

    if as_json is not None:
        print(json.dumps(as_json), flush=True)
        return
    from rich.console import Console
    from rich.table import Table

    title = f"{rounds} rounds, load average {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    shown = Table(title=title, title_justify="left")
    for name in ("", "here", "against", "ratio", "wanted"):
        shown.add_column(name, justify="left" if not name else "right")
    for row in table(figures):
        shown.add_row(*row)
    Console(width=160).print(shown)
