"""For tests about people and messages: services on a real database, people, codes from the outbox."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from dispatch.access import otp
from dispatch.bus import LocalBus
from dispatch.clock import Clock
from dispatch.live.sessions import Pair, Sessions
from dispatch.ports.geocoding import NoGeocoder
from dispatch.services import Services
from dispatch.tokens import Tokens
from dispatch.vault import vault_of
from storage.database.pool import Pool
from tests.world import GivenSettings

PHONE = "+911234567890"
OTHER_PHONE = "+919876543210"


def make_services(pool: Pool, data: Path, **settings: Any) -> Services:
    """Everything that identity needs; the engine's parts are absent."""
    made = GivenSettings(**{"env": "test", "data": data, **settings})
    bus = LocalBus()
    tokens = Tokens({"t1": b"a key for tests, thirty-two bytes"})
    absent = cast(Any, None)
    return Services(
        settings=made, clock=Clock(), pool=pool, bus=bus, tokens=tokens,
        sessions=Sessions(pool, tokens, vault_of(made), bus, made.tokens),
        zones=absent, roster=absent, tracker=absent, open_gateway=absent, geocoder=NoGeocoder(),
    )  # fmt: skip


async def send_code(services: Services, phone: str = PHONE, purpose: str = "login", ip: str | None = None) -> str:
    """Asks for a code and reads it where the SMS would have been."""
    async with services.transaction() as tx:
        await otp.send(tx, phone, purpose, ip)
    return await code_in_outbox(services, phone)


async def code_in_outbox(services: Services, phone: str = PHONE) -> str:
    async with services.read() as conn:
        body = await conn.fetchval("SELECT body FROM outbox WHERE recipient = $1 ORDER BY id DESC LIMIT 1", phone)
    found = re.match(r"\d{6}", body)
    assert found is not None
    return found[0]


def wrong(code: str) -> str:
    """Another code of six digits."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def add_technician(pool: Pool, phone: str = OTHER_PHONE, **columns: Any) -> UUID:
    """A verified technician PT-..., with other values of `technicians` if given."""
    values = {"is_active": True, "onboarding_status": "verified", **columns}
    async with pool.connection() as conn:
        number = await conn.fetchval("SELECT count(*) + 1 FROM parties")
        technician_id = await conn.fetchval(
            "INSERT INTO parties (kind, code, name, phone) "
            "VALUES ('technician', $1, 'A Technician', $2) RETURNING id",
            f"PT-{number:03d}", phone,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO technicians (id, categories, tiers, is_active, onboarding_status) "
            "VALUES ($1, '{Facial}', '{Minimal}', $2, $3)",
            technician_id, values["is_active"], values["onboarding_status"],
        )  # fmt: skip
    return UUID(str(technician_id))


async def add_booking(pool: Pool, account_id: UUID, status: str = "completed", **columns: Any) -> UUID:
    """A booking of the account with a recognisable address and contact."""
    technician_id = columns.get("technician_id")
    timer = {"pending": "dispatch", "confirmed": "watch"}.get(status)
    async with pool.connection() as conn:
        booking_id = await conn.fetchval(
            """
            INSERT INTO bookings (number, account_id, address, contact, lat, lng, timezone, local_date,
              local_time, starts_at, ends_at, categories, tiers, status, payment_method, currency,
              subtotal_minor,
              savings_minor, discount_minor, tax_minor, grand_total_minor, technician_id, next_action,
              next_action_at, feedback)
            VALUES ('BK-' || left(gen_random_uuid()::text, 8), $1,
              '{"address_line1": "CANARY STREET 5", "city": "Kolkata", "state": "West Bengal"}',
              '{"name": "CANARY NAME", "phone": "+911234567890"}', 22.5726, 88.3639, 'Asia/Kolkata',
              '2026-01-15', '10:00', now(), now() + interval '1 hour', '{Facial}', '{Minimal}', $2, 'cash',
              'INR',
              1000, 0, 0, 180, 1180, $3, $4, CASE WHEN $4::text IS NULL THEN NULL ELSE now() END,
              'CANARY FEEDBACK') RETURNING id
            """,
            account_id, status, technician_id, timer,
        )  # fmt: skip
    return UUID(str(booking_id))


async def everything(pool: Pool) -> str:
    """The whole database as text, for looking for what must not be in it."""
    async with pool.connection() as conn:
        tables = await conn.fetch(
            "SELECT c.oid::regclass::text AS name "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'r' AND n.nspname = 'public'"
        )
        parts = []
        for table in tables:
            rows = await conn.fetch(f"SELECT t::text AS line FROM {table['name']} t")  # noqa: S608
            parts += [f"{table['name']}: {_readable(row['line'])}" for row in rows]
    return "\n".join(parts)


def _readable(line: str) -> str:
    """Bytes as the text that they are, if they are: a stored answer hides nothing in hexadecimal."""
    read = re.sub(
        r"\\+x((?:[0-9a-f]{2})+)", lambda m: bytes.fromhex(m.group(1)).decode("utf-8", errors="replace"), line
    )
    return " ".join(read.split())


async def refresh(services: Services, realm: str, token: str) -> Pair:
    """Rotates a refresh token in a transaction of its own."""
    async with services.transaction() as tx:
        return await services.sessions.refresh(tx, realm, token)
