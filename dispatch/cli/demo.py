"""The server with simulated people: `dispatch demo` for looking at, `dispatch simulate` for a report."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.cli import serving
from dispatch.cli.failure import Refused
from dispatch.cli.setup import note, refuse_production, services_for_tools, shared_database, stoppable
from dispatch.cli.workers import die_with_parent

if TYPE_CHECKING:
    from dispatch.config import Settings

#: Simulated people forward an address of their own, as a proxy would; only on machines that run a simulation.
HOPS = 1
#: The simulator gets so long to end by itself.
STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulation is to do. `duration_s` is in the domain's time; None goes on until stopped."""

    technicians: int
    customers: int
    seed: int
    speed: float
    traces: Path | None
    duration_s: float | None
    as_json: bool

    def arguments(self) -> list[str]:
        """The options of `dispatch simulate` that mean the same."""
        options = [
            "--technicians", self.technicians, "--customers", self.customers, "--seed", self.seed,
            "--speed", self.speed,
        ]  # fmt: skip
        options += ["--forever"] if self.duration_s is None else ["--duration-s", self.duration_s]
        if self.traces is not None:
            options += ["--traces", self.traces]
        if self.as_json:
            options += ["--json"]
        return [str(option) for option in options]


def demo(settings: Settings, technicians: int, customers: int, seed: int, speed: float) -> int:
    """Serves a seeded city with people in it until stopped."""
    refuse_production(settings, "The demonstration")
    plan = Plan(technicians, customers, seed, speed, None, None, as_json=False)

    async def companion(url: str, dsn: str) -> int | None:
        note(_welcome(url, settings))
        code = await _beside(plan, url, dsn)
        note(f"the simulation ended with code {code}; the server goes on")
        return None

    return serving.serve(settings, prepare=_seeding(plan), companion=companion)


def simulate(settings: Settings, plan: Plan, url: str | None, *, is_data_given: bool) -> int:
    """Runs the plan against a server, or against one that it starts; 0 when no event was missed."""
    refuse_production(settings, "The simulation")
    if plan.traces is not None and not plan.traces.is_file():
        raise Refused(f"There is no file {plan.traces}.")
    if url is not None:
        return _simulate_against(settings, plan, url)

    async def companion(url: str, dsn: str) -> int | None:
        return await _beside(plan, url, dsn)

    with ExitStack() as stack:
        settings = settings.model_copy(update={"http": settings.http.model_copy(update={"port": 0})})
        if not (is_data_given or settings.database_url):
            settings = settings.model_copy(update={"data": _temporary_folder(stack)})
        return serving.serve(settings, prepare=_seeding(plan), companion=companion)


def _temporary_folder(stack: ExitStack) -> Path:
    """What a simulation leaves behind is its report, so its data goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="dispatch-simulate-"))
    # Entered by the account that runs the database, and by nobody else because of what is inside.
    folder.chmod(0o711)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DISPATCH_DATA"] = str(folder / "data")
    return folder / "data"


def _seeding(plan: Plan) -> Callable[[Settings, str], Awaitable[None]]:
    async def prepare(settings: Settings, dsn: str) -> None:
        from dispatch.runtime import set_clock
        from dispatch.seed import seed as fill

        async with services_for_tools(settings, dsn) as services:
            if plan.traces is None:
                note(f"seeding {plan.technicians} technicians and {plan.customers} customers")
                try:
                    await fill(
                        services, technicians=plan.technicians, customers=plan.customers, seed=plan.seed
                    )
                except ValueError as e:
                    raise Refused(str(e)) from None
            if services.clock.speed != plan.speed:
                await set_clock(services, services.clock.scaled(plan.speed))

    return prepare


async def _beside(plan: Plan, url: str, dsn: str) -> int:
    """Runs the simulator as a process of its own, so that it does not take the server's turns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dispatch", "simulate", "--url", url, *plan.arguments(),
        env={**os.environ, "DATABASE_URL": dsn}, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def _simulate_against(settings: Settings, plan: Plan, url: str) -> int:
    from dispatch.cli.tools import write_json
    from dispatch.simulation.run import run

    async def work(dsn: str) -> int:
        async with services_for_tools(settings, dsn) as services:
            report = await run(services, url.rstrip("/"), plan)
        if plan.as_json:
            write_json(report.as_dict())
        else:
            print(report.text())
        return 1 if report.missed_events else 0

    with stoppable(), shared_database(settings) as dsn:
        return serving.run_until_stopped(work(dsn))


def _welcome(url: str, settings: Settings) -> str:
    from dispatch.seed import ADMIN_EMAIL, CUSTOMER_PHONE, TECHNICIAN_PHONE

    customer, technician = CUSTOMER_PHONE.format(1), TECHNICIAN_PHONE.format(1)
    data = "" if settings.database_url else f" --data {settings.data}"
    return f"""
  Server          {url}          API pages  {url}/docs   {url}/docs/events
  A customer      {customer}   codes arrive in   ./run outbox --to {customer}{data}
  A technician    {technician}   a token           ./run token technician {technician}{data}
  An admin        {ADMIN_EMAIL}   a token           ./run token admin {ADMIN_EMAIL}{data}

  First curl:
    curl -s {url}/v1/auth/send-otp -H 'Content-Type: application/json' -d '{{"phone_number": "{customer}"}}'

  Ctrl-C ends it; the data stays in {settings.database_url and "your database" or settings.data}.
"""
