"""The audit: what differs, without secrets, with address and agent; it only grows, and tampering shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.engine import audit
from dispatch.events import Actor, Origin
from dispatch.services import Services
from storage import audit as rows

WHO = Actor("admin", str(uuid4()), Origin("203.0.113.9", "Browser/1"))


@dataclass(frozen=True, slots=True)
class Thing:
    id: UUID
    name: str
    price: Decimal
    account_number: str | None = None


async def told(services: Services, action: str) -> dict[str, object]:
    async with services.read() as conn:
        row = await conn.fetchrow("SELECT * FROM audit_log WHERE action = $1 ORDER BY id DESC LIMIT 1", action)
    assert row is not None
    return dict(row)


async def some(services: Services, count: int) -> None:
    for n in range(count):
        async with services.transaction() as tx:
            await audit.record(tx, WHO, "do_thing", "thing", n, {"n": n})


async def tamper(services: Services, sql: str) -> None:
    """As somebody would who owns the database: past its triggers."""
    async with services.transaction() as tx:
        await tx.conn.execute("SET LOCAL session_replication_role = replica")
        await tx.conn.execute(sql)


async def proof(services: Services) -> list[str]:
    async with services.read() as conn:
        return await audit.verify(conn)


async def test_what_differs_is_kept_with_who_and_from_where(services: Services) -> None:
    thing = Thing(uuid4(), "Facial", Decimal("10.50"))
    other = Thing(thing.id, "Facial deluxe", Decimal("10.50"))
    async with services.transaction() as tx:
        changes = await audit.changed(tx, WHO, "update_thing", "thing", thing.id, thing, other)
        assert await audit.changed(tx, WHO, "same_thing", "thing", thing.id, other, other) == {}
        await audit.changed(tx, WHO, "create_thing", "thing", thing.id, None, {"name": "x", "size": {1, 2}})
    assert changes == {"name": {"old": "Facial", "new": "Facial deluxe"}}
    row = await told(services, "update_thing")
    assert row["changes"] == changes and row["resource_id"] == str(thing.id)
    assert (row["realm"], row["actor_id"]) == ("admin", WHO.id)
    assert (row["ip"], row["user_agent"]) == ("203.0.113.9", "Browser/1")
    made = await told(services, "create_thing")
    assert made["changes"] == {"name": {"old": None, "new": "x"}, "size": {"old": None, "new": [1, 2]}}


async def test_secrets_are_masked_wherever_they_stand(services: Services) -> None:
    old = Thing(uuid4(), "a", Decimal(1), None)
    new = Thing(old.id, "a", Decimal(2), "000123456789")
    async with services.transaction() as tx:
        await audit.changed(tx, WHO, "update_bank", "thing", old.id, old, new)
        await audit.record(tx, WHO, "set_secrets", "thing", None, {
            "password": {"old": "old secret", "new": "new secret"}, "nested": {"api_key": "k", "pan": "ABCDE1234F"},
            "raw": b"bytes", "items": [{"otp_code": "123456"}],
        })  # fmt: skip
    changes = (await told(services, "update_bank"))["changes"]
    assert changes == {"price": {"old": "1", "new": "2"}, "account_number": {"old": None, "new": "***"}}
    assert (await told(services, "set_secrets"))["changes"] == {
        "password": {"old": "***", "new": "***"}, "nested": {"api_key": "***", "pan": "***"}, "raw": "***",
        "items": [{"otp_code": "***"}],
    }  # fmt: skip


@pytest.mark.parametrize("sql", [
    "UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log CASCADE",
    "UPDATE audit_chain SET hash = ''", "DELETE FROM audit_chain", "DELETE FROM audit_head",
])  # fmt: skip
async def test_the_database_lets_it_only_grow(services: Services, sql: str) -> None:
    await some(services, 1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
        async with services.transaction() as tx:
            await tx.conn.execute(sql)


async def test_an_entry_goes_with_its_deed(services: Services) -> None:
    with pytest.raises(ZeroDivisionError):
        async with services.transaction() as tx:
            await audit.record(tx, WHO, "undone", "thing", 1)
            raise ZeroDivisionError
    await some(services, 1)
    assert await proof(services) == []


async def test_entries_written_at_once_are_one_chain(services: Services) -> None:
    await asyncio.gather(*(some(services, 5) for _ in range(6)))
    assert await proof(services) == []
    async with services.read() as conn:
        assert (await audit.head(conn)).seq == 30


async def test_who_did_it_is_found_by_the_key_of_accounts(services: Services) -> None:
    """With walks discouraged, a plan that still walks over all accounts has no key to lean on."""
    async with services.transaction() as tx:
        await tx.conn.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        await tx.conn.execute("SET LOCAL enable_mergejoin = off; SET LOCAL enable_bitmapscan = off")
        found = await tx.conn.fetch(f"EXPLAIN SELECT a.name FROM {rows.sql.part('source')}")
    plan = "\n".join(row[0] for row in found)
    assert "accounts_pkey" in plan and "Index Cond: (id = " in plan, plan


@pytest.mark.parametrize("step", [audit.STEP, 3])
async def test_tampering_is_named(services: Services, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(audit, "STEP", step)
    await some(services, 8)
    await tamper(services, "UPDATE audit_log SET changes = '{\"n\": 99}' WHERE resource_id = '2'")
    await tamper(services, "DELETE FROM audit_log WHERE resource_id = '4'")
    await tamper(services, "INSERT INTO audit_log (realm, action, resource_type) VALUES ('admin', 'forged', 'thing')")
    found = await proof(services)
    assert len(found) == 3
    assert any("number 3) was changed" in text for text in found)
    assert any("number 5) is missing" in text for text in found)
    assert any("past the chain" in text for text in found)


@pytest.mark.parametrize("step", [audit.STEP, 2])
async def test_entries_that_are_gone_with_their_links_are_missed_also_at_the_end(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(audit, "STEP", step)
    await some(services, 6)
    for number in (2, 6):
        await tamper(services, f"DELETE FROM audit_log WHERE resource_id = '{number - 1}'")
        await tamper(services, f"DELETE FROM audit_chain WHERE seq = {number}")
    found = await proof(services)
    assert len(found) == 2 and "number 2 " in found[0] and "number 6 " in found[1]
