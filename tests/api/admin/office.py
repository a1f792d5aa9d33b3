"""One server for the tests of a module of the back office, and a signed-in super_admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.live import Live, Person, live_server
from tests.conftest import clone
from tests.parties import staff


@dataclass
class Office:
    live: Live
    boss: Person

    async def audited(self, action: str) -> dict[str, Any]:
        """The newest entry of this action."""
        async with self.live.services.read() as conn:
            row = await conn.fetchrow("SELECT * FROM audit_log WHERE action = $1 ORDER BY id DESC LIMIT 1", action)
        assert row is not None, action
        return dict(row)


@pytest.fixture(scope="module")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    async with live_server(await clone(pg_home), folder, technicians=4, customers=3) as live:
        yield Office(live, await staff(live, "super_admin", "boss@example.com"))
