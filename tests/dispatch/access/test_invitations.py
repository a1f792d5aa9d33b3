"""Invitations: one account per address, however many at once, and never that of somebody who merely wrote it down."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import pytest

from dispatch.access import email_changes, invitations, passwords, signing
from dispatch.access.invitations import Invited
from dispatch.parties import erp_customers
from dispatch.services import Services
from storage import accounts as rows
from tests.parties import PASSWORD, add_account, add_party

ADDRESS = "dev@example.com"


async def invite(services: Services, party_id: UUID, email: str = ADDRESS) -> Invited:
    async with services.transaction() as tx:
        return await invitations.invite(
            tx, email, "A Developer", realm="integration", party_id=party_id, party_name="An app", role="owner"
        )


async def sent(services: Services, email: str = ADDRESS) -> list[str]:
    async with services.read() as conn:
        return [r["template"] for r in await conn.fetch("SELECT template FROM outbox WHERE recipient = $1", email)]


async def token_sent(services: Services, email: str = ADDRESS) -> str:
    async with services.read() as conn:
        body = await conn.fetchval("SELECT body FROM outbox WHERE recipient = $1 ORDER BY id DESC LIMIT 1", email)
    found = re.search(r"/account/(\S+?)\.? ", body)
    assert found is not None, body
    return found[1].rstrip(".")


async def test_a_link_sets_the_password_of_whoever_was_invited(services: Services) -> None:
    made = await invite(services, await add_party(services, "integration", "APP-1"))
    assert made.is_new and await sent(services) == ["password_link"]
    assert await signing.use_link(services, await token_sent(services), PASSWORD) == made.account_id
    done = await signing.sign_in(services, ADDRESS.upper(), PASSWORD)
    assert (done.tie.id, done.tie.realm, done.tie.role) == (made.membership_id, "integration", "owner")


async def test_invited_twice_before_choosing_a_password_is_one_account(services: Services) -> None:
    parties = [await add_party(services, "integration", f"APP-{n}") for n in range(6)]
    spellings = [ADDRESS, ADDRESS.upper()] * 3
    made = await asyncio.gather(*(invite(services, p, e) for p, e in zip(parties, spellings, strict=True)))
    assert len({m.account_id for m in made}) == 1 and len({m.membership_id for m in made}) == 6


async def test_who_has_a_password_keeps_it_and_is_told(services: Services) -> None:
    account_id = await add_account(services, ADDRESS)
    made = await invite(services, await add_party(services, "integration", "APP-1"))
    assert made.account_id == account_id and not made.is_new
    assert await sent(services) == ["membership_added"]
    assert await passwords.matches(await _hash(services), PASSWORD)


async def _hash(services: Services) -> str | None:
    async with services.read() as conn:
        found = await rows.credentials(conn, email=ADDRESS)
    return found.password_hash if found else None


async def test_an_address_in_a_customers_profile_is_nobodys_sign_in(services: Services) -> None:
    async with services.transaction() as tx:
        customer = await rows.insert(tx.conn, phone="+911234567890", email=ADDRESS, name="Not them")
    made = await invite(services, await add_party(services, "integration", "APP-1"))
    assert customer is not None and made.account_id != customer.id


async def test_links_lead_to_the_public_address(services: Services) -> None:
    assert passwords.page_of(services.settings, "t") == "http://127.0.0.1:8080/account/t"


async def hijacked(services: Services) -> UUID:
    """A customer whom the ERP made under the address, with a password that the ERP knows."""
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email=ADDRESS, password=PASSWORD, phone=None
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
    async with services.read() as conn:
        found = await rows.credentials(conn, email=ADDRESS)
    assert found is not None
    return found.id


async def test_a_password_that_somebody_else_chose_is_over_when_its_address_is_invited(services: Services) -> None:
    account_id = await hijacked(services)
    made = await invite(services, await add_party(services, "integration", "APP-1"))
    assert made.account_id == account_id and made.is_new and await sent(services) == ["password_link"]
    with pytest.raises(signing.WrongCredentials):
        await signing.sign_in(services, ADDRESS, PASSWORD)
    async with services.read() as conn:
        assert await rows.tie(conn, id=made.membership_id) is None
    await signing.use_link(services, await token_sent(services), "of their own choice")
    done = await signing.sign_in(services, ADDRESS, "of their own choice")
    assert done.tie.id == made.membership_id


async def test_changing_such_a_password_does_not_prove_it(services: Services) -> None:
    await hijacked(services)
    await signing.change_password(services, ADDRESS, PASSWORD, "another of the clerk")
    await invite(services, await add_party(services, "integration", "APP-1"))
    with pytest.raises(signing.WrongCredentials):
        await signing.sign_in(services, ADDRESS, "another of the clerk")


async def test_an_address_that_was_only_written_into_a_profile_proves_nothing(services: Services) -> None:
    account_id = await add_account(services, "own@example.com")
    async with services.transaction() as tx:
        await rows.update_profile(tx.conn, id=account_id, sets_name=False, name=None, sets_email=True, email=ADDRESS)
    made = await invite(services, await add_party(services, "integration", "APP-1"))
    assert made.is_new
    with pytest.raises(signing.WrongCredentials):
        await signing.sign_in(services, ADDRESS, PASSWORD)


@pytest.mark.parametrize("by_form", [False, True])
async def test_a_link_to_one_address_proves_no_other(services: Services, by_form: bool) -> None:
    """Whoever moves to another address with a link in hand does not use it in the other's name."""
    account_id = await add_account(services, "own@example.com")
    async with services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)
        if by_form:
            await email_changes.ask(tx, account_id, ADDRESS)
        else:
            await rows.update_profile(
                tx.conn, id=account_id, sets_name=False, name=None, sets_email=True, email="OWN@example.com"
            )
    wish = await token_sent(services) if by_form else None
    async with services.transaction() as tx:
        assert await passwords.find_link(tx.conn, token) is not None, "the address is the same"
        if wish is not None:
            await email_changes.confirm(tx, wish)
        else:
            await rows.update_profile(
                tx.conn, id=account_id, sets_name=False, name=None, sets_email=True, email=ADDRESS
            )
    with pytest.raises(passwords.LinkRefused):
        await signing.use_link(services, token, "another password")


