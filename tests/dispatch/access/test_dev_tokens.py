"""Tokens minted by hand: for whom, by which name, in production for services only, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.auth import principals
from api.edge.credentials import Credentials
from dispatch.access import dev_tokens, signing
from dispatch.access.dev_tokens import NotInProduction
from dispatch.errors import Missing, NotSignedIn
from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, add_technician, make_services
from tests.parties import add_staff


@pytest.mark.parametrize("name", ["PT-001", "pt-001", OTHER_PHONE, "098765 43210", "id"])
async def test_a_technicians_token_by_any_name(services: Services, name: str) -> None:
    technician_id = await add_technician(services.pool)
    token = await dev_tokens.mint_dev_token(services, "technician", str(technician_id) if name == "id" else name)
    claims = services.tokens.read(token, "technician")
    assert claims.subject == str(technician_id) and claims.session_id is not None
    assert await services.sessions.alive(claims.session_id, "technician")


async def test_tokens_for_customers_staff_and_services(services: Services) -> None:
    customer = services.tokens.read(await dev_tokens.mint_dev_token(services, "customer", "098765 43210"), "customer")
    again = services.tokens.read(await dev_tokens.mint_dev_token(services, "customer", OTHER_PHONE), "customer")
    assert customer.subject == again.subject
    for _ in range(2):
        token = await dev_tokens.mint_dev_token(services, "admin", "staff@example.com")
        staff = services.tokens.read(token, "admin")
        assert staff.session_id is not None and await services.sessions.alive(staff.session_id, "admin")
    async with services.read() as conn:
        assert await conn.fetchval("SELECT role FROM memberships") == "super_admin"
    assert (
        services.tokens.read(await dev_tokens.mint_dev_token(services, "service", "cron"), "service").subject == "cron"
    )
    for kind, name in (
        ("technician", "PT-999"),
        ("technician", "+911111111111"),
        ("customer", str(customer.session_id)),
    ):
        with pytest.raises(Missing):
            await dev_tokens.mint_dev_token(services, kind, name)


async def test_production_mints_for_services_only(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, env="production")
    assert await dev_tokens.mint_dev_token(services, "service", "cron")
    for kind in ("admin", "customer", "technician"):
        with pytest.raises(dev_tokens.NotInProduction):
            await dev_tokens.mint_dev_token(services, kind, OTHER_PHONE)


async def test_a_services_tokens_are_ended_by_its_name(services: Services) -> None:
    mine = [await dev_tokens.mint_dev_token(services, "service", "cron") for _ in range(2)]
    other = await dev_tokens.mint_dev_token(services, "service", "another")
    for token in (*mine, other):
        assert (await principals.service(services, Credentials.of_token(token))).name
    assert await dev_tokens.revoke_service_tokens(services, "cron") == 2
    for token in mine:
        with pytest.raises(NotSignedIn):
            await principals.service(services, Credentials.of_token(token))
    assert (await principals.service(services, Credentials.of_token(other))).name == "another"
    assert await dev_tokens.revoke_service_tokens(services, "cron") == 0
    # One that names no sign-in could never be ended.
    bare = services.tokens.mint("service", "cron", None, 60)
    with pytest.raises(NotSignedIn):
        await principals.service(services, Credentials.of_token(bare))


async def test_the_password_of_the_demonstration_is_set_once_in_development(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path)
    account_id = await add_staff(services, "super_admin", "admin@example.com")
    await dev_tokens.set_dev_password(services, "admin@example.com", "dispatch demo")
    done = await signing.sign_in(services, "admin@example.com", "dispatch demo")
    assert done.tie.account_id == account_id
    await dev_tokens.set_dev_password(services, "admin@example.com", "another password")
    await signing.sign_in(services, "admin@example.com", "dispatch demo")
    with pytest.raises(Missing):
        await dev_tokens.set_dev_password(services, "nobody@example.com", "dispatch demo")
    production = make_services(fresh_pool, tmp_path, env="production")
    with pytest.raises(NotInProduction):
        await dev_tokens.set_dev_password(production, "admin@example.com", "dispatch demo")


async def test_the_first_of_every_kind_are_offered_in_development(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path)
    await add_technician(services.pool)
    await add_staff(services, "admin", "boss@example.com")
    await dev_tokens.mint_dev_token(services, "customer", "098765 43211")
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_verified = true WHERE phone IS NOT NULL")
    people = {person.kind: person.name for person in await dev_tokens.seeded_people(services)}
    assert people.keys() == {"admin", "technician", "customer"} and people["admin"] == "boss@example.com"
    for kind, name in people.items():
        pair = await dev_tokens.open_dev_session(services, kind, name)
        assert pair.refresh_token and services.tokens.read(pair.access_token, kind).session_id is not None
    with pytest.raises(Missing):
        await dev_tokens.open_dev_session(services, "service", "sms")
    production = make_services(fresh_pool, tmp_path, env="production")
    for refused in (dev_tokens.seeded_people(production), dev_tokens.open_dev_session(production, "admin", "b@x.de")):
        with pytest.raises(NotInProduction):
            await refused
