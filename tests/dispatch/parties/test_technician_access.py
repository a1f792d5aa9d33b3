"""A technician's sign-in, step-up, bank account, and tokens for development."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access import otp
from dispatch.parties import technician_access
from dispatch.services import Services
from tests.identity import OTHER_PHONE, PHONE, add_technician, refresh, send_code, wrong


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
