"""The document of the whole server, made once: tests only read it."""

from __future__ import annotations

from typing import Any

import pytest

from api.documents.openapi import openapi_document


@pytest.fixture(scope="package")
def whole() -> Any:
    return openapi_document()
