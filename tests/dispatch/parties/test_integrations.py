"""Apps as the domain knows them: slugs, details laid over one another, races for one address, moves, events."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from dispatch.errors import DispatchError
from dispatch.events import Actor
from dispatch.live.sessions import RefreshRefused
from dispatch.parties import integrations
from dispatch.parties.integrations import (
    MOVES,
    DuplicateEntry,
    NewIntegration,
    PartnerExists,
    WrongMove,
    merged,
    slug_of,
)
from dispatch.services import Services
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage.integrations import Integration

STAFF = Actor("admin", "11111111-1111-4111-8111-111111111111")


def new(email: str = "dev@acme.example", **more: object) -> NewIntegration:
    return NewIntegration("Acme Homes", email, "+911234567890", **more)  # type: ignore[arg-type]


async def make(services: Services, wanted: NewIntegration) -> Integration:
    async with services.transaction() as tx:
        return await integrations.make(tx, wanted, STAFF)


@pytest.mark.parametrize(("name", "slug"), [
    ("Acme Homes", "acme-homes"), ("  A  b--c ", "a-b-c"), ("Zoë's & Co.", "zoes-co"), ("株式会社", "partner"),
    ("x" * 80, "x" * 50), ("a" * 49 + " b", "a" * 49), ("100%!", "100"),
])  # fmt: skip
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_details_are_merged_and_null_takes_away() -> None:
    kept = {"a": 1, "address": {"city": "Kolkata", "street": "1 Road"}}
    assert merged(kept, {"address": {"city": "Delhi"}, "b": 2}) == {
        "a": 1, "b": 2, "address": {"city": "Delhi", "street": "1 Road"},
    }  # fmt: skip
    assert merged(kept, {"address": None}) == {"a": 1}
    assert merged({"address": "text"}, {"address": {"city": "Delhi"}}) == {"address": {"city": "Delhi"}}
    assert kept == {"a": 1, "address": {"city": "Kolkata", "street": "1 Road"}}


async def test_eight_at_once_with_one_address_make_one_partner(services: Services) -> None:
    made = await asyncio.gather(*(make(services, new()) for _ in range(8)), return_exceptions=True)
    refused = [r for r in made if isinstance(r, DispatchError)]
    assert len(made) - len(refused) == 1 and all(isinstance(r, PartnerExists | DuplicateEntry) for r in refused)
    assert {r.details.get("field", "email") for r in refused if isinstance(r, DuplicateEntry)} <= {"email"}


async def test_eight_at_once_with_one_name_get_eight_slugs(services: Services) -> None:
    made = await asyncio.gather(*(make(services, new(f"dev{n}@acme.example")) for n in range(8)))
    assert {m.slug for m in made} == {"acme-homes", *(f"acme-homes-{n}" for n in range(1, 8))}


async def test_two_moves_at_once_are_one(services: Services) -> None:
    made = await make(services, new())

    async def move() -> str:
        async with services.transaction() as tx:
            return (await integrations.set_status(tx, made.id, "active", STAFF)).status

    done = await asyncio.gather(move(), move(), return_exceptions=True)
    assert sorted(type(d).__name__ for d in done) == ["WrongMove", "str"] and MOVES["rejected"] == ()
    assert any(isinstance(d, WrongMove) for d in done)


async def listening(services: Services, id: UUID, *events: str) -> None:
    async with services.transaction() as tx:
        await endpoints.create(tx, Owner("integration", id), STAFF, url="https://acme.example/hooks", events=events)


async def test_a_deleted_app_has_no_webhooks(services: Services) -> None:
    made = await make(services, new())
    other = await make(services, new("other@acme.example"))
    for one in (made, made, other):
        await listening(services, one.id, "security.alert")
    async with services.transaction() as tx:
        await integrations.delete(tx, made.id, STAFF)
    async with services.read() as conn:
        left = await conn.fetch("SELECT owner_id FROM webhook_endpoints WHERE deleted_at IS NULL")
        secrets = await conn.fetchval("SELECT count(*) FROM webhook_endpoints WHERE secret_enc <> ''")
        audited = await conn.fetchval("SELECT count(*) FROM audit_log WHERE action = 'delete_webhook'")
    assert [row["owner_id"] for row in left] == [other.id]
    assert (secrets, audited) == (1, 2)


# ---------------------------------------------------------------- who is told, and who manages it


async def letters(services: Services, template: str) -> list[tuple[str, str]]:
    async with services.read() as conn:
        found = await conn.fetch("SELECT recipient, body FROM outbox WHERE template = $1 ORDER BY id", template)
    return [(row["recipient"], row["body"]) for row in found]


async def managers(services: Services, id: UUID) -> dict[str, str]:
    async with services.read() as conn:
        ties = "memberships m JOIN accounts a ON a.id = m.account_id"
        found = await conn.fetch(f"SELECT a.email, m.status FROM {ties} WHERE m.party_id = $1", id)  # noqa: S608
    return {row["email"]: row["status"] for row in found}


async def test_an_app_is_written_to_about_what_staff_decide(services: Services) -> None:
    """Without a webhook it had no word of it."""
    made = await make(services, new())
    async with services.transaction() as tx:
        await integrations.set_status(tx, made.id, "active", STAFF)
        await integrations.change(tx, made.id, {"status": "suspended"}, STAFF)
        await integrations.set_status(tx, made.id, "active", STAFF)
        await integrations.delete(tx, made.id, STAFF)
    refused = await make(services, new("other@acme.example"))
    async with services.transaction() as tx:
        await integrations.set_status(tx, refused.id, "rejected", STAFF, "The papers are another company's.")
    said = "Acme Homes, your account with us is now"
    assert await letters(services, "partner_status") == [
        *(("dev@acme.example", f"{said} {status}. ") for status in ("active", "suspended", "active", "closed")),
        ("other@acme.example", f"{said} rejected. The papers are another company's."),
    ]


async def test_who_has_the_address_manages_the_app_and_who_had_it_no_longer(services: Services) -> None:
    made = await make(services, new())
    async with services.transaction() as tx:
        tie = await tx.conn.fetchval("SELECT id FROM memberships WHERE party_id = $1", made.id)
        pair = await services.sessions.open(tx, "integration", tie)
    async with services.transaction() as tx:
        await integrations.change(tx, made.id, {"name": "Acme", "email": "DEV@acme.example"}, STAFF)
    assert await managers(services, made.id) == {"dev@acme.example": "active"}
    async with services.transaction() as tx:
        await integrations.change(tx, made.id, {"email": "ops@acme.example"}, STAFF)
    assert await managers(services, made.id) == {"dev@acme.example": "removed", "ops@acme.example": "active"}
    assert [who for who, _ in await letters(services, "password_link")] == ["dev@acme.example", "ops@acme.example"]
    # And back again.
    async with services.transaction() as tx:
        with pytest.raises(RefreshRefused):
            await services.sessions.refresh(tx, "integration", pair.refresh_token)
        await integrations.change(tx, made.id, {"email": "dev@acme.example"}, STAFF)
    assert await managers(services, made.id) == {"dev@acme.example": "active", "ops@acme.example": "removed"}
