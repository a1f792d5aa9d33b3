"""What tests of the documents share."""

from __future__ import annotations

from typing import Any

import pytest

from api.documents.openapi import openapi_document
from tests.api.demo import camel, kind, strict


@pytest.fixture(scope="session")
def demo() -> Any:
    """The document of the small audiences, with a route of every kind: tests only read it."""
    return openapi_document([*kind.routes, *strict.routes, *camel.routes])
