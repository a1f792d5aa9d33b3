"""The back office's socket: a snapshot of the visible area, then what changed, once a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.realtime import signin
from api.realtime.commands import Call, CommandNamespace, Commands
from api.realtime.engine import HotServer
from api.realtime.events import OPS
from api.realtime.guard import Grant
from api.realtime.ops_events import Watch
from dispatch import bus
from dispatch.access.permissions import grants_of
from dispatch.engine import board
from dispatch.engine.board import Board, Box, Glance
from dispatch.errors import Invalid, NotAllowed
from dispatch.services import Services

log = logging.getLogger(__name__)

#: Deltas come this often, in real seconds.
TICK_S = 1.0
#: Rounds never take more than this share of the time: with many boards over many technicians they come less often.
MOST_SHARE = 0.1
#: Whoever sees the board may read what is dispatched.
WATCHES = "dispatch:read"

commands: Commands[Services] = Commands(OPS)


@dataclass(slots=True)
class Viewer:
    """One open board: its area, and what it was told last."""

    grant: Grant
    server: HotServer
    box: Box | None = None
    told: Board | None = None
    sending: asyncio.Task[None] | None = None

    @property
    def is_receiving(self) -> bool:
        return self.sending is not None and not self.sending.done()

    def send(self, event: str, told: dict[str, Any], now: Board) -> None:
        """In pages, each after the one before has left; who reads slowly has no turn meanwhile, and delays nobody."""
        self.told = now
        self.stop()
        self.sending = asyncio.create_task(self._send(event, told), name="ops pages")

    async def _send(self, event: str, told: dict[str, Any]) -> None:
        sid = self.grant.sid
        for n, page in enumerate(board.pages(told)):
            if n and not await self.server.drained(sid, OPS):
                return
            if not self.server.emit_fact(sid, OPS, "ops.delta" if n else event, page):
                return

    def stop(self) -> None:
        """What is left of an earlier area is not sent."""
        if self.sending is not None:
            self.sending.cancel()


@commands.command("ops.watch", Watch)
async def ops_watch(services: Services, call: Call, body: Watch) -> dict[str, Any]:
    viewer: Viewer = call.grant.state
    box = Box(*body.bbox)
    if box.north < box.south:
        raise Invalid({"bbox.3": "must not be south of the area's southern side"})
    found = await board.read(services, box)
    viewer.box = box
    viewer.send("ops.snapshot", board.snapshot(found), found)
    return {"at": found.at.isoformat()}


class OpsNamespace(CommandNamespace[Services]):
    """Boards of signed-in staff."""

    def __init__(self, services: Services, server: HotServer, once: Any) -> None:
        super().__init__(commands, services, once)
        self._server = server
        self._task: asyncio.Task[None] | None = None
        services.bus.subscribe(bus.ALERT_RAISED, self._alert)

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        """Raises NotSignedIn, and NotAllowed for staff who may not see what is dispatched."""
        grant = await signin.grant(self.context, "admin", auth)
        if not await self._may_watch(grant):
            raise NotAllowed
        return grant

    async def _may_watch(self, grant: Grant) -> bool:
        """With the role of these seconds."""
        seen = await self.context.sessions.standing.of(UUID(grant.session_id), "admin")
        if seen is None or seen.row is None or seen.row.role is None:
            return False
        return grants_of("admin", seen.row.role, seen.row.permissions or {}).allow(WATCHES)

    async def joined(self, grant: Grant) -> None:
        grant.state = Viewer(grant, self._server)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tick_for_ever(), name="ops board")

    async def left(self, grant: Grant, reason: str) -> None:
        viewer: Viewer | None = grant.state
        if viewer is not None:
            viewer.stop()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _alert(self, hint: bus.Hint) -> None:
        told = {"kind": hint["kind"], "booking_id": hint.get("booking_id"), "at": self.context.clock.now()}
        for grant in list(self.members.values()):
            self._server.emit_fact(grant.sid, OPS, "ops.alert", told)

    async def _tick_for_ever(self) -> None:
        took_s = 0.0
        while self.members:
            await asyncio.sleep(max(TICK_S, took_s / MOST_SHARE))
            began = time.monotonic()
            try:
                await self.tick()
                took_s = time.monotonic() - began
            except Exception:
                log.warning("the board could not be read", exc_info=True)

    async def tick(self) -> None:
        """One round of deltas; a viewer that is behind gets them with the next, one that may no longer look is cut."""
        glance = Glance(self.context)
        for grant in list(self.members.values()):
            if not await self._may_watch(grant):
                # This board, and not the sign-in: that may be allowed to look again.
                self._server.cut(grant.sid, OPS, "revoked", code=4401)
                continue
            viewer: Viewer | None = grant.state
            if viewer is None or viewer.box is None or viewer.told is None or viewer.is_receiving:
                continue
            before = viewer.told
            now = await board.read(self.context, viewer.box, glance)
            if viewer.told is not before:
                # Another area was chosen meanwhile: its snapshot is what the next delta starts from.
                continue
            delta = board.changes(before, now)
            if delta is None:
                viewer.told = now
            else:
                viewer.send("ops.delta", delta, now)
