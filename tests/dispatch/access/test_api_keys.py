"""Credentials of machines: shown once, compared by hash, never more than their maker may do today."""

from __future__ import annotations

from uuid import UUID

import pytest

from dispatch.access import api_keys, permissions
from dispatch.access.api_keys import KeyHolder, NewKey, WrongAddress, WrongKey
from dispatch.services import Services
from tests.parties import add_account, add_membership, add_party, set_status


async def make(services: Services, party_id: UUID, kind: str = "integration", **more: object) -> NewKey:
    async with services.transaction() as tx:
        scopes = more.pop("scopes", {"bookings": "write"})
        return await api_keys.make(tx, party_id, kind=kind, name="test key", scopes=scopes, **more)  # type: ignore[arg-type]


async def check(services: Services, key: str, secret: str, ip: str | None = "192.0.2.7") -> KeyHolder:
    async with services.read() as conn:
        return await api_keys.check(conn, key, secret, ip)


async def test_a_key_is_its_partys_and_its_prefix_tells_which(services: Services) -> None:
    app, school = await add_party(services, "integration", "APP-1"), await add_party(services, "organisation", "ORG-1")
    ours, theirs = await make(services, app), await make(services, school, "organisation")
    assert theirs.public_key.startswith("pk_") and not ours.public_key.startswith("pk_")
    assert (await check(services, ours.public_key, ours.secret)).party_id == app
    assert (await check(services, theirs.public_key, theirs.secret)).party_id == school


async def test_near_misses_are_refused(services: Services) -> None:
    key = await make(services, await add_party(services, "integration", "APP-1"))
    other = await make(services, await add_party(services, "integration", "APP-2"))
    secrets = [
        "", key.secret[:-1], key.secret + "A", "X" + key.secret[1:], other.secret,
        key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B"), *(key.secret[:n] for n in range(1, 10)),
    ]  # fmt: skip
    for secret in secrets:
        with pytest.raises(WrongKey):
            await check(services, key.public_key, secret)
    for public_key in ("", key.public_key[:-1], "x" * 1000):
        with pytest.raises(WrongKey):
            await check(services, public_key, key.secret)


async def test_after_a_rotation_both_secrets_work_for_a_day(services: Services) -> None:
    party_id = await add_party(services, "integration", "APP-1")
    key = await make(services, party_id)
    async with services.transaction() as tx:
        new = await api_keys.rotate(tx, party_id, key.id)
    assert new is not None and new != key.secret
    await check(services, key.public_key, key.secret)
    await check(services, key.public_key, new)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE api_clients SET previous_until = clock_timestamp()")
    await check(services, key.public_key, new)
    with pytest.raises(WrongKey):
        await check(services, key.public_key, key.secret)


async def test_another_partys_key_is_not_rotated(services: Services) -> None:
    key = await make(services, await add_party(services, "integration", "APP-1"))
    async with services.transaction() as tx:
        assert await api_keys.rotate(tx, await add_party(services, "integration", "APP-2"), key.id) is None


async def test_addresses_that_are_not_allowed(services: Services) -> None:
    party_id = await add_party(services, "integration", "APP-1")
    key = await make(services, party_id, ip_allow=["192.0.2.0/24", "2001:db8::/32"])
    for ip in ("192.0.2.7", "2001:db8::7"):
        await check(services, key.public_key, key.secret, ip)
    for bad in ("198.51.100.7", "2001:db9::7", "unknown", None):
        with pytest.raises(WrongAddress):
            await check(services, key.public_key, key.secret, bad)
    with pytest.raises(WrongKey):
        await check(services, key.public_key, "wrong", "198.51.100.7")


async def test_a_key_never_has_more_than_its_maker_today(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "RESOURCES", {"organisation": frozenset({"bookings", "members"})})
    monkeypatch.setattr(permissions, "ROLES", {"organisation": {"manager": {"bookings": "write", "members": "read"}}})
    party_id = await add_party(services, "organisation", "ORG-1")
    account_id = await add_account(services, "asha@example.com", None)
    maker = await add_membership(services, account_id, "organisation", "manager", party_id)
    key = await make(
        services, party_id, "organisation", made_by=maker, scopes={"bookings": "write", "members": "write"}
    )
    holder = await check(services, key.public_key, key.secret)
    assert dict(holder.grants.levels) == {"bookings": "write", "members": "read"}
    async with services.transaction() as tx:
        await tx.conn.execute('UPDATE memberships SET permissions = \'{"bookings": "read"}\'')
    holder = await check(services, key.public_key, key.secret)
    assert dict(holder.grants.levels) == {"bookings": "read", "members": "read"}
    await set_status(services, maker, "removed")
    with pytest.raises(WrongKey):
        await check(services, key.public_key, key.secret)


@pytest.mark.parametrize("end", ["revoked_at = clock_timestamp()", "expires_at = clock_timestamp()"])
async def test_a_key_that_is_over_is_refused(services: Services, end: str) -> None:
    key = await make(services, await add_party(services, "integration", "APP-1"))
    async with services.transaction() as tx:
        await tx.conn.execute(f"UPDATE api_clients SET {end}")
    with pytest.raises(WrongKey):
        await check(services, key.public_key, key.secret)
