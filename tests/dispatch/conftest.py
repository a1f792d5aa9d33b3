"""Services on a database of their own, because everything here commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import make_services


@pytest.fixture
def services(fresh_pool: Pool, tmp_path: Path) -> Services:
    return make_services(fresh_pool, tmp_path)
