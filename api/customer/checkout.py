"""From a cart to a booking: prepare, confirm, and what a promo code is worth."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, ValidationInfo

from api.audiences import Customer, customer
from api.edge.idempotency import Answer
from api.shared.amounts import AmountsOut, shown
from api.shared.objects import PaymentObject, PlaceObject
from api.shared.signing import PhoneNumber
from api.shared.texts import BLANK_IS_ABSENT, text
from api.wire.models import Body, BookingTime, Day, Money, View
from dispatch.access.phones import normalise
from dispatch.billing import charges, checkout, confirm, promos
from dispatch.billing.checkout import Preview, Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact
from dispatch.engine.free_times import NO_TIME
from dispatch.localtime import twelve_hour
from dispatch.services import Services

PaymentMethod = Literal["online", "cash", "account"]
#: Different lines of one cart.
MAX_LINES = 50


def _accepted(value: bool) -> bool:
    if not value:
        raise ValueError("the cancellation policy has to be accepted")
    return value


def _with_its_organization(value: UUID | None, info: ValidationInfo) -> UUID | None:
    if value is not None and info.data.get("organization_id") is None:
        raise ValueError("is named together with the organization whose it is: send organization_id as well")
    return value


PromoCode = Annotated[str, text(50)]


class CartItem(Body):
    service_id: UUID
    quantity: int = Field(1, ge=1, le=checkout.MAX_QUANTITY)


def _something(ids: list[UUID], info: ValidationInfo) -> list[UUID]:
    if not ids and not info.data.get("items", True):
        raise ValueError("name at least one service in service_ids or items")
    return ids


class PrepareIn(Body):
    """A service named n times in `service_ids` is a quantity of n; `items` say it in numbers (C70)."""

    items: list[CartItem] = Field([], max_length=MAX_LINES)
    service_ids: Annotated[
        list[UUID],
        AfterValidator(_something),
        Field(max_length=MAX_LINES * checkout.MAX_QUANTITY, validate_default=True),
    ] = []
    promo_code: Annotated[PromoCode | None, BLANK_IS_ABSENT] = None
    address_id: Annotated[UUID | None, BLANK_IS_ABSENT] = None
    booking_date: Annotated[Day | None, BLANK_IS_ABSENT] = None
    booking_time: Annotated[BookingTime | None, BLANK_IS_ABSENT] = None
    #: `account` prices the cart by the terms of whoever is billed for this customer's bookings.
    payment_method: Annotated[PaymentMethod | None, BLANK_IS_ABSENT] = None
    #: Booked in the name of an organisation whose member the customer is, under one of its programs if so.
    organization_id: Annotated[UUID | None, BLANK_IS_ABSENT] = None
    program_id: Annotated[UUID | None, AfterValidator(_with_its_organization), BLANK_IS_ABSENT] = None

    @property
    def quantities(self) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        for service_id in self.service_ids:
            found[service_id] = found.get(service_id, 0) + 1
        for item in self.items:
            found[item.service_id] = found.get(item.service_id, 0) + item.quantity
        return found


class CartLine(View):
    """`unit_price` is the list price (C136), `charged_price` what is asked for after savings."""

    id: UUID
    name: str
    quantity: int
    unit_price: Money
    charged_price: Money
    duration_minutes: int


class Pricing(View):
    subtotal: Money
    savings: Money
    discount: Money
    tax: Money
    grand_total: Money
    currency: str


class PromoOut(View):
    code: str
    discount: Money
    valid: bool
    message: str


class NoTime(View):
    """Why a day has no free time: not_served, not_together, out_of_hours, fully_booked, closed or too_late."""

    code: str
    message: str


class PrepareOut(View):
    """`outstanding_fee` is owed for an earlier cancellation and paid with this booking; `amount_to_collect` is the
    price and that fee, less what the wallet may pay.
    """

    preview_id: UUID
    services: list[CartLine]
    pricing: Pricing
    outstanding_fee: Money
    amount_to_collect: Money
    promo: PromoOut | None
    booking_date: date | None
    held_time: time | None
    available_time_slots: list[str]
    no_time: NoTime | None
    address: PlaceObject | None
    expires_at: datetime


class ConfirmIn(Body):
    preview_id: UUID
    payment_method: PaymentMethod
    address_id: UUID
    booking_date: Day
    booking_time: BookingTime
    customer_name: Annotated[str, text(255)]
    customer_phone: PhoneNumber
    customer_email: Annotated[EmailStr | None, BLANK_IS_ABSENT] = None
    cancellation_policy_accepted: Annotated[bool, AfterValidator(_accepted)]
    #: The wallet pays first, in part or all of it.
    use_wallet: Annotated[bool, Field(strict=True)] = False

    def confirmation(self, region: str, integration_id: UUID | None = None) -> Confirmation:
        phone = normalise(self.customer_phone, region, "customer_phone")
        contact = Contact(self.customer_name, phone, self.customer_email)
        return Confirmation(
            self.preview_id,
            self.payment_method,
            self.address_id,
            self.booking_date,
            self.booking_time,
            contact,
            use_wallet=self.use_wallet,
            integration_id=integration_id,
        )


class BookedOut(AmountsOut):
    id: UUID
    booking_number: str
    status: str
    grand_total: Money


class ToPayOut(View):
    """An online booking, and what the payment page is opened with."""

    booking: BookedOut
    payment: PaymentObject


class BookedMessageOut(View):
    """A booking for which nothing is to be paid now."""

    booking: BookedOut
    message: str


class ValidateIn(Body):
    """With `service_ids` the discount is that of prepare, and the amount is not looked at."""

    code: PromoCode
    amount: Annotated[Money, Field(gt=0)]
    service_ids: list[UUID] = Field([], max_length=MAX_LINES * checkout.MAX_QUANTITY)


@customer.route("POST", "/checkout/prepare", scope="slots:read", tags=["checkout"])
async def prepare(services: Services, caller: Customer, body: PrepareIn) -> PrepareOut:
    """Prices a cart and lists the free times; the price stands for two minutes, and so does a chosen time.

    Example: {"items": [{"service_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "quantity": 1}],
     "address_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    """
    wish = Wish(
        body.quantities, body.promo_code, body.address_id, body.booking_date, body.booking_time,
        on_account=body.payment_method == "account" or body.organization_id is not None,
        organisation_id=body.organization_id, program_id=body.program_id,
    )  # fmt: skip
    preview = await checkout.prepare(services, caller.account_id, wish)
    async with services.read() as conn:
        is_on_account = preview.billed_to is not None
        fee_minor = 0 if is_on_account else await charges.outstanding(conn, caller.account_id, preview.currency)
    return preview_out(preview, fee_minor)


@customer.route(
    "POST", "/checkout/confirm", scope="bookings:write", status=201, idempotency="optional", tags=["checkout"]
)
async def confirm_checkout(
    services: Services, caller: Customer, body: ConfirmIn, answer: Answer
) -> ToPayOut | BookedMessageOut:
    """Makes the booking of a preview, once; a cash booking is offered to a technician before the answer.

    Example: {"preview_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "payment_method": "cash",
     "address_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "booking_date": "2026-01-31", "booking_time": "10:00 AM",
     "customer_name": "John Doe", "customer_phone": "+911234567890", "cancellation_policy_accepted": true}
    """
    wish = body.confirmation(services.settings.phone_region, caller.integration_id)
    made = await confirm.confirm(
        services, caller.account_id, wish, keep=lambda tx, made: answer.keep(tx, confirmed_out(made))
    )
    return confirmed_out(made)


# Real front ends know it by this name too.
@customer.route("POST", "/promos/validate", scope="slots:read", tags=["checkout"])
@customer.route("POST", "/promo-codes/validate", scope="slots:read", tags=["checkout"])
async def validate_promo(services: Services, caller: Customer, body: ValidateIn) -> PromoOut:
    """What a code would take off: of the amount as sent, or of a cart as prepare prices it."""
    quantities: dict[UUID, int] = {}
    for service_id in body.service_ids:
        quantities[service_id] = quantities.get(service_id, 0) + 1
    found = await checkout.promo_worth(services, caller.account_id, body.code, body.amount, quantities)
    return promo_out(found)


def promo_out(found: promos.Verdict) -> PromoOut:
    return PromoOut(code=found.code, discount=found.discount_minor, valid=found.is_valid, message=found.message)


def preview_out(preview: Preview, outstanding_fee_minor: int) -> PrepareOut:
    price, located = preview.price, preview.located
    return PrepareOut(
        preview_id=preview.id,
        services=[
            CartLine(
                id=i.service_id, name=i.name, quantity=i.quantity, unit_price=i.list_price_minor,
                charged_price=i.price_minor, duration_minutes=i.duration_minutes,
            )
            for i in preview.items
        ],
        pricing=Pricing(
            subtotal=price.subtotal_minor, savings=price.savings_minor, discount=price.discount_minor,
            tax=price.tax_minor, grand_total=price.grand_total_minor, currency=preview.currency,
        ),
        outstanding_fee=outstanding_fee_minor,
        amount_to_collect=0 if preview.billed_to else price.grand_total_minor + outstanding_fee_minor,
        promo=promo_out(preview.promo) if preview.promo else None,
        booking_date=preview.day,
        held_time=preview.held_local.time() if preview.held_local else None,
        available_time_slots=[twelve_hour(t) for t in preview.free],
        no_time=NoTime(code=preview.none_because, message=NO_TIME[preview.none_because])
        if preview.none_because else None,
        address=confirm.snapshot(located) if located else None,
        expires_at=preview.expires_at,
    )  # fmt: skip


def confirmed_out(made: Confirmed) -> ToPayOut | BookedMessageOut:
    booking = BookedOut(
        id=made.id, booking_number=made.number, status=made.status, grand_total=made.grand_total_minor, **shown(made)
    )
    if made.payment is not None:
        return ToPayOut(booking=booking, payment=made.payment)
    if made.status in ("completed", "cancelled", "refunded"):
        # A confirm that comes again late is told what has become of it.
        return BookedMessageOut(booking=booking, message="This booking was made before, and it is over.")
    is_paid = made.wallet_minor >= made.grand_total_minor > 0
    if made.waits_for_approval:
        message = "Booking created. Your organization has to approve it before a partner is assigned."
        return BookedMessageOut(booking=booking, message=message)
    done = "Booking created and paid from your wallet." if is_paid else "Booking created."
    return BookedMessageOut(booking=booking, message=f"{done} Partner will be assigned shortly.")
