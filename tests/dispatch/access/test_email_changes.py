"""A new address signs in once whoever reads it has followed the newest link, and no address is two accounts'."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from dispatch.access import email_changes, passwords, signing
from dispatch.access.email_changes import AddressTaken
from dispatch.access.passwords import LinkRefused
from dispatch.parties import customers
from dispatch.services import Services
from storage import accounts as account_rows
from tests.dispatch.access.test_invitations import sent, token_sent
from tests.identity import code_in_outbox
from tests.parties import PASSWORD, add_account

OLD, NEW = "old@example.com", "new@example.com"


async def asked(services: Services, account_id: UUID, email: str = NEW) -> str:
    """The token of the link that the address gets."""
    async with services.transaction() as tx:
        await email_changes.ask(tx, account_id, email)
    return await token_sent(services, email)


async def confirm(services: Services, token: str) -> str:
    async with services.transaction() as tx:
        return await email_changes.confirm(tx, token)


async def whose(services: Services, email: str) -> UUID | None:
    """The account that signs in under the address."""
    async with services.read() as conn:
        found = await account_rows.credentials(conn, email=email)
    return found and found.id


async def test_the_newest_wish_counts_and_once(services: Services) -> None:
    account_id = await add_account(services, OLD)
    first = await asked(services, account_id)
    second = await asked(services, account_id, "other@example.com")
    async with services.read() as conn:
        assert await email_changes.pending(conn, account_id) == "other@example.com"
        assert await email_changes.find(conn, first) is None
    with pytest.raises(LinkRefused):
        await confirm(services, first)
    assert (await whose(services, OLD), await whose(services, NEW)) == (account_id, None)
    assert await confirm(services, second) == "other@example.com"
    with pytest.raises(LinkRefused):
        await confirm(services, second)
    assert (await whose(services, OLD), await whose(services, "other@example.com")) == (None, account_id)
    assert await sent(services, OLD) == ["email_changed"]


async def test_an_address_that_signs_in_already_is_refused(services: Services) -> None:
    account_id = await add_account(services, OLD)
    token = await asked(services, account_id)
    await add_account(services, NEW)
    with pytest.raises(AddressTaken):
        await confirm(services, token)
    with pytest.raises(AddressTaken):
        await asked(services, account_id, NEW.upper())
    # One's own in another spelling is no other's.
    assert await confirm(services, await asked(services, account_id, OLD.upper())) == OLD


@pytest.mark.parametrize("how", ["forgotten", "while signed in", "by a link"])
async def test_a_new_password_ends_a_wish_that_somebody_else_may_have_had(services: Services, how: str) -> None:
    """Whoever sat in the account for a while has not got its address for good."""
    account_id = await add_account(services, OLD)
    token = await asked(services, account_id)
    if how == "forgotten":
        await signing.ask_new_password(services, OLD, "192.0.2.1")
        code = await code_in_outbox(services, OLD)
        await signing.reset_password(services, OLD, code, "another password")
    elif how == "while signed in":
        await signing.renew_password(services, account_id, PASSWORD, "another password", kept=uuid4())
    else:
        async with services.transaction() as tx:
            link = await passwords.make_link(tx, account_id)
        await signing.use_link(services, link, "another password")
    async with services.read() as conn:
        assert await email_changes.find(conn, token) is None and await email_changes.pending(conn, account_id) is None
    with pytest.raises(LinkRefused):
        await confirm(services, token)
    assert await whose(services, OLD) == account_id


async def test_a_blocked_account_is_not_told_that_its_address_is_confirmed(services: Services) -> None:
    account_id = await add_account(services, OLD)
    token = await asked(services, account_id)
    async with services.transaction() as tx:
        await customers.set_blocked(tx, account_id, is_blocked=True)
    with pytest.raises(LinkRefused):
        await confirm(services, token)
    async with services.read() as conn:
        assert await email_changes.find(conn, token) is None, "nor is the page of the link"
    assert await sent(services, OLD) == []
    async with services.transaction() as tx:
        await customers.set_blocked(tx, account_id, is_blocked=False)
    assert await confirm(services, token) == NEW
