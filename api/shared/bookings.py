"""Parts of a booking that several audiences show alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from api.wire.models import Money, View

Status = Literal["pending", "partner_assigned", "confirmed", "in_progress", "completed", "cancelled", "refunded"]
PaymentStatus = Literal["pending", "paid", "failed", "refunded", "partially_refunded"]
PaymentMethod = Literal["cash", "online", "account"]


class LineOut(View):
    """`unit_price` is the list price (C136), as in every answer, `charged_price` what is asked for after savings."""

    id: UUID
    name: str
    category: str
    tier: str
    quantity: int
    unit_price: Money
    charged_price: Money
    duration_minutes: int


def line_out(item: Mapping[str, Any]) -> LineOut:
    """A line as the rows keep it."""
    return LineOut(
        id=item["service_id"], name=item["name"], category=item["category"], tier=item["tier"],
        quantity=item["quantity"], unit_price=item["list_price_minor"], charged_price=item["price_minor"],
        duration_minutes=item["duration_minutes"],
    )  # fmt: skip
