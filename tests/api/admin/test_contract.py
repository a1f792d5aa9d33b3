"""The contract's own words: each documented request about bookings, people and money is taken, each key answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from tests.api.admin.counter import Counter
from tests.api.contract import CONTRACT, body_of
from tests.api.test_contract import differences

ALL = {e["id"]: e for e in orjson.loads(CONTRACT.read_bytes())} if CONTRACT.exists() else {}
pytestmark = pytest.mark.skipif(not ALL, reason="the shared contract is not here")

#: (the path's id, what of the example has to be real)
Made = tuple[str, dict[str, Any]]


async def worker(c: Counter) -> Any:
    await c.world.execute("UPDATE technicians SET is_available = false")
    await c.world.services.roster.refresh()
    return await c.world.technician(km_north=0.05)


async def nothing(c: Counter) -> Made:
    return "", {}


async def offered(c: Counter) -> Made:
    await worker(c)
    return str((await c.till.paid()).id), {}


async def waiting(c: Counter) -> Made:
    booking = await c.world.book(hours=30, dispatch=False)
    return str(booking.id), {"partner_id": str(await worker(c))}


async def technician(c: Counter) -> Made:
    return str(await worker(c)), {}


async def unverified(c: Counter) -> Made:
    return str(await c.world.technician(onboarding_status="pending")), {}


async def earner(c: Counter) -> Made:
    who = await worker(c)
    await c.till.finish(await c.till.paid(), who)
    return str(who), {}


async def due(c: Counter) -> Made:
    who, _ = await earner(c)
    found = await c.ask("GET", f"/partners/{who}/earnings")
    return "", {"partner_id": who, "earnings_ids": [e["id"] for e in found["earnings"]]}


async def payout(c: Counter) -> Made:
    _, body = await due(c)
    made = await c.ask("POST", "/payouts", {**body, "payment_method": "bank_transfer"}, expect=201)
    return made["payout"]["id"], {}


async def service(c: Counter) -> Made:
    body = body_of(ALL["admin-service-create"], {"name": "Another", "image_url": "https://example.com/a.png"})
    return (await c.ask("POST", "/services", body, expect=201))["service"]["id"], {}


async def image(c: Counter) -> Made:
    return "", {"image_url": "https://example.com/facial.png"}


async def new_code(c: Counter) -> Made:
    return "", {"code": "CONTRACT10"}


async def promo(c: Counter) -> Made:
    body = body_of(ALL["admin-promo-create"], {"code": f"C{await c.world.value('SELECT count(*) FROM promo_codes')}"})
    return (await c.ask("POST", "/promo-codes", body, expect=201))["promo_code"]["id"], {}


MAKERS: dict[str, Callable[[Counter], Awaitable[Made]]] = {
    "admin-bookings-list": offered, "admin-booking-detail": offered, "admin-booking-status": offered,
    "admin-booking-assign": waiting, "admin-booking-cancel": offered, "admin-booking-refund": offered,
    "admin-partners-list": technician, "admin-partner-detail": technician, "admin-partner-create": nothing,
    "admin-partner-update": technician, "admin-partner-verify": unverified, "admin-partner-availability": technician,
    "admin-partner-bookings": earner, "admin-partner-earnings": earner, "admin-payouts-list": payout,
    "admin-payout-create": due, "admin-payout-process": payout, "admin-payout-fail": payout,
    "admin-services-list": nothing, "admin-service-create": image, "admin-service-update": service,
    "admin-service-delete": service, "admin-promos-list": promo, "admin-promo-create": new_code,
    "admin-promo-update": promo,
}  # fmt: skip


@pytest.mark.parametrize("endpoint_id", MAKERS)
async def test_the_documented_request_gets_the_documented_answer(counter: Counter, endpoint_id: str) -> None:
    endpoint = ALL[endpoint_id]
    path_id, change = await MAKERS[endpoint_id](counter)
    example = endpoint["request_example"] or {}
    body = body_of(endpoint, {k: v for k, v in change.items() if k in example})
    path = endpoint["full_path"].removeprefix("/v1").replace("{id}", path_id)
    status, answer, _ = await counter.staff.call(endpoint["method"], path, body)
    assert status == endpoint["success_status"], answer
    if endpoint["response_example"] is None:
        assert answer["success"] is True
    else:
        assert list(differences(endpoint["response_example"], answer)) == []
