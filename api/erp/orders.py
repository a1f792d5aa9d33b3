"""Orders of trade partners and their delivery notes; customers of the ERP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Member, erp
from api.erp.partner_views import Number, Reason
from api.shared.texts import text
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, Money, Query, View
from api.wire.results import Page, Reply
from dispatch.billing import partner_orders, trade_orders
from dispatch.errors import NotAllowed
from dispatch.parties import erp_customers
from dispatch.services import Services
from storage.erp_customers import ErpCustomer
from storage.trade_orders import DeliveryNote, TradeOrder

TAGS = ("orders",)


class ItemIn(Body):
    service_id: UUID
    quantity: Annotated[int, Field(ge=1, le=20)] = 1


class OrderIn(Body):
    """`override` lets the order pass the credit limit; that needs the right to decide about credit."""

    partner_id: Number
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=50)]
    notes: Reason | None = None
    override: bool = False


class CancelIn(Body):
    reason: Reason | None = None


class PayIn(Body):
    """What the bank calls the payment."""

    reference: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None = None


class UndoPayIn(Body):
    """Why it was a mistake."""

    reason: Annotated[str, text(500)]


class LineOut(View):
    service_id: UUID
    name: str
    quantity: int
    unit_price: Money
    amount: Money


class OrderPartner(View):
    id: int
    code: str
    name: str


class OrderOut(View):
    """`credit_used` is what the order takes of its partner's credit just now; `fee` is owed of a cancelled one."""

    id: int
    code: str
    partner: OrderPartner
    booking_id: UUID | None
    status: str
    currency: str
    lines: list[LineOut]
    subtotal: Money
    discount: Money
    tax: Money
    total_amount: Money
    credit_used: Money
    fee: Money
    due_on: date | None
    notes: str | None
    cancellation_reason: str | None
    payment_reference: str | None
    delivery_note_id: int | None
    delivery_note_code: str | None
    created_at: datetime
    delivered_at: datetime | None
    cancelled_at: datetime | None
    paid_at: datetime | None


class NoteOut(View):
    id: int
    code: str
    order_id: int
    order_code: str
    partner_id: int
    partner_name: str
    status: str
    currency: str
    total_amount: Money
    created_at: datetime


class LinkIn(Body):
    """The phone by which a customer of the app signs in."""

    phone: Annotated[str, text(30)]


class CustomersQuery(Query):
    search: Annotated[str, Field(max_length=200)] | None = None


class CustomerRow(View):
    id: int
    name: str | None
    email: str | None
    phone: str | None


OrderStatus = Literal["CONFIRMED", "DELIVERED", "CANCELLED"]
ORDERS = Grammar(
    source=trade_orders.LIST,
    filters={
        "partner_id": int, "code": str, "status": OrderStatus, "unpaid": Once(bool), "overdue": Once(bool), **DAYS,
    },
)  # fmt: skip
NOTES = Grammar(source=trade_orders.NOTES, filters={"partner_id": int, "code": str, **DAYS})


@erp.route("GET", "/orders", permission="orders:read", listing=ORDERS, tags=TAGS)
async def list_orders(services: Services, caller: Member, listing: Listing) -> Page[OrderOut]:
    """Orders of all partners, the newest first. `overdue`: owed, and due before today."""
    async with services.read() as conn:
        found = await trade_orders.page(conn, listing.wanted, services.settings.timezone)
    return Page.of(found, order_out)


@erp.route("POST", "/orders", status=201, permission="orders:write", idempotency="optional", tags=TAGS)
async def create_order(services: Services, caller: Member, body: OrderIn) -> Reply[OrderOut]:
    """An order at the partner's prices, against its credit.

    Example: {"partner_id": 1, "items": [{"service_id": "11111111-1111-4111-8111-111111111111", "quantity": 2}]}
    """
    if body.override and not caller.grants.allow("credit:write"):
        raise NotAllowed("Only a credit controller lets an order pass the limit.")
    quantities: dict[UUID, int] = {}
    for item in body.items:
        quantities[item.service_id] = quantities.get(item.service_id, 0) + item.quantity
    made = await partner_orders.create(
        services, caller.actor, body.partner_id, quantities, notes=body.notes, may_pass_limit=body.override
    )
    return Reply(order_out(made), "Order created")


@erp.route("GET", "/orders/{id}", permission="orders:read", tags=TAGS)
async def get_order(services: Services, caller: Member, id: int) -> OrderOut:
    """One order."""
    async with services.read() as conn:
        return order_out(await trade_orders.get(conn, id))


