"""Parts of the bench that load the real server over sockets: pings, connects, idle memory, fan-out, the round trip."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from dispatch.bench.figures import Figure, Rounds
from dispatch.bench.load import Load, build, generator
from dispatch.bench.peers import find_peers, running_peer
from dispatch.bench.processes import private_kib
from dispatch.bench.stage import Server, Stage

#: Limits that few sockets or one address would meet where they stand for many. Nothing else is changed.
LIFTED = {
    "DISPATCH_SOCKETS__EVENTS_PER_S": "1000000000", "DISPATCH_SOCKETS__EVENTS_BURST": "1000000000",
    "DISPATCH_SOCKETS__MAX_PER_IP": "200000", "DISPATCH_SOCKETS__ROOM_INTERVAL_S": "0",
    "DISPATCH_DISPATCH__REPORTS_PER_S": "1000000000", "DISPATCH_DISPATCH__REPORTS_BURST": "1000000000",
}  # fmt: skip
OURS = "here"
FEW, MANY, IDLE = 50, 6_000, 1_000
#: After connecting, garbage has this long to go before memory is read.
REST_S = 2.0
#: So long a server tells the same of itself.
TOLD_S = 11.0
#: By then a server that has just begun has looked through a fresh city once more, which no connect causes, and one that
#: lost thousands of sockets has put them away.
SETTLED_S = 7.0
#: By then what was sent is saved: positions and their history are, every three seconds.
SAVED_S = 4.0


class Side:
    """A server and the generator that loads it."""

    def __init__(self, name: str, server: Server, load: Load) -> None:
        self.name, self.server, self.load = name, server, load

    def do(self, *command: object) -> dict[str, Any]:
        """One command, with `cpu_us` and `database_us` a frame beside its own answer."""
        before = self.server.spent_s()
        found = self.load.do(*command)
        after = self.server.spent_s()
        frames = max(1, int(found["frames"]))
        found["cpu_us"] = (after[0] - before[0]) / frames * 1e6
        found["database_us"] = (after[1] - before[1]) / frames * 1e6
        return found


    def admitted(self) -> int:
        """The fixes that our server has taken so far, as it counts them itself: only the last frame of a flood is
        acknowledged. What it tells may be some seconds old."""
        time.sleep(TOLD_S)
        with urlopen(f"{self.server.url}/metrics") as answer:
            told = re.search(r'^dispatch_pings_total\{outcome="admitted"\} (\S+)', answer.read().decode(), re.M)
        return int(float(told[1])) if told else 0


@contextmanager
def sides(stage: Stage, technicians: int, *, customers: Path | None = None, peer_customers: Path | None = None,
          settings: dict[str, str] | None = None) -> Iterator[list[Side]]:  # fmt: skip
    """Ours and every peer that is there, up at once, each with a generator that has opened nothing yet."""
    binary = build(stage.folder)
    with ExitStack() as stack:
        ours = stack.enter_context(stage.serve(LIFTED if settings is None else settings))
        load = stack.enter_context(generator(binary, ours.port, stage.technicians_file(technicians), customers))
        found = [Side(OURS, ours, load)]
        for peer in find_peers():
            up = stack.enter_context(running_peer(peer))
            theirs = Server(up.name, f"http://127.0.0.1:{up.port}", up.port, up.pid, up.helper_pid)
            file = stage.technicians_file(technicians, of_peer=True)
            found.append(Side(up.name, theirs, stack.enter_context(generator(binary, up.port, file, peer_customers))))
        yield found


def ping(stage: Stage) -> list[Figure]:
    """Acknowledged pings, floods and batches: rate, and CPU a frame with the database's or Redis's."""
    figures = []
    for count in (FEW, stage.few(MANY)):
        # Some seconds each: in one alone, what a server does once in a while counts for too much or for nothing.
        tests: dict[str, tuple[object, ...]] = {
            f"acked, {count} sockets": ("ack", count, 50, stage.few(72_000), 1),
            f"flood, {count} sockets": ("flood", count, max(4, stage.few(60_000) // count), 1),
            f"frames of 10, {count} sockets": ("flood", count, max(2, stage.few(60_000) // count), 10),
            f"frames of 50, {count} sockets": ("flood", count, max(1, stage.few(30_000) // count), 50),
        }
        seen, sent = Rounds(), 0
        with sides(stage, count) as both:
            for side in both:
                side.do("open", "t", 0, count, 64)
            admitted = both[0].admitted()
            # The first round warms up: first positions, and the peer's compiler.
            for number in range(stage.rounds + 1):
                # What a flood left to be saved is not charged to what comes after it.
                time.sleep(0.0 if stage.quick else SAVED_S)
                for what, command in tests.items():
                    stage.say(f"{what}, round {number}")
                    for side in both if number % 2 else both[::-1]:
                        found = side.do(*command)
                        sent += int(found["frames"]) * int(str(command[-1])) if side.name == OURS else 0
                        if number:
                            seen.add(side.name, f"{what}: rate", found["per_s"])
                            seen.add(side.name, f"{what}: CPU", found["cpu_us"] + found["database_us"])
                            seen.add(side.name, f"{what}: database", found["database_us"])
            names = [side.name for side in both]
            share = (both[0].admitted() - admitted) / max(1, sent)
        for what in tests:
            figures += _figures(seen, names, "ping", f"{what}: rate", "frames/s", is_rate=True)
            shared = f"of ours {seen.of(OURS, f'{what}: database'):.1f} us are the database's"
            figures += _figures(seen, names, "ping", f"{what}: CPU", "us a frame", note=shared)
        what, note = f"admitted of what {count} sockets sent", f"{sent:,} fixes sent"
        figures.append(Figure("ping", what, "%", 100 * share, wanted="100", note=note))
    return figures


def _figures(
    seen: Rounds, names: list[str], part: str, what: str, unit: str, *, is_rate: bool = False, wanted: str = "",
    note: str = "",
) -> list[Figure]:  # fmt: skip
    """Ours against each peer, or alone."""
    ours = seen.of(OURS, what)
    assert ours is not None, f"{what} was measured"
    peers = [name for name in names if name != OURS]
    if not peers:
        return [Figure(part, what, unit, ours, is_rate=is_rate, wanted=wanted, note=note)]
    return [Figure(part, what, unit, ours, name, seen.of(name, what), is_rate, wanted, note) for name in peers]


def connect(stage: Stage) -> list[Figure]:
    """Connects with token, session and stream head; and a storm of reconnects beside the pings of the others."""
    count, others = stage.few(5_000), stage.few(500)
    seen, names = Rounds(), []
    with sides(stage, count + others) as both:
        names = [side.name for side in both]
        for side in both:
            side.do("open", "t", 0, others, 64)
        for number in range(stage.rounds):
            for side in both if number % 2 else both[::-1]:
                stage.say(f"connects, round {number}")
                if number:
                    side.do("close", others, count)
                time.sleep(SETTLED_S)
                found = side.do("open", "t", others, count, 64)
                seen.add(side.name, "connects", found["per_s"])
                seen.add(side.name, "CPU of a connect", found["cpu_us"] + found["database_us"])
                calm = side.do("paced", others, 300, 2, 1)
                storm = side.do("storm", others, count, count, 300)
                seen.add(side.name, f"storm of {count}: time", storm["seconds"])
                seen.add(side.name, "pings of the others in the storm: p99", storm["p99_us"] / 1000)
                seen.add(side.name, "pings of the others before it: p99", calm["p99_us"] / 1000)
    return [
        *_figures(seen, names, "connect", "connects", "/s", is_rate=True, wanted=">= 1,200/s"),
        *_figures(seen, names, "connect", "CPU of a connect", "us"),
        *_figures(seen, names, "connect", f"storm of {count}: time", "s", wanted="<= 5 s"),
        *_figures(seen, names, "connect", "pings of the others before it: p99", "ms"),
        *_figures(seen, names, "connect", "pings of the others in the storm: p99", "ms", wanted="<= 3x before it"),
    ]


def idle(stage: Stage) -> list[Figure]:
    """Memory of an idle, signed-in socket, also where the client offers compression."""
    first, more = stage.few(1_000), stage.few(4_000)
    binary = build(stage.folder)
    seen, names = Rounds(), []
    # Servers of their own each round: one that has had sockets has their memory still.
    for number, deflate in product(range(stage.rounds), (False, True)):
        what = "idle socket" + (", compression offered" if deflate else "")
        with sides(stage, first + more) as both:
            names = [side.name for side in both]
            for side in both:
                stage.say(f"{what}, round {number}")
                file = stage.technicians_file(first + more, of_peer=side.name != OURS)
                with generator(binary, side.server.port, file, deflate=deflate) as load:
                    load.do("open", "t", 0, first, 32)
                    time.sleep(REST_S)
                    before = private_kib(side.server.pid)
                    load.do("open", "t", first, more, 32)
                    time.sleep(REST_S)
                    seen.add(side.name, what, (private_kib(side.server.pid) - before) / more)
    whats = ("idle socket", "idle socket, compression offered")
    return [one for what in whats for one in _figures(seen, names, "idle", what, "KiB", wanted="<= 8 KiB")]


def offer(stage: Stage) -> list[Figure]:
    """A frame's round trip, one at a time, beside a thousand idle sockets."""
    count = stage.few(IDLE)
    seen, names = Rounds(), []
    with sides(stage, count) as both:
        names = [side.name for side in both]
        for side in both:
            side.do("open", "t", 0, count, 64)
            side.do("ack", count, 50, 2 * count, 1)
        for number in range(stage.rounds):
            for side in both if number % 2 else both[::-1]:
                stage.say(f"round trip, round {number}")
                found = side.do("ack", count, 1, stage.few(6_000), 1)
                seen.add(side.name, "frame to acknowledgement: p50", found["p50_us"])
                seen.add(side.name, "frame to acknowledgement: p99", found["p99_us"])
    return [
        *_figures(seen, names, "offer", "frame to acknowledgement: p50", "us", wanted="<= Node's"),
        *_figures(seen, names, "offer", "frame to acknowledgement: p99", "us", wanted="<= half of Node's"),
    ]


