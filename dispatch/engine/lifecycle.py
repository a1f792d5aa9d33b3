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
    """The 409 of an illegal step, in words."""
    sources = TABLES[noun][1][step].sources
    return WrongState(
        f"'{step}' is not possible: the {noun} is {state}, it would have to be {' or '.join(sources)}.",
        details={"state": state, "step": step, "allowed_from": list(sources)},
    )
