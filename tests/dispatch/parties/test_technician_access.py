"""A technician's sign-in, step-up, bank account, and tokens for development."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dispatch.access import dev_tokens, otp, step_up
from dispatch.errors import Invalid, Missing
from dispatch.parties import bank_accounts, technician_access
from dispatch.services import Services
from dispatch.vault import SealBroken, vault_of
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, add_technician, everything, make_services, refresh, send_code, wrong


async def test_a_verified_technician_signs_in_and_refreshes(services: Services) -> None:
    technician_id = await add_technician(services.pool)
    code = await send_code(services, OTHER_PHONE)
    signed_in = await technician_access.sign_in(services, OTHER_PHONE, code)
    assert signed_in.technician.id == technician_id
    assert services.tokens.read(signed_in.pair.access_token, "technician").subject == str(technician_id)
    await refresh(services, "technician", signed_in.pair.refresh_token)


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"is_active": False}, technician_access.TechnicianInactive),
        ({"onboarding_status": "pending"}, technician_access.TechnicianNotVerified),
        ({"onboarding_status": "rejected"}, technician_access.TechnicianRejected),
    ],
)
async def test_who_may_not_work_may_not_sign_in(
    services: Services, columns: dict[str, Any], refusal: type[Exception]
) -> None:
    await add_technician(services.pool, **columns)
    code = await send_code(services, OTHER_PHONE)
    with pytest.raises(otp.InvalidOtp):
        await technician_access.sign_in(services, OTHER_PHONE, wrong(code))
    with pytest.raises(refusal):
        await technician_access.sign_in(services, OTHER_PHONE, code)


async def test_an_unknown_phone_hears_what_a_wrong_code_hears(services: Services) -> None:
    code = await send_code(services, PHONE)
    with pytest.raises(otp.InvalidOtp):
        await technician_access.sign_in(services, PHONE, code)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT attempts FROM otp_challenges WHERE used_at IS NULL") == 1


async def test_step_up_with_a_code_to_the_own_phone(services: Services) -> None:
    technician_id = await add_technician(services.pool)
    code = await send_code(services, OTHER_PHONE, "reset_password")
    with pytest.raises(Invalid):
        await technician_access.confirm_step_up(services, technician_id, wrong(code))
    token = await technician_access.confirm_step_up(services, technician_id, code)
    step_up.check(services, token, "technician", technician_id, OTHER_PHONE)


async def test_a_bank_account_is_sealed_to_its_row_and_masked(services: Services, fresh_pool: Pool) -> None:
    technician_id = await add_technician(services.pool)
    for number in ("123456789012", "998877665544"):
        async with services.transaction() as tx:
            await bank_accounts.replace(
                tx, technician_id, number=number, ifsc="HDFC0001234", bank_name="HDFC Bank",
                account_name="A Technician", told_phone=OTHER_PHONE,
            )  # fmt: skip
    vault = vault_of(services.settings)
    async with services.read() as conn:
        account = await bank_accounts.find(conn, technician_id)
        assert account is not None
        assert bank_accounts.number_of(vault, account) == "998877665544"
        assert bank_accounts.masked(account) == "XXXXXX5544"
        assert await conn.fetchval("SELECT count(*) FROM bank_accounts WHERE NOT is_default") == 1
        assert await conn.fetchval("SELECT count(*) FROM outbox WHERE template = 'bank_account_changed'") == 2
    async with services.transaction() as tx:
        # A cell copied into another row opens nowhere.
        await tx.conn.execute(
            "UPDATE bank_accounts SET number_enc = "
            "(SELECT number_enc FROM bank_accounts WHERE NOT is_default) WHERE is_default"
        )
        moved = await bank_accounts.find(tx.conn, technician_id)
        assert moved is not None
        with pytest.raises(SealBroken):
            bank_accounts.number_of(vault, moved)
    dump = await everything(fresh_pool)
    assert "998877665544" not in dump and b"998877665544".hex() not in dump


@pytest.mark.parametrize("name", ["PT-001", "pt-001", OTHER_PHONE, "098765 43210", "id"])
async def test_a_technicians_token_by_any_name(services: Services, name: str) -> None:
    technician_id = await add_technician(services.pool)
    token = await dev_tokens.mint_dev_token(
        services, "technician", str(technician_id) if name == "id" else name
    )
    claims = services.tokens.read(token, "technician")
    assert claims.subject == str(technician_id) and claims.session_id is not None
    assert await services.sessions.alive(claims.session_id, "technician")


async def test_tokens_for_customers_staff_and_services(services: Services) -> None:
    customer = services.tokens.read(
        await dev_tokens.mint_dev_token(services, "customer", "098765 43210"), "customer"
    )
    again = services.tokens.read(
        await dev_tokens.mint_dev_token(services, "customer", OTHER_PHONE), "customer"
    )
    assert customer.subject == again.subject
    for _ in range(2):
        token = await dev_tokens.mint_dev_token(services, "admin", "staff@example.com")
        staff = services.tokens.read(token, "admin")
        assert staff.session_id is not None and await services.sessions.alive(staff.session_id, "admin")
    async with services.read() as conn:
        assert await conn.fetchval("SELECT role FROM memberships") == "super_admin"
    assert (
        services.tokens.read(await dev_tokens.mint_dev_token(services, "service", "cron"), "service").subject
        == "cron"
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
