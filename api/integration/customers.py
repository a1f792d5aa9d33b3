"""The people for whom a partner books: made by phone and name, named on each call under /v1 as X-Customer-ID."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import EmailStr, StringConstraints

from api.audiences import Member
from api.integration import callers
from api.integration.views import Name
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Page, Reply
from dispatch.access.phones import normalise
from dispatch.parties import integration_customers
from dispatch.services import Services
from storage.integration_customers import AppCustomer

TAGS = ("customers",)
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]


class CustomerIn(CamelBody):
    name: Name
    phone_number: Phone
    email: EmailStr | None = None


class CustomerChange(CamelBody):
    """What is left out stays; a null takes the e-mail address away."""

    keeps_null = frozenset({"email"})

    name: Name | None = None
    phone_number: Phone | None = None
    email: EmailStr | None = None


class CustomerOut(CamelView):
    """`id` is what X-Customer-ID takes; `bookings` is how many were made for them."""

    id: UUID
    name: str | None
    phone_number: str
    email: str | None
    bookings: int
    created_at: datetime


LIST = Grammar(
    key="customers", source=integration_customers.LIST, filters={"phoneNumber": str, **DAYS},
    names={"phoneNumber": "phone"}, sorts={"createdAt": "created_at", "name": "name"},
)  # fmt: skip


@callers.route("POST", "/{id}/customers", "customers:write", idempotency="optional", status=201, tags=TAGS)
async def create(services: Services, caller: Member, id: UUID, body: CustomerIn) -> Reply[CustomerOut]:
    """A customer of the partner. The same phone again is the same customer, and answers 200.

    Example: {"name": "Asha Rao", "phoneNumber": "+911234567890"}
    """
    phone = normalise(body.phone_number, services.settings.phone_region, "phoneNumber")
    async with services.transaction() as tx:
        made, is_new = await integration_customers.create(
            tx, id, caller.actor, name=body.name, phone=phone, email=body.email
        )
    return Reply(_out(made), status=201 if is_new else 200)


@callers.route("GET", "/{id}/customers", "customers:read", listing=LIST, tags=TAGS)
async def list_customers(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[CustomerOut]:
    """The partner's customers, the newest first."""
    async with services.read() as conn:
        found = await integration_customers.page(conn, id, listing.wanted, services.settings.timezone)
    return Page.of(found, _out)


@callers.route("GET", "/{id}/customers/{customer_id}", "customers:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID, customer_id: UUID) -> CustomerOut:
    """One customer of the partner."""
    async with services.read() as conn:
        return _out(await integration_customers.get(conn, id, customer_id))


@callers.route("PUT", "/{id}/customers/{customer_id}", "customers:write", tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, customer_id: UUID, body: CustomerChange) -> CustomerOut:
    """Changes what is sent; what was booked already keeps its own contact.

    Example: {"phoneNumber": "+911234567891", "email": "asha@example.com"}
    """
    changes = body.model_dump(by_alias=False, exclude_unset=True)
    if "phone_number" in changes:
        said = changes.pop("phone_number")
        changes["phone"] = normalise(said, services.settings.phone_region, "phoneNumber")
    async with services.transaction() as tx:
        return _out(await integration_customers.change(tx, id, customer_id, caller.actor, changes))


@callers.route("DELETE", "/{id}/customers/{customer_id}", "customers:write", tags=TAGS)
async def forget(services: Services, caller: Member, id: UUID, customer_id: UUID) -> Message:
    """Wipes a customer's name, phone and addresses from what was booked for them; what it cost stays."""
    async with services.transaction() as tx:
        await integration_customers.forget(tx, id, customer_id, caller.actor)
    return Message("The customer was erased.")


def _out(row: AppCustomer) -> CustomerOut:
    return CustomerOut(
        id=row.id, name=row.name, phone_number=row.phone, email=row.email, bookings=row.bookings,
        created_at=row.created_at,
    )  # fmt: skip
