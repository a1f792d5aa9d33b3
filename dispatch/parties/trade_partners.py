"""Trade partners: made, changed and deleted, with codes by document numbering; who may set their credit."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch import numbers
from dispatch.engine import audit
from dispatch.errors import Conflict, DispatchError, Invalid, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.localtime import local, to_utc
from dispatch.parties import custom_fields, erp_customers, partner_terms
from dispatch.parties.erp_customers import NewAccount
from dispatch.reports import exports
from dispatch.services import Services, Tx
from storage import trade_orders as order_rows
from storage import trade_partners as rows
from storage.database.errors import StorageError, constraint_of, is_foreign_key
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.trade_partners import Counted, Statistics, TradePartner

STATUSES = ("ACTIVE", "ON_HOLD", "BLOCKED", "CLOSED")
#: How often the number that was found may be given out by hand in that very moment.
TRIES = 10
#: So many partners are named in a refusal.
_MOST_NAMED = 20
#: So many types, and channels, are named in the statistics.
MOST_KINDS = 1000
#: What only a blocked partner has.
_OF_BLOCKS = ("blocked_until", "block_reason")
_NOT_BLOCKED = "Only a partner whose status is BLOCKED has the end or the reason of a block."
#: All partners, as a list.
LIST = rows.every


class CodeTaken(Conflict):
    """Another partner has, or had, this code; codes are never given twice."""

    code = "code_taken"


class CustomerTaken(Conflict):
    """This customer belongs to another partner already."""

    code = "customer_taken"


class OrganisationTaken(Conflict):
    """This organisation belongs to another partner already."""

    code = "organization_taken"


class CreditNotAllowed(NotAllowed):
    """You may not decide about credit; ask a credit controller."""

    code = "credit_not_allowed"


class TooMany(Invalid):
    """These are too many to be listed at once."""

    @classmethod
    def beyond(cls, most: int) -> TooMany:
        text = f"More than {most:,} partners are not listed at once: narrow the list, or take /partners/export."
        return cls({"all": text})


class InUse(Conflict):
    """This partner has open orders or owes something, and cannot be deleted."""

    code = "partner_in_use"

    @classmethod
    def of(cls, partners: Sequence[TradePartner]) -> InUse:
        """Of several it names those that stand in the way."""
        named = ", ".join(partner.code for partner in partners[:_MOST_NAMED])
        more = f" and {len(partners) - _MOST_NAMED:,} more" if len(partners) > _MOST_NAMED else ""
        text = f"These partners have open orders or owe something, and cannot be deleted: {named}{more}."
        return cls(text, details={"partner_ids": [partner.no for partner in partners]})


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a form says of a partner; amounts in minor units of the ERP's currency, rates in per cent."""

    name: str
    code: str | None = None
    status: str = "ACTIVE"
    partner_type: str = "CUSTOMER"
    channel: str = "OTHER"
    is_b2b: bool = False
    customer_no: int | None = None
    organisation_id: UUID | None = None
    price_list_id: int | None = None
    parent_no: int | None = None
    salesperson_id: int | None = None
    credit_limit_minor: int = 0
    tax_number_ice: str | None = None
    tax_number_if: str | None = None
    tax_exempt: bool = False
    vat_group_code: str | None = None
    phone: str | None = None
    whatsapp: str | None = None
    email: str | None = None
    website: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    postal_code: str | None = None
    geo_area_code: str | None = None
    geo_lat: float | None = None
    geo_lng: float | None = None
    opening_hours: Any = None
    delivery_instructions: str | None = None
    delivery_zone: str | None = None
    min_order_minor: int | None = None
    blocked_until: datetime | None = None
    block_reason: str | None = None
    default_discount_rate: Decimal | None = None
    default_discount_minor: int | None = None
    max_discount_rate: Decimal | None = None


