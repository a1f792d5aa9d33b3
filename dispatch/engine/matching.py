"""Who should get this job, and why not the others: a pure function of candidates and a policy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dispatch.live.hours import Hours, Stretch, stretch_of

#: What an unrated technician counts as (C60): neutral, so that newcomers can be matched.
UNRATED = 4.0
#: How exactly a score and its parts are told.
PLACES = 6
#: After two hours without work the availability part of the score is full.
FULL_IDLE_S = 7200.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be matched. `is_live`: it starts so soon that a fresh position decides. `zones`: the one in which it
    was booked and the one in which its place lies now, as one may be drawn anew; none where there are none."""

    booking_id: UUID
    account_id: UUID
    categories: frozenset[str]
    tiers: frozenset[str]
    zones: frozenset[UUID]
    #: As the clocks of the place show them.
    local_start: datetime
    local_end: datetime
    is_live: bool
    stretch: Stretch = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once for all candidates.
        object.__setattr__(self, "stretch", stretch_of(self.local_start, self.local_end))


# Not frozen: some thirty are made for a search, and a frozen one of so many fields takes four times as long.
@dataclass(slots=True)
class Candidate:
    """A technician as seen at the moment of matching; distances in metres, times in seconds."""

    id: UUID
    no: int
    categories: frozenset[str]
    tiers: frozenset[str]
    zone_id: UUID | None
    hours: Hours
    radius_m: float
    rating: float | None
    cancellation_rate: float
    idle_s: float
    distance_m: float | None
    eta_s: float | None = None
    is_active: bool = True
    is_verified: bool = True
    is_online: bool = True
    fix_age_s: float | None = None
    is_dispatchable: bool = True
    is_busy_then: bool = False
    was_tried: bool = False
    #: No place is left for another open offer; and when the first of those that are open ends.
    has_open_offer: bool = False
    offer_ends_at: datetime | None = None
    is_allowed_by_organisation: bool = True
    #: The priority that the booking's organisation gives to the technician's provider: the lowest is asked first.
    preference: int | None = None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the score; their sum need not be one."""

    distance: float = 0.5
    rating: float = 0.2
    availability: float = 0.15
    reliability: float = 0.15


@dataclass(frozen=True, slots=True)
class Policy:
    """A named, versioned way to choose; stored with every attempt so that it can be explained later."""

    name: str = "greedy"
    version: int = 1
    radius_m: float = 10_000.0
    min_rating: float = 4.0
    fresh_fix_s: float = 90.0
    weights: Weights = Weights()


# As Candidate.
@dataclass(slots=True)
class Judged:
    """A candidate with the verdict: `reason` is None for those who may get the offer, best first.

    `may_come`: nothing but transient reasons refuses them, so that waiting may help.
    """

    candidate: Candidate
    reason: str | None
    score: float | None
    parts: dict[str, float]
    may_come: bool = False


#: Why somebody is not asked, in the order in which it is said: the first that holds is the reason. The codes are
#: stable: people and reports read them.
REASONS = (
    "offline", "stale_fix", "no_position", "category", "tier", "not_verified", "outside_radius", "outside_zone",
    "working_hours", "busy_then", "rating", "already_tried", "offer_open", "org_rule", "blocked",
)  # fmt: skip

#: Those that end by themselves. All others hold until a fact about the technician, or the booking, changes.
TRANSIENT = frozenset({"offline", "stale_fix", "no_position", "busy_then", "offer_open"})

#: Those that ask for the time of the job; the others say the same of every time.
TIMED = frozenset({"working_hours"})

#: Eligible ones who did not get the offer, and the one who did.
RANKED_BELOW, OFFERED = "ranked_below", "offered"


def refusals(c: Candidate, j: Job, p: Policy) -> Iterator[str]:  # noqa: C901 (a line a rule)
    """What refuses the candidate, in the order of REASONS."""
    if j.is_live:
        # A position of now decides.
        if not c.is_online:
            yield "offline"
        if c.fix_age_s is None or c.fix_age_s > p.fresh_fix_s or not c.is_dispatchable:
            yield "stale_fix"
    if c.distance_m is None:
        yield "no_position"
    if not j.categories <= c.categories:
        yield "category"
    if not j.tiers <= c.tiers:
        yield "tier"
    if not c.is_verified:
        yield "not_verified"
    if c.distance_m is not None and c.distance_m > min(p.radius_m, c.radius_m):
        yield "outside_radius"
    if c.zone_id is not None and j.zones and c.zone_id not in j.zones:
        yield "outside_zone"
    if not c.hours.cover_stretch(j.stretch):
        yield "working_hours"
    if c.is_busy_then:
        yield "busy_then"
    if (UNRATED if c.rating is None else c.rating) < p.min_rating:
        yield "rating"
    if c.was_tried:
        yield "already_tried"
    if c.has_open_offer:
        yield "offer_open"
    if not c.is_allowed_by_organisation:
        yield "org_rule"
    if c.is_blocked or not c.is_active:
        yield "blocked"


def refusal(candidate: Candidate, job: Job, policy: Policy) -> str | None:
    """The first reason that refuses the candidate, or None."""
    return next(refusals(candidate, job, policy), None)


def is_refused_always(candidate: Candidate, job: Job, policy: Policy) -> bool:
    """Whether something refuses the candidate whenever the job may be."""
    return any(code not in TIMED for code in refusals(candidate, job, policy))


def is_refused_then(candidate: Candidate, job: Job, policy: Policy) -> bool:
    """Whether something refuses the candidate because of the time of the job."""
    return any(code in TIMED for code in refusals(candidate, job, policy))


def score(candidate: Candidate, policy: Policy) -> tuple[float, dict[str, float]]:
    """Weighted sum of four parts, each 0..1: nearness, rating over 4, time idle, jobs not cancelled (R89).

    To six places, as they are kept, compared and shown: what comes after is the noise of binary fractions.
    """
    rating = UNRATED if candidate.rating is None else candidate.rating
    parts = {
        "distance": max(0.0, 1.0 - (candidate.distance_m or 0.0) / policy.radius_m),
        "rating": min(1.0, max(0.0, rating - 4.0)),
        "availability": min(1.0, max(0.0, candidate.idle_s) / FULL_IDLE_S),
        "reliability": 1.0 - min(1.0, max(0.0, candidate.cancellation_rate)),
    }
    w = policy.weights
    total = (
        w.distance * parts["distance"]
        + w.rating * parts["rating"]
        + w.availability * parts["availability"]
        + w.reliability * parts["reliability"]
    )
    return round(total, PLACES), {name: round(part, PLACES) for name, part in parts.items()}


def _order(judged: Judged) -> tuple[float, float, float, int]:
    c = judged.candidate
    wanted = math.inf if c.preference is None else c.preference
    return wanted, -(judged.score or 0.0), -c.idle_s, c.no


def rank(candidates: Sequence[Candidate], job: Job, policy: Policy) -> list[Judged]:
    """Eligible candidates best first (those whom an organisation prefers before all others; ties to the one idle
    longest, then by number), then the refused by distance.
    """
    eligible: list[Judged] = []
    refused: list[Judged] = []
    for candidate in candidates:
        against = refusals(candidate, job, policy)
        if reason := next(against, None):
            waits = reason in TRANSIENT and all(code in TRANSIENT for code in against)
            refused.append(Judged(candidate, reason, None, {}, waits))
        else:
            total, parts = score(candidate, policy)
            eligible.append(Judged(candidate, None, total, parts))
    eligible.sort(key=_order)
    refused.sort(key=lambda j: (j.candidate.distance_m is None, j.candidate.distance_m or 0.0, j.candidate.no))
    return eligible + refused
