"""The same for many at once: statuses, assignments, payouts, services, promo codes; a result for each."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import Field

from api.admin.bookings import StatusIn, change_status
from api.admin.dispatching import AssignIn
from api.admin.payouts import ProcessIn, process_one
from api.admin.promo_codes import PromoIn, change_one
from api.admin.services import ServiceChange
from api.admin.services import change_one as change_service
from api.audiences import Admin, admin
from api.shared.batches import BatchOut, Done, each
from api.wire.models import Body
from dispatch.engine import assigning
from dispatch.engine.offers import NoCandidate
from dispatch.services import Services, Tx
from storage.offers import Offer

I = TypeVar("I", bound=Body)  # noqa: E741

#: Of one request; each is a transaction of its own.
MOST = 100


class StatusItem(StatusIn):
    id: UUID


class AssignItem(AssignIn):
    id: UUID


class ProcessItem(ProcessIn):
    id: UUID


class ServiceItem(ServiceChange):
    id: UUID


class PromoItem(PromoIn):
    id: UUID


class BatchIn(Body, Generic[I]):
    """At most 100; a wrong type refuses all of them, everything else is said per row."""

    items: Annotated[list[I], Field(min_length=1, max_length=MOST)]


@admin.route("POST", "/bookings/batch/status", permission="bookings:write", idempotency="optional", tags=["batches"])
async def set_statuses(services: Services, caller: Admin, body: BatchIn[StatusItem]) -> BatchOut:
    """Take many bookings to another status, each by its own legal step."""

    async def work(item: StatusItem) -> Done:
        return Done(item.id, (await change_status(services, caller, item.id, item)).status)

    return await each(admin.dialect, [(n, i.id, i) for n, i in enumerate(body.items, 1)], work)


@admin.route("POST", "/bookings/batch/assign", permission="dispatch:write", idempotency="optional", tags=["batches"])
async def assign_many(services: Services, caller: Admin, body: BatchIn[AssignItem]) -> BatchOut:
    """Offer many bookings, each to a named technician or by the automatic search."""

    async def work(item: AssignItem) -> Done:
        async def one(tx: Tx) -> Offer | None:
            if item.partner_id is None:
                return await assigning.assign(tx, item.id, caller.actor, force=item.force)
            return await assigning.assign_to(tx, item.id, item.partner_id, caller.actor, force=item.force)

        if await services.retrying(one) is None:
            raise NoCandidate
        return Done(item.id, "partner_assigned")

    return await each(admin.dialect, [(n, i.id, i) for n, i in enumerate(body.items, 1)], work)


@admin.route("POST", "/payouts/batch/process", permission="payouts:write", idempotency="optional", tags=["batches"])
async def process_many(services: Services, caller: Admin, body: BatchIn[ProcessItem]) -> BatchOut:
    """Complete many payouts, each with its proof."""

    async def work(item: ProcessItem) -> Done:
        ended = await services.retrying(lambda tx: process_one(tx, caller, item.id, item))
        return Done(item.id, ended.status)

    return await each(admin.dialect, [(n, i.id, i) for n, i in enumerate(body.items, 1)], work)


@admin.route("POST", "/services/batch", permission="services:write", idempotency="optional", tags=["batches"])
async def change_services(services: Services, caller: Admin, body: BatchIn[ServiceItem]) -> BatchOut:
    """Change many services: prices, words, whether they are offered."""

    async def work(item: ServiceItem) -> Done:
        changed = await change_service(services, caller, item.id, item)
        return Done(item.id, "active" if changed.is_active else "inactive")

    return await each(admin.dialect, [(n, i.id, i) for n, i in enumerate(body.items, 1)], work)


@admin.route("POST", "/promo-codes/batch", permission="promos:write", idempotency="optional", tags=["batches"])
async def change_promos(services: Services, caller: Admin, body: BatchIn[PromoItem]) -> BatchOut:
    """Change many promo codes."""

    async def work(item: PromoItem) -> Done:
        changed = await change_one(services, caller, item.id, item)
        return Done(item.id, "active" if changed.is_active else "inactive")

    return await each(admin.dialect, [(n, i.id, i) for n, i in enumerate(body.items, 1)], work)
