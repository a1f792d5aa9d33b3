"""Runs the server: takes the port, then the database, then answers; ends within ten seconds when told to."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any

from aiohttp import web

from dispatch.cli.companion import Companion, accompany
from dispatch.cli.failure import Refused
from dispatch.cli.running import announced
from dispatch.cli.setup import database_of, make_ready, note, refuse_unfit, stoppable

if TYPE_CHECKING:
    from dispatch.clock import Clock
    from dispatch.config import Settings
    from storage.database.embedded import EmbeddedPostgres

#: Requests under way get so long to finish.
SHUTDOWN_S = 2.0
#: Sockets and requests together.
CLEANUP_S = 4.0
#: Whatever still runs so long after the signal is left behind; the supervisor of the process waits for ten.
HARD_STOP_S = 9.0
#: Handshakes of TCP that wait to be accepted, as many as the system lets: after an outage everybody comes at once.
BACKLOG = 8192
#: A domain's time that is farther off than this is worth a word.
AHEAD_S = 60.0

#: Called with the DSN of the migrated database, before anything answers.
Prepare = Callable[["Settings", str], Awaitable[None]]
#: Starts what the server needs beside it, once port and folder are ours; gives the settings that name it.
Equip = Callable[["Settings", ExitStack], "Settings"]


def serve(
    settings: Settings,
    *,
    equip: Equip | None = None,
    prepare: Prepare | None = None,
    companion: Companion | None = None,
    ready: Callable[[str], None] | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code. `ready` is told the address instead of printing it.

    Raises Refused, CannotStart, EmbeddedError or MigrationError, each with a sentence that says what to do.
    """
    refuse_unfit(settings)
    say = ready or _announce
    shared = settings.http.workers > 1
    # Sharing would hide that somebody else has the port, so it is asked for alone first.
    listener = listen(settings.http.host, settings.http.port)
    if shared:
        port = listener.getsockname()[1]
        listener.close()
        listener = listen(settings.http.host, port, shared=True)
    # Links that it writes name the port that it has, also where any free one was asked for.
    http = settings.http.model_copy(update={"port": int(listener.getsockname()[1])})
    settings = settings.model_copy(update={"http": http})
    with stoppable(), listener, database_of(settings) as (dsn, server), ExitStack() as beside:
        if equip is not None:
            settings = equip(settings, beside)
        asyncio.run(_prepare(settings, dsn, prepare))
        with announced(settings, url_of(listener)):
            if not shared:
                return run_until_stopped(_kept(server, serve_on(settings, dsn, listener, say, companion)))
            from dispatch.cli.workers import supervise

            return run_until_stopped(_kept(server, supervise(settings, dsn, url_of(listener), say, companion)))


