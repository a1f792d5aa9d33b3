"""`dispatch bench`: the real server and the index beside their peers, as ratios from one run."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
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

#: People of the stage: every part finds as many as it wants.
TECHNICIANS, CUSTOMERS, QUICK_TECHNICIANS = 10_100, 20, 1_100
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
    names: Sequence[str], *, technicians: int, seed: int, rounds: int, rows: int, quick: bool = False,
    out: Path | None = None, as_json: bool = False,
) -> int:  # fmt: skip
    """Measures these parts, or all; prints a table and writes the figures to `out`. 1 when an answer was wrong.

    Raises Refused for a part that does not exist.
    """
    from dispatch.bench.processes import SERVER_CORE, NotMeasurable, on_core

    known, wanted = parts(), list(names)
    if unknown := sorted(set(wanted) - known.keys()):
        raise Refused(f"There is no part {unknown[0]}: the parts are {', '.join(known)}.")
    with stoppable(), tempfile.TemporaryDirectory(prefix="dispatch-bench-") as folder:
        # Entered by the account that runs the database.
        os.chmod(folder, 0o711)
        # The servers and their databases inherit it; the load generator has a core of its own.
        on_core(SERVER_CORE)()
        with _stage(Path(folder), wanted, technicians, seed, rounds, rows, quick=quick) as stage:
            figures: list[Figure] = []
            for name in wanted or known:
                try:
                    figures += known[name](stage)
                except NotMeasurable as e:
                    note(f"{name} is left out: {e}.")
    _tell(figures, out, rounds, as_json=as_json)
    return 1 if any(one.what.startswith("wrong answers") and one.ours for one in figures) else 0


@contextmanager
def _stage(
    folder: Path, wanted: list[str], technicians: int, seed: int, rounds: int, rows: int, *, quick: bool
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
        people = asyncio.run(_people(settings, dsn, QUICK_TECHNICIANS if quick else TECHNICIANS, seed))

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


def _tell(figures: Sequence[Figure], out: Path | None, rounds: int, *, as_json: bool) -> None:
    from dispatch.bench.figures import markdown, table

    found = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(), "load": os.getloadavg()[0],
        "python": f"{platform.python_version()} of {sys.base_prefix}", "rounds": rounds,
        "figures": [one.as_dict() for one in figures], "markdown": markdown(figures),
    }  # fmt: skip
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")
    if as_json:
        print(json.dumps(found), flush=True)
        return
    from rich.console import Console
    from rich.table import Table

    title = f"{rounds} rounds, load average {found['load']:.1f}, Python {found['python']}"
    shown = Table(title=title, title_justify="left")
    for name in ("", "here", "against", "ratio", "wanted"):
        shown.add_column(name, justify="left" if not name else "right")
    for row in table(figures):
        shown.add_row(*row)
    Console(width=160).print(shown)
