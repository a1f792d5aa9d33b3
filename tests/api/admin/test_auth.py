"""Staff sign in over HTTP: with a password, with a second factor, and nobody else."""

from __future__ import annotations

import time
from base64 import b32decode
from typing import Any

from dispatch.access import totp
from tests.api.admin.office import Office
from tests.api.live import Person
from tests.parties import PASSWORD, add_staff

NOBODY = {"email": "nobody@example.com", "password": "wrong password"}


async def sign_in(office: Office, email: str, expect: int = 200) -> Any:
    body = {"email": email, "password": PASSWORD}
    return await office.boss.call("POST", "/v1/admin/auth/login", body, expect=expect)


async def test_the_answer_has_the_documented_keys_and_the_pair_rotates(office: Office) -> None:
    await add_staff(office.live.services, "finance", "fay@example.com", password=PASSWORD)
    data = (await sign_in(office, "FAY@example.com"))["data"]
    assert data["token"] == data["access_token"] and data["refresh_token"]
    assert data["admin"].keys() == {"id", "name", "email", "role"} and data["admin"]["role"] == "finance"
    assert (await office.audited("sign_in"))["ip"] == "127.0.0.1"
    old = {"refresh_token": data["refresh_token"]}
    new = (await office.boss.call("POST", "/v1/admin/auth/refresh-token", old))["data"]
    fay = Person(office.live, "admin", new["access_token"])
    me = (await fay.call("GET", "/v1/admin/auth/me"))["data"]
    assert me["permissions"]["payouts"] == ["read", "write"] and me["permissions"]["bookings"] == ["read"]
    await fay.call("POST", "/v1/admin/auth/logout")
    await fay.call("GET", "/v1/admin/auth/me", expect=401)
    await office.boss.call("POST", "/v1/admin/auth/refresh-token", {"refresh_token": new["refresh_token"]}, expect=401)
    await office.boss.call("POST", "/v1/admin/auth/refresh-token", {}, expect=401)


async def test_unknown_and_wrong_are_told_alike_and_what_is_missing_is_named(office: Office) -> None:
    known = {**NOBODY, "email": "boss@example.com"}
    answers = [
        (await office.boss.call("POST", "/v1/admin/auth/login", body, expect=401))["error"] for body in (NOBODY, known)
    ]
    assert answers[0] == answers[1]
    bad = await office.boss.call("POST", "/v1/admin/auth/login", {"email": "x"}, expect=422)
    assert {"email", "password"} <= bad["error"]["details"].keys()


async def test_a_customer_is_no_staff(office: Office) -> None:
    customer = await office.live.person("customer", "+911000100001")
    await customer.call("GET", "/v1/admin/auth/me", expect=401)


async def test_the_second_factor_in_two_steps(office: Office) -> None:
    await add_staff(office.live.services, "support", "sam@example.com", password=PASSWORD)
    sam = Person(office.live, "admin", (await sign_in(office, "sam@example.com"))["data"]["access_token"])
    secret = b32decode((await sam.call("POST", "/v1/admin/auth/totp/enrol", {}, expect=201))["data"]["secret"])
    step = totp.step_at(time.time())
    await sam.call("POST", "/v1/admin/auth/totp/confirm", {"code": "abc"}, expect=422)
    confirmed = await sam.call("POST", "/v1/admin/auth/totp/confirm", {"code": totp.code_at(secret, step - 1)})
    recovery = confirmed["data"]["recovery_codes"]
    asked = (await sign_in(office, "sam@example.com", expect=401))["error"]
    assert asked["code"] == "TOTP_REQUIRED"
    body = {"challenge": asked["details"]["challenge"], "code": totp.code_at(secret, step)}
    done = await sam.call("POST", "/v1/admin/auth/totp", body)
    assert done["data"]["admin"]["email"] == "sam@example.com"
    await sam.call("POST", "/v1/admin/auth/totp", body, expect=401)
    await sam.call("POST", "/v1/admin/auth/totp", {**body, "code": recovery[0]})
    # The other door leads to the same second step.
    other = await sam.call("POST", "/api/auth/signin", {"email": "sam@example.com", "password": PASSWORD}, expect=401)
    assert other["error"]["code"] == "TOTP_REQUIRED"
    assert (await sam.call("GET", "/v1/admin/auth/me"))["data"]["recovery_codes_left"] == 9
    await sam.call("POST", "/v1/admin/auth/totp/disable", {"code": recovery[1]})
    await sign_in(office, "sam@example.com")


async def letters_to(office: Office, email: str) -> list[str]:
    async with office.live.services.read() as conn:
        found = await conn.fetch("SELECT template FROM outbox WHERE recipient = $1 ORDER BY id", email)
    return [row["template"] for row in found]


async def test_whose_second_factor_changes_is_told_also_when_it_was_not_they(office: Office) -> None:
    sam_id = await add_staff(office.live.services, "support", "tessa@example.com", password=PASSWORD)
    sam = Person(office.live, "admin", (await sign_in(office, "tessa@example.com"))["data"]["access_token"])
    told: list[str] = []
    for n in range(2):
        secret = b32decode((await sam.call("POST", "/v1/admin/auth/totp/enrol", {}, expect=201))["data"]["secret"])
        code = totp.code_at(secret, totp.step_at(time.time()))
        confirmed = await sam.call("POST", "/v1/admin/auth/totp/confirm", {"code": code})
        told.append("second_factor_on")
        assert await letters_to(office, "tessa@example.com") == told
        if n == 0:
            recovery = confirmed["data"]["recovery_codes"]
            fresh = await sam.call("POST", "/v1/admin/auth/totp/recovery-codes", {"code": recovery[0]})
            told.append("recovery_codes_renewed")
            await sam.call("POST", "/v1/admin/auth/totp/disable", {"code": fresh["data"]["recovery_codes"][0]})
            told.append("second_factor_off")
    await office.boss.call("POST", f"/v1/admin/staff/{sam_id}/reset-password", {"removes_totp": True})
    assert await letters_to(office, "tessa@example.com") == [*told, "second_factor_off", "password_link"]
