"""The onboarding as the domain knows it: whoever comes second finds it over."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.errors import NotSignedIn
from dispatch.events import Actor
from dispatch.parties import integration_onboarding, integrations
from dispatch.parties.integration_onboarding import Issued, OnboardingOver, Started
from dispatch.parties.integrations import NewIntegration
from dispatch.services import Services
from tests.turns import until_waiting

STRANGER = Actor("integration", None)
PAPER = {"type": "tax_id", "name": "Tax registration", "url": "https://acme.example/tax.pdf"}
ADDRESSES = {"webhook_url": "https://acme.example/hooks?key=s3cret", "callback_url": "https://acme.example/?key=s3cret"}


async def ready(services: Services) -> Started:
    """An app that has only its activation left."""
    async with services.transaction() as tx:
        new = NewIntegration("Acme Homes", "dev@acme.example", "+911234567890")
        begun = await integration_onboarding.start(tx, new, STRANGER)
        id, token = begun.integration.id, begun.token
        await integration_onboarding.set_business(tx, id, token, {"companyName": "Acme"}, STRANGER)
        await integration_onboarding.set_api(tx, id, token, ADDRESSES, STRANGER)
        await integration_onboarding.verify(tx, id, token, [PAPER], STRANGER)
    return begun


async def test_of_two_activations_at_once_one_gets_the_credentials(services: Services) -> None:
    begun = await ready(services)

    async def activate() -> Issued:
        async with services.transaction() as tx:
            return await integration_onboarding.activate(tx, begun.integration.id, begun.token, STRANGER)

    async with services.transaction() as tx:
        first = await integration_onboarding.activate(tx, begun.integration.id, begun.token, STRANGER)
        second = asyncio.create_task(activate())
        await until_waiting(services, second)
    with pytest.raises(NotSignedIn):
        await second
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM webhook_endpoints") == 1
    assert first.secret and first.webhook_secret


async def test_addresses_stand_in_the_audit_without_their_query(services: Services) -> None:
    begun = await ready(services)
    async with services.transaction() as tx:
        await integration_onboarding.activate(tx, begun.integration.id, begun.token, STRANGER)
        await integrations.delete(tx, begun.integration.id, STRANGER)
    async with services.read() as conn:
        entries = await conn.fetch("SELECT action, changes::text AS changes FROM audit_log")
    told = "".join(entry["changes"] or "" for entry in entries)
    assert "https://acme.example/hooks" in told and "callback_url" in told and "s3cret" not in told


async def test_a_lost_token_is_renewed_and_the_one_before_is_over(services: Services) -> None:
    begun = await ready(services)
    id = begun.integration.id
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE integrations SET onboarding_until = clock_timestamp()")
    async with services.transaction() as tx:
        renewed = await integration_onboarding.renew(tx, id, STRANGER)
    async with services.transaction() as tx:
        with pytest.raises(NotSignedIn):
            await integration_onboarding.activate(tx, id, begun.token, STRANGER)
        issued = await integration_onboarding.activate(tx, id, renewed.token, STRANGER)
    assert issued.integration.status == "active"
    async with services.transaction() as tx:
        with pytest.raises(OnboardingOver):
            await integration_onboarding.renew(tx, id, STRANGER)


@pytest.mark.parametrize("status", ["rejected", "active"])
async def test_what_staff_have_decided_is_begun_no_second_time(services: Services, status: str) -> None:
    begun = await ready(services)
    async with services.transaction() as tx:
        await integrations.set_status(tx, begun.integration.id, status, STRANGER)
        with pytest.raises(OnboardingOver):
            await integration_onboarding.renew(tx, begun.integration.id, STRANGER)
