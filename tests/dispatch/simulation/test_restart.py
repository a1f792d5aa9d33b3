"""A server that is killed in the middle: everybody reconnects, resumes, and in the end nothing is missing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dispatch.config import Settings
from dispatch.process.runtime import open_services
from dispatch.services import Services
from dispatch.simulation.report import Report
from dispatch.simulation.run import prepare, run
from dispatch.simulation.scene import SimulationOptions
from tests.processes import eventually

OPTIONS = SimulationOptions(technicians=10, customers=4, seed=5, speed=150.0)
#: Keeps the domain's time as it is, where `dispatch serve` would slow it down.
SERVE = """
import asyncio, sys
from dispatch.cli import serving
from dispatch.cli.setup import settings_of
async def keep(settings, dsn): pass
sys.exit(serving.serve(settings_of(), prepare=keep))
"""


def log_of(folder: Path) -> Path:
    """What both servers say of errors, and nothing else."""
    return folder / "server.log"


@asynccontextmanager
async def server(dsn: str, folder: Path, port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    env = {
        **os.environ, "DATABASE_URL": dsn, "DISPATCH_DATA": str(folder), "DISPATCH_LOG_LEVEL": "error",
        "DISPATCH_HTTP__PORT": str(port), "DISPATCH_HTTP__TRUSTED_HOPS": "1", "DISPATCH_DISPATCH__LEAD_S": "300",
        "DISPATCH_DISPATCH__FRESH_FIX_S": "900", "DISPATCH_BILLING__PREVIEW_S": "1500", "DISPATCH_OTP__LIFE_S": "3000",
        "DISPATCH_DISPATCH__WATCH__DARK_S": "3600",
    }  # fmt: skip
    with log_of(folder).open("a") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("ready "), line
        yield process, line.split()[1]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        # To the end of what it said: only then its pipe is closed, too.
        await process.communicate()


async def begun(services: Services, running: asyncio.Task[Report]) -> bool:
    """Whether somebody was asked; also once the run has ended, which it should not have."""
    async with services.read() as conn:
        return running.done() or bool(await conn.fetchval("SELECT EXISTS (SELECT 1 FROM offers)"))


async def test_a_killed_server_costs_nobody_an_event(fresh_dsn: str, tmp_path: Path) -> None:
    settings = Settings(env="test", data=tmp_path, database_url=fresh_dsn)
    async with open_services(settings, fresh_dsn, with_workers=False) as services:
        await prepare(services, OPTIONS)
        async with server(fresh_dsn, tmp_path, 0) as (first, url):
            running = asyncio.create_task(run(services, url, OPTIONS, lambda line: None))
            await eventually(lambda: begun(services, running), "an offer should be made", seconds=300)
            assert not running.done(), running.result()
            first.send_signal(signal.SIGKILL)
            await first.wait()
        async with server(fresh_dsn, tmp_path, int(url.rsplit(":", 1)[1])):
            report = await asyncio.wait_for(running, 600)
    assert report.reconnects >= OPTIONS.technicians
    assert report.missed_events == 0
    assert sum(report.bookings.values()) == OPTIONS.customers, report.error_words
    assert set(report.bookings) <= {"completed", "cancelled"}, report.text()
    assert report.left_waiting == [] and report.errors == 0, report.text()
    log = log_of(tmp_path).read_text()
    assert "logger=" not in log and "Traceback" not in log, log
