"""The rules of arrival written plainly, a change at a time: what geo.arrival is measured by."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from geo.arrival import DEFAULT_LINES, LADDER, Lines, Rung, likely_distance_m
from geo.filter import Fix
from geo.geodesy import haversine_m, segment_distance_m


@dataclass(frozen=True)
class Memory:
    rung: Rung | None = None
    inside: bool = False
    start_m: float | None = None
    last: Fix | None = None
    entered_at_s: float | None = None
    slow_since_s: float | None = None
    slow_fixes: int = 0
    outside_fixes: int = 0


@dataclass(frozen=True)
class Step:
    memory: Memory
    distance_m: float
    reached: Rung | None = None
    left: bool = False


def advance(memory: Memory, fix: Fix, lat: float, lng: float, lines: Lines = DEFAULT_LINES) -> Step:
    distance_m = haversine_m(fix.lat, fix.lng, lat, lng)
    if memory.last is not None and fix.at_s < memory.last.at_s:
        return Step(memory, distance_m)
    passed_m = _passed_m(memory.last, fix, distance_m, lat, lng, lines)
    moved = replace(memory, start_m=distance_m if memory.start_m is None else memory.start_m)
    if memory.inside:
        after, left = _leave(moved, fix, distance_m, lines)
    else:
        after, left = _enter(moved, fix, distance_m, passed_m, lines), False
    rung = _rung(after, fix, distance_m, passed_m, lines)
    reached = rung if rung is not None and _height(rung) > _height(memory.rung) else None
    return Step(replace(after, rung=reached or memory.rung, last=fix), distance_m, reached, left)


def _passed_m(last: Fix | None, fix: Fix, distance_m: float, lat: float, lng: float, lines: Lines) -> float:
    nearest_m = distance_m
    if last is not None and fix.at_s - last.at_s <= lines.segment_s:
        nearest_m, _ = segment_distance_m(lat, lng, last.lat, last.lng, fix.lat, fix.lng)
    return likely_distance_m(min(nearest_m, distance_m), fix.accuracy_m)


def _enter(memory: Memory, fix: Fix, distance_m: float, passed_m: float, lines: Lines) -> Memory:
    surely_m = distance_m - fix.accuracy_m
    if passed_m > lines.arrived_m or surely_m > lines.left_m:
        entered_at_s = None if surely_m > lines.arrived_m else memory.entered_at_s
        return replace(memory, entered_at_s=entered_at_s, slow_since_s=None, slow_fixes=0)
    if memory.entered_at_s is None:
        memory = replace(memory, entered_at_s=fix.at_s)
    if memory.slow_since_s is not None and _speed_mps(memory.last, fix) <= lines.confirming_mps:
        memory = replace(memory, slow_fixes=memory.slow_fixes + 1)
    else:
        memory = replace(memory, slow_since_s=fix.at_s, slow_fixes=1)
    assert memory.entered_at_s is not None and memory.slow_since_s is not None
    confirmed = memory.slow_fixes >= lines.confirming_fixes and fix.at_s - memory.slow_since_s >= lines.confirming_s
    if confirmed or fix.at_s - memory.entered_at_s >= lines.dwell_s:
        return replace(memory, inside=True, entered_at_s=None, slow_since_s=None, slow_fixes=0, outside_fixes=0)
    return memory


def _leave(memory: Memory, fix: Fix, distance_m: float, lines: Lines) -> tuple[Memory, bool]:
    if distance_m - fix.accuracy_m <= lines.left_m:
        return replace(memory, outside_fixes=0), False
    outside = memory.outside_fixes + 1
    if outside < lines.confirming_fixes:
        return replace(memory, outside_fixes=outside), False
    return replace(memory, inside=False, outside_fixes=0), True


def _rung(memory: Memory, fix: Fix, distance_m: float, passed_m: float, lines: Lines) -> Rung | None:
    if memory.inside:
        return Rung.ARRIVED
    if passed_m <= lines.arriving_m:
        return Rung.ARRIVING
    if passed_m <= lines.near_m:
        return Rung.NEAR
    if memory.start_m is not None and memory.start_m - distance_m - fix.accuracy_m >= lines.on_the_way_m:
        return Rung.ON_THE_WAY
    return None


def _height(rung: Rung | None) -> int:
    return -1 if rung is None else LADDER.index(rung)


def _speed_mps(last: Fix | None, fix: Fix) -> float:
    if last is None or fix.at_s <= last.at_s:
        return math.inf
    return haversine_m(last.lat, last.lng, fix.lat, fix.lng) / (fix.at_s - last.at_s)
