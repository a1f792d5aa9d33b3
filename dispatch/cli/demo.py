"""The server with simulated people: `dispatch demo` for looking at, `dispatch simulate` for a report."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.cli import past, serving
from dispatch.cli.failure import Refused
from dispatch.cli.setup import note, refuse_deployed, services_for_tools, shared_database, stoppable
from dispatch.cli.workers import die_with_parent
from dispatch.wording import counted

if TYPE_CHECKING:

    from dispatch.config import Settings
    from dispatch.parties.integration_onboarding import Issued
    from dispatch.simulation.scene import SimulationOptions

#: Simulated people forward an address of their own, as a proxy would; only on machines that run a simulation.
HOPS = 1
#: The simulator gets so long to end by itself.
STOP_S = 3.0
#: A simulation that has ended by itself starts again after this.
AGAIN_S = 5.0
#: Between two lines that say how an endless simulation goes, where no status line can be moved, in real seconds.
LINE_S = 30.0


def demo(settings: Settings, options: SimulationOptions) -> int:
    """Serves a seeded city with people in it, who pay through a gateway of their own, until stopped."""
    refuse_deployed(settings, "The demonstration")

    settings = for_speed(_quiet(settings), options.speed)
    told = _Told(settings)

    async def companion(url: str, dsn: str) -> int | None:
        note(await _welcome(url, dsn, told.settings, told.issued))
        while True:
            code = await _beside(options, url, dsn)
            note(f"the simulation ended with code {code}; it starts again")
            await asyncio.sleep(AGAIN_S)

    return serving.serve(settings, equip=_with_gateway, prepare=_seeding(options, told), companion=companion)


@dataclass(slots=True)
class _Told:
    """What is known only once it runs: the settings with its gateway, and, of a new past, the seeded app's
    credentials.
    """

    settings: Settings
    issued: Issued | None = None

    def keep(self, issued: Issued | None) -> None:
        self.issued = issued


def simulate(
    settings: Settings, options: SimulationOptions, url: str | None, *, is_data_given: bool, as_json: bool
) -> int:
    """Runs a simulation against a server, or against one that it starts; 0 when all went well."""
    refuse_deployed(settings, "The simulation")
    if options.traces is not None and not options.traces.is_file():
        raise Refused(f"There is no file {options.traces}.")
    if url is not None:
        return _simulate_against(settings, options, url, as_json=as_json)

    async def companion(url: str, dsn: str) -> int | None:
        return await _beside(options, url, dsn, as_json=as_json)

    with stoppable(), ExitStack() as stack:
        if not (is_data_given or settings.database_url):
            settings = settings.model_copy(update={"data": _temporary_folder(stack)})
        settings = settings.model_copy(update={"http": settings.http.model_copy(update={"port": 0})})
        settings = for_speed(_quiet(settings), options.speed)
        return serving.serve(
            settings, equip=_with_gateway, prepare=_seeding(options), companion=companion, ready=_say_where
        )


def _say_where(url: str) -> None:
    note(f"simulating against {url}")


def _quiet(settings: Settings) -> Settings:
    """A line for every request of simulated people helps nobody, unless it is asked for."""
    if "DISPATCH_LOG_LEVEL" in os.environ:
        return settings
    os.environ["DISPATCH_LOG_LEVEL"] = "warning"
    return settings.model_copy(update={"log_level": "warning"})


def for_speed(settings: Settings, speed: float) -> Settings:
    """At a high speed a tenth of a second of the machine is many seconds of the domain: its patience grows along, and
    so does what a customer may do in an hour, which is one of the machine's."""
    longer = {
        "dispatch": {"fresh_fix_s": 4.0, "offer_window_min_s": 4.0}, "billing": {"preview_s": 120.0},
    }  # fmt: skip
    update: dict[str, object] = {}
    for group, fields in longer.items():
        part = getattr(settings, group)
        values = {
            name: type(getattr(part, name))(max(getattr(part, name), real_s * speed)) for name, real_s in fields.items()
        }
        update[group] = part.model_copy(update=values)
    dispatch = update["dispatch"]
    watch = settings.dispatch.watch
    dark_s = max(watch.dark_s, 6.0 * speed)
    update["dispatch"] = dispatch.model_copy(update={"watch": watch.model_copy(update={"dark_s": dark_s})})  # type: ignore[attr-defined]
    more = {name: math.ceil(getattr(settings.limits, name) * max(1.0, speed)) for name in past.OF_A_PERSON}
    update["limits"] = settings.limits.model_copy(update=more)
    return settings.model_copy(update=update)


