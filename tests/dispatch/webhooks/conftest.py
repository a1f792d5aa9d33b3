"""What tests of webhooks share: endpoints by sentence, and a world that may call this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database.pool import Pool
from tests.dispatch.webhooks.hooks import Hooks
from tests.world import make_world


@pytest.fixture
async def hooks(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[Hooks]:
    """A world in which endpoints may be on this machine."""
    world = await make_world(fresh_pool, tmp_path, webhooks={"open_hosts": ["127.0.0.1"]})
    yield Hooks(world)
    await world.services.bus.close()
