"""A technician's own settings over HTTP: availability and working hours, and what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.api.live import Live, Person, live_server, until
from tests.conftest import clone


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with live_server(await clone(pg_home), tmp_path_factory.mktemp("me"), technicians=1, customers=1) as made:
        yield made


@pytest.fixture(scope="module")
async def me(live: Live) -> Person:
    return await live.person("technician", "PT-001")


async def test_availability(live: Live, me: Person) -> None:
    off = (await me.call("PATCH", "/v1/partner/availability", {"is_available": False}))["data"]
    assert off["is_available"] is False and off["last_seen_at"].endswith("Z")
    await until(lambda: not next(iter(live.services.roster)).is_available, "the roster hears of it")
    on = await me.call(
        "PATCH", "/v1/partner/availability", {"is_available": True, "current_lat": None, "current_lng": None}
    )
    assert on["data"]["is_available"] is True
    assert len(live.services.tracker.fleet) == 0
    await me.call("PATCH", "/v1/partner/availability", {"is_available": True, "current_lat": 22.5, "current_lng": 88.3})
    assert len(live.services.tracker.fleet) == 1
    dashboard = (await me.call("GET", "/v1/partner/dashboard"))["data"]["stats"]
    assert dashboard["is_available"] is True and dashboard["pending_bookings"] == 0 and dashboard["total_earnings"] == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["is_available"]),
        ({"is_available": None}, ["is_available"]),
        ({"is_available": "yes"}, ["is_available"]),
        ({"is_available": True, "current_lat": 91, "current_lng": -181}, ["current_lat", "current_lng"]),
        ({"is_available": True, "current_lat": "NaN", "current_lng": 1}, ["current_lat"]),
        ({"is_available": True, "current_lat": "here", "current_lng": "there"}, ["current_lat", "current_lng"]),
        ({"is_available": 1, "mood": "good"}, ["is_available", "mood"]),
    ],
)
async def test_bad_availability(live: Live, me: Person, body: dict[str, Any], fields: list[str]) -> None:
    answer = await me.call("PATCH", "/v1/partner/availability", body, expect=422)
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert sorted(answer["error"]["details"]) == fields, answer


async def test_half_a_position(live: Live, me: Person) -> None:
    answer = await me.call("PATCH", "/v1/partner/availability", {"is_available": True, "current_lat": 22.5}, expect=422)
    assert "current_lat and current_lng together" in str(answer["error"]["details"])


@pytest.mark.parametrize("raw", [b"{", b"[1", b"NaN", b'{"is_available": true, "current_lat": NaN, "current_lng": 1}'])
async def test_no_json_at_all(live: Live, me: Person, raw: bytes) -> None:
    headers = {"Authorization": f"Bearer {me.token}", "Content-Type": "application/json"}
    async with live.http.patch(live.url + "/v1/partner/availability", data=raw, headers=headers) as reply:
        answer = await reply.json()
        assert reply.status in (400, 422) and answer["success"] is False, answer


async def test_working_hours(live: Live, me: Person) -> None:
    wanted = {"working_hours": {"start": "09:00", "end": "18:30", "days": [5, 1, 1]}}
    kept = (await me.call("PUT", "/v1/partner/working-hours", wanted))["data"]["working_hours"]
    assert kept == {"start": "09:00", "end": "18:30", "days": [1, 5]}
    await until(lambda: next(iter(live.services.roster)).hours.days == {1, 5}, "the roster hears of it")


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        ({"start": "09:00", "end": "09:00", "days": [1]}, "working_hours.end"),
        ({"start": "09:00", "end": "18:00", "days": []}, "working_hours.days"),
        ({"start": "09:00", "end": "18:00", "days": [0]}, "working_hours.days"),
        ({"start": "09:00", "end": "18:00", "days": [8]}, "working_hours.days"),
        ({"start": "nine", "end": "18:00", "days": [1]}, "working_hours.start"),
        ({"start": "09:00", "end": "25:00", "days": [1]}, "working_hours.end"),
        ({"start": "09:00", "days": [1]}, "working_hours.end"),
        ({"start": "09:00+05:30", "end": "18:00", "days": [1]}, "working_hours.start"),
        ({"start": "09:00", "end": "18:00", "days": [1], "lunch": 1}, "working_hours.lunch"),
        ({"start": 9, "end": "18:00", "days": [1]}, "working_hours.start"),
        ({"start": "24:00", "end": "00:00", "days": [1]}, "working_hours.end"),
        (
            {"start": "09:00", "end": "18:00", "days": [1], "breaks": [{"start": "17:00", "end": "19:00"}]},
            "working_hours.breaks.0",
        ),
        (
            {"start": "09:00", "end": "18:00", "days": [1], "breaks": [{"start": "09:00", "end": "18:00"}]},
            "working_hours.breaks",
        ),
        ({"weekly": [{"day": 8, "start": "09:00", "end": "18:00"}]}, "working_hours.weekly.0.day"),
        ({"weekly": [{"day": 1, "start": "09:00", "end": "09:00"}]}, "working_hours.weekly.0.end"),
        ({"weekly": []}, "working_hours.weekly"),
    ],
)
async def test_bad_hours(live: Live, me: Person, hours: dict[str, Any], field: str) -> None:
    answer = await me.call("PUT", "/v1/partner/working-hours", {"working_hours": hours}, expect=422)
    assert any(name.startswith(field) for name in answer["error"]["details"]), answer


async def test_hours_over_midnight_with_breaks_and_by_weekday(live: Live, me: Person) -> None:
    async def put(**hours: Any) -> dict[str, Any]:
        answer = await me.call("PUT", "/v1/partner/working-hours", {"working_hours": hours})
        return dict(answer["data"]["working_hours"])

    assert await put(start="18:00", end="02:00", days=[5, 6]) == {"start": "18:00", "end": "02:00", "days": [5, 6]}
    assert await put(start="08:00", end="24:00", days=[1]) == {"start": "08:00", "end": "24:00", "days": [1]}
    broken = await put(start="08:00", end="20:00", days=[1], breaks=[{"start": "12:30", "end": "13:00"}])
    assert (broken["start"], broken["end"], broken["days"]) == ("08:00", "20:00", [1])
    assert broken["weekly"] == [
        {"day": 1, "start": "08:00", "end": "12:30"}, {"day": 1, "start": "13:00", "end": "20:00"},
    ]  # fmt: skip
    # What was answered may be sent back as it is, and a simple client still reads its three names.
    assert await put(**broken) == broken
    pause = [{"start": "01:00", "end": "01:30"}]
    night = await put(weekly=[{"day": 7, "start": "20:00", "end": "04:00", "breaks": pause}])
    assert {"day": 1, "start": "01:30", "end": "04:00"} in night["weekly"]
    profile = (await me.call("GET", "/v1/partner/auth/me"))["data"]
    assert profile["working_hours"] == night


async def test_days_off(live: Live, me: Person) -> None:
    today = live.services.clock.now().date()
    first, second = today + timedelta(days=30), today + timedelta(days=9)
    for day in (first, second, first):
        assert (await me.call("PUT", f"/v1/partner/days-off/{day}"))["data"] == {"date": str(day)}
    listed = (await me.call("GET", "/v1/partner/days-off"))["data"]["days_off"]
    assert listed == [{"date": str(second)}, {"date": str(first)}]
    await until(lambda: next(iter(live.services.roster)).hours.days_off == {first, second}, "the roster hears of it")
    for _ in range(2):
        await me.call("DELETE", f"/v1/partner/days-off/{second}")
    assert (await me.call("GET", "/v1/partner/days-off"))["data"]["days_off"] == [{"date": str(first)}]
    for wrong in (today - timedelta(days=2), today + timedelta(days=400)):
        answer = await me.call("PUT", f"/v1/partner/days-off/{wrong}", expect=422)
        assert list(answer["error"]["details"]) == ["date"]
    await me.call("PUT", "/v1/partner/days-off/tomorrow", expect=404)


@pytest.mark.parametrize("query", ["days=0", "days=31", "limit=0", "page=x"])
async def test_bad_questions(live: Live, me: Person, query: str) -> None:
    answer = await me.call("GET", f"/v1/partner/why-no-jobs?{query}", expect=422)
    assert list(answer["error"]["details"]) == [query.split("=")[0]]


async def test_nobody_has_looked_at_me_yet(live: Live, me: Person) -> None:
    why = (await me.call("GET", "/v1/partner/why-no-jobs"))["data"]
    assert why["reasons"] == [] and why["recent"] == [] and why["since"].endswith("Z")


async def test_my_mail_is_mine_to_change_and_my_name_is_not(live: Live, me: Person) -> None:
    before = (await me.call("GET", "/v1/partner/profile"))["data"]
    changed = (await me.call("PATCH", "/v1/partner/profile", {"email": "asha@example.com"}))["data"]
    assert changed == {**before, "email": "asha@example.com", "last_seen_at": changed["last_seen_at"]}
    assert (await me.call("PATCH", "/v1/partner/profile", {}))["data"]["email"] == "asha@example.com"
    refused = await me.call("PATCH", "/v1/partner/profile", {"email": "nowhere", "name": "Another"}, expect=422)
    assert sorted(refused["error"]["details"]) == ["email", "name"]
    assert (await me.call("PATCH", "/v1/partner/profile", {"email": None}))["data"]["email"] is None
