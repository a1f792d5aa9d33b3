"""Puts the sockets on the application: server, guard, fan-out, namespaces, revocations."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from api.edge.request_info import client_ip
from api.realtime.customer import CustomerNamespace
from api.realtime.engine import HotServer
from api.realtime.fanout import Fanout
from api.realtime.guard import SocketLimits
from api.realtime.once import once
from api.realtime.ops import OpsNamespace
from api.realtime.provider import ProviderNamespace
from api.realtime.technician import TechnicianNamespace
from dispatch import bus
from dispatch.config.server import Sockets
from dispatch.errors import DispatchError
from dispatch.services import Services
from storage.database.errors import StorageError

log = logging.getLogger(__name__)

#: Sessions of open sockets are asked for this often in real seconds, in case the hint of a revocation was lost.
RECHECK_S = 3.0
#: Sockets of one question.
RECHECK_SLICE = 250

SERVER: web.AppKey[HotServer] = web.AppKey("socket server", HotServer)


def limits_of(sockets: Sockets) -> SocketLimits:
    return SocketLimits(
        auth_timeout_s=sockets.auth_timeout_s, ping_interval_s=sockets.ping_interval_s,
        ping_timeout_s=sockets.ping_timeout_s, max_frame_bytes=sockets.max_frame_bytes,
        hard_queue_bytes=sockets.max_queue_bytes, events_per_s=sockets.events_per_s,
        events_burst=sockets.events_burst, max_per_address=sockets.max_per_ip,
        max_per_session=sockets.max_per_session,
    )  # fmt: skip


def attach_realtime(app: web.Application, services: Services) -> HotServer:
    """Mounts /socket.io with the four namespaces; starts and ends with the application."""
    settings = services.settings

    def client_address(peer: str | None, forwarded: Sequence[str]) -> str:
        return client_ip(peer, forwarded, settings.http.trusted_hops)

    server = HotServer(
        limits_of(settings.sockets), origins=settings.http.allowed_origins, client_address=client_address
    )
    fanout = Fanout(services, server)
    single = once(services)
    ops = OpsNamespace(services, server, single)
    for namespace in (
        TechnicianNamespace(services, server, fanout, single), CustomerNamespace(services, server, fanout, single),
        ProviderNamespace(services, fanout, single), ops,
    ):  # fmt: skip
        server.register_namespace(namespace)
    revocations = Revocations(services, server)

    async def life(_: web.Application) -> AsyncIterator[None]:
        await fanout.start()
        recheck = asyncio.create_task(revocations.run(), name="session recheck")
        yield
        recheck.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await recheck
        await ops.stop()
        await fanout.stop()

    app.cleanup_ctx.append(life)
    server.mount(app)
    app[SERVER] = server
    return server


class Revocations:
    """Cuts the sockets of revoked sessions: at once at a hint, within seconds where the hint was lost."""

    def __init__(self, services: Services, server: HotServer) -> None:
        self._services, self._server = services, server
        self._wake = asyncio.Event()
        services.bus.subscribe(bus.SESSION_REVOKED, self._hinted)

    def _hinted(self, hint: bus.Hint) -> None:
        if "session_id" in hint:
            self._server.revoke_session(str(hint["session_id"]))
        else:
            # All of a subject but perhaps one: the database knows which.
            self._wake.set()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.check()
            except (StorageError, DispatchError) as e:
                log.warning("sessions could not be checked: %s", e)
            except Exception:
                # Whatever it was: nobody else cuts those whose sign-in has ended.
                log.exception("sessions could not be checked")

    async def check(self) -> None:
        """Asks for the sessions of all open sockets, in slices so that no ping waits, and cuts the dead ones."""
        sockets = list(self._server.live.values())
        for at in range(0, len(sockets), RECHECK_SLICE):
            held = {grant.session_id for ws in sockets[at : at + RECHECK_SLICE] for grant in ws.held()}
            for dead in await self._services.sessions.dead_among(held) if held else ():
                self._server.revoke_session(str(dead))
