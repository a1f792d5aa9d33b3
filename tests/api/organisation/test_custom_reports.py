"""Custom reports: any metric by any dimension, kept, repeated, and out of others' reach."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import chain, combinations
from typing import Any, get_args

import pytest

from dispatch.engine import files
from dispatch.localtime import local
from dispatch.parties import custom_reports, organisations
from dispatch.parties.custom_reports import Dimension, Metric, days_before, next_day
from dispatch.ports.files import NoFiles
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/analytics/custom-report"


async def test_every_metric_by_every_dimension(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    one, two = await home.department("One"), await home.department("Two")
    day = local(portal.services.clock.now(), "Asia/Kolkata").date()
    member = await home.member()
    for place, rating in ((one, 5), (one, 4), (two, None)):
        await home.done(day, department_id=place.id, member_id=member, rating=rating)
    dimensions: Any = get_args(Dimension)
    for chosen in chain.from_iterable(combinations(dimensions, n) for n in (0, 1, 2, 6)):
        body = {"reportName": "All", "metrics": list(get_args(Metric)), "dimensions": list(chosen)}
        rows = (await portal.call("POST", PATH, body, headers=home.headers(), expect=201))["data"]["rows"]
        assert sum(r["bookings"] for r in rows) == 3, chosen
        assert sum(r["spending"] for r in rows) == (1800 if "service_type" in chosen else 1746), chosen
    body = {"reportName": "By place", "metrics": ["bookings", "satisfaction"], "dimensions": ["department"]}
    made = (await portal.call("POST", PATH, body, headers=home.headers(), expect=201))["data"]
    assert [(r["department"], r["bookings"], r["satisfaction"], r["spending"]) for r in made["rows"]] == [
        ("One", 2, 4.5, None), ("Two", 1, None, None)
    ]  # fmt: skip
    body["filters"] = {"departments": [str(two.id)]}
    made = (await portal.call("POST", PATH, body, headers=home.headers(), expect=201))["data"]
    assert [r["department"] for r in made["rows"]] == ["Two"] and "/v1/files/" in made["downloadUrl"]


async def test_a_report_whose_file_cannot_be_kept_just_now_is_made_once(portal: Portal) -> None:
    """Whoever asked has its rows, and would ask for another if it were refused after it was made."""
    home = await add_organisation(portal.services)
    await home.done(local(portal.services.clock.now(), "Asia/Kolkata").date())
    body = {"reportName": "Once", "metrics": ["bookings"]}
    store, portal.services.files = portal.services.files, NoFiles()
    try:
        said = await portal.call("POST", PATH, body, headers=home.headers(), expect=201)
    finally:
        portal.services.files = store
    assert said["data"]["downloadUrl"] is None and "again later" in said["message"]
    assert [row["bookings"] for row in said["data"]["rows"]] == [1]
    (made,) = (await portal.call("GET", "/analytics/custom-reports", headers=home.headers()))["data"]["reports"]
    whole = (await portal.call("GET", f"/analytics/custom-reports/{made['id']}", headers=home.headers()))["data"]
    assert "/v1/files/" in whole["downloadUrl"]


async def test_a_report_comes_again_by_letter(portal: Portal) -> None:
    body = {
        "reportName": "Monthly", "metrics": ["bookings"], "format": "excel",
        "schedule": {"recurring": True, "frequency": "monthly", "recipients": ["john@m.example"]},
    }  # fmt: skip
    made = (await portal.call("POST", PATH, body, expect=201))["data"]["report"]
    assert made["frequency"] == "monthly" and made["nextRun"].endswith("-01")
    assert await custom_reports.run_due(portal.services) == 0
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE report_definitions SET next_on = '2026-01-01' WHERE name = 'Monthly'")
    assert await custom_reports.run_due(portal.services) == 1
    async with portal.services.read() as conn:
        sent = await conn.fetchval("SELECT body FROM outbox WHERE recipient = 'john@m.example'")
    assert "Monthly" in sent and "/v1/files/" in sent
    shown = (await portal.call("GET", f"/analytics/custom-reports/{made['id']}"))["data"]["report"]
    assert shown["nextRun"] == "2026-02-01" and shown["lastRunAt"] is not None
    listed = (await portal.call("GET", "/analytics/custom-reports"))["data"]["reports"]
    assert made["id"] in [r["id"] for r in listed]
    # Whoever it went to is gone: whom the organisation is reached by gets it.
    async with portal.services.transaction() as tx:
        await tx.conn.execute(
            "UPDATE report_definitions SET next_on = '2026-01-01', recipients = '{}' WHERE name = 'Monthly'"
        )
    assert await custom_reports.run_due(portal.services) == 1
    async with portal.services.read() as conn:
        told = await conn.fetchval("SELECT recipient FROM outbox WHERE template = 'report_ready' ORDER BY id DESC")
        home = await organisations.get(conn, portal.home.id)
    assert told == home.registered_email
    other = await add_organisation(portal.services)
    for method in ("GET", "DELETE"):
        path = f"/analytics/custom-reports/{made['id']}"
        await portal.call(method, path, headers=other.headers(), expect=404)
    await portal.call("DELETE", f"/analytics/custom-reports/{made['id']}")
    await portal.call("GET", f"/analytics/custom-reports/{made['id']}", expect=404)


async def test_each_letter_covers_the_days_since_the_one_before(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    for day in ("2025-11-30", "2025-12-01", "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"):
        await home.done(date.fromisoformat(day))
    body = {
        "reportName": "Every month", "metrics": ["bookings"], "dimensions": ["month"],
        "filters": {"startDate": "2026-01-01", "endDate": "2026-01-31"},
        "schedule": {"recurring": True, "frequency": "monthly", "recipients": ["every@m.example"]},
    }  # fmt: skip
    # What is made at once is of the days that it names ...
    made = (await portal.call("POST", PATH, body, headers=home.headers(), expect=201))["data"]
    assert [(r["month"], r["bookings"]) for r in made["rows"]] == [("2026-01", 2)]
    async with portal.services.transaction() as tx:
        await tx.conn.execute("DELETE FROM report_definitions WHERE name <> 'Every month'")
        await tx.conn.execute("UPDATE report_definitions SET next_on = '2026-01-01'")
    # ... and each letter of the month before its day, however late it is.
    for month in ("2025-12", "2026-01"):
        assert await custom_reports.run_due(portal.services) == 1
        async with portal.services.read() as conn:
            file_id = await conn.fetchval(
                "SELECT id FROM files WHERE name = 'Every month.csv' ORDER BY created_at DESC"
            )
            file = await files.get(conn, file_id)
        content = b"".join([piece async for piece in files.content_of(portal.services, file)])
        assert content.decode("utf-8-sig").split() == ["month,bookings", f"{month},2"]


async def test_a_report_is_due_by_the_clocks_of_its_organisation(portal: Portal) -> None:
    now = portal.services.clock.now()
    homes = {}
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        # Fourteen hours before UTC and twelve behind it: never the same day.
        homes[zone] = await add_organisation(portal.services)
        async with portal.services.transaction() as tx:
            await tx.conn.execute("UPDATE parties SET timezone = $1 WHERE id = $2", zone, homes[zone].id)
        body = {
            "reportName": zone, "metrics": ["bookings"],
            "schedule": {"frequency": "daily", "recipients": [f"{zone}@m.example".replace("/", ".")]},
        }  # fmt: skip
        made = (await portal.call("POST", PATH, body, headers=homes[zone].headers(), expect=201))["data"]["report"]
        assert made["nextRun"] == (local(now, zone).date() + timedelta(days=1)).isoformat()
    async with portal.services.transaction() as tx:
        day = local(now, "Pacific/Kiritimati").date()
        await tx.conn.execute("DELETE FROM report_definitions WHERE name <> ALL($1)", list(homes))
        await tx.conn.execute("UPDATE report_definitions SET next_on = $1", day)
    assert await custom_reports.run_due(portal.services) == 1


async def test_a_report_s_file_goes_when_its_time_is_over_and_the_report_stays(portal: Portal) -> None:
    body = {
        "reportName": "Kept", "metrics": ["bookings"],
        "schedule": {"recurring": True, "frequency": "daily", "recipients": ["kept@m.example"]},
    }  # fmt: skip
    made = (await portal.call("POST", PATH, body, expect=201))["data"]["report"]
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE report_definitions SET next_on = '2026-01-01' WHERE name = 'Kept'")
    assert await custom_reports.run_due(portal.services) == 1
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE files SET expires_at = app_now() WHERE name = 'Kept.csv'")
    await files.tidy(portal.services)
    async with portal.services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM files WHERE name = 'Kept.csv'") == 0
    await portal.call("GET", f"/analytics/custom-reports/{made['id']}")


async def test_what_a_report_cannot_be(portal: Portal) -> None:
    bad = {"reportName": "", "metrics": ["weather"], "dimensions": ["moon"], "format": "doc"}
    refused = await portal.call("POST", PATH, bad, expect=422)
    assert set(refused["error"]["details"]) == {"reportName", "metrics.0", "dimensions.0", "format"}
    days = {"reportName": "X", "metrics": ["bookings"], "filters": {"startDate": "2026-02-01", "endDate": "2026-01-01"}}
    assert set((await portal.call("POST", PATH, days, expect=422))["error"]["details"]) == {"filters.endDate"}
    to_nobody = {"reportName": "X", "metrics": ["bookings"], "schedule": {"frequency": "weekly"}}
    assert set((await portal.call("POST", PATH, to_nobody, expect=422))["error"]["details"]) == {"schedule.recipients"}
    small = await add_organisation(portal.services, expected_users=5)
    body = {"reportName": "X", "metrics": ["bookings"]}
    refused = await portal.call("POST", PATH, body, headers=small.headers(), expect=403)
    assert refused["error"]["code"] == "TIER_TOO_LOW"
    foreign = await (await add_organisation(portal.services)).department("Theirs")
    body["filters"] = {"departments": [str(foreign.id)]}  # type: ignore[assignment]
    await portal.call("POST", PATH, body, expect=404)


@pytest.mark.parametrize(("day", "frequency", "following"), [
    ("2026-01-31", "daily", "2026-02-01"), ("2026-01-07", "weekly", "2026-01-12"),
    ("2026-01-12", "weekly", "2026-01-19"), ("2026-12-15", "monthly", "2027-01-01"),
    ("2026-11-15", "quarterly", "2027-01-01"), ("2026-01-01", "quarterly", "2026-04-01"),
])  # fmt: skip
def test_the_day_after(day: str, frequency: str, following: str) -> None:
    assert next_day(date.fromisoformat(day), frequency).isoformat() == following


@pytest.mark.parametrize("frequency", ["daily", "weekly", "monthly", "quarterly"])
def test_between_two_letters_is_neither_a_gap_nor_a_day_twice(frequency: str) -> None:
    day = next_day(date(2026, 1, 7), frequency)
    _, last = days_before(day, frequency)
    for _ in range(20):
        day = next_day(day, frequency)
        start, end = days_before(day, frequency)
        assert start == last + timedelta(days=1) and end == day - timedelta(days=1)
        last = end


async def test_no_report_goes_to_whoever_is_suspended(portal: Portal) -> None:
    home = await add_organisation(portal.services, expected_users=5000)
    clerk = await home.member("finance")
    users = (await portal.call("GET", f"/users/{clerk}", headers=home.headers()))["data"]["user"]
    body = {
        "reportName": "Suspended", "metrics": ["bookings"],
        "schedule": {"frequency": "monthly", "recipients": [users["email"], "kept@house.example"]},
    }  # fmt: skip
    await portal.call("POST", PATH, body, headers=home.headers(), expect=201)
    await portal.call("PUT", f"/users/{clerk}/status", {"status": "suspended"}, headers=home.headers())
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE report_definitions SET next_on = '2026-01-01' WHERE name = 'Suspended'")
    assert await custom_reports.run_due(portal.services) >= 1
    async with portal.services.read() as conn:
        letters = "SELECT recipient FROM outbox WHERE template = 'report_ready' AND body LIKE '%Suspended%'"
        told = await conn.fetch(letters)
    assert [row["recipient"] for row in told] == ["kept@house.example"]
