"""Dead endpoints take nothing from the others: counted in the domain's time, delivery by delivery."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from statistics import quantiles
from uuid import UUID, uuid4

from dispatch.webhooks.lanes import MOST, MOST_FAILING, WIDEST, Lanes
from dispatch.webhooks.worker import DELAYS_S

#: How long a healthy endpoint takes to answer, and how long a dead one is waited for, in seconds.
ANSWER_S, TIMEOUT_S = 0.2, 15.0


@dataclass
class Endpoint:
    """What waits for it: (due, made), each of a booking of its own."""

    is_dead: bool
    waiting: list[tuple[float, float]] = field(default_factory=list)
    is_failing: bool = False
    tries: dict[float, int] = field(default_factory=dict)


@dataclass
class Simulation:
    """Time passes from one end of a delivery to the next; what is due begins as the claim has it: endpoints in turn."""

    endpoints: dict[UUID, Endpoint]
    lanes: Lanes = field(default_factory=Lanes)
    waits: list[float] = field(default_factory=list)

    def run(self) -> list[float]:
        """How long each delivery to a healthy endpoint took from its event on, in seconds, until the last has come."""
        healthy = sum(len(e.waiting) for e in self.endpoints.values() if not e.is_dead)
        running: list[tuple[float, int, UUID, float, bool]] = []
        times = sorted({due for e in self.endpoints.values() for due, _ in e.waiting})
        number, now = 0, 0.0
        while len(self.waits) < healthy:
            for endpoint_id, made, was_failing in self._begin(now):
                number += 1
                takes = TIMEOUT_S if self.endpoints[endpoint_id].is_dead else ANSWER_S
                heapq.heappush(running, (now + takes, number, endpoint_id, made, was_failing))
            arrivals = [t for t in times if t > now][:1]
            now = min([*arrivals, *(running[0][:1] if running else ())])
            while running and running[0][0] <= now:
                _, _, endpoint_id, made, was_failing = heapq.heappop(running)
                self._end(endpoint_id, made, was_failing, now)
        return self.waits

    def _begin(self, now: float) -> list[tuple[UUID, float, bool]]:
        begun = []
        for is_failing in (False, True):
            rooms, free = self.lanes.rooms(), self.lanes.free(is_failing)
            ranked = []
            for n, (endpoint_id, endpoint) in enumerate(self.endpoints.items()):
                if endpoint.is_failing != is_failing:
                    continue
                room = rooms.get(endpoint_id, 1)
                due = [w for w in endpoint.waiting if w[0] <= now][:room] if room else []
                ranked += [(turn, n, endpoint_id, one) for turn, one in enumerate(due)]
            for _, _, endpoint_id, one in sorted(ranked, key=lambda r: r[:2])[:free]:
                self.endpoints[endpoint_id].waiting.remove(one)
                self.lanes.begin(endpoint_id, is_failing)
                begun.append((endpoint_id, one[1], is_failing))
        return begun

    def _end(self, endpoint_id: UUID, made: float, was_failing: bool, now: float) -> None:
        endpoint = self.endpoints[endpoint_id]
        self.lanes.end(endpoint_id, was_failing, not endpoint.is_dead)
        if not endpoint.is_dead:
            self.waits.append(now - made)
            return
        endpoint.is_failing = True
        tries = endpoint.tries[made] = endpoint.tries.get(made, 0) + 1
        if tries <= len(DELAYS_S):
            endpoint.waiting.append((now + DELAYS_S[tries - 1], made))


def p95_s(dead: int, *, seconds: float = 60.0, healthy: int = 90, each: int = 100) -> float:
    """The 95th percentile of the healthy ones' waits: 100 events to each of 90, and to the dead, within so long."""
    made = {}
    for n in range(dead + healthy):
        waiting = [(at := k * seconds / each, at) for k in range(each)]
        made[uuid4()] = Endpoint(n < dead, waiting)
    return quantiles(Simulation(made).run(), n=20)[-1]


def test_ten_dead_endpoints_of_a_hundred_delay_the_healthy_ones_by_less_than_a_fifth() -> None:
    assert p95_s(dead=10) < 1.2 * p95_s(dead=0)


def test_nor_do_they_when_everything_comes_at_once() -> None:
    assert p95_s(dead=10, seconds=0) < 1.2 * p95_s(dead=0, seconds=0)


def test_a_lane_widens_with_successes_and_is_narrow_after_a_failure() -> None:
    lanes, one = Lanes(), uuid4()
    assert lanes.rooms() == {}, "whoever is not known has room for one"
    lanes.begin(one, False)
    assert lanes.rooms() == {one: 0}
    lanes.end(one, False, True)
    assert lanes.rooms() == {one: 2}
    for _ in range(20):
        lanes.begin(one, False)
        lanes.end(one, False, True)
    assert lanes.rooms() == {one: WIDEST}
    lanes.begin(one, False)
    lanes.end(one, False, False)
    assert lanes.rooms() == {}


def test_those_that_fail_share_places_of_their_own() -> None:
    lanes = Lanes()
    for _ in range(MOST_FAILING):
        lanes.begin(uuid4(), True)
    assert lanes.free(True) == 0
    assert lanes.free(False) == MOST - MOST_FAILING
