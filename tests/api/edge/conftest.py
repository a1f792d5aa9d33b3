"""The lines of the log, as a server would write them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from dispatch import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info", stream=stream)
    yield stream
    logs.unconfigure()
    root.handlers[:] = handlers
    root.setLevel(level)
