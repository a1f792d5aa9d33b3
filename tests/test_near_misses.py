"""Wherever a secret, a code or a hash is compared, what is nearly it is refused; found by a walk over the sources."""

from __future__ import annotations

import ast
import base64
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from pydantic import SecretStr

from api.auth import principals
from api.edge.credentials import Credentials
from dispatch.access import api_keys, email_changes, passwords, step_up, totp
from dispatch.adapters.files import store_of
from dispatch.client.partner import BadSignature, read_webhook
from dispatch.engine import files, tracking_links
from dispatch.errors import DispatchError
from dispatch.events import SYSTEM
from dispatch.parties import integration_access, integration_onboarding
from dispatch.parties.integrations import NewIntegration
from dispatch.services import Services
from dispatch.webhooks import signing
from storage import quotas
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.files import PDF
from tests.near import near_misses, other_writings
from tests.parties import add_account, add_party
from tests.world import World, make_world

ROOT = Path(__file__).parent.parent
#: Compared, and no secret: whether a repetition is the same, whether the audit's last mark is ours, and whether a
#: password is still the one that was read, whose hash nobody sends.
NO_SECRETS = {
    "dispatch/local_gateway/bank.py:once", "dispatch/engine/audit_checks.py:_ours",
    "storage/sql/accounts.sql:signed_in", "storage/sql/accounts.sql:set_password",
}  # fmt: skip
#: Tried with near misses beside what uses them.
ELSEWHERE = {
    "api/edge/operators.py:is_operator": "tests/api/edge/test_operators.py",
    "dispatch/local_gateway/api.py:_guard": "tests/dispatch/local_gateway/test_api.py",
    "dispatch/engine/jobs.py:_check_start_code": "tests/dispatch/engine/test_jobs.py",
    "dispatch/access/totp.py:matching_step": "tests/dispatch/access/test_totp.py",
    "dispatch/access/otp.py:_compare": "tests/dispatch/access/test_otp.py",
    "dispatch/live/sessions.py:refresh": "tests/dispatch/live/test_sessions.py",
    "dispatch/adapters/razorpay/wire.py:_same": "tests/dispatch/adapters/razorpay/test_wire.py",
}
_numbers = count(1)


def address() -> str:
    return f"asha{next(_numbers)}@example.com"