@erp.route("POST", "/orders/{id}/deliver", permission="orders:write", tags=TAGS)
async def deliver_order(services: Services, caller: Member, id: int) -> Reply[OrderOut]:
    """What was ordered was delivered: this makes the delivery note. An order of a booking is delivered by it."""
    async with services.transaction() as tx:
        done = await trade_orders.deliver(tx, caller.actor, id)
    return Reply(order_out(done), "Order delivered")


@erp.route("POST", "/orders/{id}/cancel", permission="orders:write", tags=TAGS)
async def cancel_order(services: Services, caller: Member, id: int, body: CancelIn) -> Reply[OrderOut]:
    """Cancel an order and give its credit back. An order of a booking is cancelled with it."""
    async with services.transaction() as tx:
        done = await trade_orders.cancel(tx, caller.actor, id, body.reason or None)
    return Reply(order_out(done), "Order cancelled")


@erp.route("POST", "/orders/{id}/pay", permission="credit:write", tags=TAGS)
async def pay_order(services: Services, caller: Member, id: int, body: PayIn) -> Reply[OrderOut]:
    """The partner has paid what it owes for an order: its credit is free again."""
    async with services.transaction() as tx:
        done = await trade_orders.pay(tx, caller.actor, id, body.reference)
    return Reply(order_out(done), "Order paid")


@erp.route("POST", "/orders/{id}/unpay", permission="credit:write", tags=TAGS)
async def undo_payment(services: Services, caller: Member, id: int, body: UndoPayIn) -> Reply[OrderOut]:
    """An order was marked as paid by mistake: it is owed again and takes its credit.

    Example: {"reason": "The transfer was for another order"}
    """
    async with services.transaction() as tx:
        done = await trade_orders.undo_pay(tx, caller.actor, id, body.reason)
    return Reply(order_out(done), "Payment undone")


@erp.route("GET", "/delivery-notes", permission="orders:read", listing=NOTES, tags=TAGS)
async def list_notes(services: Services, caller: Member, listing: Listing) -> Page[NoteOut]:
    """Delivery notes of all partners, the newest first."""
    async with services.read() as conn:
        found = await trade_orders.page_notes(conn, listing.wanted, services.settings.timezone)
    return Page.of(found, note_out)


@erp.route("GET", "/delivery-notes/{id}", permission="orders:read", tags=TAGS)
async def get_note(services: Services, caller: Member, id: int) -> NoteOut:
    """One delivery note."""
    async with services.read() as conn:
        return note_out(await trade_orders.get_note(conn, id))


@erp.route("GET", "/customers", permission="partners:read", tags=("customers",))
async def list_customers(services: Services, caller: Member, query: CustomersQuery) -> list[CustomerRow]:
    """The ERP's customers, the newest hundred or those that a search finds."""
    async with services.read() as conn:
        return [customer_row(c) for c in await erp_customers.find(conn, query.search)]


@erp.route("POST", "/customers", idempotency="optional", status=201, permission="partners:write", tags=("customers",))
async def link_customer(services: Services, caller: Member, body: LinkIn) -> Reply[CustomerRow]:
    """Make a customer of the app known here, so that a partner can be theirs.

    Example: {"phone": "+911234567890"}
    """
    async with services.transaction() as tx:
        return Reply(customer_row(await erp_customers.link(tx, caller.actor, body.phone)), "Customer linked")


def order_out(row: TradeOrder) -> OrderOut:
    return OrderOut(
        id=row.id, code=row.code, booking_id=row.booking_id, status=row.status, currency=row.currency,
        partner=OrderPartner(id=row.partner_no, code=row.partner_code, name=row.partner_name),
        lines=[
            LineOut(
                service_id=line["service_id"], name=line["name"], quantity=line["quantity"],
                unit_price=line["unit_price_minor"], amount=line["amount_minor"],
            )
            for line in row.lines
        ],
        subtotal=row.subtotal_minor, discount=row.discount_minor, tax=row.tax_minor, total_amount=row.total_minor,
        credit_used=row.credit_minor, fee=row.fee_minor, due_on=row.due_on, notes=row.notes,
        cancellation_reason=row.cancellation_reason, payment_reference=row.payment_reference,
        delivery_note_id=row.delivery_id, delivery_note_code=row.delivery_code, created_at=row.created_at,
        delivered_at=row.delivered_at, cancelled_at=row.cancelled_at, paid_at=row.paid_at,
    )  # fmt: skip


def note_out(row: DeliveryNote) -> NoteOut:
    return NoteOut(
        id=row.id, code=row.code, order_id=row.order_id, order_code=row.order_code, partner_id=row.partner_no,
        partner_name=row.partner_name, status=row.status, currency=row.currency, total_amount=row.total_minor,
        created_at=row.created_at,
    )  # fmt: skip


def customer_row(row: ErpCustomer) -> CustomerRow:
    return CustomerRow(id=row.no, name=row.name, email=row.email, phone=row.phone)