def _with_gateway(settings: Settings, stack: ExitStack) -> Settings:
    """Starts the local payment gateway, unless payments are configured, and names it to the server."""
    if settings.payments.is_configured:
        return settings
    from dispatch.config.money import Payments
    from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, WEBHOOK_SECRET

    past.drop_orphans(past.gateway_folder(settings))
    port = settings.http.port
    host = settings.http.host if settings.http.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
    webhook_url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1/payments/webhook"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "dispatch.local_gateway", "--port", "0", "--data", str(past.gateway_folder(settings)),
            "--webhook-url", webhook_url,
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
    )  # fmt: skip
    stack.callback(_end, process)
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said.startswith("gateway ready "):
        raise Refused("The local payment gateway did not start: its own words above say why.")
    base_url = said.split()[2]
    values = {
        "key_id": KEY_ID, "key_secret": KEY_SECRET, "webhook_secret": WEBHOOK_SECRET, "base_url": base_url,
    }  # fmt: skip
    # The simulator, a process of its own, has to know where people pay.
    os.environ.update({f"DISPATCH_PAYMENTS__{name.upper()}": value for name, value in values.items()})
    return settings.model_copy(update={"payments": Payments.model_validate(values)})


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _temporary_folder(stack: ExitStack) -> Path:
    """What a simulation leaves behind is its report, so its data goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="dispatch-simulate-"))
    # Entered by the account that runs the database, and by nobody else because of what is inside.
    folder.chmod(0o711)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DISPATCH_DATA"] = str(folder / "data")
    return folder / "data"


def _seeding(options: SimulationOptions, told: _Told | None = None) -> Callable[[Settings, str], Awaitable[None]]:
    """Makes the world; with `told`, one that has a past."""

    async def prepare(settings: Settings, dsn: str) -> None:
        from dispatch.simulation.run import prepare as make_world

        draft: str | None = None
        if told:
            told.settings = settings
            draft = await past.draft_of(settings, dsn)
        note(f"seeding {counted(options.technicians, 'technician')} and {counted(options.customers, 'customer')}")
        try:
            if told and draft:
                async with services_for_tools(past.patient(settings), draft) as services:
                    await make_world(services, options, past.past_of(services, options.seed, told.keep))
                await past.finish(settings, dsn)
            else:
                async with services_for_tools(settings, dsn) as services:
                    await make_world(services, options)
        except ValueError as e:
            raise Refused(str(e)) from None

    return prepare


def _arguments(options: SimulationOptions) -> list[str]:
    """The options of `dispatch simulate` that mean the same."""
    given: list[object] = [
        "--technicians", options.technicians, "--customers", options.customers, "--seed", options.seed,
        "--speed", options.speed, "--timezone", options.timezone, "--currency", options.currency,
        "--bookings", options.bookings_each,
    ]  # fmt: skip
    if options.is_endless:
        given += ["--forever"]
    if options.duration_s is not None:
        given += ["--duration", options.duration_s / 60]
    if options.traces is not None:
        given += ["--traces", options.traces]
    return [str(one) for one in given]


async def _beside(options: SimulationOptions, url: str, dsn: str, *, as_json: bool = False) -> int:
    """Runs the simulator as a process of its own, so that it does not take the server's turns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dispatch", "simulate", "--url", url, *_arguments(options),
        *(["--json"] if as_json else []),
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


