"""What the application gives the sockets: its settings as their limits, and the word that a session is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.realtime import attach
from api.realtime.attach import Revocations, limits_of
from api.realtime.guard import SocketLimits
from dispatch import bus
from dispatch.bus import LocalBus
from dispatch.config.server import Sockets
from dispatch.services import Services
from tests.api.realtime.conftest import Dial, Serve, until


def test_every_setting_is_a_limit_of_the_sockets() -> None:
    names = Sockets.model_fields.keys() - {"room_interval_s"}
    for name in names:
        changed = limits_of(Sockets(**{name: 5_000}))
        kept = limits_of(Sockets())
        differing = [f for f in SocketLimits.__dataclass_fields__ if getattr(changed, f) != getattr(kept, f)]
        assert len(differing) == 1 and getattr(changed, differing[0]) == 5_000, (name, differing)


async def test_a_session_that_is_over_is_cut_by_its_name_and_by_asking(
    serve: Serve, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint names one session, or only its subject: then all open ones are asked about, also without any hint."""
    monkeypatch.setattr(attach, "RECHECK_S", 3_600.0)
    running = await serve()
    over: set[str] = set()

    class Sessions:
        async def dead_among(self, asked: Iterable[str]) -> set[str]:
            return over & set(asked)

    node_bus = LocalBus()
    services = cast(Services, SimpleNamespace(bus=node_bus, sessions=cast(Any, Sessions())))
    revocations = Revocations(services, running.server)
    peers = {name: await dial(running) for name in ("named", "of a subject", "unheard of", "stays")}
    for name, peer in peers.items():
        await peer.sign_in(name)
    node_bus.publish(bus.SESSION_REVOKED, {"realm": "technician", "session_id": "named"})
    assert await peers["named"].closed() == 4401
    over.add("of a subject")
    watching = asyncio.create_task(revocations.run())
    node_bus.publish(bus.SESSION_REVOKED, {"realm": "technician", "subject_id": "whoever"})
    assert await peers["of a subject"].closed() == 4401
    watching.cancel()
    over.add("unheard of")
    await revocations.check()
    assert await peers["unheard of"].closed() == 4401
    await until(lambda: len(running.server.live) == 1, "one is left")
    assert running.server.revoke_session("stays") == 1