def steady(stage: Stage) -> list[Figure]:
    """Ten thousand sockets at a ping a second on the defaults, but for the sockets of one address."""
    count = stage.few(10_000)
    settings = {"DISPATCH_SOCKETS__MAX_PER_IP": "200000"}
    with sides(stage, count, settings=settings) as both:
        side = both[0]
        side.do("open", "t", 0, count, 64)
        seconds = 30 if not stage.quick else 5
        stage.say(f"{count} sockets at a ping a second")
        found = side.do("paced", count, count * 0.98, seconds, 1)
    share = found["admitted"] / max(1, found["frames"])
    note = f"{found['per_s']:,.0f} pings/s, admitted {share:.1%}"
    what, spent_us = f"{count} sockets at 1/s on the defaults", found["cpu_us"] + found["database_us"]
    return [
        Figure("ping", f"{what}: CPU", "us a ping", spent_us, note=note),
        Figure("ping", f"{what}: p99", "ms", found["p99_us"] / 1000, note=note),
    ]


#: Makes a booking whose technician is on the way: (booking id, the customer's token, the technician's place).
OnTheWay = Callable[[Server], tuple[str, str, int]]


def fanout_of(on_the_way: OnTheWay) -> Callable[[Stage], list[Figure]]:
    """The part that casts one technician's position to 1, 10 and 100 watchers of a real booking."""
    settings = {"DISPATCH_SOCKETS__MAX_PER_SESSION": "1000", "DISPATCH_DISPATCH__STEPS_AHEAD_S": "1000000"}

    def fanout(stage: Stage) -> list[Figure]:
        figures = []
        for watchers in (1, 10, 100):
            seen, names = Rounds(), []
            binary = build(stage.folder)
            with ExitStack() as stack:
                ours = stack.enter_context(stage.serve(LIFTED | settings))
                booking, customer, number = on_the_way(ours)
                mover = stage.folder / f"mover-{watchers}"
                token, lat, lng = stage.people.technicians[number]
                mover.write_text(f"{token} {lat} {lng}\n")
                file = stage.customers_file([(customer, booking)] * watchers)
                loads = [Side(OURS, ours, stack.enter_context(generator(binary, ours.port, mover, file)))]
                for peer in find_peers():
                    up = stack.enter_context(running_peer(peer))
                    theirs = Server(up.name, "", up.port, up.pid, up.helper_pid)
                    watching = stage.customers_file([("c0", "b0")] * watchers)
                    load = generator(binary, up.port, stage.technicians_file(1, of_peer=True), watching)
                    loads.append(Side(up.name, theirs, stack.enter_context(load)))
                names = [side.name for side in loads]
                for side in loads:
                    side.do("open", "t", 0, 1, 1)
                    side.do("open", "c", 0, watchers, 16)
                for turn in range(stage.rounds + 1):
                    for side in loads if turn % 2 else loads[::-1]:
                        stage.say(f"fan-out to {watchers}, round {turn}")
                        found = side.do("fan", max(20, stage.few(20_000) // watchers), 8)
                        if turn:
                            seen.add(side.name, f"to {watchers}: deliveries", found["per_s"])
                            seen.add(side.name, f"to {watchers}: CPU", found["cpu_us"] + found["database_us"])
            figures += _figures(seen, names, "fanout", f"to {watchers}: deliveries", "/s", is_rate=True)
            figures += _figures(seen, names, "fanout", f"to {watchers}: CPU", "us a delivery")
        return figures

    return fanout
