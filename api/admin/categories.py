"""Categories of services: how they are called, shown and ordered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, View
from api.wire.results import Message, Page
from dispatch.engine import offered
from dispatch.errors import Missing
from dispatch.services import Services
from storage import categories as rows
from storage.categories import Category

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Link = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^(https?://|/)[^\s<>\"']+$"),
    Field(examples=["https://cdn.example.com/facial.png"]),
]  # fmt: skip
Position = Annotated[int, Field(ge=0, le=100_000)]

CATEGORIES = Grammar(key="categories", source=rows.everything, filters={"is_active": Once(bool)})


class CategoryChange(Body):
    """What is absent stays; an inactive category hides its services. A name that is in use stays as it is."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"description", "image_url"})

    name: Name | None = None
    description: Description | None = None
    image_url: Link | None = None
    position: Position | None = None
    is_active: bool | None = None


class NewCategory(CategoryChange):
    """A new category."""

    name: Name


class CategoryOut(View):
    """`services` is how many there are in it."""

    id: UUID
    name: str
    description: str | None
    image_url: str | None
    position: int
    is_active: bool
    services: int
    created_at: datetime
    updated_at: datetime


class CategoryChanged(View):
    category: CategoryOut


@admin.route("GET", "/categories", permission="services:read", listing=CATEGORIES, tags=["services"])
async def list_categories(services: Services, caller: Admin, listing: Listing) -> Page[CategoryOut]:
    """All categories in their order."""
    async with services.read() as conn:
        return Page.of(await rows.everything.page(conn, listing.wanted), category_out)


@admin.route("POST", "/categories", idempotency="optional", status=201, permission="services:write", tags=["services"])
async def create(services: Services, caller: Admin, body: NewCategory) -> CategoryChanged:
    """A new category."""
    new = offered.CategoryIn(
        body.name, body.description, body.image_url, body.position or 0, body.is_active is not False
    )  # fmt: skip
    async with services.transaction() as tx:
        return CategoryChanged(category=category_out(await offered.create_category(tx, new, caller.actor)))


@admin.route("GET", "/categories/{id}", permission="services:read", tags=["services"])
async def one(services: Services, caller: Admin, id: UUID) -> CategoryChanged:
    """One category."""
    async with services.read() as conn:
        found = await rows.get(conn, category_id=id)
    if found is None:
        raise Missing("category")
    return CategoryChanged(category=category_out(found))


async def _change(services: Services, caller: Admin, category_id: UUID, body: CategoryChange) -> CategoryChanged:
    given = body.model_dump(include=body.model_fields_set)
    changes = {n: v for n, v in given.items() if v is not None or n in CategoryChange.keeps_null}
    async with services.transaction() as tx:
        changed = await offered.change_category(tx, category_id, caller.actor, changes)
    return CategoryChanged(category=category_out(changed))


@admin.route("PUT", "/categories/{id}", permission="services:write", tags=["services"])
async def put(services: Services, caller: Admin, id: UUID, body: CategoryChange) -> CategoryChanged:
    """Change a category; what is absent stays."""
    return await _change(services, caller, id, body)


@admin.route("PATCH", "/categories/{id}", permission="services:write", tags=["services"])
async def patch(services: Services, caller: Admin, id: UUID, body: CategoryChange) -> CategoryChanged:
    """The same under another method."""
    return await _change(services, caller, id, body)


@admin.route("DELETE", "/categories/{id}", permission="services:write", tags=["services"])
async def delete(services: Services, caller: Admin, id: UUID) -> Message:
    """Delete a category by which nothing goes."""
    async with services.transaction() as tx:
        await offered.delete_category(tx, id, caller.actor)
    return Message("Category deleted successfully")


def category_out(c: Category) -> CategoryOut:
    return CategoryOut(
        id=c.id, name=c.name, description=c.description, image_url=c.image_url, position=c.position,
        is_active=c.is_active, services=c.services, created_at=c.created_at, updated_at=c.updated_at,
    )  # fmt: skip
