"""Enrolling two at once, whose account a phone or an address is, and what erasing an account leaves of a member."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dispatch.access import passwords, signing
from dispatch.access.permissions import ROLES
from dispatch.events import Actor
from dispatch.parties import billing_settings, custom_reports, erp_customers, members
from dispatch.parties import erasure as leaving
from dispatch.parties.billing_settings import BillingIn
from dispatch.parties.custom_reports import ReportIn
from dispatch.parties.members import Access, AlreadyMember, By, NewMember, TooManyMembers
from dispatch.services import Services, Tx
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage import accounts as account_rows
from storage import erasure
from storage import members as member_rows
from tests.dispatch.parties.people import sign_in, stepped_up
from tests.identity import PHONE
from tests.organisations import APART, NOON, Home, add_organisation
from tests.parties import PASSWORD
from tests.turns import Work, one_after_the_other

MAILBOX, CHOSEN = "mailbox@race.example", "of their own choice"


async def enrol(home: Home, n: int, email: str | None = None, phone: str | None = None) -> UUID:
    new = NewMember("P", str(n), email or f"p{n}@race.example", employee_no=f"E{n}", phone=phone)
    async with home.services.transaction() as tx:
        return await members.enrol(tx, home.by, new, "Org")


async def read_mailbox(home: Home, member_id: UUID) -> UUID:
    """Whoever reads the member's mailbox chooses a password by a link from there; returns their account."""
    async with home.services.transaction() as tx:
        link = await passwords.make_link(tx, (await members.get(tx.conn, home.by, member_id)).account_id)
    return await signing.use_link(home.services, link, CHOSEN)


async def known_as(home: Home, account_id: UUID) -> tuple[UUID, str] | None:
    """As whom an account belongs to the organisation, and how that stands."""
    async with home.services.read() as conn:
        found = await member_rows.of_account(conn, organisation_id=home.id, account_id=account_id)
    return found and (found.id, found.status)


async def check_apart(home: Home, mailbox: UUID, phone: UUID) -> None:
    """Neither of two accounts opens the other: not the phone's by a password, nor the mailbox's by a code."""
    async with home.services.read() as conn:
        at_mailbox, at_phone = [await account_rows.get(conn, id=one) for one in (mailbox, phone)]
        assert await account_rows.credentials_of(conn, id=phone) is None
        assert await account_rows.memberships_of(conn, account_id=phone) == []
    assert at_mailbox is not None and at_phone is not None and mailbox != phone
    assert (at_mailbox.phone, at_phone.email) == (None, None)
    assert (await signing.sign_in(home.services, MAILBOX, CHOSEN)).tie.account_id == mailbox
    assert (await sign_in(home.services)).account.id == phone


async def test_two_enrolments_never_pass_the_tier_together(services: Services) -> None:
    home = await add_organisation(services, expected_users=5)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE organisations SET member_count = 47 WHERE id = $1", home.id)
    made = await asyncio.gather(*(enrol(home, n) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(m, TooManyMembers) for m in made) == 5
    async with services.read() as conn:
        assert await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id) == 50