#: What a change may not leave empty, whatever was sent.
_DEFAULTS = {f.name: f.default for f in fields(Profile) if f.default not in (None, MISSING)}


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent: columns by their names in Profile, and what stands in tables of its own."""

    columns: Mapping[str, Any]
    custom_fields: Mapping[str, Any]
    payment_term_id: int | None = None
    account: NewAccount | None = None


async def get(conn: Conn, no: int) -> TradePartner:
    """Raises Missing. A block that has run out shows as none, also before it is lifted."""
    found = await rows.get(conn, no=no)
    if found is None:
        raise Missing("partner")
    return found


async def lock(tx: Tx, no: int) -> TradePartner:
    """The same, locked until the end of the transaction; a block that has run out is lifted. Raises Missing."""
    found = await rows.lock(tx.conn, no=no)
    if found is None:
        raise Missing("partner")
    await rows.lift_expired(tx.conn, numbers=[no])
    return found


async def page(conn: Conn, wanted: Wanted) -> Slice[TradePartner]:
    return await rows.every.page(conn, wanted)


async def whole(services: Services, wanted: Wanted) -> AsyncGenerator[tuple[Conn, list[TradePartner]], None]:
    """Every row that is wanted, some hundred at a time, with the connection that reads them.

    Raises TooMany where they are more than the setting before anything is read, and TooManyReports.
    """
    most = services.settings.erp.all_rows
    async with exports.reading(services) as conn:
        if await rows.every.first(conn, replace(wanted, limit=1), skipped=most):
            raise TooMany.beyond(most)
        async with aclosing(rows.every.stream(conn, wanted)) as batches:
            async for batch in batches:
                yield conn, batch


@dataclass(frozen=True, slots=True)
class Kinds:
    """How many partners there are of each kind, the commonest first, and of all kinds beyond MOST_KINDS together."""

    named: dict[str, int]
    others: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How many partners there are, and how their credit stands."""

    total: Statistics
    types: Kinds
    channels: Kinds


async def statistics(conn: Conn) -> Figures:
    total = await rows.statistics(conn)
    assert total is not None, "a sum is always there"
    types, channels = await rows.by_type(conn, most=MOST_KINDS), await rows.by_channel(conn, most=MOST_KINDS)
    return Figures(total, _kinds(types), _kinds(channels))


def _kinds(counted: Sequence[Counted]) -> Kinds:
    return Kinds(
        {one.name: one.count for one in counted if one.name is not None},
        sum(one.count for one in counted if one.name is None),
    )


async def create(tx: Tx, actor: Actor, form: Form, *, may_credit: bool) -> TradePartner:
    """A partner with its account, if one was asked for: both or none.

    Raises Invalid with every bad field, CodeTaken, CustomerTaken, EmailTaken, PhoneTaken, CreditNotAllowed.
    """
    profile = Profile(**_filled(form.columns))
    if profile.credit_limit_minor and not may_credit:
        raise CreditNotAllowed
    values = await _check(tx, profile, form, is_new=True)
    if form.account is not None:
        profile = replace(profile, customer_no=await erp_customers.make(tx, form.account))
    no = await _insert(tx, profile)
    await custom_fields.put(tx, str(no), values)
    if form.payment_term_id is not None:
        await _guarded(tx, partner_terms.make_default(tx, actor, no, form.payment_term_id))
    await rows.note_statuses(
        tx.conn, numbers=[no], olds=[None], new=profile.status, reason=profile.block_reason, is_notified=False,
        blocked_until=profile.blocked_until, actor_kind=actor.kind, actor_id=actor.id,
    )  # fmt: skip
    await audit.record(tx, actor, "create_partner", "trade_partner", no)
    return await get(tx.conn, no)


