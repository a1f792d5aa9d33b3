"""Services on a database of their own, because everything here commits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import make_services


@pytest.fixture
def services(fresh_pool: Pool, tmp_path: Path) -> Services:
    return make_services(fresh_pool, tmp_path)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment without anything of ours."""
    for name in list(os.environ):
        if name.startswith("DISPATCH_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    return monkeypatch
