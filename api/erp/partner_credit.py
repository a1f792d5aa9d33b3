"""A trade partner's credit and its payment terms."""

from __future__ import annotations

from api.audiences import Member, erp
from api.erp.partner_details import DeliveryBrief, OrderBrief, TermOut, note_brief, order_brief, term_out
from api.erp.partner_views import Amount, Number, PartnerOut, Reason, with_values
from api.wire.models import Body, Money, View
from api.wire.results import Bare, Message, MessageWith
from dispatch.parties import partner_credit, partner_terms, trade_partners
from dispatch.services import Services

TAGS = ("credit",)


class LimitIn(Body):
    credit_limit: Amount
    reason: Reason | None = None


class LimitOut(View):
    partner: PartnerOut


class HistoryOut(View):
    """`current_available` may be below zero. Of orders and deliveries the newest hundred."""

    current_limit: Money
    current_used: Money
    current_available: Money
    orders: list[OrderBrief]
    deliveries: list[DeliveryBrief]


class AttachIn(Body):
    payment_term_id: Number
    is_default: bool = False


class OwnTermOut(TermOut):
    is_default: bool


class PartnerTermsOut(View):
    id: int
    code: str
    name: str
    paymentTerms: list[OwnTermOut]  # noqa: N815 (the contract's name)


class TermsOut(View):
    partner: PartnerTermsOut
    availableTerms: list[TermOut]  # noqa: N815


@erp.route("PATCH", "/partners/{id}/credit", permission="credit:write", tags=TAGS)
async def set_limit(services: Services, caller: Member, id: int, body: LimitIn) -> MessageWith[LimitOut]:
    """Set a partner's credit limit; what is used already stands, also above it.

    Example: {"credit_limit": 20000, "reason": "Annual review"}
    """
    async with services.transaction() as tx:
        row = await partner_credit.set_limit(tx, caller.actor, id, body.credit_limit, body.reason)
        shown = (await with_values(tx.conn, [row], services.settings))[row.no]
    return MessageWith("Credit limit updated successfully", extra=LimitOut(partner=shown))


@erp.route("GET", "/partners/{id}/credit/history", permission="credit:read", tags=TAGS)
async def history(services: Services, caller: Member, id: int) -> HistoryOut:
    """How a partner's credit stands, with the orders and deliveries that moved it."""
    async with services.read() as conn:
        found = await partner_credit.history(conn, id)
    partner = found.partner
    return HistoryOut(
        current_limit=partner.credit_limit_minor, current_used=partner.credit_used_minor,
        current_available=partner.credit_available_minor, orders=[order_brief(o) for o in found.orders],
        deliveries=[note_brief(n) for n in found.notes],
    )  # fmt: skip


@erp.route("POST", "/partners/{id}/credit/recalc", permission="credit:write", tags=TAGS)
async def recalculate(services: Services, caller: Member, id: int) -> Message:
    """Compute what is used from the partner's orders anew."""
    async with services.transaction() as tx:
        await partner_credit.recalculate(tx, caller.actor, id)
    return Message("Credit recalculated")


@erp.route("GET", "/partners/{id}/payment-terms", permission="partners:read", tags=TAGS)
async def list_terms(services: Services, caller: Member, id: int) -> Bare[TermsOut]:
    """The terms that a partner has, the default first, and those that it could get."""
    async with services.read() as conn:
        partner = await trade_partners.get(conn, id)
        own, available = await partner_terms.of_partner(conn, id)
    shown = [OwnTermOut(**term_out(t).model_dump(), is_default=t.is_default) for t in own]
    return Bare(TermsOut(
        partner=PartnerTermsOut(id=partner.no, code=partner.code, name=partner.name, paymentTerms=shown),
        availableTerms=[term_out(t) for t in available],
    ))  # fmt: skip


@erp.route("POST", "/partners/{id}/payment-terms", permission="partners:write", tags=TAGS)
async def attach_term(services: Services, caller: Member, id: int, body: AttachIn) -> Message:
    """Give a partner one more payment term; its first one is its default.

    Example: {"payment_term_id": 2, "is_default": false}
    """
    async with services.transaction() as tx:
        await trade_partners.lock(tx, id)
        await partner_terms.attach(tx, caller.actor, id, body.payment_term_id, is_default=body.is_default)
    return Message("Payment term added successfully")


@erp.route("DELETE", "/partners/{id}/payment-terms/{term_id}", permission="partners:write", tags=TAGS)
async def detach_term(services: Services, caller: Member, id: int, term_id: int) -> Message:
    """Take a term away; the default one and the only one stay."""
    async with services.transaction() as tx:
        await trade_partners.lock(tx, id)
        await partner_terms.detach(tx, caller.actor, id, term_id)
    return Message("Payment term removed successfully")


@erp.route("POST", "/partners/{id}/payment-terms/{term_id}/default", permission="partners:write", tags=TAGS)
async def default_term(services: Services, caller: Member, id: int, term_id: int) -> Message:
    """Make one of a partner's terms its default."""
    async with services.transaction() as tx:
        await trade_partners.lock(tx, id)
        await partner_terms.set_default(tx, caller.actor, id, term_id)
    return Message("Default payment term updated successfully")
