"""Who is measured beside us, where they are installed: Node's socket.io with Redis GEO."""

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
#: Where `npm install socket.io redis` was run; empty: nobody stands beside us.
MODULES = "DISPATCH_BENCH_MODULES"


@dataclass(frozen=True, slots=True)
class Node:
    """Node and the folder of its modules."""

    binary: str
    modules: Path
    with_redis: bool

    @property
    def name(self) -> str:
        return "Node socket.io" + (" + Redis GEO" if self.with_redis else "")


def find_node() -> Node | None:
    """Node with socket.io, and with its Redis client where that is there; None without."""
    binary, folder = shutil.which("node"), os.environ.get(MODULES, "")
    modules = Path(folder) / "node_modules"
    if binary is None or not folder or not (modules / "socket.io").is_dir():
        return None
    return Node(binary, modules, (modules / "redis").is_dir())


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that answers, and its processes."""

    name: str
    port: int
    pid: int
    helper_pid: int | None


@contextmanager
def node_peer(node: Node) -> Iterator[Running]:
    """Node's server for this block, and its Redis where both are there, on the server's core."""
    with rival_socket() as (socket, redis_pid):
        uses = socket if node.with_redis and socket else "-"
        command = [node.binary, str(PEER), "0", uses]
        with running(command, SERVER_CORE, ready="^ready ", env={"MODULES": str(node.modules)}) as (process, said):
            yield Running(node.name, int(said.split()[1]), process.pid, redis_pid if uses != "-" else None)
