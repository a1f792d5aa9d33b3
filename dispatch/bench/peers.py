"""Who is measured beside us, where they are installed: socket.io on Node and on Bun, with Redis GEO."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dispatch.bench.processes import SERVER_CORE, running
from storage.tools.bench_redis import rival_socket

PEER = Path(__file__).parent / "native" / "peer.js"
#: Where `npm install socket.io redis bun @socket.io/bun-engine` was run, or a part of it; without it we stand alone.
MODULES = "DISPATCH_BENCH_MODULES"
#: What each runs our peer with, and the modules that it needs for it.
RUNTIMES = (("Node", "node", ("socket.io",)), ("Bun", "bun", ("socket.io", "@socket.io/bun-engine")))


@dataclass(frozen=True, slots=True)
class Peer:
    """A runtime of JavaScript and the folder of its modules."""

    runtime: str
    binary: str
    modules: Path
    with_redis: bool

    @property
    def name(self) -> str:
        return f"{self.runtime} socket.io" + (" + Redis GEO" if self.with_redis else "")


def find_peers() -> list[Peer]:
    """Each runtime that is there with what it needs, and with its Redis client where that is there."""
    folder = os.environ.get(MODULES, "")
    modules = Path(folder) / "node_modules"
    found = []
    for runtime, command, needs in RUNTIMES:
        binary = shutil.which(command) or shutil.which(command, path=modules / ".bin")
        if folder and binary is not None and all((modules / one).is_dir() for one in needs):
            found.append(Peer(runtime, binary, modules, (modules / "redis").is_dir()))
    return found


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that answers, and its processes."""

    name: str
    port: int
    pid: int
    helper_pid: int | None


@contextmanager
def running_peer(peer: Peer) -> Iterator[Running]:
    """Its server for this block, and a Redis of its own where both are there, on the server's core."""
    with rival_socket() as (socket, redis_pid):
        uses = socket if peer.with_redis and socket else "-"
        command = [peer.binary, str(PEER), "0", uses]
        with running(command, SERVER_CORE, ready="^ready ", env={"MODULES": str(peer.modules)}) as (process, said):
            yield Running(peer.name, int(said.split()[1]), process.pid, redis_pid if uses != "-" else None)
