"""What members book for themselves: approvals of it, and calling it off."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.bookings import ApprovalStatusOut, ReasonIn
from api.organisation.fields import by_of
from api.wire.models import CamelView, Money
from api.wire.results import Reply
from dispatch.billing import member_approvals, member_bookings
from dispatch.services import Services
from storage.booking_approvals import Wanted, Word

TAGS = ("bookings",)


class RequesterOut(CamelView):
    id: UUID
    name: str


class WantedOut(CamelView):
    """A member's own booking; `status` is pending_approval while somebody's word is waited for."""

    id: UUID
    reference_number: str
    status: str
    date: date
    total: Money
    currency: str
    department: UUID | None
    requested_by: RequesterOut
    approval_status: ApprovalStatusOut


class OneWantedOut(CamelView):
    booking: WantedOut


@organisation.route("GET", "/bookings/{id}/approval", permission="bookings:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneWantedOut:
    """Whose approval a member's own booking needs, and who has said what."""
    async with services.read() as conn:
        return OneWantedOut(booking=wanted_out(*await member_approvals.get(conn, by_of(caller), id)))


@organisation.route("POST", "/bookings/{id}/approve", permission="approvals:write", tags=TAGS)
async def approve(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneWantedOut]:
    """Agree to a member's own booking, as one of those who were asked; with the last of them the search begins."""
    async with services.transaction() as tx:
        await member_approvals.approve(tx, by_of(caller), id, body.reason)
    return Reply(await get(services, caller, id), message="Booking approved")


@organisation.route("POST", "/bookings/{id}/reject", permission="approvals:write", tags=TAGS)
async def reject(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneWantedOut]:
    """Say no to a member's own booking, as one of those who were asked: it ends and costs nothing."""
    async with services.transaction() as tx:
        await member_approvals.reject(tx, by_of(caller), id, body.reason)
    return Reply(await get(services, caller, id), message="Booking rejected")


@organisation.route("POST", "/bookings/{id}/cancel", permission="bookings:write", tags=TAGS)
async def cancel(services: Services, caller: Member, id: UUID, body: ReasonIn) -> Reply[OneWantedOut]:
    """Call off what a member has booked in our name and that has not begun, at what that costs by then."""
    by = by_of(caller)
    await services.retrying(lambda tx: member_bookings.cancel(tx, by, id, body.reason))
    return Reply(await get(services, caller, id), message="Booking cancelled")


def wanted_out(found: Wanted, words: list[Word]) -> WantedOut:
    def whose(decision: str | None) -> list[UUID]:
        # Whoever has said nothing and is gone is not waited for.
        return [word.member_id for word in words if word.decision == decision and (decision or word.is_there)]

    return WantedOut(
        id=found.id, reference_number=found.number, status=found.status, date=found.local_date,
        total=found.grand_total_minor, currency=found.currency, department=found.department_id,
        requested_by=RequesterOut(id=found.member_id, name=found.asked_by),
        approval_status=ApprovalStatusOut(
            required=bool(words), pending=whose(None), approved=whose("approved"), rejected=whose("rejected")
        ),
    )  # fmt: skip
