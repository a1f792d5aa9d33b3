"""Analytics and the dashboard over HTTP: the documented keys, what is wrong by its name, and who may look."""

from __future__ import annotations

import pytest

from tests.api.admin.office import Office
from tests.parties import staff

SPAN = "date_from=2026-01-01&date_to=2026-01-31"


async def test_every_answer_has_the_documented_keys(office: Office) -> None:
    data = (await office.boss.call("GET", f"/v1/admin/analytics/revenue?{SPAN}&group_by=week"))["data"]
    assert data.keys() >= {"total_revenue", "total_bookings", "average_order_value", "breakdown"}
    assert data["currency"] == "INR" and len(data["breakdown"]) == 5
    assert data["breakdown"][0].keys() >= {"date", "revenue", "bookings"}
    for path, key in (("partner-performance", "partners"), ("service-popularity", "services")):
        data = (await office.boss.call("GET", f"/v1/admin/analytics/{path}?{SPAN}&currency=eur"))["data"]
        assert data == {"currency": "EUR", key: []}
    data = (await office.boss.call("GET", "/v1/admin/dashboard"))["data"]
    assert data.keys() == {"stats", "recent_bookings", "recent_partners", "alerts"}
    stats = data["stats"]
    assert stats["total_bookings"] == sum(
        stats[f"{name}_bookings"] for name in ("pending", "confirmed", "completed", "cancelled")
    )
    assert stats["total_partners"] == 4 == len(data["recent_partners"])


@pytest.mark.parametrize(("query", "fields"), [
    ("", {"date_from", "date_to"}), ("date_from=2026-01-02", {"date_to"}), (f"{SPAN}&group_by=year", {"group_by"}),
    ("date_from=x&date_to=2026-01-01", {"date_from"}), (f"{SPAN}&currency=rupees", {"currency"}),
    ("date_from=2026-01-02&date_to=2026-01-01", {"date_to"}), ("date_from=2010-01-02&date_to=2026-01-01", {"date_to"}),
])  # fmt: skip
async def test_what_is_wrong_is_named(office: Office, query: str, fields: set[str]) -> None:
    answer = await office.boss.call("GET", f"/v1/admin/analytics/revenue?{query}", expect=422)
    assert set(answer["error"]["details"]) == fields


async def test_who_may_look(office: Office) -> None:
    for role, expect in (("admin", 200), ("finance", 200), ("support", 403)):
        person = await staff(office.live, role)
        await person.call("GET", f"/v1/admin/analytics/revenue?{SPAN}", expect=expect)
        await person.call("GET", "/v1/admin/dashboard")
