"""Where the parts of a bench run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dispatch.bench import lists
from dispatch.bench.processes import NotMeasurable
from dispatch.bench.stage import People, Server, Stage


@contextmanager
def no_server(_: dict[str, str]) -> Iterator[Server]:
    raise AssertionError("lists are read without a server")
    yield


async def test_a_stage_without_a_database_says_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path, People([], [], [], ""), no_server)
    with pytest.raises(NotMeasurable):
        lists.part(stage)
