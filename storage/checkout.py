"""Rows of checkout previews: a price that stands for two minutes, and the booking that came of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.addresses import Address
from storage.database.binder import Statements

sql = Statements("checkout")


@dataclass(frozen=True, slots=True)
class ForConfirm:
    """What a confirm starts from. Of a preview that is not there nothing is live, and all else is empty."""

    is_live: bool
    items: list[dict[str, Any]]
    zone_id: UUID | None
    preview_address_id: UUID | None
    duration_minutes: int
    currency: str
    timezone: str
    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    promo_code_id: UUID | None
    billed_to: UUID | None
    organisation_id: UUID | None
    program_id: UUID | None
    booking_id: UUID | None
    confirmed_as: bytes | None
    lacks_name: bool
    lacks_email: bool
    may_owe: bool
    address_row: dict[str, Any] | None

    @property
    def address(self) -> Address | None:
        """The named address, as its own module reads it."""
        row = self.address_row
        if row is None:
            return None
        moments = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at")}
        return Address(**{f.name: row[f.name] for f in fields(Address)} | {"id": UUID(row["id"])} | moments)


insert_preview = sql.run("insert_preview")
for_confirm = sql.row("for_confirm", ForConfirm)
sweep_previews = sql.run("sweep_previews")