async def change(tx: Tx, actor: Actor, no: int, form: Form, *, may_credit: bool) -> TradePartner:
    """Changes what was sent and leaves the rest (C102). Raises what `create` raises, and Missing."""
    before = await lock(tx, no)
    old = profile_of(before)
    new = replace(old, **_filled(form.columns))
    if new.status != "BLOCKED":
        if sent := [name for name in _OF_BLOCKS if form.columns.get(name)]:
            raise Invalid(dict.fromkeys(sent, _NOT_BLOCKED))
        new = replace(new, blocked_until=None, block_reason=None)
    if new.credit_limit_minor != old.credit_limit_minor and not may_credit:
        raise CreditNotAllowed
    values = await _check(tx, new, form, is_new=False, no=no)
    if form.account is not None:
        new = replace(new, customer_no=await erp_customers.make(tx, form.account))
    await _save(tx, no, new)
    await custom_fields.put(tx, str(no), values)
    if form.payment_term_id is not None:
        await _guarded(tx, partner_terms.make_default(tx, actor, no, form.payment_term_id))
    if new.status != old.status:
        await rows.note_statuses(
            tx.conn, numbers=[no], olds=[old.status], new=new.status, reason=new.block_reason, is_notified=False,
            blocked_until=new.blocked_until, actor_kind=actor.kind, actor_id=actor.id,
        )  # fmt: skip
    await audit.changed(tx, actor, "update_partner", "trade_partner", no, old, new)
    return await get(tx.conn, no)


async def delete(tx: Tx, actor: Actor, nos: Sequence[int]) -> int:
    """Deletes all of these or none, with their custom values. Raises Invalid (unknown ids), InUse."""
    found = await lock_all(tx, nos)
    if in_use := await order_rows.open_of(tx.conn, numbers=list(nos)):
        raise InUse if len(nos) == 1 else InUse.of([partner for partner in found if partner.no in in_use])
    gone = await rows.delete(tx.conn, numbers=list(nos)) or 0
    for no in nos:
        await audit.record(tx, actor, "delete_partner", "trade_partner", no)
    return gone


async def lock_all(tx: Tx, nos: Sequence[int]) -> list[TradePartner]:
    """All of these, locked in one order. Raises Invalid, naming those that are not there."""
    found = await rows.lock_numbers(tx.conn, numbers=list(nos))
    await rows.lift_expired(tx.conn, numbers=list(nos))
    known = {partner.no for partner in found}
    if unknown := [str(no) for no in nos if no not in known]:
        raise Invalid({"partner_ids": f"There is no partner {', '.join(unknown[:_MOST_NAMED])}."})
    return found


# ---------------------------------------------------------------- codes


async def suggest_code(conn: Conn, document_type: str) -> tuple[str, int]:
    """The code and the number that the next one would get; nothing is reserved (C107)."""
    if document_type != "CL":
        found = await order_rows.next_numbers(conn)
        assert found is not None, "sequences are always there"
        value = found.orders if document_type == "BC" else found.notes
        return numbers.SERIES[document_type].pattern.format(value=value), value
    following = await rows.next_number(conn)
    assert following is not None, "there is always a next one"
    return numbers.SERIES["CL"].pattern.format(value=following), following


async def _insert(tx: Tx, profile: Profile) -> int:
    """Under its own code or the next free one: two at once never get the same, because the counter is locked."""
    columns = _columns(profile)
    for _ in range(TRIES):
        code = profile.code or numbers.SERIES["CL"].pattern.format(value=await rows.take_number(tx.conn))
        no = await _guarded(tx, rows.insert(tx.conn, **{**columns, "code": code}))
        if no is not None:
            return int(no)
        if profile.code is not None:
            break
    raise CodeTaken


async def _save(tx: Tx, no: int, profile: Profile) -> None:
    await _guarded(tx, rows.save(tx.conn, no=no, **_columns(profile)))


async def _guarded(tx: Tx, statement: Any) -> Any:
    """Runs a statement that writes a partner, and says in words what stands against it."""
    try:
        async with tx.savepoint():
            return await statement
    except StorageError as error:
        constraint = constraint_of(error) or ""
        if is_foreign_key(error) and constraint in _GONE:
            # It was there when it was looked for, and was deleted since.
            name = _GONE[constraint]
            raise Invalid({name: f"The {_NOUNS[name]} was deleted meanwhile."}) from error
        refusal = _REFUSALS.get(constraint)
        if refusal is None:
            raise
        raise refusal() from error


