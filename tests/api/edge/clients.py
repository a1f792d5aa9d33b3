"""Clients of a server with these settings."""

from __future__ import annotations

from typing import Any

from dispatch.config import Settings


def settings(**changes: Any) -> Settings:
    return Settings(env="test", database_url="postgresql://nowhere", **changes)
