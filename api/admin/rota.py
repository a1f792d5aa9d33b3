"""The rota: who is on duty when. Alerts and what waits for people reach them by e-mail or push."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, Moment, View
from api.wire.results import Message, Page
from dispatch.parties import rota
from dispatch.services import Services
from storage import rota as rows
from storage.rota import Shift

Channels = Annotated[list[Literal["email", "push"]], Field(min_length=1, max_length=2)]


class ShiftIn(Body):
    staff_id: UUID
    starts_at: Moment
    ends_at: Moment
    channels: Channels = ["email"]


class ChangeIn(Body):
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    channels: Channels | None = None


class PersonOut(View):
    id: UUID
    name: str | None
    email: str | None
    role: str | None


class ShiftOut(View):
    """`is_now`: it goes on, and its person may sign in: nobody tells who is blocked of anything."""

    id: UUID
    staff: PersonOut
    starts_at: datetime
    ends_at: datetime
    channels: list[str]
    is_now: bool
    created_at: datetime


LIST = Grammar(
    key="shifts", source=rows.everything, filters={"staff_id": UUID, "is_now": Once(bool), **DAYS},
    names={"staff_id": "account_id"},
)  # fmt: skip


@admin.route("GET", "/rota", permission="rota:read", listing=LIST, tags=["rota"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[ShiftOut]:
    """Who is, was and will be on duty; `is_now=true` for this moment."""
    async with services.read() as conn:
        return Page.of(await rota.page(conn, listing.wanted, services.settings.timezone), _shift)


@admin.route("POST", "/rota", permission="rota:write", idempotency="optional", status=201, tags=["rota"])
async def add(services: Services, caller: Admin, body: ShiftIn) -> ShiftOut:
    """Put somebody on duty.

    Example: {"staff_id": "11111111-1111-4111-8111-111111111111", "starts_at": "2024-01-20T08:00:00Z",
      "ends_at": "2024-01-20T16:00:00Z", "channels": ["email", "push"]}
    """
    async with services.transaction() as tx:
        return _shift(
            await rota.add(tx, caller.actor, body.staff_id, body.starts_at, body.ends_at, sorted(set(body.channels)))
        )


@admin.route("PATCH", "/rota/{id}", permission="rota:write", tags=["rota"])
async def change(services: Services, caller: Admin, id: UUID, body: ChangeIn) -> ShiftOut:
    """Move a shift, or change how its person is told.

    Example: {"ends_at": "2024-01-20T18:00:00Z"}
    """
    async with services.transaction() as tx:
        return _shift(await rota.change(tx, caller.actor, id, body.model_dump(exclude_none=True)))


@admin.route("DELETE", "/rota/{id}", permission="rota:write", tags=["rota"])
async def remove(services: Services, caller: Admin, id: UUID) -> Message:
    """Take a shift away."""
    async with services.transaction() as tx:
        await rota.remove(tx, caller.actor, id)
    return Message("The shift is taken away.")


def _shift(s: Shift) -> ShiftOut:
    return ShiftOut(
        id=s.id, staff=PersonOut(id=s.account_id, name=s.name, email=s.email, role=s.role), starts_at=s.starts_at,
        ends_at=s.ends_at, channels=s.channels, is_now=s.is_now, created_at=s.created_at,
    )  # fmt: skip
