"""Endpoints: whose they are, what they may be, secrets, and what is kept of a change."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from dispatch.errors import Invalid, Missing
from dispatch.webhooks import endpoints
from dispatch.webhooks.endpoints import TooManyEndpoints
from dispatch.webhooks.owners import PLATFORM, Owner
from storage.database.listing import Wanted
from tests.dispatch.webhooks.hooks import STAFF, URL, Hooks


async def test_an_endpoint_is_made_changed_and_deleted(hooks: Hooks) -> None:
    owner = Owner("organisation", await hooks.party("organisation"))
    made = await hooks.endpoint(owner, "booking.created", "user.enrolled", "booking.created", description="ours")
    assert made.secret.startswith("whsec_") and made.endpoint.events == ["booking.created", "user.enrolled"]
    services = hooks.world.services
    async with services.transaction() as tx:
        changed = await endpoints.change(
            tx, owner, made.endpoint.id, STAFF, events=["booking.cancelled"], is_active=False, description=""
        )
    assert (changed.events, changed.is_active, changed.disabled_reason) == (["booking.cancelled"], False, "owner")
    assert (changed.url, changed.description) == (URL, None)
    async with services.transaction() as tx:
        changed = await endpoints.change(tx, owner, made.endpoint.id, STAFF, is_active=True, url=f"{URL}?token=secret")
        assert changed.is_active and changed.disabled_at is None and changed.events == ["booking.cancelled"]
        await endpoints.delete(tx, owner, made.endpoint.id, STAFF)
        with pytest.raises(Missing):
            await endpoints.delete(tx, owner, made.endpoint.id, STAFF)
    async with services.read() as conn:
        assert (await endpoints.page(conn, owner, Wanted())).rows == []
    told = await hooks.world.fetch("SELECT action, changes::text FROM audit_log ORDER BY id")
    assert [r["action"] for r in told] == ["create_webhook", "change_webhook", "change_webhook", "delete_webhook"]
    assert "token" not in "".join(r["changes"] or "" for r in told)


async def test_what_is_somebody_elses_does_not_exist(hooks: Hooks) -> None:
    owner = Owner("organisation", await hooks.party("organisation"))
    made = await hooks.endpoint(owner)
    others = (PLATFORM, Owner("organisation", uuid4()), Owner("integration", owner.id))
    async with hooks.world.services.transaction() as tx:
        for other in others:
            assert (await endpoints.page(tx.conn, other, Wanted())).rows == []
            for attempt in (
                endpoints.get(tx.conn, other, made.endpoint.id),
                endpoints.change(tx, other, made.endpoint.id, STAFF, url=URL),
                endpoints.delete(tx, other, made.endpoint.id, STAFF),
                endpoints.rotate(tx, other, made.endpoint.id, STAFF),
                endpoints.test(tx, other, made.endpoint.id, STAFF),
            ):
                with pytest.raises(Missing):
                    await attempt


async def test_every_bad_field_is_named(hooks: Hooks) -> None:
    with pytest.raises(Invalid) as refused:
        await hooks.endpoint(PLATFORM, "booking.created", "no.such", url="http://10.0.0.1/", secret="short",
                             description="x" * 501)  # fmt: skip
    assert set(refused.value.fields) == {"url", "events", "secret", "description"}
    owner = Owner("integration", await hooks.party("integration"))
    with pytest.raises(Invalid, match="user.enrolled"):
        await hooks.endpoint(owner, "user.enrolled")
    with pytest.raises(Invalid) as refused:
        async with hooks.world.services.transaction() as tx:
            await endpoints.create(tx, owner, STAFF, url=URL, events=[])
    assert set(refused.value.fields) == {"events"}


async def test_a_clients_own_secret_is_taken_as_it_is_and_rotation_keeps_the_old_one_for_a_day(hooks: Hooks) -> None:
    made = await hooks.endpoint(secret="your_webhook_secret")
    assert made.secret == "your_webhook_secret"
    world, services = hooks.world, hooks.world.services
    async with services.transaction() as tx:
        rotated = await endpoints.rotate(tx, PLATFORM, made.endpoint.id, STAFF)
        assert rotated.secret != made.secret
        assert rotated.endpoint.previous_until == tx.now + timedelta(days=1)
        with pytest.raises(Invalid):
            await endpoints.rotate(tx, PLATFORM, made.endpoint.id, STAFF, "short")
    stored = await world.value("SELECT secret_enc FROM webhook_endpoints")
    assert endpoints.opened_secret(services.settings, made.endpoint.id, stored) == rotated.secret
    assert rotated.secret.encode() not in stored
    await world.advance(days=1, seconds=1)
    async with services.read() as conn:
        assert (await endpoints.get(conn, PLATFORM, made.endpoint.id)).previous_until is None


async def test_an_owner_has_so_many_endpoints_at_most(hooks: Hooks) -> None:
    for _ in range(endpoints.MOST_ENDPOINTS):
        await hooks.endpoint()
    with pytest.raises(TooManyEndpoints):
        await hooks.endpoint()
    await hooks.endpoint(Owner("provider", await hooks.party("provider")), "booking.completed")


async def test_the_most_holds_also_for_those_who_come_at_once(hooks: Hooks) -> None:
    for _ in range(endpoints.MOST_ENDPOINTS - 2):
        await hooks.endpoint()
    made = await asyncio.gather(*(hooks.endpoint() for _ in range(6)), return_exceptions=True)
    assert [type(one) for one in made].count(TooManyEndpoints) == 4, made


async def test_a_test_is_one_ping_also_for_what_is_switched_off(hooks: Hooks) -> None:
    made = await hooks.endpoint(is_active=False)
    async with hooks.world.services.transaction() as tx:
        delivery = await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    assert (delivery.type, delivery.state) == ("ping", "pending")
    assert [d.id for d in await hooks.log()] == [delivery.id]