@pytest.fixture(scope="module")
async def world(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    made = await make_world(pool, tmp_path_factory.mktemp("locks"))
    yield made
    await made.services.bus.close()
    await pool.close()


@dataclass(frozen=True)
class Lock:
    """What opens it, and whether something does. What is `alike` is the same secret, written in another way."""

    secret: str
    opens: Callable[[str], Awaitable[bool]]
    alike: Callable[[str], str] = str
    #: Whether it is base64 that is decoded, where other texts may stand for the same bytes.
    is_decoded: bool = False


Made = Callable[[World], Awaitable[Lock]]
LOCKS: dict[str, Made] = {}


def lock(*places: str) -> Callable[[Made], Made]:
    def kept(made: Made) -> Made:
        LOCKS.update(dict.fromkeys(places, made))
        return made

    return kept


async def passes(tried: Awaitable[Any]) -> bool:
    try:
        return bool(await tried)
    except (DispatchError, BadSignature):
        return False


@lock("api/auth/principals.py:service")
async def service_token(world: World) -> Lock:
    secret = "The-fixed-token-of-a-service"
    world.services.settings.tokens.service_token = SecretStr(secret)

    async def opens(guess: str) -> bool:
        return await passes(principals.service(world.services, Credentials({"Authorization": f"Bearer {guess}"}, "")))

    # Blanks around a token are no part of it.
    return Lock(secret, opens, str.strip)


@lock("dispatch/engine/files.py:by_link")
async def link_of_a_file(world: World) -> Lock:
    world.services.files = store_of(world.services.settings)
    file = await files.add(world.services, "document", files.HOUSE, "a.pdf", BytesIO(PDF), SYSTEM)
    asked = parse_qs(urlsplit(files.link_to(world.services, file)).query)
    expires = int(asked["expires"][0])
    return Lock(asked["signature"][0], lambda g: passes(files.by_link(world.services, file.id, expires, g)))


@lock("dispatch/engine/tracking_links.py:_read")
async def tracking_link(world: World) -> Lock:
    await world.technician()
    booking = await world.book()
    assert booking.account_id is not None
    async with world.services.transaction() as tx:
        made = await tracking_links.make(tx, booking.account_id, booking.id)
    return Lock(made.token, lambda guess: passes(tracking_links.follow(world.services, guess)), is_decoded=True)


@lock("dispatch/access/step_up.py:check")
async def step_up_token(world: World) -> Lock:
    account_id, phone = await world.customer(), "+911234567890"

    async def opens(guess: str) -> bool:
        try:
            step_up.check(world.services, guess, "customer", account_id, phone)
        except DispatchError:
            return False
        return True

    return Lock(step_up.mint(world.services, "customer", account_id, phone), opens)


@lock("dispatch/access/step_up.py:check phone")
async def phone_of_a_step_up(world: World) -> Lock:
    account_id, phone = await world.customer(), "+911234567890"
    token = step_up.mint(world.services, "customer", account_id, phone)

    async def opens(guess: str) -> bool:
        try:
            step_up.check(world.services, token, "customer", account_id, guess)
        except DispatchError:
            return False
        return True

    return Lock(phone, opens)


@lock("dispatch/access/totp.py:check_password_stands")
async def challenge(world: World) -> Lock:
    account_id, kept = await world.customer(), "scrypt$of-a-password"
    details = totp.challenge(world.services, account_id, kept).details
    assert details is not None
    _, mark = totp.challenged(world.services, details["challenge"])

    async def opens(guess: str) -> bool:
        try:
            totp.check_password_stands(world.services, guess, kept)
        except DispatchError:
            return False
        return True

    return Lock(mark, opens)


@lock("storage/sql/totp.sql:use_code")
async def recovery_code(world: World) -> Lock:
    account_id = await add_account(world.services, address(), None)
    async with world.services.transaction() as tx:
        text, _ = await totp.enrol(tx, account_id, "asha@example.com")
    async with world.services.transaction() as tx:
        [code, *_] = await totp.confirm(tx, account_id, code_now(text))

    async def opens(guess: str) -> bool:
        async with world.services.transaction() as tx:
            await quotas.forget(tx.conn, keys=[f"totp:{account_id}"])
        try:
            await totp.use(world.services, account_id, guess)
        except DispatchError:
            return False
        return True

    # However it is written: blanks, dashes and capitals are no part of it.
    return Lock(code, opens, lambda guess: re.sub(r"[^0-9a-z]", "", guess.lower()) if guess.isascii() else guess)


@lock("dispatch/access/api_keys.py:check")
async def secret_of_a_key(world: World) -> Lock:
    key = await a_key(world.services)

    async def opens(guess: str) -> bool:
        return await passes(integration_access.check(world.services, key.public_key, guess, None))

    return Lock(key.secret, opens)


@lock("dispatch/access/api_keys.py:check previous")
async def secret_of_before_a_rotation(world: World) -> Lock:
    key = await a_key(world.services)
    async with world.services.transaction() as tx:
        await api_keys.rotate(tx, key.party_id, key.id)

    async def opens(guess: str) -> bool:
        return await passes(integration_access.check(world.services, key.public_key, guess, None))

    return Lock(key.secret, opens)


@lock("storage/sql/api_keys.sql:find")
async def second_name_of_a_key(world: World) -> Lock:
    key = await a_key(world.services)
    async with world.services.transaction() as tx:
        alias, secret = await api_keys.issue(tx, key.id)
    return Lock(alias, lambda guess: passes(integration_access.check(world.services, guess, secret, None)))


@lock("storage/sql/api_keys.sql:find public")
async def public_name_of_a_key(world: World) -> Lock:
    key = await a_key(world.services)
    return Lock(key.public_key, lambda guess: passes(integration_access.check(world.services, guess, key.secret, None)))


@lock("storage/sql/integrations.sql:id_of_token")
async def onboarding_token(world: World) -> Lock:
    async with world.services.transaction() as tx:
        new = NewIntegration("Acme", address(), "+911234567890")
        started = await integration_onboarding.start(tx, new, SYSTEM)

    async def opens(guess: str) -> bool:
        async with world.services.read() as conn:
            try:
                await integration_onboarding.check(conn, started.integration.id, guess)
            except DispatchError:
                return False
        return True

    return Lock(started.token, opens)


@lock("storage/sql/passwords.sql:find_link")
async def password_link(world: World) -> Lock:
    account_id = await add_account(world.services, address(), None)
    async with world.services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)

    async def opens(guess: str) -> bool:
        async with world.services.read() as conn:
            return await passwords.find_link(conn, guess) is not None

    return Lock(token, opens)


@lock("storage/sql/passwords.sql:use_link", "storage/sql/passwords.sql:join_by")
async def invitation(world: World) -> Lock:
    account_id = await add_account(world.services, address(), None)
    async with world.services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)

    async def opens(guess: str) -> bool:
        async with world.services.transaction() as tx:
            return await passes(passwords.use_link(tx, guess, "scrypt$another"))

    return Lock(token, opens)


@lock("storage/sql/email_changes.sql:find")
async def link_to_an_address(world: World) -> Lock:
    token = await asked_for_another_address(world.services)

    async def opens(guess: str) -> bool:
        async with world.services.read() as conn:
            return await email_changes.find(conn, guess) is not None

    return Lock(token, opens)


