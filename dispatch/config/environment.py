"""From where settings are read: the environment, and a file beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

#: Read where it lies in the folder from which a command is started; the environment goes before it.
ENV_FILE = ".env"


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The group that a setting is; None where it is one of its own."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def env_file() -> str | None:
    """The file that is read beside the environment: .env of this folder, or what DISPATCH_ENV_FILE names; None where
    that is empty."""
    return os.environ.get("DISPATCH_ENV_FILE", ENV_FILE) or None


_over_groups: ContextVar[bool] = ContextVar("over groups", default=False)


@contextmanager
def over_groups() -> Iterator[None]:
    """Within this block a group that is given as a whole and is no table in JSON is passed over, so that what is given
    of it one by one is looked at."""
    token = _over_groups.set(True)
    try:
        yield
    finally:
        _over_groups.reset(token)


class Environment(EnvSettingsSource):
    """Hands on what is no JSON as it stands: it is refused with the name of its variable, beside all else that is."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            value = super().decode_complex_value(field_name, field, value)
        except ValueError:
            pass
        return {} if _over_groups.get() and group_of(field) and not isinstance(value, dict) else value


class File(Environment, DotEnvSettingsSource):
    """The same of the file."""
