"""Customers of the ERP: one account for an address and a phone, and linking makes nobody twice."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.errors import Missing
from dispatch.parties import erp_customers
from dispatch.parties.erp_customers import EmailTaken, NewAccount, PhoneTaken
from dispatch.services import Services
from storage import accounts as account_rows
from tests.identity import OTHER_PHONE, PHONE
from tests.trade import CLERK

#: No test signs in here, and hashing is slow.
HASH = "$none$"


async def make(services: Services, email: str, phone: str | None = None) -> int:
    async with services.transaction() as tx:
        return await erp_customers.make(tx, NewAccount("Asha", email, HASH, phone))


async def test_an_address_and_a_phone_are_one_accounts(services: Services) -> None:
    made = await asyncio.gather(
        *(make(services, email) for email in ("a@example.com", "A@example.com")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in made) == ["EmailTaken", "int"]
    await make(services, "b@example.com", PHONE)
    with pytest.raises(PhoneTaken):
        await make(services, "c@example.com", PHONE)
    with pytest.raises(EmailTaken):
        await make(services, "b@example.com", OTHER_PHONE)
    async with services.read() as conn:
        emails = [c.email for c in await erp_customers.find(conn)]
    # Whichever of the two was first.
    assert [email.lower() for email in emails if email] == ["b@example.com", "a@example.com"]


async def test_who_is_linked_twice_is_one_customer(services: Services) -> None:
    async with services.transaction() as tx:
        with pytest.raises(Missing):
            await erp_customers.link(tx, CLERK, PHONE)
        await account_rows.insert(tx.conn, phone=PHONE, email=None, name="Of the app")
    numbers = []
    for spelling in (PHONE, f"0{PHONE[3:]}"):
        async with services.transaction() as tx:
            numbers.append((await erp_customers.link(tx, CLERK, spelling)).no)
    assert numbers[0] == numbers[1]
    async with services.read() as conn:
        assert [(c.no, c.name) for c in await erp_customers.find(conn, "of the")] == [(numbers[0], "Of the app")]
        assert await conn.fetchval("SELECT count(*) FROM audit_log WHERE action = 'link_customer'") == 2
