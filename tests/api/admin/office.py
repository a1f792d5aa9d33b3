"""The back office of the tests: a server, and a signed-in super_admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.live import Live, Person


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