async def test_one_address_is_one_member_and_one_account(services: Services) -> None:
    home = await add_organisation(services)
    made = await asyncio.gather(*(enrol(home, n, "same@race.example") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(m, AlreadyMember) for m in made) == 3
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts WHERE email = 'same@race.example'") == 1


async def test_a_password_that_somebody_else_chose_makes_nobody_a_member(services: Services) -> None:
    """The customer was made by the ERP, which knows the password: pending until the link of the mailbox is used."""
    home, address = await add_organisation(services), "made@race.example"
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email=address, password=PASSWORD, phone=None
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
    member_id = await enrol(home, 1, address)
    async with services.transaction() as tx:
        assert (await members.get(tx.conn, home.by, member_id)).status == "pending"
        assert await account_rows.credentials(tx.conn, email=address) is None
        account_id = await home.account_of(member_id)
        link = await passwords.make_link(tx, account_id)
    await signing.use_link(services, link, CHOSEN)
    async with services.read() as conn:
        assert (await members.get(conn, home.by, member_id)).status == "active"


@pytest.mark.parametrize("first", ["the mailbox", "the phone", "the phone, before the enrolment"])
async def test_who_names_a_strangers_phone_shares_no_account_with_them(services: Services, first: str) -> None:
    """The organisation reads the mailbox. Both get in, each by what is theirs; the phone's owner is the member."""
    home, other = [await add_organisation(services) for _ in range(2)]
    if first == "the phone, before the enrolment":
        await sign_in(services)
    member_id = await enrol(home, 1, MAILBOX, PHONE)
    if first == "the mailbox":
        assert (await read_mailbox(home, member_id)) == await home.account_of(member_id)
        stranger = (await sign_in(services)).account.id
        mailbox = await home.account_of(member_id)
    else:
        stranger = (await sign_in(services)).account.id
        assert await known_as(home, stranger) == (member_id, "active")
        mailbox = await read_mailbox(home, member_id)
    await check_apart(home, mailbox, stranger)
    assert await known_as(home, stranger) == await known_as(home, mailbox) == (member_id, "active")
    assert await known_as(other, stranger) is None
    async with services.transaction() as tx:
        await members.apply_status(tx, home.id, member_id, "removed", None)
    assert await known_as(home, stranger) is None


async def test_who_names_a_strangers_address_shares_no_account_with_them(services: Services) -> None:
    """The organisation has the phone: it opens nothing of the account that signs in with the address."""
    elsewhere, home = [await add_organisation(services) for _ in range(2)]
    theirs = await read_mailbox(elsewhere, await enrol(elsewhere, 1, MAILBOX))
    member_id = await enrol(home, 1, MAILBOX, PHONE)
    assert (await home.account_of(member_id), await known_as(home, theirs)) == (theirs, (member_id, "active"))
    taker = (await sign_in(services)).account.id
    await check_apart(home, theirs, taker)
    assert await known_as(elsewhere, taker) is None


async def test_a_phone_that_only_the_erp_wrote_down_makes_nobody_share_an_account(services: Services) -> None:
    """Whoever reads the mailbox keeps what they made there; the phone's owner begins anew."""
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email=MAILBOX, password=PASSWORD, phone=PHONE
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
        account = await account_rows.by_phone(tx.conn, phone=PHONE)
        assert account is not None
        link = await passwords.make_link(tx, account.id)
    home = await add_organisation(services)
    await signing.use_link(services, link, CHOSEN)
    member_id = await enrol(home, 1, MAILBOX)
    assert await home.account_of(member_id) == account.id
    await check_apart(home, account.id, (await sign_in(services)).account.id)


async def test_a_phone_that_nobody_has_proved_speaks_for_nobody(services: Services) -> None:
    """An account with the phone that somebody else made is no member, and its password stays what it was."""
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email="made@race.example", password=PASSWORD, phone=PHONE
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
        account = await account_rows.by_phone(tx.conn, phone=PHONE)
    home = await add_organisation(services)
    member_id = await enrol(home, 1, MAILBOX, PHONE)
    async with services.read() as conn:
        assert account is not None and await account_rows.credentials(conn, email="made@race.example") is not None
        assert (await members.get(conn, home.by, member_id)).status == "pending"
    assert await known_as(home, account.id) is None
    # Its owner's first code makes it theirs, and them the member.
    assert (await sign_in(services)).account.id == account.id
    assert await known_as(home, account.id) == (member_id, "active")


async def test_two_members_may_have_one_phone(services: Services) -> None:
    """As at a reception: whoever answers it is the one who is active, or who was there first."""
    home = await add_organisation(services)
    first, second = [await enrol(home, n, phone=PHONE) for n in (1, 2)]
    account_id = (await sign_in(services)).account.id
    assert await known_as(home, account_id) == (first, "active")
    async with services.transaction() as tx:
        await members.apply_status(tx, home.id, first, "suspended", None)
    assert await known_as(home, account_id) == (second, "active")


async def test_who_leaves_is_no_longer_known_by_their_phone(services: Services) -> None:
    home = await add_organisation(services)
    member_id = await enrol(home, 1, phone=PHONE)
    account_id = (await sign_in(services)).account.id
    await leaving.erase(services, account_id, await stepped_up(services))
    async with services.read() as conn:
        assert (await members.get(conn, home.by, member_id)).phone is None
    assert await known_as(home, (await sign_in(services)).account.id) is None


async def test_each_members_events_leave_in_an_order_of_their_own(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        owner, events = Owner("organisation", home.id), ("user.enrolled", "user.suspended")
        await endpoints.create(tx, owner, Actor("admin", None), url="https://hooks.example.com/in", events=events)
    first, second = [await enrol(home, n) for n in (1, 2)]
    async with services.transaction() as tx:
        await members.apply_status(tx, home.id, first, "suspended", "Left")
    async with services.read() as conn:
        told = await conn.fetch("SELECT type, data ->> 'member_id' AS who, stream FROM webhook_deliveries ORDER BY no")
    assert [(t["type"], t["who"]) for t in told] == [
        ("user.enrolled", str(first)), ("user.enrolled", str(second)), ("user.suspended", str(first)),
    ]  # fmt: skip
    assert told[0]["stream"] == told[2]["stream"] != told[1]["stream"]


#: Beside the owner and the administrators, who give all that there is to give.
GIFTS = {role: set(members.ACCESS_LEVELS) for role in ("partner_owner", "partner_admin")} | {
    role: {"standard"} for role in ("partner_manager", "key")
}


async def test_nobody_gives_or_takes_more_than_their_role_may(services: Services) -> None:
    home = await add_organisation(services)
    of_level = {level: await home.member(level) for level in members.ACCESS_LEVELS}
    plain = await home.member()

    async def may(work: Callable[[Tx], Awaitable[object]]) -> bool:
        try:
            async with services.transaction() as tx:
                await work(tx)
        except members.OutOfReach:
            return False
        return True

    for role in (*ROLES["organisation"], "key"):
        by = By(home.id, Actor("organisation", "somebody"), role)
        for level, member_id in of_level.items():
            given = GIFTS.get(role, set())
            new = NewMember("P", "Q", f"{role}.{level}@gifts.example", access_level=level)
            access = Access(level, None, True, False, None, ())
            assert await may(lambda tx, by=by, new=new: members.enrol(tx, by, new, "Org")) is (level in given)
            granted = await may(lambda tx, by=by, access=access: members.set_access(tx, by, plain, access))
            assert granted is (level in given), (role, level)
            taken = await may(lambda tx, by=by, who=member_id: members.set_status(tx, by, who, "suspended"))
            assert taken is (level in given), (role, level)
            async with services.transaction() as tx:
                await members.set_access(tx, home.by, plain, Access("standard", None, True, False, None, ()))


async def test_whoever_comes_back_begins_as_anybody_does(services: Services) -> None:
    home = await add_organisation(services)
    first = await enrol(home, 1)
    async with services.read() as conn:
        new = await members.get(conn, home.by, first)
    async with services.transaction() as tx:
        await members.set_access(tx, home.by, first, Access("finance", None, False, True, 5000, ("cleaning",)))
        await members.set_status(tx, home.by, first, "removed", "Left")
    assert await enrol(home, 1) == first
    async with services.read() as conn:
        again = await members.get(conn, home.by, first)
    assert replace(again, enrolled_at=new.enrolled_at) == new


@pytest.mark.parametrize("how", ["removed", "erased"])
async def test_who_is_gone_gets_no_reports_and_no_invoices(services: Services, how: str) -> None:
    home = await add_organisation(services)
    gone, stays = await home.member("manager"), await home.member("finance")
    async with services.transaction() as tx:
        theirs, another = [(await members.get(tx.conn, home.by, one)).email or "" for one in (gone, stays)]
        told = [theirs.upper(), "books@accountant.example", another]
        await billing_settings.put(tx, home.id, BillingIn(recipients=told), None)
        await tx.conn.execute("UPDATE organisations SET tier = 'enterprise' WHERE id = $1", home.id)
        new = ReportIn("Weekly", ["spending"], frequency="weekly", recipients=told)
        report = await custom_reports.define(tx, home.by, new)
    account_id = await home.account_of(gone)
    async with services.transaction() as tx:
        await members.set_status(tx, home.by, gone, "suspended")
    async with services.read() as conn:
        assert (await billing_settings.get(conn, home.id)).recipients == told, "they may come back"
    async with services.transaction() as tx:
        if how == "removed":
            await members.set_status(tx, home.by, gone, "removed")
        else:
            await leaving.wipe(tx, account_id)
    async with services.read() as conn:
        assert (await billing_settings.get(conn, home.id)).recipients == told[1:]
        assert (await custom_reports.get(conn, home.by, report.id)).recipients == told[1:]


async def test_stats_are_of_what_was_not_cancelled(services: Services) -> None:
    home = await add_organisation(services)
    member_id, day = await home.member(), NOON.date()
    await home.done(day, member_id=member_id)
    await home.done(day + timedelta(days=1), member_id=member_id, status="cancelled", fee_minor=5000)
    async with services.read() as conn:
        found = (await members.stats(conn, [member_id]))[member_id]
    assert (found.bookings, found.spent_minor) == (1, 58200)


@pytest.mark.parametrize("timezone", APART)
async def test_what_is_planned_for_a_day_happens_on_it_where_the_organisation_is(
    services: Services, timezone: str
) -> None:
    home = await add_organisation(services)
    here = await home.in_zone(timezone, NOON)
    today, tomorrow = await home.member(), await home.member()
    async with services.transaction() as tx:
        await members.set_status(tx, home.by, today, "suspended", on_day=here)
        await members.set_status(tx, home.by, tomorrow, "suspended", on_day=here + timedelta(days=1))
    assert await members.apply_planned(services) == 1
    async with services.read() as conn:
        found = [await members.get(conn, home.by, one) for one in (today, tomorrow)]
    assert [m.status for m in found] == ["suspended", "active"]


async def test_one_whose_change_fails_holds_up_nobody(services: Services) -> None:
    home = await add_organisation(services)
    here = await home.in_zone("Asia/Kolkata", NOON)
    made = [await home.member() for _ in range(2)]
    async with services.transaction() as tx:
        for member_id in made:
            await members.set_status(tx, home.by, member_id, "suspended", on_day=here)
        sick = f"CHECK (id <> '{made[0]}' OR status <> 'suspended')"
        await tx.conn.execute(f"ALTER TABLE memberships ADD CONSTRAINT sick {sick}")
        await tx.conn.execute("UPDATE members SET next_status_on = next_status_on - 1 WHERE id = $1", made[0])
    assert await members.apply_planned(services) == 1
    async with services.read() as conn:
        assert (await members.get(conn, home.by, made[1])).status == "suspended"


async def test_an_erased_account_leaves_no_name(services: Services) -> None:
    home = await add_organisation(services)
    member_id = await home.member(phone="+919876500001", employee_no="E-CANARY", segment="CANARY")
    account_id = await home.account_of(member_id)
    async with services.transaction() as tx:
        await erasure.end_memberships(tx.conn, account_id=account_id)
        await erasure.erase_members(tx.conn, account_id=account_id)
    async with services.read() as conn:
        kept = await conn.fetchval("SELECT m::text FROM members m WHERE id = $1", member_id)
        count = await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id)
    assert "CANARY" not in kept and "9876500001" not in kept and "Former" in kept
    assert count == 1


async def test_the_role_of_a_member_is_that_of_the_last_of_two_changes(services: Services) -> None:
    home = await add_organisation(services)
    member_id = await enrol(home, 1)

    def giving(level: str) -> Work:
        return lambda tx: members.set_access(tx, home.by, member_id, Access(level, None, True, False, None, []))

    _, after = await one_after_the_other(services, giving("admin"), giving("standard"))
    assert (after.access_level, after.role) == ("standard", "partner_member")
