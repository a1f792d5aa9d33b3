"""What a second worker on one port costs: the CPU of a ping with one and with two, shared through Redis."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from dispatch.bench.figures import Figure
from dispatch.bench.load import Load, build, generator
from dispatch.bench.processes import NotMeasurable, cpu_of_group_s
from dispatch.bench.sockets_live import LIFTED
from dispatch.bench.stage import Server, Stage
from storage.tools.bench_redis import rival_socket

#: Sockets of each worker, and pings a second of all of these: it takes them with ease, for what is compared is CPU.
SOCKETS, PER_S, SECONDS = 1_000, 4_000, 5


@dataclass(frozen=True, slots=True)
class Side:
    """A server with its workers, the Redis through which they share what they know, and its load."""

    server: Server
    redis_pid: int | None
    load: Load
    workers: int

    def ping_us(self) -> float:
        """CPU of a ping in all processes of the server, its database and its Redis."""
        before = self._spent_s()
        found = self.load.do("paced", SOCKETS * self.workers, PER_S * self.workers, SECONDS, 1)
        return (self._spent_s() - before) / max(1, int(found["frames"])) * 1e6

    def _spent_s(self) -> float:
        return sum(cpu_of_group_s(pid) for pid in (self.server.pid, self.server.database_pid, self.redis_pid))


def part(stage: Stage) -> list[Figure]:
    """Pings to one worker, and twice as many of twice as many sockets to two, in turn. How much more two of them carry,
    each with a core of its own, is what one costs a ping over what two cost a ping, twice.

    Raises NotMeasurable without Redis.
    """
    seen: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack:
        sides = {workers: _side(stage, stack, workers) for workers in seen}
        # The first round warms up: everybody appears on the map.
        for number in range(stage.rounds + 1):
            for workers, side in sides.items():
                stage.say(f"{workers} of them, round {number}")
                seen[workers] += [side.ping_us()] * (number > 0)
    one_us, two_us = median(seen[1]), median(seen[2])
    return [
        Figure("workers", "CPU of a ping, one worker", "us", one_us),
        Figure("workers", "CPU of a ping, two workers", "us", two_us),
        Figure("workers", "what two carry", "times one", 2 * one_us / two_us, is_rate=True, wanted=">= 1.8"),
    ]


def _side(stage: Stage, stack: ExitStack, workers: int) -> Side:
    socket, redis_pid = stack.enter_context(rival_socket())
    if socket is None:
        raise NotMeasurable("there is no redis-server, through which workers share what they know")
    settings = {**LIFTED, "REDIS_URL": f"unix://{socket}", "DISPATCH_HTTP__WORKERS": str(workers)}
    server = stack.enter_context(stage.serve(settings))
    sockets = SOCKETS * workers
    load = stack.enter_context(generator(build(stage.folder), server.port, stage.technicians_file(sockets), None))
    load.do("open", "t", 0, sockets, 64)
    return Side(server, redis_pid, load, workers)