@lock("storage/sql/email_changes.sql:use")
async def confirmation_of_an_address(world: World) -> Lock:
    token = await asked_for_another_address(world.services)

    async def opens(guess: str) -> bool:
        async with world.services.transaction() as tx:
            return await passes(email_changes.confirm(tx, guess))

    return Lock(token, opens)


@lock("dispatch/client/partner.py:read_webhook")
async def signature_of_a_webhook(world: World) -> Lock:
    secret, body, now = signing.generated(), '{"event": "ping"}', world.now
    heads = signing.headers([secret], "m-1", now, body)
    signature = heads["webhook-signature"].removeprefix("v1,")

    async def opens(guess: str) -> bool:
        try:
            read_webhook(secret, {**heads, "webhook-signature": f"v1,{guess}"}, body.encode(), now.timestamp())
        except BadSignature:
            return False
        return True

    # What stands between blanks are several signatures, one of which is enough.
    return Lock(signature, opens, str.strip)


@lock("dispatch/tokens.py:_minted")
async def access_token(world: World) -> Lock:
    """Where it is not one of ours to the letter, the library compares: its signature is the last part."""
    token = world.services.tokens.mint("customer", "a subject", None, 600)

    async def opens(guess: str) -> bool:
        try:
            world.services.tokens.read(guess, "customer")
        except DispatchError:
            return False
        return True

    return Lock(token, opens, is_decoded=True)


@lock("dispatch/live/sessions.py:_parse")
async def refresh_token(world: World) -> Lock:
    """A token that is one of ours and was used before is theft and ends the sign-in: these end nothing."""
    sessions = world.services.sessions
    async with world.services.transaction() as tx:
        pair = await sessions.open(tx, "customer", await world.customer())

    async def opens(guess: str) -> bool:
        async with world.services.transaction() as tx:
            is_refreshed = await passes(sessions.refresh(tx, "customer", guess))
        assert await sessions.alive(pair.session_id, "customer")
        return is_refreshed

    return Lock(pair.refresh_token, opens, is_decoded=True)


@dataclass(frozen=True)
class Key:
    party_id: UUID
    id: UUID
    public_key: str
    secret: str


async def a_key(services: Services) -> Key:
    party_id = await add_party(services, "integration", f"APP-{next(_numbers)}")
    async with services.transaction() as tx:
        made = await api_keys.make(tx, party_id, kind="integration", name="K", scopes={})
    return Key(party_id, made.id, made.public_key, made.secret)


async def asked_for_another_address(services: Services) -> str:
    account_id = await add_account(services, address(), None)
    async with services.transaction() as tx:
        await email_changes.ask(tx, account_id, new := address())
        link = await tx.conn.fetchval("SELECT data->>'link' FROM outbox WHERE recipient = $1", new)
    return str(link.rsplit("/", 1)[1])


def code_now(secret: str) -> str:
    return totp.code_at(base64.b32decode(secret), totp.step_at(time.time()))


@pytest.mark.parametrize("made", sorted(set(LOCKS.values()), key=lambda made: made.__name__), ids=lambda m: m.__name__)
async def test_what_is_nearly_a_secret_opens_nothing(world: World, made: Made) -> None:
    found = await made(world)
    for guess in near_misses(found.secret) + (other_writings(found.secret) if found.is_decoded else []):
        if found.alike(guess) != found.alike(found.secret):
            assert not await found.opens(guess), guess
    assert await found.opens(found.secret)


def compared() -> Iterator[str]:
    """Where the sources compare a secret, a code or a hash: calls of compare_digest, and conditions on hashes."""
    for path in sorted(p for folder in ("api", "dispatch", "storage", "geo") for p in (ROOT / folder).rglob("*.py")):
        text = path.read_text()
        if "compare_digest" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "compare_digest(" in ast.unparse(node):
                yield f"{path.relative_to(ROOT)}:{node.name}"
    for path in sorted((ROOT / "storage" / "sql").glob("*.sql")):
        for part in re.split(r"^-- name: ", path.read_text(), flags=re.M)[1:]:
            name, _, text = part.partition("\n")
            conditions = re.split(r"\b(?:WHERE|AND|OR|ON)\b", text)[1:]
            if any(re.match(r"\W*\w*\.?\w*(hash|secret|token)\w* = :", one) for one in conditions):
                yield f"storage/sql/{path.name}:{name}"


def test_every_comparison_is_tried() -> None:
    """A new place where a secret is compared gets a lock here, or a test with near misses beside what uses it."""
    # A token of a phone is an address to send to, not a secret that opens anything.
    found = {place for place in compared() if not place.startswith("storage/sql/push_tokens.sql")}
    named = {place for place in LOCKS if " " not in place}
    assert found == named | ELSEWHERE.keys() | NO_SECRETS
    for test in ELSEWHERE.values():
        assert "near_misses" in (ROOT / test).read_text(), test
