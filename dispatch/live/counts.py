"""What a process counts of the business as it happens, for Prometheus: one addition each, and nothing is asked for it.

Every node counts what it did itself; their sum is the business.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

#: What became of bookings, by the name of the fact: made, offered, accepted, rejected, expired, paid, completed ...
FACTS = Counter("dispatch_facts", "Facts of bookings that were committed", ["type"])
#: A preview is a price shown to somebody, a booking is one that was confirmed: their ratio is the conversion.
CHECKOUTS = Counter("dispatch_checkouts", "Checkouts, by how far they came", ["step"])
ASSIGNED = Histogram(
    "dispatch_assign_seconds", "From the making of a booking to its acceptance, in the domain's time",
    buckets=(5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 14_400, 86_400),
)  # fmt: skip
ANSWERED = Histogram(
    "dispatch_offer_answer_seconds", "How long an offer was open, by how it ended, in the domain's time", ["state"],
    buckets=(2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800),
)  # fmt: skip
MESSAGES = Counter("dispatch_messages", "Messages, by what came of one try to send them", ["channel", "outcome"])
WEBHOOKS = Counter("dispatch_webhook_attempts", "Tries to deliver an event to an endpoint", ["outcome"])
TASKS = Counter("dispatch_task_attempts", "Tries at work that happens later", ["kind", "outcome"])
