"""A provider's customers: who they are, what they have spent, and as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.fields import Name
from api.provider.views import Metadata
from api.provider.when import local_today
from api.shared.exports import file, whole
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelQuery, CamelView, Money
from api.wire.results import File, PageWith, Reply
from dispatch.parties import provider_customers
from dispatch.reports import exports
from dispatch.reports.formats import major
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage.provider_customers import Customer

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]


class CustomerIn(CamelBody):
    name: Name
    email: EmailStr
    phone: Line | None = None
    location: Line | None = None
    metadata: Annotated[Metadata, Field(max_length=50)] | None = None


class ChangeIn(CamelBody):
    name: Name | None = None
    status: Literal["active", "inactive"] | None = None
    phone: Line | None = None
    location: Line | None = None


class CustomerOut(CamelView):
    """`hasAppAccount`: they have signed in to the app themselves."""

    id: UUID = Field(alias="_id")
    provider_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    location: str | None
    avatar: str | None
    total_spent: Money
    transaction_count: int
    last_transaction_date: datetime | None
    source: str
    has_app_account: bool
    status: str
    metadata: Metadata
    created_at: datetime


class SubscribedOut(CamelView):
    id: UUID = Field(alias="_id")
    plan_name: str
    status: str
    start_date: datetime
    expiry_date: datetime


class LineOut(CamelView):
    id: UUID = Field(alias="_id")
    amount: Money
    currency: str
    type: str
    status: str
    created_at: datetime
    reference: str


class CustomerDetailOut(CustomerOut):
    subscriptions: list[SubscribedOut]
    recent_transactions: list[LineOut]


class SummaryOut(CamelView):
    total_customers: int
    total_revenue: Money
    average_transaction_value: Money


class ListedOut(CamelView):
    items: list[CustomerOut]
    summary: SummaryOut


class ExportQuery(CamelQuery):
    format: Literal["csv", "xlsx"] = "csv"


LIST = Grammar(
    key="customers", source=provider_customers.LIST,
    filters={
        "status": Literal["active", "inactive"], "source": Literal["booking", "payment", "subscription", "manual"],
    },
    sorts={
        "name": "name", "email": "email", "totalSpent": "spent", "transactionCount": "transactions",
        "lastTransactionDate": "last", "createdAt": "created",
    },
)  # fmt: skip
COLUMNS = ("Name", "Email", "Phone", "Location", "Total Orders", "Total Spent")
TAGS = ["customers"]


@provider.route("GET", "/customers", permission="customers:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[CustomerOut, ListedOut]:
    """Customers in the order of their names; searched by name, e-mail address or phone."""
    async with services.read() as conn:
        found = await provider_customers.page(conn, caller.provider_id, listing.wanted)
        sums = await provider_customers.summary(conn, caller.provider_id)
    shown = [CustomerOut(**_fields(one)) for one in found.rows]
    summary = SummaryOut(
        total_customers=sums.customers, total_revenue=sums.spent_minor,
        average_transaction_value=sums.spent_minor // sums.transactions if sums.transactions else 0,
    )  # fmt: skip
    return PageWith.among(found.of(shown), lambda one: one, ListedOut(items=shown, summary=summary))


@provider.route("GET", "/customers/export", permission="customers:read", listing=whole(LIST), tags=TAGS)
async def export(services: Services, caller: TeamMember, query: ExportQuery, listing: Listing) -> File:
    """All that the list would show, as a file: csv, xlsx. Amounts are in major units."""
    pieces = exports.export(
        services, query.format, "Customers", COLUMNS, provider_customers.LIST, listing.wanted, _cells,
        provider_id=caller.provider_id,
    )  # fmt: skip
    return file(pieces, f"customers_{local_today(services.clock.now(), caller.provider)}", query.format)


@provider.route("POST", "/customers", permission="customers:write", idempotency="optional", status=201, tags=TAGS)
async def create(services: Services, caller: TeamMember, body: CustomerIn) -> Reply[CustomerOut]:
    """Write a customer down who has not been here before.

    Example: {"name": "John Doe", "email": "john@example.com", "phone": "+2348012345678", "location": "Lagos"}
    """
    async with services.transaction() as tx:
        made = await provider_customers.create(
            tx, caller.provider_id, name=body.name, email=body.email, phone=body.phone, location=body.location,
            metadata=body.metadata or {},
        )  # fmt: skip
    return Reply(CustomerOut(**_fields(made)), message="Customer created successfully")


@provider.route("GET", "/customers/{customer_id}", permission="customers:read", tags=TAGS)
async def get(services: Services, caller: TeamMember, customer_id: UUID) -> CustomerDetailOut:
    """A customer with subscriptions that run and the last ten transactions."""
    async with services.read() as conn:
        one = await provider_customers.get(conn, caller.provider_id, customer_id)
        lines = await provider_customers.recent_lines(conn, one)
        running = await provider_customers.subscriptions(conn, one)
    return CustomerDetailOut(
        **_fields(one),
        recent_transactions=[
            LineOut(
                id=t.id, amount=t.amount_minor, currency=t.currency, type=t.type, status=t.status,
                created_at=t.created_at, reference=t.reference,
            )
            for t in lines
        ],
        subscriptions=[
            SubscribedOut(
                id=s.id, plan_name=s.plan_name, status=s.status, start_date=s.starts_at, expiry_date=s.ends_at
            )
            for s in running
        ],
    )  # fmt: skip


@provider.route("PATCH", "/customers/{customer_id}", permission="customers:write", tags=TAGS)
async def change(services: Services, caller: TeamMember, customer_id: UUID, body: ChangeIn) -> Reply[CustomerOut]:
    """Change what the provider knows of a customer; their own account is not touched.

    Example: {"name": "John A. Doe", "status": "inactive"}
    """
    async with services.transaction() as tx:
        changed = await provider_customers.change(
            tx, caller.provider_id, customer_id, name=body.name, status=body.status, phone=body.phone,
            location=body.location,
        )  # fmt: skip
    return Reply(CustomerOut(**_fields(changed)), message="Customer updated successfully")


def _fields(one: Customer) -> dict[str, Any]:
    return {
        "id": one.id, "provider_id": one.provider_id, "name": one.name, "email": one.email, "phone": one.phone,
        "location": one.location, "avatar": one.avatar_url, "total_spent": one.spent_minor,
        "transaction_count": one.transactions, "last_transaction_date": one.last_at, "source": one.source,
        "has_app_account": one.has_app_account, "status": one.status, "metadata": one.metadata,
        "created_at": one.created_at,
    }  # fmt: skip


def _cells(one: Customer) -> list[Cell]:
    return [one.name, one.email, one.phone, one.location, one.transactions, major(one.spent_minor)]