async def test_whoever_is_asked_in_twice_may_follow_both(services: Services) -> None:
    """The other's invitation is another's word: it is not over because the first was followed."""
    made = []
    for n in (1, 2):
        provider = await add_party(services, "provider", f"P-{n}")
        async with services.transaction() as tx:
            if n == 1:
                account = await rows.insert(tx.conn, phone=None, email=ADDRESS, name="Asha")
                assert account is not None
            tie = await rows.join_party(
                tx.conn, account_id=account.id, realm="provider", party_id=provider, role="Staff", permissions={},
                status="pending",
            )  # fmt: skip
            assert tie is not None
            await passwords.invite(tx, account.id, tie, ADDRESS, party_name=f"P-{n}", inviter="Bola")
        made.append((tie, await token_sent(services)))
    async with services.transaction() as tx:
        plain = await passwords.make_link(tx, account.id)
    for _, token in made:
        await signing.use_link(services, token, PASSWORD)
    done = await signing.sign_in(services, ADDRESS, PASSWORD)
    assert {done.tie.id, *(tie.id for tie in done.others)} == {tie for tie, _ in made}
    with pytest.raises(passwords.LinkRefused):
        await signing.use_link(services, plain, "another password")


async def test_a_changed_password_ends_invitations(services: Services) -> None:
    """Whoever read the mailbox until then has no key left in hand."""
    account_id, provider = await add_account(services, ADDRESS), await add_party(services, "provider", "P-1")
    async with services.transaction() as tx:
        tie = await rows.join_party(
            tx.conn, account_id=account_id, realm="provider", party_id=provider, role="Staff", permissions={},
            status="pending",
        )  # fmt: skip
        assert tie is not None
        await passwords.invite(tx, account_id, tie, ADDRESS, party_name="P-1", inviter="Bola")
    token = await token_sent(services)
    await signing.change_password(services, ADDRESS, PASSWORD, "another password")
    with pytest.raises(passwords.LinkRefused):
        await signing.use_link(services, token, "a third password")
