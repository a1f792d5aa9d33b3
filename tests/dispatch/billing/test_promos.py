"""What a promo code is worth, why one is refused, and that uses are given back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.billing import promos
from dispatch.billing.promos import PromoIn, PromoUsedUp, discount_of, refusal
from dispatch.events import SYSTEM
from dispatch.services import Services
from storage.database.pool import Pool
from storage.promos import Promo
from tests.city import City, city
from tests.turns import Work, one_after_the_other

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
TEN_PERCENT = Promo(
    uuid4(),
    "SAVE10",
    None,
    "percentage",
    Decimal(10),
    None,
    "INR",
    None,
    None,
    None,
    None,
    0,
    None,
    None,
    True,
)
FLAT = replace(TEN_PERCENT, code="FLAT", discount_type="fixed", discount_percent=None, discount_minor=20_000)


def test_percentages_and_fixed_amounts() -> None:
    assert discount_of(TEN_PERCENT, 160_000) == 16_000
    assert discount_of(FLAT, 160_000) == 20_000
    assert discount_of(FLAT, 15_000) == 15_000
    assert discount_of(replace(TEN_PERCENT, max_discount_minor=5_000), 160_000) == 5_000


@given(st.integers(0, 10**10), st.decimals("0.01", 100, places=2), st.integers(1, 10**8) | st.none())
def test_a_discount_is_never_more_than_the_amount_or_the_cap(amount: int, percent: Decimal, cap: int | None) -> None:
    found = discount_of(replace(TEN_PERCENT, discount_percent=percent, max_discount_minor=cap), amount)
    assert 0 <= found <= amount
    assert cap is None or found <= cap


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_active": False}, "not active"),
        ({"currency": "EUR"}, "EUR"),
        ({"valid_from": NOW + timedelta(seconds=1)}, "not valid yet"),
        ({"valid_until": NOW}, "expired"),
        ({"min_order_minor": 160_001}, "at least 1600.01"),
        ({"valid_from": NOW, "valid_until": NOW + timedelta(seconds=1), "min_order_minor": 160_000}, None),
    ],
)
def test_why_a_code_is_refused(changes: dict[str, Any], why: str | None) -> None:
    found = refusal(replace(TEN_PERCENT, **changes), 160_000, "INR", NOW)
    assert found is None if why is None else found is not None and why in found


# ---------------------------------------------------------------- in the database


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=1) as made:
        yield made


@pytest.fixture
async def account(town: City) -> UUID:
    return town.seeded.customer_ids[0]


async def booking(town: City, account: UUID) -> UUID:
    """A bare row, enough for a redemption to point to."""
    return await town.value(
        """
        INSERT INTO bookings (number, account_id, address, lat, lng, timezone, local_date, local_time,
          starts_at, ends_at, categories, tiers, payment_method, currency, subtotal_minor, savings_minor,
          discount_minor, tax_minor, grand_total_minor, next_action, next_action_at)
        VALUES (gen_random_uuid()::text, $1, '{}', 22.5, 88.3, 'Asia/Kolkata', '2026-01-21', '10:00',
          app_now(), app_now() + interval '1 hour', '{Facial}', '{Minimal}', 'cash', 'INR', 1, 0, 0, 0, 1,
          'dispatch', app_now())
        RETURNING id
        """,
        account,
    )


async def use(town: City, code: str, account: UUID) -> UUID:
    booking_id = await booking(town, account)
    promo_id = await town.value("SELECT id FROM promo_codes WHERE code = $1", code)
    async with town.services.transaction() as tx:
        await promos.redeem(tx, promo_id, account, booking_id, 100)
    return booking_id


async def add(town: City, **changes: Any) -> None:
    async with town.services.transaction() as tx:
        await promos.upsert(tx, PromoIn(**{"code": "once", "currency": "INR", "discount_minor": 100, **changes}))


async def test_a_use_given_back_can_be_used_again(town: City, account: UUID) -> None:
    await add(town, total_limit=1, per_user_limit=1)
    first = await use(town, "ONCE", account)
    assert not (await promos.validate(town.services, "once", account, 1_000, "INR")).is_valid
    with pytest.raises(PromoUsedUp):
        await use(town, "ONCE", account)
    for _ in range(2):
        async with town.services.transaction() as tx:
            await promos.release(tx, first)
    assert await town.value("SELECT used_count FROM promo_codes WHERE code = 'ONCE'") == 0
    assert (await promos.validate(town.services, "once", account, 1_000, "INR")).is_valid
    await use(town, "ONCE", account)


async def test_one_customers_limit_is_not_anothers(town: City, account: UUID) -> None:
    await add(town, per_user_limit=1)
    await use(town, "ONCE", account)
    with pytest.raises(PromoUsedUp, match="already used"):
        await use(town, "ONCE", account)
    await use(town, "ONCE", town.seeded.customer_ids[1])


async def test_the_total_is_of_all_customers(town: City, account: UUID) -> None:
    await add(town, total_limit=1)
    await use(town, "ONCE", account)
    with pytest.raises(PromoUsedUp):
        await use(town, "ONCE", town.seeded.customer_ids[1])


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE promo_codes SET is_active = false",
        "UPDATE promo_codes SET valid_until = app_now()",
        "UPDATE promo_codes SET valid_from = app_now() + interval '1 s'",
    ],
)
async def test_what_ended_after_prepare_is_not_redeemed(town: City, account: UUID, end: str) -> None:
    await add(town)
    await town.run(end)
    with pytest.raises(PromoUsedUp):
        await use(town, "ONCE", account)


async def test_a_changed_definition_is_seen_at_once(town: City, account: UUID) -> None:
    assert (
        await promos.validate(town.services, "once", account, 1_000, "INR")
    ).message == "This promo code does not exist."
    await add(town)
    assert (await promos.validate(town.services, "once", account, 1_000, "INR")).discount_minor == 100
    await add(town, discount_minor=300)
    # As it is typed, or copied out of a message.
    for written in (" Once ", "once\u200b", "\u202aONCE\u202c", "\uff4f\uff4e\uff43\uff45", "on\u00adce"):
        assert (await promos.validate(town.services, written, account, 1_000, "INR")).discount_minor == 300
    await add(town, is_active=False)
    assert not (await promos.validate(town.services, "once", account, 1_000, "INR")).is_valid


async def test_two_who_change_one_code_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await promos.create(tx, PromoIn("SAVE10", "INR", discount_percent=Decimal(10)), SYSTEM)

    def change(**changes: Any) -> Work:
        return lambda tx: promos.change(tx, made.id, SYSTEM, changes, None, round)

    _, after = await one_after_the_other(services, change(total_limit=100), change(is_active=False))
    assert (after.total_limit, after.is_active) == (100, False)
