"""THE state tables: for every noun, step -> (sources, target). Rule, guarded UPDATE and 409 read the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.errors import Conflict


class WrongState(Conflict):
    """This step is not possible in the present state."""

    code = "wrong_state"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a state table."""

    sources: tuple[str, ...]
    target: str


Table = Mapping[str, Step]

BOOKING_STATES = ("pending", "partner_assigned", "confirmed", "in_progress", "completed", "cancelled", "refunded")

#: Timers of bookings for which nobody is searched yet: they wait for a payment, or for an approval.
HELD_BACK = ("release_unpaid", "release_unapproved")

BOOKING: Table = {
    "offer": Step(("pending",), "partner_assigned"),
    "fall_back": Step(("partner_assigned",), "pending"),
    "accept": Step(("partner_assigned",), "confirmed"),
    "reopen": Step(("confirmed",), "pending"),
    "start": Step(("confirmed",), "in_progress"),
    # C64: complete is legal from an assignment that has arrived, which is a booking still confirmed.
    "complete": Step(("confirmed", "in_progress"), "completed"),
    "cancel": Step(("pending", "partner_assigned", "confirmed"), "cancelled"),
    "refund": Step(("cancelled", "completed"), "refunded"),
}

OFFER_STATES = ("open", "accepted", "rejected", "expired", "withdrawn")

OFFER: Table = {
    "accept": Step(("open",), "accepted"),
    "reject": Step(("open",), "rejected"),
    "expire": Step(("open",), "expired"),
    "withdraw": Step(("open",), "withdrawn"),
}

ASSIGNMENT_STATES = ("accepted", "in_transit", "arrived", "in_progress", "completed", "cancelled")

ASSIGNMENT: Table = {
    "in_transit": Step(("accepted",), "in_transit"),
    "arrived": Step(("in_transit",), "arrived"),
    # Who is seen at the door has arrived, whether or not they said that they are on the way.
    "detected": Step(("accepted", "in_transit"), "arrived"),
    # An arrival that was left again too soon to have been a visit.
    "left": Step(("arrived",), "in_transit"),
    "in_progress": Step(("arrived",), "in_progress"),
    "completed": Step(("arrived", "in_progress"), "completed"),
    "cancelled": Step(("accepted", "in_transit", "arrived"), "cancelled"),
}

TABLES: Mapping[str, tuple[tuple[str, ...], Table]] = {
    "booking": (BOOKING_STATES, BOOKING),
    "offer": (OFFER_STATES, OFFER),
    "assignment": (ASSIGNMENT_STATES, ASSIGNMENT),
}


def move(noun: str, state: str, step: str) -> str:
    """The state after `step`. Raises WrongState, which says where the noun stands and where it would have to."""
    row = TABLES[noun][1][step]
    if state not in row.sources:
        raise wrong_state(noun, state, step)
    return row.target


def wrong_state(noun: str, state: str, step: str) -> WrongState:
    """The 409 of an illegal step: how the noun stands, in words; the table's own names are among the details."""
    sources = TABLES[noun][1][step].sources
    stands, impossible = _STANDS[noun][state], _IMPOSSIBLE[noun].get(step, "this is not possible")
    return WrongState(
        # Whoever had it is not told what others may do with it.
        f"{stands}." if (noun, state) == ("assignment", "cancelled") else f"{stands}: {impossible} now.",
        details={"state": state, "step": step, "allowed_from": list(sources)},
    )


#: How a noun stands, and what cannot be done with it, in the words of those who are told.
_STANDS: Mapping[str, Mapping[str, str]] = {
    "booking": {
        "pending": "This booking has no technician yet", "partner_assigned": "This booking is offered to a technician",
        "confirmed": "This booking has its technician", "in_progress": "The work on this booking has begun",
        "completed": "This booking is done", "cancelled": "This booking was cancelled",
        "refunded": "This booking was refunded",
    },
    "offer": {
        "open": "This offer is open", "accepted": "This offer was accepted", "rejected": "This offer was rejected",
        "expired": "This offer's time is over", "withdrawn": "This offer was withdrawn",
    },
    "assignment": {
        "accepted": "This job was accepted and nobody has set out for it",
        "in_transit": "The technician is on the way to this job", "arrived": "The technician has arrived at this job",
        "in_progress": "The work on this job has begun", "completed": "This job is done",
        "cancelled": "This job is no longer yours",
        # Of those whose offer it was only: the contract counts an open one as an assignment.
        "assigned": "This job is offered to you and not accepted yet", "rejected": "You rejected this job",
        "expired": "Your time to accept this job is over", "withdrawn": "This job is no longer offered to you",
    },
}  # fmt: skip
_IMPOSSIBLE: Mapping[str, Mapping[str, str]] = {
    "booking": {
        "offer": "it cannot be offered", "fall_back": "no offer can be taken back", "accept": "it cannot be accepted",
        "reopen": "it cannot go to somebody else", "start": "the work cannot begin",
        "complete": "it cannot be completed",
        "cancel": "it cannot be cancelled", "refund": "it cannot be refunded",
    },
    "offer": {
        "accept": "it cannot be accepted", "reject": "it cannot be rejected", "expire": "it cannot run out",
        "withdraw": "it cannot be withdrawn",
    },
    "assignment": {
        "in_transit": "nobody can set out for it", "arrived": "nobody can arrive at it",
        "in_progress": "the work cannot begin", "completed": "it cannot be completed",
        "cancelled": "it cannot be given back",
    },
}  # fmt: skip
