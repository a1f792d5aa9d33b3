"""Two who block one customer at once: one of them does, and is written down."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import users
from dispatch.services import Services, Tx
from storage.users import User
from tests.dispatch.parties.people import sign_in
from tests.turns import one_after_the_other

STAFF = Actor("admin", "7")


async def test_who_is_blocked_meanwhile_is_blocked_once(services: Services) -> None:
    account_id = (await sign_in(services)).account.id

    async def block(tx: Tx) -> User:
        return await users.set_active(tx, STAFF, account_id, is_active=False, reason="fraud")

    one, two = await one_after_the_other(services, block, block)
    assert not one.is_active and not two.is_active
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM audit_log WHERE action = 'block_user'") == 1
