"""Rows of invoices: what organisations are billed for done bookings on account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Filter, Listed, Sort

sql = Statements("invoices")


@dataclass(frozen=True, slots=True)
class Invoice:
    id: UUID
    number: str
    organisation_id: UUID
    organisation_name: str
    kind: str
    period_start: date
    period_end: date
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    status: str
    issued_on: date
    due_on: date
    paid_on: date | None
    payment_method: str | None
    link_sent_at: datetime | None
    file_id: UUID | None
    group_by: str
    created_at: datetime

    @property
    def open_minor(self) -> int:
        return self.total_minor - self.paid_minor


@dataclass(frozen=True, slots=True)
class Billable:
    bookings: int
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    first_day: date | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a department has on an invoice."""

    invoice_id: UUID
    subtotal_minor: int
    discount_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor + self.tax_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class Line:
    position: int
    department_id: UUID | None
    heading: str | None
    description: str
    quantity: int
    unit_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LineOf:
    invoice_id: UUID
    description: str
    quantity: int
    unit_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Ref:
    id: UUID


@dataclass(frozen=True, slots=True)
class Summary:
    invoices: int
    paid_minor: int
    pending_minor: int
    overdue_minor: int


get = sql.row("get", Invoice)
unbilled = sql.rows("unbilled", Ref)
sums = sql.row("sums", Billable)
insert = sql.scalar("insert", UUID)
insert_lines = sql.run("insert_lines")
take_bookings = sql.run("take_bookings")
lines = sql.rows("lines", Line)
lines_of = sql.rows("lines_of", LineOf)
set_file = sql.run("set_file")
without_paper = sql.rows("without_paper", Ref)
pay = sql.run("pay")
unpay = sql.run("unpay")
to_bill = sql.rows("to_bill", Ref)
turn_overdue = sql.rows("turn_overdue", Ref)
claim_to_send = sql.rows("claim_to_send", Ref)
link_sent = sql.run("link_sent")
open_of = sql.rows("open_of", Invoice)
summary = sql.row("summary", Summary)
summary_within = sql.row("summary_within", Summary)
parts = sql.rows("parts", Part)

_SORTS = {
    "issued": Sort("i.issued_on", "date"), "due": Sort("i.due_on", "date"), "total": Sort("i.total_minor", "bigint"),
}  # fmt: skip
_FILTERS: dict[str, Filter] = {
    "status": AnyOf("i.status", "text"), "date_from": "i.period_end >= {}::date",
    "date_to": "i.period_start <= {}::date",
}  # fmt: skip
of_organisation = Listed(
    sql, "of_organisation", Invoice, key=Sort("i.id", "uuid"), sorts=_SORTS, default_sort=(("issued", True),),
    filters=_FILTERS, indexed=[("issued", ())],
)  # fmt: skip
everybodys = Listed(
    sql, "everybodys", Invoice, key=Sort("i.id", "uuid"), sorts=_SORTS, default_sort=(("issued", True),),
    filters={**_FILTERS, "organisation": AnyOf("i.organisation_id", "uuid")},
    indexed=[("issued", ()), ("issued", ("organisation",)), ("issued", ("status",))],
)  # fmt: skip
