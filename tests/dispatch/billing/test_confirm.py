"""A confirm is short: its statements are counted on the real pool; one wish has one answer, whatever comes between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dispatch.adapters.razorpay import opened
from dispatch.billing import checkout, confirm, ledger
from dispatch.billing.checkout import Preview, Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact, PreviewExpired, TooManyPayments
from dispatch.engine import catalogue, customer_bookings, slots, zones
from dispatch.engine.free_times import NO_TIME, SlotTaken
from dispatch.errors import DispatchError
from dispatch.local_gateway.server import LocalGateway
from dispatch.parties import addresses
from dispatch.parties.addresses import AddressIn
from dispatch.seeding.city import Area
from dispatch.seeding.seed import zone_in
from storage.database.pool import Pool
from tests.city import City, city

TOMORROW = date(2026, 1, 21)
CONTACT = Contact("Asha Rao", "+911100010001", "asha@example.com")
#: What a plain confirm may cost: cash, one service, no promo code, no wallet; BEGIN and COMMIT do not count. Of the
#: fourteen the claim of an idempotency key and the answer that it keeps are two more.
BUDGET = 11


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=24) as made:
        yield made


async def service_of(town: City, currency: str = "INR", name: str = "Facial - Minimal") -> UUID:
    return next(s.id for s in (await catalogue.current(town.services)).offered(currency) if s.name == name)


async def home(town: City, account_id: UUID) -> UUID:
    async with town.services.read() as conn:
        found = await addresses.find_default(conn, account_id)
    assert found is not None
    return found.id


async def prepared(town: City, account_id: UUID, **wish: Any) -> Preview:
    given: dict[str, Any] = {"quantities": {await service_of(town): 1}, "booking_date": TOMORROW, **wish}
    return await checkout.prepare(town.services, account_id, Wish(**given))


async def confirmed(town: City, account_id: UUID, preview: Preview, **changes: Any) -> Confirmed:
    asked: dict[str, Any] = {
        "preview_id": preview.id, "payment_method": "cash",
        "address_id": changes.get("address_id") or await home(town, account_id),
        "booking_date": preview.day, "booking_time": preview.free[4] if len(preview.free) > 4 else time(10),
        "contact": CONTACT, **changes,
    }  # fmt: skip
    return await confirm.confirm(town.services, account_id, Confirmation(**asked))


async def counted(town: City, work: Any, *, begins: bool = False) -> list[str]:
    """The statements that `work` sends to the database, over every connection of the pool."""
    sent: list[str] = []

    def heard(query: asyncpg.connection.LoggedQuery) -> None:
        # What the driver asks about types, once for each connection, is nobody's statement.
        asks_types = "typeinfo_tree" in query.query or "'jit'" in query.query
        if query.query.rstrip("; ").upper() not in (("COMMIT",) if begins else ("BEGIN", "COMMIT")) and not asks_types:
            sent.append(query.query)

    held = [await town.services.pool.raw.acquire() for _ in range(4)]
    for conn in held:
        conn.add_query_logger(heard)
    for conn in held:
        await town.services.pool.raw.release(conn)
    await work()
    return sent


# ---------------------------------------------------------------- how much it costs


async def test_a_plain_confirm_stays_within_its_budget(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
    preview, place = await prepared(town, account), await home(town, account)
    answers: list[Confirmed] = []

    async def work() -> None:
        answers.append(await confirmed(town, account, preview, address_id=place))

    sent = await counted(town, work)
    assert answers[0].status == "partner_assigned"
    assert 0 < len(sent) <= BUDGET, "\n\n".join(sent)
    assert [one for one in sent if "UPDATE bookings" in one] == [], "its row is written once"


@pytest.mark.parametrize("others", [True, False])
async def test_who_cannot_be_asked_after_all_leaves_no_trace_in_the_booking(
    town: City, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    """The row is written as offered; when nobody's time or place can be had, it says so, and the next one is asked."""
    account = town.seeded.customer_ids[0]
    preview, place = await prepared(town, account), await home(town, account)
    take, tried = slots.take, []

    async def lost(tx: Any, booking: Any, found: Any, state: str) -> bool:
        tried.append(found.technician.id)
        return False if len(tried) == 1 or not others else await take(tx, booking, found, state)

    async def stays(*given: Any, **named: Any) -> bool:
        return False

    monkeypatch.setattr(slots, "take", lost)
    monkeypatch.setattr(slots, "claim", stays)
    done = await confirmed(town, account, preview, address_id=place)

    async def rows(query: str, *args: Any) -> list[asyncpg.Record]:
        return await town.services.pool.raw.fetch(query, *args)

    [row] = await rows("SELECT * FROM bookings WHERE id = $1", done.id)
    told = await rows("SELECT seq, type FROM booking_events WHERE booking_id = $1 ORDER BY seq", done.id)
    reasons = {one["technician_id"]: one["reason"] for one in await rows("SELECT * FROM match_candidates")}
    assert [one["seq"] for one in told] == [1, 2] and row["event_seq"] == 2
    assert reasons[tried[0]] == "busy_then"
    if others:
        [offer] = await rows("SELECT * FROM offers WHERE booking_id = $1", done.id)
        assert len(tried) == 2 and (offer["technician_id"], offer["attempt"]) == (tried[1], 1)
        assert (row["status"], row["attempt"], row["next_action"]) == ("partner_assigned", 1, "offer_expiry")
        assert row["next_action_at"] == offer["expires_at"]
        assert [one["type"] for one in told] == ["booking.created", "partner.assigned"]
    else:
        assert (row["status"], row["attempt"], row["next_action"]) == ("pending", 0, "look")
        assert await rows("SELECT * FROM offers WHERE booking_id = $1", done.id) == []
        assert [one["type"] for one in told] == ["booking.created", "booking.queued"]
    assert await town.value("SELECT count(*) FROM slots WHERE booking_id = $1", done.id) == 1