async def _kept(server: EmbeddedPostgres | None, work: Coroutine[Any, Any, int]) -> int:
    """The work, while the embedded database is kept running; without it the server ends with an error.

    Raises EmbeddedError.
    """
    if server is None:
        return await work
    serving, keeping = asyncio.create_task(work), asyncio.create_task(server.keep_running())
    try:
        ended, _ = await asyncio.wait({serving, keeping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        serving.cancel()
        keeping.cancel()
        await asyncio.gather(serving, keeping, return_exceptions=True)
    if keeping in ended:
        keeping.result()
    return serving.result()


async def _prepare(settings: Settings, dsn: str, prepare: Prepare | None) -> None:
    applied = await make_ready(settings, dsn)
    if applied:
        note(f"applied {len(applied)} migrations, up to {applied[-1]}")
    await (prepare or _real_time)(settings, dsn)


async def _real_time(settings: Settings, dsn: str) -> None:
    """A demonstration may have left the domain's time running faster: it goes on from there at its pace."""
    from dispatch.process.runtime import open_services, set_clock

    async with open_services(settings, dsn, with_workers=False) as services:
        if services.clock.speed != 1.0:
            await set_clock(services, services.clock.scaled(1.0))
        if said := of_clock(services.clock):
            note(said)


def of_clock(clock: Clock) -> str | None:
    """What people have to know of a domain's time that is not the machine's; None when it is."""
    ahead_s = clock.ahead_s
    if abs(ahead_s) < AHEAD_S:
        return None
    way = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"the time of this data folder is {abs(ahead_s) / 3600:.1f} hours {way} this machine's, left so by a demo or a "
        "simulation: use another --data folder for real work, or remove this one to begin anew"
    )


def _announce(url: str) -> None:
    print(f"ready {url}", flush=True)


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound socket, which nobody can connect to yet. `shared` lets other processes bind its port.

    Raises Refused when the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as e:
        raise Refused(f"The host {host!r} is unknown ({e.strerror}): choose another --host.") from None
    try:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        return listener
    except OverflowError:
        raise Refused(f"{port} is no port: choose one from 0 to 65535.") from None
    except OSError as e:
        raise Refused(
            f"The port {port} on {host} cannot be had ({os.strerror(e.errno or 0)}): stop what uses it, or "
            "choose another --port (0 takes a free one)."
        ) from None


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def serve_on(
    settings: Settings,
    dsn: str,
    listener: socket.socket,
    ready: Callable[[str], None],
    companion: Companion | None = None,
) -> int:
    """Answers on the socket until cancelled, or until the companion ends."""
    from api.app import SERVER_OPTIONS, create_app, drain
    from api.edge import connections
    from api.registry import load_endpoints
    from dispatch import logs
    from dispatch.live.native import build
    from dispatch.process import telemetry
    from dispatch.process.memory import short_pauses
    from dispatch.process.open_files import RESERVED, raise_limit
    from dispatch.process.runtime import open_services

    logs.configure(settings.log_level, for_people=not settings.is_deployed, secrets=settings.secret_values)
    files = raise_limit()
    # Takes seconds on a slow machine, in which no loop that has begun would get its turn.
    load_endpoints()
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.start(settings))
        services = await stack.enter_async_context(open_services(settings, dsn))
        services.tracker.native = await asyncio.to_thread(build.ready)
        app = create_app(services)
        runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S, **SERVER_OPTIONS)
        await runner.setup()
        book = connections.Book(
            services.clock, head_timeout_s=settings.http.head_timeout_s,
            # A proxy's connections are those of all its callers.
            most_per_peer=None if settings.http.trusted_hops else settings.http.max_connections_per_ip,
            most_files=max(files - RESERVED, files // 2),
        )  # fmt: skip
        server: asyncio.Server | None = None
        try:
            url = url_of(listener)
            try:
                server = await connections.listen(runner, listener, book, backlog=BACKLOG, **SERVER_OPTIONS)
            except OSError as e:
                raise Refused(f"{url} was taken meanwhile ({e.strerror}): choose another --port.") from None
            await stack.enter_async_context(short_pauses())
            ready(url)
            return await accompany(companion, url, dsn)
        finally:
            drain(app)
            if server is not None:
                server.close()
            await _bounded(runner.cleanup(), CLEANUP_S)


async def _bounded(work: Awaitable[None], limit_s: float) -> None:
    try:
        await asyncio.wait_for(work, limit_s)
    except TimeoutError:
        note("some connections would not close in time and were cut")


def run_until_stopped(main: Awaitable[int]) -> int:
    """Runs `main` on uvloop and cancels it at SIGTERM or SIGINT; then 0, else what it returned."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_stopped_by_signal(main))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _stopped_by_signal(main: Awaitable[int]) -> int:
    task = asyncio.ensure_future(main)
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            _arm_hard_stop()
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not told:
            raise
        return 0


def _arm_hard_stop() -> None:
    """A thread that outlives any stuck loop. The embedded database ends with the process, however it goes."""

    def leave() -> None:
        print("dispatch: stopping took too long and was cut short", file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(HARD_STOP_S, leave)
    timer.daemon = True
    timer.start()


def serve_as_node(settings: Settings, ready_fd: int) -> int:
    """One worker on a shared port; its supervisor has prepared the database and hears when it answers."""

    def ready(url: str) -> None:
        os.write(ready_fd, b"1")
        os.close(ready_fd)

    with listen(settings.http.host, settings.http.port, shared=True) as listener:
        return run_until_stopped(serve_on(settings, settings.database_url, listener, ready))
