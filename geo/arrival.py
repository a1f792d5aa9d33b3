"""Approach and arrival that noise cannot fool, and whether there is progress at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from geo.filter import Fix
from geo.geodesy import haversine_m, segment_distance_m


class Rung(StrEnum):
    """The ladder of an approach, lowest first."""

    ON_THE_WAY = "on_the_way"
    NEAR = "near"
    ARRIVING = "arriving"
    ARRIVED = "arrived"


LADDER = tuple(Rung)


@dataclass(frozen=True, slots=True)
class Lines:
    """The distances and counts of an approach; the ladder's are Nammayatri's (location tracking service)."""

    #: So much nearer than at the start, for sure, is being on the way.
    on_the_way_m: float = 50.0
    near_m: float = 500.0
    arriving_m: float = 100.0
    #: The line to raise "arrived"; a house and its kerb.
    arrived_m: float = 40.0
    #: The wider line to clear it, so that wandering fixes of one who stands at the door never toggle.
    left_m: float = 100.0
    #: So many fixes in a row confirm an arrival or a departure.
    confirming_fixes: int = 3
    #: The confirming fixes of an arrival have to span this long: at one fix a second a car drives past in
    #: less.
    confirming_s: float = 10.0
    #: And no faster than this between them: someone who parks and walks. A slow car past the door is faster.
    confirming_mps: float = 3.0
    #: Or inside for this long without a fix in between that surely was not.
    dwell_s: float = 30.0
    #: The way between two fixes farther apart in time is not known: no crossing is concluded from it.
    segment_s: float = 60.0


DEFAULT_LINES = Lines()


@dataclass(frozen=True, slots=True)
class Approach:
    """What is remembered of one approach between two fixes. Start with `Approach()`."""

    rung: Rung | None = None
    #: Whether they are at the place now; unlike `rung` it can become False again.
    inside: bool = False
    start_m: float | None = None
    last: Fix | None = None
    #: The first fix of the present run inside, and how many of it confirm in a row.
    entered_at_s: float | None = None
    slow_since_s: float | None = None
    slow_fixes: int = 0
    outside_fixes: int = 0


@dataclass(frozen=True, slots=True)
class Advance:
    """The new memory, the distance now, the highest rung newly reached (each at most once in an approach;
    lower ones that were skipped are passed in silence) and whether they have just gone away again."""

    approach: Approach
    distance_m: float
    reached: Rung | None = None
    left: bool = False


def likely_distance_m(distance_m: float, accuracy_m: float) -> float:
    """The root-mean-square distance of the true position, when the fix is `distance_m` away and its error has
    the size of its accuracy. A vague fix is never near."""
    return math.hypot(distance_m, accuracy_m)


def advance(approach: Approach, fix: Fix, lat: float, lng: float, lines: Lines = DEFAULT_LINES) -> Advance:
    """One decidable fix (refreshed ones too: standing still is what confirms) against the job's place. Fixes
    come in the order of their time; an older one changes nothing."""
    if approach.last is not None and fix.at_s < approach.last.at_s:
        return Advance(approach, haversine_m(fix.lat, fix.lng, lat, lng))
    distance_m = haversine_m(fix.lat, fix.lng, lat, lng)
    passed_m = _passed_m(approach.last, fix, distance_m, lat, lng, lines)
    start_m = distance_m if approach.start_m is None else approach.start_m
    moved = replace(approach, start_m=start_m)
    if approach.inside:
        after, left = _leave(moved, fix, distance_m, lines)
    else:
        after, left = _enter(moved, fix, distance_m, passed_m, lines), False
    rung = _rung(after, fix, distance_m, passed_m, lines)
    reached = rung if rung is not None and _height(rung) > _height(approach.rung) else None
    return Advance(replace(after, rung=reached or approach.rung, last=fix), distance_m, reached, left)


def _passed_m(last: Fix | None, fix: Fix, distance_m: float, lat: float, lng: float, lines: Lines) -> float:
    """The likely distance at the nearest point of the way since the last fix."""
    nearest_m = distance_m
    if last is not None and fix.at_s - last.at_s <= lines.segment_s:
        nearest_m, _ = segment_distance_m(lat, lng, last.lat, last.lng, fix.lat, fix.lng)
    return likely_distance_m(min(nearest_m, distance_m), fix.accuracy_m)


def _enter(approach: Approach, fix: Fix, distance_m: float, passed_m: float, lines: Lines) -> Approach:
    """Counts a fix towards being there: in a row, slowly and long enough, or by dwelling."""
    surely_m = distance_m - fix.accuracy_m
    # At the far side of the place, but not yet beyond the outer line, a crossing is as good as a fix inside.
    if passed_m > lines.arrived_m or surely_m > lines.left_m:
        # A fix that may have been inside breaks the row, one that surely was not ends the dwell as well.
        entered_at_s = None if surely_m > lines.arrived_m else approach.entered_at_s
        return replace(approach, entered_at_s=entered_at_s, slow_since_s=None, slow_fixes=0)
    entered_at_s = fix.at_s if approach.entered_at_s is None else approach.entered_at_s
    if approach.slow_since_s is not None and _speed_mps(approach.last, fix) <= lines.confirming_mps:
        slow_since_s, slow_fixes = approach.slow_since_s, approach.slow_fixes + 1
    else:
        slow_since_s, slow_fixes = fix.at_s, 1
    confirmed = slow_fixes >= lines.confirming_fixes and fix.at_s - slow_since_s >= lines.confirming_s
    dwelt = fix.at_s - entered_at_s >= lines.dwell_s
    if confirmed or dwelt:
        return replace(approach, inside=True, entered_at_s=None, slow_since_s=None, slow_fixes=0, outside_fixes=0)
    return replace(approach, entered_at_s=entered_at_s, slow_since_s=slow_since_s, slow_fixes=slow_fixes)


def _leave(approach: Approach, fix: Fix, distance_m: float, lines: Lines) -> tuple[Approach, bool]:
    """Counts a fix towards being gone: surely beyond the outer line, several times in a row."""
    if distance_m - fix.accuracy_m <= lines.left_m:
        return replace(approach, outside_fixes=0), False
    outside = approach.outside_fixes + 1
    if outside < lines.confirming_fixes:
        return replace(approach, outside_fixes=outside), False
    return replace(approach, inside=False, outside_fixes=0), True


def _rung(approach: Approach, fix: Fix, distance_m: float, passed_m: float, lines: Lines) -> Rung | None:
    if approach.inside:
        return Rung.ARRIVED
    if passed_m <= lines.arriving_m:
        return Rung.ARRIVING
    if passed_m <= lines.near_m:
        return Rung.NEAR
    if approach.start_m is not None and approach.start_m - distance_m - fix.accuracy_m >= lines.on_the_way_m:
        return Rung.ON_THE_WAY
    return None


def _height(rung: Rung | None) -> int:
    return -1 if rung is None else LADDER.index(rung)


def _speed_mps(last: Fix | None, fix: Fix) -> float:
    if last is None or fix.at_s <= last.at_s:
        return math.inf
    way_m = haversine_m(last.lat, last.lng, fix.lat, fix.lng)
    return way_m / (fix.at_s - last.at_s)


# ---------------------------------------------------------------- progress, for a watchdog


class Progress(StrEnum):
    PROGRESSING = "progressing"
    STALLED = "stalled"
    MOVING_AWAY = "moving_away"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Patience:
    """When a way to a job looks wrong. 50 m, 250 m are Nammayatri's pickup watchdog; the times are ours."""

    #: So much nearer than the best so far is progress.
    progress_m: float = 50.0
    #: So much farther than the best so far is moving away.
    away_m: float = 250.0
    #: No progress for so long is a stall: longer than any traffic light, shorter than a lunch.
    stalled_s: float = 600.0
    #: No decidable fix for so long is dark: three reports at the slowest rate.
    dark_s: float = 180.0
    #: At the place itself nobody needs to come nearer.
    there_m: float = 100.0


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Best:
    """The nearest they have been, and when. `Best()` before the first look."""

    distance_m: float | None = None
    at_s: float | None = None


def look(
    best: Best,
    distance_m: float | None,
    fix_at_s: float | None,
    now_s: float,
    patience: Patience = DEFAULT_PATIENCE,
) -> tuple[Best, Progress]:
    """One look at a way to a job: the memory for the next look, and how it goes. A position that isn't known
    or is old is dark and changes the memory not at all: the dark time counts only if it brought no
    progress."""
    if distance_m is None or fix_at_s is None or now_s - fix_at_s > patience.dark_s:
        return best, Progress.DARK
    if best.distance_m is None or best.at_s is None or distance_m <= best.distance_m - patience.progress_m:
        return Best(distance_m, now_s), Progress.PROGRESSING
    if distance_m >= best.distance_m + patience.away_m:
        return best, Progress.MOVING_AWAY
    if distance_m <= patience.there_m or now_s - best.at_s <= patience.stalled_s:
        return best, Progress.PROGRESSING
    return best, Progress.STALLED
