"""Measures name templates, never addresses, and what happens is counted where it happens."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.edge.health import LIFE
from api.edge.metrics import FIGURES
from dispatch.engine.offers import expire
from dispatch.events import Actor
from dispatch.process import crons
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import PLATFORM
from storage import figures
from tests.api.support import Client
from tests.world import World


async def test_measures_name_templates_only(client: Client) -> None:
    phone = "911234567890"
    for path in (f"/kind/file/{phone}", f"/kind/things/{phone}"):
        async with client.get(path):
            pass
    async with client.get("/healthz"):
        pass
    from prometheus_client import generate_latest

    text = generate_latest().decode()
    assert phone not in text
    assert 'route="/kind/file/{name}"' in text
    assert 'route="unmatched",status="404"' in text


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_node_tells_what_it_holds_and_how_the_business_stands(world: World) -> None:
    """Every family is there from the first scrape; work that waits is seen, and the database is asked once."""
    await world.technician()
    booking = await world.book()
    queued = await world.book(dispatch=False, hours=6)
    async with world.services.transaction() as tx:
        await crons.tasks.enqueue(tx, "tidy")
    async with TestClient(TestServer(create_app(world.services))) as client:

        async def scrape() -> dict[tuple[str, ...], float]:
            client.app[LIFE].measures.forget()  # type: ignore[index]
            async with client.get("/metrics") as response:
                assert response.status == 200
                text = await response.text()
            found = {}
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    found[(sample.name, *sample.labels.values())] = sample.value
            return found

        seen = await scrape()
        assert seen[("dispatch_database_up",)] == 1
        assert seen[("dispatch_bookings_open", booking.status)] == 1
        assert seen[("dispatch_bookings_open", queued.status)] >= 1
        assert seen[("dispatch_offers_open",)] == 1 and seen[("dispatch_index_entries",)] == 1
        assert seen[("dispatch_tasks", "queued")] == 1 and seen[("dispatch_tasks_lag_seconds",)] >= 0
        assert seen[("dispatch_outbox_waiting", "sms")] >= 0 and seen[("dispatch_outbox_lag_seconds", "email")] >= 0
        assert seen[("dispatch_sockets_joined", "/technician")] == 0 and seen[("dispatch_socket_queue_bytes",)] == 0
        assert seen[("dispatch_database_connections", "most")] == 20
        assert seen[("dispatch_pings_dropped_total", "jump")] == 0
        assert seen[("dispatch_customers_60d", "booked")] == 0
        assert "process_resident_memory_bytes" in {name for name, *_ in seen}

        await world.execute("UPDATE bookings SET queued_at = app_now(), queue_reason = 'x' WHERE id = $1", queued.id)
        assert (await scrape())[("dispatch_manual_queue",)] == 0, "the database is not asked at every scrape"
        client.app[LIFE].figures.forget()  # type: ignore[index]
        assert (await scrape())[("dispatch_manual_queue",)] == 1

        await world.services.pool.close()
        client.app[LIFE].figures.forget()  # type: ignore[index]
        away = await scrape()
        assert away[("dispatch_database_up",)] == 0 and ("dispatch_manual_queue",) not in away


async def test_webhooks_are_late_only_where_they_would_be_sent(world: World) -> None:
    """Whoever switches a webhook off, or is gone, leaves what waits for it where it is."""
    async with world.services.transaction() as tx:
        made = await endpoints.create(
            tx, PLATFORM, Actor("admin", "1"), url="https://hooks.example.com/in", events=["booking.created"]
        )
    await world.technician()
    await world.book(dispatch=False)
    await world.advance(seconds=900)

    async def late_s() -> float:
        async with world.services.read() as conn:
            [found] = [f for f in await figures.present(conn, most=10, channels=[]) if f.name == "webhooks_lag_seconds"]
        return found.value

    assert await late_s() >= 900
    for change in ("paused_until = app_now() + interval '1 hour'", "deleted_at = app_now()"):
        await world.execute(f"UPDATE webhook_endpoints SET {change} WHERE id = $1", made.endpoint.id)
        assert await late_s() == 0
    await world.execute("UPDATE webhook_endpoints SET paused_until = NULL, deleted_at = NULL")
    assert await late_s() >= 900
    async with world.services.transaction() as tx:
        await endpoints.change(tx, PLATFORM, made.endpoint.id, Actor("admin", "1"), is_active=False)
    assert await late_s() == 0


async def test_every_figure_of_the_database_is_described(world: World) -> None:
    await world.execute(
        "INSERT INTO analytics_days (day, currency, bookings, cancelled, paid, revenue_minor) "
        "SELECT until, 'INR', 4, 0, 3, 3000 FROM analytics_rolled"
    )
    async with world.services.read() as conn:
        found = await figures.present(conn, most=10, channels=["sms"])
    names = {figure.name for figure in found}
    assert names <= FIGURES.keys()
    assert {f.label: f.value for f in found if f.name == "average_order_minor"} == {"INR": 1000}
    for figure in found:
        assert (FIGURES[figure.name][0] is None) == (figure.label == ""), figure


async def test_offers_and_facts_are_counted_when_they_are_committed(world: World) -> None:
    first, second = await world.technician(), await world.technician(km_north=2.0)
    before = {name: counted("dispatch_facts_total", type=name) for name in ("booking.created", "partner.accepted")}
    answers = {s: counted("dispatch_offer_answer_seconds_count", state=s) for s in ("accepted", "rejected")}
    waits = counted("dispatch_assign_seconds_sum")
    expired = counted("dispatch_offer_answer_seconds_count", state="expired")
    booking = await world.book()
    offer = await world.open_offer(booking.id)
    await world.advance(seconds=7)
    with pytest.raises(RuntimeError):
        async with world.services.transaction() as tx:
            await expire(tx, await world.booking(booking.id))
            raise RuntimeError("and nothing happened")
    assert counted("dispatch_offer_answer_seconds_count", state="expired") == expired
    other = second if offer["technician_id"] == first else first
    await world.reject(booking.id, offer["technician_id"])
    await world.advance(seconds=3)
    await world.accept(booking.id, other)
    assert counted("dispatch_facts_total", type="booking.created") - before["booking.created"] == 1
    assert counted("dispatch_facts_total", type="partner.accepted") - before["partner.accepted"] == 1
    for state in answers:
        assert counted("dispatch_offer_answer_seconds_count", state=state) - answers[state] == 1
    assert counted("dispatch_assign_seconds_sum") - waits == pytest.approx(10)


async def test_who_comes_back_is_counted(world: World) -> None:
    loyal, lost, new = await world.customer(), await world.customer(), await world.customer()
    await world.technician()
    for n, (account_id, days) in enumerate(((loyal, 40), (loyal, 1), (lost, 50), (new, 2), (loyal, 90))):
        booking = await world.book(account_id, dispatch=False, hours=2.0 + 24 * n)
        await world.execute(
            "UPDATE bookings SET created_at = app_now() - make_interval(days => $2) WHERE id = $1", booking.id, days
        )
    async with world.services.transaction() as tx:
        await figures.count_returning(tx.conn)
    async with world.services.read() as conn:
        found = await figures.present(conn, most=10, channels=[])
    assert {f.label: f.value for f in found if f.name == "customers_60d"} == {"booked": 2, "returned": 1}
