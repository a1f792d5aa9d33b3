"""What one input may cost on a machine of any speed: the thread's clock, against a fixed piece of work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: The loop's turn of one request may cost so much of its thread's time, in seconds.
TURN_S = 0.1
#: What the fixed piece of work costs on the machine for which the budgets are written.
_YARDSTICK_S = 0.010
_TRIES = 10


def _yardstick() -> float:
    """Seconds of a fixed piece of work like that of a server: small objects, names, texts."""
    started = time.thread_time()
    seen: dict[str, int] = {}
    for n in range(30_000):
        name = f"k{n % 1000}"
        seen[name] = seen.get(name, 0) + len(name)
    return time.thread_time() - started


class Budget:
    """Measures until one try is cheap enough: other processes make it look slow, and nothing makes it look quick."""

    def __init__(self, most_s: float = TURN_S) -> None:
        self.most_s = most_s
        self.costs: list[float] = []

    def goes_on(self) -> bool:
        return not self.is_kept() and len(self.costs) < _TRIES

    def is_kept(self) -> bool:
        return min(self.costs, default=self.most_s) < self.most_s

    @contextmanager
    def measured(self, units: int = 1) -> Iterator[None]:
        """One try, of so many pieces of work alike; on a slower machine it may take as much longer as the yardstick."""
        started = time.thread_time()
        yield
        cost = (time.thread_time() - started) / units
        self.costs.append(cost if cost < self.most_s else cost / max(1.0, _yardstick() / _YARDSTICK_S))
