"""Why: every attempt keeps its candidates with reason codes and score parts, for staff and for the technician."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from dispatch.engine.matching import OFFERED, RANKED_BELOW, Judged, Policy
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import explain as rows
from storage.bookings import Booking
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.facts import BookingEvent, timeline
from storage.offers import Offer

#: Of an attempt so many who could have had the job are kept, and so many in all, with the nearest refused.
KEPT_ELIGIBLE, KEPT = 20, 40


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about how a booking was dispatched, oldest first."""

    booking: Booking
    attempts: list[tuple[rows.Attempt, list[rows.CandidateRow]]]
    offers: list[rows.OfferRow]
    timeline: list[BookingEvent]


@dataclass(frozen=True, slots=True)
class WhyNoJobs:
    """What became of a technician's chances since a moment: how often for which reason, and the latest ones."""

    since: datetime
    reasons: list[rows.ReasonCount]
    recent: Slice[rows.RecentVerdict]


async def store(tx: Tx, booking: Booking, policy: Policy, judged: list[Judged], offer: Offer | None) -> None:
    """Writes one attempt and those who were considered (KEPT of them at most).

    Looks that found nobody, one after the other, are one row that counts them and says what the last of them saw.
    """
    judged = kept(judged)
    if offer is None and booking.looks:
        await rows.drop_last_look(tx.conn, booking_id=booking.id, round=booking.round)
    ranks: list[int | None] = []
    reasons: list[str] = []
    eligible = 0
    for one in judged:
        offered = offer is not None and one.candidate.id == offer.technician_id
        is_eligible = one.reason is None or offered
        eligible += is_eligible
        ranks.append(eligible if is_eligible else None)
        reasons.append(OFFERED if offered else one.reason or RANKED_BELOW)
    await rows.insert_attempt(
        tx.conn, booking_id=booking.id, round=booking.round, looks=1 if offer else booking.looks + 1,
        attempt=offer.attempt if offer else min(booking.attempt + 1, 3),
        policy=policy.name, policy_version=policy.version, weights=asdict(policy.weights),
        radius_m=int(policy.radius_m), outcome="offered" if offer else "no_candidate",
        offer_id=offer.id if offer else None,
        technician_ids=[one.candidate.id for one in judged], ranks=ranks, reasons=reasons,
        scores=[one.score for one in judged], distances=[_metres(one) for one in judged],
        parts={name: [one.parts.get(name) for one in judged] for name in _part_names(judged)},
    )  # fmt: skip


def _metres(one: Judged) -> int | None:
    return None if one.candidate.distance_m is None else int(one.candidate.distance_m)


def _part_names(judged: list[Judged]) -> list[str]:
    """Of whoever has a score; all scores have the same parts."""
    return next((list(one.parts) for one in judged if one.parts), [])


def kept(judged: list[Judged]) -> list[Judged]:
    """The best of the eligible and the nearest of the refused, in their order; whoever got the offer is the best."""
    places = KEPT_ELIGIBLE
    chosen: list[Judged] = []
    refused = KEPT - min(KEPT_ELIGIBLE, sum(one.reason is None for one in judged))
    for one in judged:
        if one.reason is None and places:
            places -= 1
            chosen.append(one)
        elif one.reason is not None and refused:
            refused -= 1
            chosen.append(one)
    return chosen


async def of_booking(conn: Conn, booking_id: UUID) -> Explanation | None:
    booking = await booking_rows.get(conn, booking_id=booking_id)
    if booking is None:
        return None
    attempts = await rows.attempts(conn, booking_id=booking_id)
    found = await rows.candidates(conn, attempt_ids=[a.id for a in attempts])
    by_attempt: dict[int, list[rows.CandidateRow]] = {}
    for row in found:
        by_attempt.setdefault(row.attempt_id, []).append(row)
    return Explanation(
        booking,
        [(a, by_attempt.get(a.id, [])) for a in attempts],
        await rows.offers(conn, booking_id=booking_id),
        await timeline(conn, booking_id=booking_id),
    )


#: A technician's chances, as a list.
LIST = rows.of_technician


async def of_technician(conn: Conn, technician_id: UUID, since: datetime, wanted: Wanted) -> WhyNoJobs:
    return WhyNoJobs(
        since,
        await rows.reasons_of(conn, technician_id=technician_id, since=since),
        await rows.of_technician.page(conn, wanted, technician_id=technician_id, since=since),
    )
