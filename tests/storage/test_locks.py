"""Numbers of advisory locks are one list."""

from __future__ import annotations

import re

from storage import locks
from tests.dispatch.engine.test_alerts import ROOT


def test_lock_numbers_are_one_list_and_mean_one_thing_each() -> None:
    numbers = [value for name, value in vars(locks).items() if name.isupper()]
    assert len(numbers) == len(set(numbers)) >= 3
    for folder in ("storage", "dispatch", "api"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.sql")]:
            if path.name == "locks.py" or "migrations" in path.parts:
                continue
            for call in re.findall(r"advisory\w*lock\w*\(([^)]*)\)", path.read_text("utf-8")):
                assert not re.search(r"\d{3,}", call), (path, call)
