"""A second proof for what matters: a code to the own phone, for one account and realm."""

from __future__ import annotations

import pytest

from dispatch.access import otp, step_up
from dispatch.errors import Invalid
from dispatch.parties import customers, technician_access
from dispatch.services import Services
from tests.dispatch.parties.people import sign_in, stepped_up
from tests.identity import OTHER_PHONE, PHONE, add_technician, send_code, wrong


async def test_step_up_with_a_code_to_the_own_phone(services: Services) -> None:
    technician_id = await add_technician(services.pool)
    code = await send_code(services, OTHER_PHONE, "reset_password")
    with pytest.raises(Invalid):
        await technician_access.confirm_step_up(services, technician_id, wrong(code))
    token = await technician_access.confirm_step_up(services, technician_id, code)
    step_up.check(services, token, "technician", technician_id, OTHER_PHONE)


async def test_step_up_is_for_one_account_realm_and_phone(services: Services) -> None:
    mine = (await sign_in(services)).account
    other = (await sign_in(services, OTHER_PHONE)).account
    token = await stepped_up(services)
    step_up.check(services, token, "customer", mine.id, mine.phone)
    claims = services.tokens.read(token, "step_up")
    assert claims.expires_at - claims.issued_at == 300
    for realm, subject, phone in (
        ("customer", other.id, other.phone),
        ("customer", other.id, mine.phone),
        ("customer", mine.id, other.phone),
        ("technician", mine.id, mine.phone),
        ("customer", mine.id, None),
    ):
        with pytest.raises(step_up.StepUpNeeded):
            step_up.check(services, token, realm, subject, phone)


async def test_an_access_token_or_none_is_no_step_up(services: Services) -> None:
    signed_in = await sign_in(services)
    for token in (None, "", "x", signed_in.pair.access_token, signed_in.pair.refresh_token):
        with pytest.raises(step_up.StepUpNeeded):
            step_up.check(services, token, "customer", signed_in.account.id, PHONE)
    old = services.tokens.mint("step_up", str(signed_in.account.id), None, -1, {"for": "customer"})
    with pytest.raises(step_up.StepUpNeeded):
        step_up.check(services, old, "customer", signed_in.account.id, PHONE)


async def test_step_up_without_an_account_sounds_like_a_wrong_code(services: Services) -> None:
    code = await send_code(services, PHONE, "reset_password")
    with pytest.raises(otp.InvalidOtp):
        await customers.confirm_step_up(services, PHONE, code)
