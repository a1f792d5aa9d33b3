"""From where settings are read: the environment, and a file beside it."""

from __future__ import annotations

import os
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

#: Read where it lies in the folder from which a command is started; the environment goes before it.
ENV_FILE = ".env"


def env_file() -> str | None:
    """The file that is read beside the environment: .env of this folder, or what DISPATCH_ENV_FILE names; None where
    that is empty."""
    return os.environ.get("DISPATCH_ENV_FILE", ENV_FILE) or None


class Environment(EnvSettingsSource):
    """Hands on what is no JSON as it stands: it is refused with the name of its variable, beside all else that is."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class File(Environment, DotEnvSettingsSource):
    """The same of the file."""
