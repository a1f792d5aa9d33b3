"""What forms of the pages are made of: an audience's own part of the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.live import Live, live_server


@pytest.fixture
async def live(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with live_server(fresh_dsn, tmp_path, technicians=0, customers=0) as made:
        yield made


async def test_the_schema_is_for_those_who_may_use_the_api(live: Live) -> None:
    boss = await live.person("admin", "admin@example.com")
    async with live.http.get(live.url + "/console/schema/admin.json") as stranger:
        assert stranger.status == 401
    found = await boss.call("GET", "/console/schema/admin.json")
    assert "post" in found["paths"]["/v1/admin/partners"] and "AdminPartnersNewPartnerIn" in found["schemas"]
    assert found["paths"]["/v1/admin/bookings/{id}/refund"]["post"]["x-permission"] == "refunds:write"
    assert all(path.startswith("/v1/admin") for path in found["paths"])
    await boss.call("GET", "/console/schema/nobody.json", expect=404)
