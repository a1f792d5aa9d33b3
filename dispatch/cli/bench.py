"""`dispatch bench`: the index and the server against the usual ways, as ratios from one run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch.cli.failure import Refused
from dispatch.cli.setup import database, note, services_for_tools, stoppable
from dispatch.cli.workers import die_with_parent

if TYPE_CHECKING:
    from dispatch.bench.server import ServerNumbers
    from dispatch.bench.workload import IndexNumbers
    from dispatch.config import Settings

SOCKETS, BOOKINGS = 1000, 60
QUICK_SOCKETS, QUICK_BOOKINGS = 100, 10
STOP_S = 10.0


def run(
    technicians: int, seed: int, *, with_server: bool = True, quick: bool = False, as_json: bool = False
) -> int:
    """Prints what was measured beside what is wanted. 1 when an answer of an index was wrong."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from dispatch.bench import index
    from dispatch.cli.tools import write_json

    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with stoppable(), Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("index", total=None)

        def say(what: str) -> None:
            progress.update(task, description=f"index: {what}")

        numbers = index.run(technicians, seed, quick=quick, progress=say)
        progress.update(task, total=1, completed=1)
        server = _server(seed, progress, quick=quick) if with_server else None
    if as_json:
        write_json({"index": _index_dict(numbers), "server": None if server is None else asdict(server)})
    else:
        print(_text(numbers, server), flush=True)
    return 0 if numbers.mismatches == 0 else 1


def _server(seed: int, progress: Any, *, quick: bool) -> ServerNumbers:
    from dispatch.bench.server import measure, people
    from dispatch.config import Settings

    sockets, bookings = (QUICK_SOCKETS, QUICK_BOOKINGS) if quick else (SOCKETS, BOOKINGS)
    task = progress.add_task("server: starting", total=None)

    def step(what: str, done: int, total: int) -> None:
        progress.update(task, description=f"server: {what}", completed=done, total=total)

    with tempfile.TemporaryDirectory(prefix="dispatch-bench-") as folder:
        # Entered by the account that runs the database.
        os.chmod(folder, 0o711)
        settings = Settings(database_url="", data=Path(folder) / "data", log_level="error")
        with database(settings) as dsn:

            async def seeded() -> tuple[list[str], list[str]]:
                async with services_for_tools(settings, dsn) as services:
                    return await people(services, sockets, bookings, seed)

            progress.update(task, description="server: seeding")
            tokens, customers = asyncio.run(seeded())
            with _child(settings, dsn) as (url, pid):
                return asyncio.run(measure(url, pid, tokens, customers, bookings, step))


@contextmanager
def _child(settings: Settings, dsn: str) -> Iterator[tuple[str, int]]:
    """A server as a process of its own, (url, pid), for this block. Raises Refused."""
    env = {
        **os.environ, "DATABASE_URL": dsn, "DISPATCH_DATA": str(settings.data), "DISPATCH_LOG_LEVEL": "error",
        "DISPATCH_HTTP__TRUSTED_HOPS": "1", "DISPATCH_HTTP__WORKERS": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "dispatch", "serve", "--host", "127.0.0.1", "--port", "0"],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said.startswith("ready "):
            raise Refused("The server to be measured did not start: its own words above say why.")
        yield said.split()[1], process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            note("the measured server had to be killed")
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _index_dict(numbers: IndexNumbers) -> dict[str, Any]:
    values = {**asdict(numbers), "match_gain": numbers.match_gain, "update_gain": numbers.update_gain}
    if numbers.peer is not None:
        values["peer_match_gain"] = numbers.peer.match_p50_us / numbers.match_p50_us
        values["peer_update_gain"] = numbers.batch_updates_per_s / numbers.peer.updates_per_s
    return values


def _text(n: IndexNumbers, server: ServerNumbers | None) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{n.technicians} technicians, {n.queries} queries, one core", title_justify="left")
    for name in ("", "here", "against", "ratio", "wanted"):
        table.add_column(name, justify="left" if not name else "right")

    def row(what: str, here: str, against: str, ratio: str, wanted: str) -> None:
        table.add_row(what, here, against, ratio, wanted)

    row(
        "match p50, the R-tree's defaults", f"{n.match_p50_us:.0f} us", f"{n.default_match_p50_us:.0f} us",
        f"{n.match_gain:.1f}x", ">= 4x",
    )  # fmt: skip
    row(
        "updates, the R-tree's defaults", f"{n.updates_per_s:,.0f}/s", f"{n.default_updates_per_s:,.0f}/s",
        f"{n.update_gain:.0f}x", ">= 100x",
    )  # fmt: skip
    if n.peer is None:
        row("Redis", "-", "no redis-server found", "-", "")
    else:
        row(
            f"match p50, {n.peer.name} GEOSEARCH", f"{n.match_p50_us:.0f} us", f"{n.peer.match_p50_us:.0f} us",
            f"{n.peer.match_p50_us / n.match_p50_us:.1f}x", ">= 8x",
        )  # fmt: skip
        row(
            f"updates by 1000, {n.peer.name} pipelined", f"{n.batch_updates_per_s:,.0f}/s",
            f"{n.peer.updates_per_s:,.0f}/s", f"{n.batch_updates_per_s / n.peer.updates_per_s:.1f}x", ">= 2.5x",
        )  # fmt: skip
    row("answers that differ from brute force", str(n.mismatches), f"of {n.queries}", "", "0")
    if server is not None:
        row(f"idle socket, {server.sockets} of them", f"{server.socket_kib:.1f} KiB", "", "", "<= 40 KiB")
        row(
            f"confirm to offer.made, p50 of {server.bookings}", f"{server.confirm_to_offer_p50_ms:.1f} ms",
            f"p95 {server.confirm_to_offer_p95_ms:.1f} ms", "", "< 30 ms",
        )  # fmt: skip
    out = StringIO()
    Console(file=out, width=120).print(table)
    return out.getvalue()