_REFUSALS: Mapping[str, Callable[[], DispatchError]] = {
    "trade_partners_code": CodeTaken,
    "trade_partners_customer": CustomerTaken,
    "trade_partners_organisation": OrganisationTaken,
    "trade_partners_no_ring": lambda: Invalid({"parent_partner_id": "A partner cannot stand above itself."}),
}


# ---------------------------------------------------------------- parts


def profile_of(row: TradePartner) -> Profile:
    """What the forms see of a partner."""
    return Profile(**{f.name: getattr(row, f.name) for f in fields(Profile)})


def _columns(profile: Profile) -> dict[str, Any]:
    return {f.name: getattr(profile, f.name) for f in fields(Profile)}


def _filled(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent as empty takes the default, where a partner must have something."""
    return {name: _DEFAULTS.get(name) if value is None else value for name, value in columns.items()}


async def _check(tx: Tx, profile: Profile, form: Form, *, is_new: bool, no: int | None = None) -> dict[int, str | None]:
    """The custom values, checked. Raises Invalid with everything that is wrong at once."""
    bad: dict[str, Any] = {}
    unknown = await rows.unknown(
        tx.conn, price_list_id=profile.price_list_id, payment_term_id=form.payment_term_id, parent_no=profile.parent_no,
        salesperson_id=profile.salesperson_id, customer_no=profile.customer_no, vat_group_code=profile.vat_group_code,
        geo_area_code=profile.geo_area_code, organisation_id=profile.organisation_id,
    )  # fmt: skip
    bad |= {name: f"There is no such {_NOUNS[name]}." for name in unknown or ()}
    if no is not None and profile.parent_no == no:
        bad["parent_partner_id"] = "A partner cannot stand above itself."
    if (profile.geo_lat is None) != (profile.geo_lng is None):
        missing = "geo_lat" if profile.geo_lat is None else "geo_lng"
        bad[missing] = "Latitude and longitude go together: send both or neither."
    if form.account is not None and profile.customer_no is not None:
        bad["auth"] = "This partner has a customer; an account can be made for one without."
    if profile.status != "BLOCKED":
        bad |= {name: _NOT_BLOCKED for name in _OF_BLOCKS if getattr(profile, name)}
    if profile.blocked_until is not None and "blocked_until" in form.columns and profile.blocked_until <= tx.now:
        bad["blocked_until"] = "must be a day in the future"
    try:
        values = await custom_fields.checked(tx.conn, "partner", form.custom_fields, is_new=is_new)
    except Invalid as error:
        bad |= error.fields
    if bad:
        raise Invalid(bad)
    return values


_NOUNS = {
    "price_list_id": "price list", "payment_term_id": "payment term", "parent_partner_id": "partner",
    "salesperson_id": "salesperson", "customer_id": "customer of the ERP", "vat_group_code": "VAT group",
    "geo_area_code": "area", "organization_id": "organisation",
}  # fmt: skip


#: What each reference of a partner is called where it is wrong.
_GONE: Mapping[str, str] = {
    "trade_partners_price_list_id_fkey": "price_list_id", "trade_partners_salesperson_id_fkey": "salesperson_id",
    "trade_partners_vat_group_code_fkey": "vat_group_code", "trade_partners_geo_area_code_fkey": "geo_area_code",
    "trade_partner_terms_term_id_fkey": "payment_term_id", "trade_partners_customer_no_fkey": "customer_id",
}  # fmt: skip


def end_of_block(day: date, timezone: str) -> datetime:
    """A block until a day ends when that day begins, by the ERP's clocks."""
    return to_utc(day, time(), timezone)


def day_of_block(moment: datetime | None, timezone: str) -> date | None:
    return None if moment is None else local(moment, timezone).date()
