"""Pushes go to the apps and pages that are signed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dispatch.config.neighbours import Push
from dispatch.errors import Invalid
from dispatch.live.sessions import Ending
from dispatch.outbox import push_tokens
from dispatch.outbox.push_tokens import PagesNotPushed
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.ports.messages import Message, RecipientGone
from dispatch.ports.web_push import Subscription
from dispatch.services import Services
from tests.dispatch.outbox.test_notifications import booked, happen, outbox


async def sign_in(services: Services, realm: str, subject_id: UUID) -> UUID:
    async with services.transaction() as tx:
        pair = await services.sessions.open(tx, realm, subject_id, ip=None, user_agent=None)
    claims = services.tokens.read(pair.access_token, realm)
    assert claims.session_id is not None
    return claims.session_id


async def register(services: Services, session_id: UUID, token: str, **owner: UUID) -> None:
    async with services.transaction() as tx:
        await push_tokens.register(tx, session_id, token, "android", **owner)


async def test_a_push_goes_to_every_app_that_is_signed_in(services: Services) -> None:
    account_id, _, booking_id = await booked(services)
    one, two, out = [await sign_in(services, "customer", account_id) for _ in range(3)]
    for session_id, token in ((one, "old token"), (one, "token one"), (two, "token two"), (out, "token out")):
        await register(services, session_id, token, account_id=account_id)
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, out, Ending.SIGNED_OUT)
    await happen(services, booking_id, "booking.completed")
    pushes = await outbox(services, "push")
    assert {p["data"]["token"] for p in pushes} == {"token one", "token two"}
    assert len({p["stream"] for p in pushes}) == 2, "an app that is away holds up no other"
    # Somebody else signs in on the same phone.
    other = await _account(services)
    await register(services, await sign_in(services, "customer", other), "token one", account_id=other)
    async with services.transaction() as tx:
        await push_tokens.forget(tx, "token two", account_id=other)
        await push_tokens.forget(tx, "token two", account_id=account_id)
    await happen(services, booking_id, "booking.completed")
    [push] = (await outbox(services, "push"))[2:]
    assert "topic" in push["data"] and "token" not in push["data"]


async def _account(services: Services) -> UUID:
    async with services.transaction() as tx:
        return UUID(str(await tx.conn.fetchval("INSERT INTO accounts (phone) VALUES ('+911234500000') RETURNING id")))


async def test_an_offer_is_pushed_to_the_technicians_app(services: Services) -> None:
    _, technician_id, booking_id = await booked(services)
    await register(services, await sign_in(services, "technician", technician_id), "token", technician_id=technician_id)
    await happen(services, booking_id, "partner.assigned", technician_id=str(technician_id))
    [push] = await outbox(services, "push")
    assert (push["data"]["token"], push["data"]["type"]) == ("token", "offer_made")


async def test_an_app_that_is_gone_is_dropped(services: Services) -> None:
    _, technician_id, booking_id = await booked(services)
    await register(services, await sign_in(services, "technician", technician_id), "token", technician_id=technician_id)
    await happen(services, booking_id, "partner.assigned", technician_id=str(technician_id))

    class Provider:
        async def send(self, message: Message) -> None:
            raise RecipientGone("the app is no longer registered")

        async def close(self) -> None:
            return None

    await OutboxSweeper(services, "push", Provider()).run_once()
    assert [p["state"] for p in await outbox(services, "push")] == ["dead"]
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM push_tokens") == 0


PAGE = Subscription(
    "https://updates.push.services.mozilla.com/wpush/v2/one",
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg",
)  # fmt: skip


@pytest.fixture
def with_key(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """A server that pushes to pages."""
    push = Push.model_validate({"private_key": "B" * 43, "contact": "mailto:ops@example.com"})
    monkeypatch.setattr(services, "settings", services.settings.model_copy(update={"push": push}))
    return services


async def test_an_offer_is_pushed_to_the_page_for_as_long_as_it_is_open(with_key: Services) -> None:
    services = with_key
    _, technician_id, booking_id = await booked(services)
    session_id = await sign_in(services, "technician", technician_id)
    async with services.transaction() as tx:
        await push_tokens.register_page(tx, session_id, PAGE, technician_id=technician_id)
        until = tx.now + timedelta(minutes=15)
    named = {"technician_id": str(technician_id), "expires_at": until.isoformat()}
    await happen(services, booking_id, "partner.assigned", **named)
    to_page, to_topic = sorted(await outbox(services, "push"), key=lambda push: "page" not in push["data"])
    assert to_page["data"]["token"] == PAGE.endpoint
    assert to_page["data"]["page"] == {"p256dh": PAGE.p256dh, "auth": PAGE.auth}
    assert 0 < to_page["data"]["life_s"] <= 86_400
    assert "page" not in to_topic["data"] and to_topic["data"]["topic"], "an app may listen as well"
    await happen(services, booking_id, "booking.cancelled", **named)
    assert all("life_s" not in push["data"] for push in (await outbox(services, "push"))[2:])


async def test_only_a_page_of_a_push_service_is_taken_and_only_with_a_key(
    with_key: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = with_key
    _, technician_id, _ = await booked(services)
    session_id = await sign_in(services, "technician", technician_id)
    async with services.transaction() as tx:
        with pytest.raises(Invalid) as bad:
            wrong = replace(PAGE, endpoint="https://10.0.0.1/x", auth="?")
            await push_tokens.register_page(tx, session_id, wrong, technician_id=technician_id)
        assert set(bad.value.fields) == {"endpoint", "keys.auth"}
        monkeypatch.setattr(services, "settings", services.settings.model_copy(update={"push": Push()}))
        with pytest.raises(PagesNotPushed):
            await push_tokens.register_page(tx, session_id, PAGE, technician_id=technician_id)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM push_tokens") == 0