async def test_the_database_plans_a_confirm_once(town: City) -> None:
    """PostgreSQL plans a statement anew for its first five runs, and for ever where a plan for just these values looks
    cheaper: planning the search of candidates took ten times what it takes to run. It is told of a big city: with two
    people in it every plan is as cheap as any other.
    """
    account = town.seeded.customer_ids[0]
    place = await home(town, account)

    async def once(day: int) -> None:
        preview = await prepared(town, account, booking_date=TOMORROW + timedelta(days=day))
        done = await confirmed(town, account, preview, address_id=place)
        assert done.status == "partner_assigned"

    async def work() -> None:
        for day in range(1, 8):
            await once(day)

    # No table grows from nothing while plans are compared: the first ones would look cheaper for that alone.
    await once(8)
    if int(await town.value("SHOW server_version_num")) >= 180_000:
        await town.run(
            "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'relpages', 10,"
            " 'reltuples', 100000::real) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    await town.services.pool.raw.expire_connections()
    sent = set(await counted(town, work))
    planned: dict[str, tuple[int, int]] = {}
    async with AsyncExitStack() as stack:
        for _ in range(4):
            conn = await stack.enter_async_context(town.services.pool.connection())
            for text, once, anew in await conn.fetch(
                "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"
            ):
                known = planned.get(text, (0, 0))
                planned[text] = known[0] + once, known[1] + anew
    used = {text: planned[text] for text in sent if sum(planned.get(text, (0, 0))) >= 7}
    assert len(used) >= BUDGET - 2
    assert not [text for text, (once, anew) in used.items() if not once]


async def test_a_held_time_costs_no_more(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
    preview, place = await prepared(town, account, booking_time=time(10)), await home(town, account)

    async def work() -> None:
        await confirmed(town, account, preview, booking_time=time(10), address_id=place)

    assert len(await counted(town, work)) <= BUDGET
    assert await town.value("SELECT count(*) FROM slots WHERE preview_id IS NOT NULL") == 0
    assert await town.value("SELECT count(*) FROM slots WHERE booking_id IS NOT NULL") == 1


async def test_a_promo_code_costs_three_statements_more(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
    preview, place = await prepared(town, account, promo_code="SAVE10"), await home(town, account)

    async def work() -> None:
        await confirmed(town, account, preview, address_id=place)

    sent = await counted(town, work)
    assert len(sent) <= BUDGET + 3, "\n\n".join(sent)
    assert await town.value("SELECT count(*) FROM promo_redemptions") == 1


async def credited(town: City, account: UUID, amount_minor: int) -> None:
    """A customer of the profile that a plain confirm leaves alone, with credit."""
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
    async with town.services.transaction() as tx:
        credit = [
            ledger.Line(ledger.wallet(account, "INR"), amount_minor),
            ledger.Line(ledger.platform("prepaid", "INR"), -amount_minor),
        ]
        await ledger.post(tx, "test_credit", str(account), credit)


async def test_a_wallet_costs_three_statements_more(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await credited(town, account, 5000)
    preview, place = await prepared(town, account), await home(town, account)
    answers: list[Confirmed] = []

    async def work() -> None:
        answers.append(await confirmed(town, account, preview, address_id=place, use_wallet=True))

    sent = await counted(town, work)
    assert len(sent) <= BUDGET + 3, "\n\n".join(sent)
    # What is answered without reading it again is what the payments have made of the row.
    row = "SELECT (wallet_minor, outstanding_fee_minor, to_collect_minor, collected_minor) FROM bookings WHERE id = $1"
    told = answers[0]
    assert told.wallet_minor == 5000 and told.to_collect_minor == told.grand_total_minor - 5000
    assert await town.value(row, told.id) == (5000, 0, told.to_collect_minor, 0)


async def test_old_fees_cost_three_statements_more_and_are_told(town: City) -> None:
    account = town.seeded.customer_ids[0]
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
    async with town.services.transaction() as tx:
        owed = [
            ledger.Line(ledger.receivable(account, "INR"), -700),
            ledger.Line(ledger.platform("fee_revenue", "INR"), 700),
        ]
        await ledger.post(tx, "cancellation_fee", str(account), owed)
    preview, place = await prepared(town, account), await home(town, account)
    answers: list[Confirmed] = []

    async def work() -> None:
        answers.append(await confirmed(town, account, preview, address_id=place))

    assert len(await counted(town, work)) <= BUDGET + 3
    told = answers[0]
    assert (told.outstanding_fee_minor, told.to_collect_minor) == (700, told.grand_total_minor + 700)
    row = "SELECT (wallet_minor, outstanding_fee_minor, to_collect_minor, collected_minor) FROM bookings WHERE id = $1"
    assert await town.value(row, told.id) == (0, 700, told.to_collect_minor, 0)


async def test_an_online_confirm_is_two_transactions(fresh_pool: Pool, gw: LocalGateway) -> None:
    keys = {"key_id": gw.key_id, "key_secret": gw.key_secret, "webhook_secret": gw.webhook_secret, "base_url": gw.url}
    async with city(fresh_pool, technicians=24, payments=keys) as town:
        account = town.seeded.customer_ids[0]
        await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com' WHERE id = $1", account)
        preview, place = await prepared(town, account), await home(town, account)
        answers: list[Confirmed] = []

        async def work() -> None:
            answers.append(await confirmed(town, account, preview, address_id=place, payment_method="online"))

        sent = await counted(town, work, begins=True)
        await opened.close(town.services.settings.payments)
        block = answers[0].payment
        assert block is not None and block["order_id"].startswith("order_")
        assert sent.count("BEGIN;") == 2
        # The claim and the count of payments, the payment's intent; after the gateway the order, and that it is done.
        assert len(sent) - 2 <= BUDGET + 3, "\n\n".join(sent)
        state = "SELECT (state, attempts) FROM payment_intents WHERE kind = 'order'"
        assert await town.value(state) == ("done", 1)
        again = await confirmed(town, account, preview, address_id=place, payment_method="online")
        assert again.payment == block


# ---------------------------------------------------------------- one wish, one answer


async def test_a_repetition_is_answered_the_same_after_a_reschedule(town: City) -> None:
    account = town.seeded.customer_ids[0]
    preview = await prepared(town, account)
    first = await confirmed(town, account, preview, booking_time=time(10))
    await customer_bookings.reschedule(town.services, account, first.id, TOMORROW + timedelta(days=1), time(12))
    assert (await confirmed(town, account, preview, booking_time=time(10))).id == first.id
    with pytest.raises(PreviewExpired, match="among your bookings") as caught:
        await confirmed(town, account, preview, booking_time=time(12))
    assert caught.value.details == {"booking_id": str(first.id)}


async def test_a_time_that_the_clocks_skip_is_confirmed_and_repeated(fresh_pool: Pool) -> None:
    """Lisbon goes from 01:00 to 02:00 on that day: half past one is half past two."""
    area = Area("LIS", "Lisbon", "Lisbon", "Lisbon", LISBON, timezone="Europe/Lisbon", currency="EUR")
    async with city(fresh_pool, technicians=0, customers=1) as town:
        await town.at(datetime(2026, 3, 27, 12, tzinfo=UTC))
        account = await settle(town, area)
        day = date(2026, 3, 29)
        preview = await prepared(
            town, account, quantities={await service_of(town, "EUR"): 1}, booking_date=day, booking_time=time(1, 30)
        )
        assert preview.currency == "EUR" and preview.timezone == "Europe/Lisbon"
        assert preview.held_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        first = await confirmed(town, account, preview, booking_time=time(1, 30))
        again = await confirmed(town, account, preview, booking_time=time(1, 30))
        assert (first.id, first.currency) == (again.id, "EUR")
        shown = await town.value("SELECT local_time FROM bookings WHERE id = $1", first.id)
        assert shown == time(2, 30)


LISBON = ((-9.25, 38.65), (-9.05, 38.65), (-9.05, 38.85), (-9.25, 38.85))


async def settle(town: City, area: Area) -> UUID:
    """A zone of other clocks and another currency, with prices, one technician and the first customer's home."""
    services, account = town.services, town.seeded.customer_ids[0]
    async with services.transaction() as tx:
        zone = replace(zone_in(area), opens=time(0), closes=time(6))
        zone_id = await zones.put(tx, zone)
        await tx.conn.execute("INSERT INTO service_prices SELECT id, 'EUR', 3000, 3500 FROM services")
        catalogue.changed(tx)
        await addresses.create(
            tx,
            account,
            AddressIn("Home", "1 Rua", "Lisbon", "Lisbon", "1000-001", lat=38.72, lng=-9.14, is_default=True),
        )
        person = await tx.conn.fetchval(
            "INSERT INTO parties (kind, code, name) VALUES ('technician', 'PT-900', 'Ines') RETURNING id"
        )
        await tx.conn.execute(
            "INSERT INTO technicians"
            " (id, categories, tiers, base_lat, base_lng, zone_id, onboarding_status, working_hours)"
            " VALUES ($1, '{Facial}', '{Minimal}', 38.72, -9.14, $2, 'verified', $3)",
            person, zone_id, {"start": "00:00", "end": "23:59", "days": [1, 2, 3, 4, 5, 6, 7]},
        )  # fmt: skip
    await services.zones.reload()
    await services.roster.refresh([person])
    return account


async def test_seven_online_confirms_an_hour_are_payments(fresh_pool: Pool) -> None:
    keys = {"key_id": "rzp_test_key", "key_secret": "s" * 32, "webhook_secret": "w" * 32}
    async with city(fresh_pool, technicians=24, payments={**keys, "base_url": "http://127.0.0.1:9"}) as town:
        account = town.seeded.customer_ids[0]
        outcomes = []
        for hour in range(7):
            preview = await prepared(town, account)
            try:
                await confirmed(town, account, preview, payment_method="online", booking_time=time(9 + hour))
            except DispatchError as e:
                outcomes.append(type(e))
        # The gateway is away; what was begun counts all the same, and what was refused made nothing.
        assert [kind is TooManyPayments for kind in outcomes] == [False] * 5 + [True] * 2
        assert await town.value("SELECT count(*) FROM bookings") == 5


# ---------------------------------------------------------------- what the customer's word changes


async def test_name_and_email_fill_an_empty_profile_and_no_other(town: City) -> None:
    empty, full = town.seeded.customer_ids[:2]
    await town.run("UPDATE accounts SET name = NULL, email = NULL WHERE id = $1", empty)
    await town.run("UPDATE accounts SET name = 'Bina', email = 'bina@example.com' WHERE id = $1", full)
    for account in (empty, full):
        await confirmed(town, account, await prepared(town, account))
    shown = "SELECT name || ' ' || email FROM accounts WHERE id = $1"
    assert await town.value(shown, empty) == "Asha Rao asha@example.com"
    assert await town.value(shown, full) == "Bina bina@example.com"


async def test_ones_own_hold_is_in_nobodys_way(fresh_pool: Pool) -> None:
    """The last technician is held by oneself: preparing again, with or without a time, shows and takes that time."""
    async with city(fresh_pool, technicians=24, customers=2) as town:
        me, other = town.seeded.customer_ids[:2]
        await town.run(
            "UPDATE technicians SET is_active = id = (SELECT technician_id FROM slots LIMIT 1) WHERE $1", False
        )
        first = await prepared(town, me, booking_time=time(10))
        await town.run("UPDATE technicians SET is_active = id = (SELECT technician_id FROM slots LIMIT 1)")
        await town.services.roster.refresh()
        again = await prepared(town, me, booking_time=time(10), promo_code="SAVE10")
        assert time(10) in again.free and again.held_at == first.held_at
        plain = await prepared(town, me)
        assert time(10) in plain.free
        with pytest.raises(SlotTaken):
            await prepared(town, other, booking_time=time(10))
        assert (await confirmed(town, me, plain, booking_time=time(10))).status == "partner_assigned"


async def test_two_confirms_of_one_preview_at_once_are_one_booking(town: City) -> None:
    account = town.seeded.customer_ids[0]
    preview = await prepared(town, account)
    made = await asyncio.gather(*(confirmed(town, account, preview) for _ in range(4)))
    assert len({one.id for one in made}) == 1
    assert await town.value("SELECT count(*) FROM bookings") == 1
    assert await town.value("SELECT cardinality(hits) FROM quotas WHERE key LIKE 'booking_creation:%'") == 1


# ---------------------------------------------------------------- why there is no time


async def test_a_day_without_a_time_says_why(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=24) as town:
        account = town.seeded.customer_ids[0]
        both = {await service_of(town, name=name): 1 for name in ("Facial - Minimal", "Home cleaning - Minimal")}
        seen = {(await prepared(town, account, quantities=both)).none_because}
        today = town.services.clock.now().astimezone(ZoneInfo("Asia/Kolkata")).date()
        late = datetime.combine(today, time(21), ZoneInfo("Asia/Kolkata"))
        await town.at(late)
        seen.add((await prepared(town, account, booking_date=today)).none_because)
        await town.run("UPDATE zones SET days = '{1}'")
        await town.services.zones.reload()
        seen.add((await prepared(town, account)).none_because)
        await town.run("UPDATE zones SET days = '{1,2,3,4,5,6,7}'")
        await town.services.zones.reload()
        await town.run("""UPDATE technicians SET working_hours = '{"start": "05:00", "end": "06:00", "days": [1]}'""")
        await town.services.roster.refresh()
        seen.add((await prepared(town, account)).none_because)
        await town.run("UPDATE technicians SET is_active = false")
        await town.services.roster.refresh()
        seen.add((await prepared(town, account)).none_because)
        # Who asks for a time hears the same reason, and not that they were too late for it.
        with pytest.raises(SlotTaken) as caught:
            await prepared(town, account, booking_time=time(10))
        assert caught.value.message == NO_TIME["not_served"]
    assert seen == {"not_together", "too_late", "closed", "out_of_hours", "not_served"}
    assert seen < NO_TIME.keys()