def _simulate_against(settings: Settings, options: SimulationOptions, url: str, *, as_json: bool) -> int:
    from dispatch.cli.tools import write_json
    from dispatch.simulation.run import run

    async def work(dsn: str) -> int:
        from rich.console import Console

        async with services_for_tools(settings, dsn) as services:
            console = Console(stderr=True)
            try:
                with console.status("signing everybody in") as status:
                    lines = now_and_then(note) if options.is_endless else None
                    show = status.update if console.is_terminal else lines
                    report = await run(services, url.rstrip("/"), options, show)
            except (ConnectionError, ValueError) as e:
                raise Refused(str(e)) from None
        if as_json:
            write_json(report.as_dict())
        else:
            print(report.text(), flush=True)
        return 0 if report.is_clean else 1

    with stoppable(), shared_database(settings) as dsn:
        return serving.run_until_stopped(work(dsn))


def now_and_then(say: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Passes on the first text after LINE_S, and so on: who looks sees that it lives, and is not flooded."""
    last_s = now()

    def tell(text: str) -> None:
        nonlocal last_s
        if now() - last_s >= LINE_S:
            last_s = now()
            say(text)

    return tell


async def _welcome(url: str, dsn: str, settings: Settings, issued: Issued | None) -> str:
    from dispatch.access.dev_tokens import mint_dev_token, set_dev_password
    from dispatch.seeding.erp import ERP_EMAIL, seed_erp
    from dispatch.seeding.integrations import OWNER_EMAIL as APP_EMAIL
    from dispatch.seeding.integrations import seed_integration
    from dispatch.seeding.organisations import OWNER_EMAIL as ORGANISATION_EMAIL
    from dispatch.seeding.organisations import seed_organisation
    from dispatch.seeding.providers import OWNER_EMAIL, seed_provider
    from dispatch.seeding.seed import ADMIN_EMAIL, ADMIN_PASSWORD, CUSTOMER_PHONE, TECHNICIAN_PHONE

    customer, technician = CUSTOMER_PHONE.format(1), TECHNICIAN_PHONE.format(1)
    async with services_for_tools(settings, dsn) as services:
        token = await mint_dev_token(services, "customer", customer)
        await set_dev_password(services, ADMIN_EMAIL, ADMIN_PASSWORD)
        await seed_erp(services, ADMIN_PASSWORD, customer)
        await seed_provider(services, ADMIN_PASSWORD)
        await seed_organisation(services, ADMIN_PASSWORD)
        issued = await seed_integration(services, ADMIN_PASSWORD) or issued
    client = f"client {issued.integration.client_id}   secret {issued.secret}" if issued else "its secret was told once"
    return f"""
  Pages (one click signs in)
{_pages(url)}
  API pages       {url}/docs   {url}/docs/events
  Payments        {settings.payments.base_url}

  Staff           {ADMIN_EMAIL}   the password of all is   {ADMIN_PASSWORD}
  A customer      {customer}   codes arrive in   ./run outbox --to {customer}
  A technician    {technician}   a token           ./run token technician {technician}
  Organisation    {ORGANISATION_EMAIL}   POST {url}/api/partners/auth/login
  A provider      {OWNER_EMAIL}   POST {url}/api/auth/signin
  ERP             {ERP_EMAIL}   POST {url}/api/auth/login   with a trade partner of the customer above: Acme Corp
  Integration     {APP_EMAIL}   POST {url}/api/partners/auth   {client}

  First curl (the token lives 15 minutes):
    curl -s {url}/v1/dashboard -H 'Authorization: Bearer {token}'

  Signing in with a code:
    curl -s {url}/v1/auth/send-otp -H 'Content-Type: application/json' \\
      -d '{{"phone_number": "{customer}", "purpose": "login"}}'

  Ctrl-C ends it; the data stays in {(settings.database_url and "your database") or settings.data}.
"""


def _pages(url: str) -> str:
    """The pages, a line each; /track needs a link that says whose visit it is."""
    from api.console.pages import PAGES

    return "\n".join(f"  {page.title:<15} {url}{page.path}" for page in PAGES if page.path != "/track")
