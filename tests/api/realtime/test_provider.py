"""The provider's socket: facts in its own units, what each role may hear, and nothing lost over a reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from api.realtime.fanout import PartyForm
from dispatch.billing import provider_transactions, provider_wallet
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.parties import providers
from storage.database.pool import Conn
from storage.facts import PartyEvent
from tests.api.live import Live, Person, live_server
from tests.conftest import clone
from tests.providers import Owned, add_member, add_provider, fund, token_of


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("provider")
    async with live_server(await clone(pg_home), folder, technicians=1, customers=1) as made:
        yield made


async def at_dashboard(live: Live, membership_id: Any) -> Person:
    person = Person(live, "provider", await token_of(live.services, membership_id))
    live.people.append(person)
    return person


async def earn(live: Live, owned: Owned, minor: int, reference: str) -> None:
    """Something comes into the wallet and onto the statement."""
    await fund(live.services, owned, minor)
    async with live.services.transaction() as tx:
        await provider_transactions.add(tx, NewTransaction(
            owned.id, "credit", "wallet", "settled", minor, "INR", reference, "wallet",
        ))  # fmt: skip
        await provider_wallet.tell(tx, owned.id, "INR")


async def test_facts_come_in_camel_case_and_in_the_providers_units(live: Live) -> None:
    owned = await add_provider(live.services)
    person = await at_dashboard(live, owned.membership_id)
    await person.connect()
    await earn(live, owned, 150_050, "REF-1")
    told = await person.hears("transaction.created", reference="REF-1")
    assert told["amount"] == 150_050 and told["transactionId"] and told["customerId"] is None
    assert (await person.hears("wallet.updated"))["available"] == 150_050
    async with live.services.transaction() as tx:
        await providers.set_units(tx, owned.id, "major")
    await earn(live, owned, 100, "REF-2")
    assert (await person.hears("transaction.created", reference="REF-2"))["amount"] == 1
    assert (await person.hears("wallet.updated", available=1501.5))["seq"] == 4
    await person.close()


async def test_who_may_not_see_the_wallet_hears_numbers_only(live: Live) -> None:
    owned = await add_provider(live.services)
    staff = await at_dashboard(live, (await add_member(live.services, owned, "Staff")).id)
    await staff.connect()
    await earn(live, owned, 5000, "REF-1")
    assert (await staff.hears("transaction.created"))["amount"] == 5000
    told = await staff.hears("wallet.updated")
    assert told["seq"] == 2 and "available" not in told
    await staff.close()


async def test_what_was_missed_is_told_after_a_reconnect_and_too_much_is_a_snapshot(live: Live) -> None:
    owned, other = await add_provider(live.services), await add_provider(live.services)
    person = await at_dashboard(live, owned.membership_id)
    await earn(live, owned, 5000, "REF-1")
    await earn(live, other, 7000, "REF-X")
    await person.connect()
    stream = str(owned.id)
    answer = await person.ask("resume", {"streams": {stream: 0, str(other.id): 0}})
    assert answer["ok"] and answer["data"]["streams"] == {stream: 2} and answer["data"]["reset"] == []
    assert (await person.hears("transaction.created"))["reference"] == "REF-1"
    answer = await person.ask("resume", {"streams": {stream: 99}})
    assert answer["data"]["reset"] == [stream]
    reset = await person.hears("reset")
    assert reset["snapshot"]["wallet"] == [{"currency": "INR", "available": 5000, "pending": 0, "cash": 0}]
    assert [name for name, data in person.heard if data.get("reference") == "REF-X"] == []
    await person.close()


class Busy:
    """A member's form, while whose snapshot is being read something happens that goes out as soon as it may."""

    def __init__(self, form: PartyForm, happens: Callable[[], Awaitable[None]], heard: Callable[[], bool]) -> None:
        self._form, self._happens, self._heard = form, happens, heard

    async def facts(self, conn: Conn, events: Sequence[PartyEvent]) -> list[dict[str, Any]]:
        return await self._form.facts(conn, events)

    async def snapshot(self, conn: Conn) -> dict[str, Any]:
        await self._happens()
        # Time enough for a fact that does not wait for its turn.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while not self._heard():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        return await self._form.snapshot(conn)


async def test_what_happens_while_a_snapshot_is_read_is_told_after_it(live: Live) -> None:
    owned = await add_provider(live.services)
    person = await at_dashboard(live, owned.membership_id)
    await person.connect()
    await person.ask("resume", {})
    members = live.sockets.namespace_handlers["/provider"].members.values()
    [listener] = [grant.state for grant in members if grant.state.owner == owned.id]
    listener.form = Busy(
        listener.form, lambda: earn(live, owned, 5000, "REF-1"),
        lambda: any(data.get("seq") == 2 for _, data in person.heard),
    )  # fmt: skip
    answer = await person.ask("resume", {"streams": {str(owned.id): 99}})
    assert answer["data"]["reset"] == [str(owned.id)]
    await person.hears("wallet.updated")
    assert [name for name, _ in person.heard] == ["reset", "transaction.created", "wallet.updated"]
    assert person.heard[0][1]["streams"] == {str(owned.id): 0}, "what follows has the next number"
    await person.close()


async def test_who_is_no_longer_let_in_hears_nothing_and_the_others_go_on(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    owned = await add_provider(live.services)
    gone = await add_member(live.services, owned, "Staff")
    person, leaver = await at_dashboard(live, owned.membership_id), await at_dashboard(live, gone.id)
    await person.connect()
    await leaver.connect()
    async with live.services.transaction() as tx:
        # No hint: the socket is still open, until the sign-ins of all sockets are asked for.
        await tx.conn.execute("UPDATE memberships SET status = 'removed' WHERE id = $1", gone.id)
    live.services.sessions.standing.revoked({"subject_id": str(gone.id)})
    await earn(live, owned, 5000, "REF-1")
    await person.hears("wallet.updated")
    assert leaver.heard == []
    gc.collect()
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []
    await person.close()
