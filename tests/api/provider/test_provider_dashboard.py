"""The dashboard by the provider's clock: sums, charts whose points add up, files; and the wallet is the ledger."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from dispatch.billing import provider_transactions
from dispatch.billing.provider_transactions import NewTransaction
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer


@pytest.fixture(scope="module")
async def owner(office: Office) -> Teammate:
    """In Lagos: 1,000 on the last of December at half past eleven in the evening, 300 in January at noon, and more."""
    owner = await office.owner(timezone="Africa/Lagos", currency="NGN")
    ann = await add_customer(office.world.services, owner.owned, "Ann Ade")
    for n, (at, minor, status, kind) in enumerate((
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), 100_000, "settled", "credit"),
        (datetime(2026, 1, 5, 4, 0, tzinfo=UTC), 30_000, "settled", "credit"),
        (datetime(2026, 1, 4, 23, 30, tzinfo=UTC), 12_050, "settled", "credit"),
        (datetime(2026, 1, 2, 12, 0, tzinfo=UTC), 7_000, "failed", "credit"),
        (datetime(2026, 1, 2, 12, 0, tzinfo=UTC), 5_000, "pending", "debit"),
    )):  # fmt: skip
        async with office.world.services.transaction() as tx:
            made = await provider_transactions.add(tx, NewTransaction(
                owner.owned.id, kind, "provider_payment", status, minor, "NGN", f"D-{n}", "cash", ann,
                service="Facial" if n else "Massage",
            ))  # fmt: skip
            assert made is not None
            await tx.conn.execute(
                "UPDATE provider_transactions SET created_at = $2, settled_at = CASE WHEN settled_at IS NOT NULL "
                "THEN $2::timestamptz END WHERE id = $1", made.id, at,
            )  # fmt: skip
    async with office.world.services.transaction() as tx:
        # The days of lines that were moved in time.
        await tx.conn.execute("DELETE FROM provider_days WHERE provider_id = $1", owner.owned.id)
    await owner.call("PUT", "/settings/time-language", {"timezone": "Asia/Kolkata"})
    await owner.call("PUT", "/settings/time-language", {"timezone": "Africa/Lagos"})
    return owner


async def test_stats(owner: Teammate) -> None:
    shown = (await owner.call("GET", "/dashboard/stats"))["data"]
    assert shown["income"] == 42_050 and shown["walletBalance"] == 0 and shown["pendingPayouts"] == 0
    assert shown["periodComparison"] == {
        "incomeChange": -57.95, "incomeChangeAmount": -57_950, "payoutsChange": 0.0, "payoutsChangeCount": 0,
        "subscribersChange": 0.0, "subscribersChangeCount": 0,
    }  # fmt: skip
    assert shown["transactionsSummary"] == [
        {"_id": "successful", "count": 2, "totalAmount": 42_050}, {"_id": "failed", "count": 1, "totalAmount": 7_000},
        {"_id": "refunded", "count": 0, "totalAmount": 0}, {"_id": "pending", "count": 1, "totalAmount": 5_000},
    ]  # fmt: skip
    assert (shown["failedRefundedCount"], shown["failedRefundedAmount"]) == (1, 7_000)
    assert (await owner.call("GET", "/dashboard/stats?period=daily"))["data"]["income"] == 42_050
    chosen = (await owner.call("GET", "/dashboard/stats?startDate=2025-12-31&endDate=2025-12-31"))["data"]
    assert chosen["income"] == 100_000, "half past eleven in the evening is still December there"
    await owner.call("GET", "/dashboard/stats?period=hourly&startDate=soon", expect=400)
    answer = await owner.call("GET", "/dashboard/stats?startDate=2026-01-05&endDate=2026-01-01", expect=400)
    assert "endDate" in answer["errors"]


@pytest.mark.parametrize(("query", "points", "this", "last"), [
    ("period=monthly", 31, 42_050, 100_000), ("period=yearly", 12, 42_050, 100_000),
    ("period=weekly", 7, 42_050, 100_000),
    ("period=daily", 24, 42_050, 0), ("period=monthly&service=massage", 31, 0, 100_000),
    ("period=monthly&startDate=2026-02-01&endDate=2026-02-28", 28, 0, 42_050),
])  # fmt: skip
async def test_charts_add_up(owner: Teammate, query: str, points: int, this: int, last: int) -> None:
    shown = (await owner.call("GET", f"/dashboard/income-chart?{query}"))["data"]
    assert len(shown["dataPoints"]) == points
    assert sum(p["thisPeriod"] for p in shown["dataPoints"]) == this == shown["summary"]["thisPeriodTotal"]
    assert sum(p["lastPeriod"] for p in shown["dataPoints"]) == last == shown["summary"]["lastPeriodTotal"]


async def test_a_chart_needs_its_period(owner: Teammate) -> None:
    answer = await owner.call("GET", "/dashboard/income-chart", expect=400)
    assert "period" in answer["errors"]
    hours = (await owner.call("GET", "/dashboard/income-chart?period=daily"))["data"]["dataPoints"]
    assert [(p["date"], p["thisPeriod"]) for p in hours if p["thisPeriod"]] == [
        ("2026-01-05T00:00:00", 12_050), ("2026-01-05T05:00:00", 30_000),
    ]  # fmt: skip


async def test_the_newest_lines(owner: Teammate) -> None:
    shown = (await owner.call("GET", "/dashboard/recent-activities?limit=2&offset=1"))["data"]
    assert (shown["total"], shown["limit"], shown["offset"]) == (5, 2, 1)
    assert shown["activities"][0].items() >= {
        "payer": "Ann Ade", "status": "Settled", "amount": "₦120.50", "method": "Cash", "reference": "D-2",
    }.items()  # fmt: skip
    assert (await owner.call("GET", "/dashboard/recent-activities?limit=99"))["data"]["limit"] == 50
    assert (await owner.call("GET", "/dashboard/recent-activities?period=daily"))["data"]["total"] == 2


async def test_analytics(owner: Teammate) -> None:
    shown = (await owner.call("GET", "/analytics/overview"))["data"]
    assert shown["revenue"] == {"total": 42_050, "change": -57.95, "trend": "down", "currency": "NGN"}
    assert shown["transactions"] == {"total": 4, "successful": 2, "failed": 1, "change": 300.0}
    assert shown["customers"].items() >= {"total": 1, "new": 1, "active": 1}.items()
    assert shown["period"] == {"start": "2026-01-01", "end": "2026-01-31", "type": "monthly"}


async def test_files(owner: Teammate) -> None:
    content, headers = await owner.file("/dashboard/export?format=csv")
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert ["Summary", "Income (NGN)", "420.50", "1000"] in rows
    assert "dashboard_export_2026-01-05.csv" in headers["Content-Disposition"]
    for query, begins in (("format=xlsx", b"PK"), ("format=pdf", b"%PDF"), ("format=pdf&includeCharts=true", b"%PDF")):
        content, _ = await owner.file(f"/dashboard/export?{query}")
        assert content.startswith(begins)
    await owner.call("GET", "/dashboard/export", expect=400)


async def test_an_empty_dashboard_divides_by_nothing(office: Office) -> None:
    owner = await office.owner()
    for path in (
        "/dashboard/stats", "/dashboard/income-chart?period=yearly", "/analytics/overview",
        "/dashboard/recent-activities", "/customers", "/subscriptions",
    ):  # fmt: skip
        assert (await owner.call("GET", path))["success"]
