"""Which events each kind of owner may choose. What it is told of one stands in the table of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.engine.facts import BOOKING_FACTS, OWNER_FACTS
from dispatch.errors import Invalid
from dispatch.webhooks.owners import Kind

#: What a test sends; nobody chooses it.
PING = "ping"

#: All that a customer is told: whoever booked for one may have to tell them, as an app's customers have no other way to
#: learn that their technician has dropped out.
_BUYER = (
    "booking.created", "booking.confirmed", "booking.queued", "booking.rescheduled", "booking.reopened",
    "booking.cancelled", "booking.completed", "booking.refunded", "partner.assigned", "partner.accepted",
    "partner.in_transit", "partner.near", "partner.arrived", "partner.dark", "service.started", "payment.captured",
    "payment.failed", "payment.refunded",
)  # fmt: skip
_WORKER = (
    "booking.confirmed", "booking.rescheduled", "booking.reopened", "booking.cancelled", "booking.completed",
    "booking.rated", "partner.assigned", "partner.accepted", "partner.rejected", "partner.expired",
    "partner.withdrawn", "partner.in_transit", "partner.arrived", "partner.cancelled", "service.started",
)  # fmt: skip

EVENTS: Mapping[Kind, tuple[str, ...]] = {
    # R114 and, as far as their bookings go, what integrations hear too; what their members book they have to approve.
    "organisation": (
        *_BUYER, "booking.approved", *(name for name, row in OWNER_FACTS.items() if "organisation" in row.owners)
    ),
    "integration": (*_BUYER, *(name for name, row in OWNER_FACTS.items() if "integration" in row.owners)),
    "provider": (*_WORKER, *(name for name, row in OWNER_FACTS.items() if "provider" in row.owners)),
    # R113 and everything else that there is.
    "platform": (*BOOKING_FACTS, *OWNER_FACTS),
}


def chosen(kind: Kind, names: Sequence[str]) -> list[str]:
    """The events of an endpoint, each once. Raises Invalid, which names those that this kind cannot have."""
    wanted = list(dict.fromkeys(name.strip() for name in names))
    if not wanted:
        raise Invalid({"events": "must name at least one event"})
    if unknown := [name for name in wanted if name not in EVENTS[kind]]:
        shown = ", ".join(f"'{name[:50]}'" for name in unknown[:5])
        raise Invalid({"events": f"must be among {', '.join(EVENTS[kind])}; {shown} is none"})
    return wanted
