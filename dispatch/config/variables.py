"""Variables as they are given: which of ours there are, and which of them are no settings."""

from __future__ import annotations

import os

from pydantic import BaseModel

from dispatch.config import Settings
from dispatch.config.environment import env_file, group_of

#: Variables of ours that are no settings of the server.
_NO_SETTINGS = frozenset({"DISPATCH_BENCH_MODULES", "DISPATCH_DATABASE_URL", "DISPATCH_ENV_FILE", "DISPATCH_REDIS_URL"})


def unknown_variables() -> list[str]:
    """Variables that look like settings and are none: a slip of the pen does nothing without a word."""
    known = set(_NO_SETTINGS)
    open_ended: list[str] = []

    def walk(model: type[BaseModel], prefix: str) -> None:
        for name, info in model.model_fields.items():
            variable = f"{prefix}{name.upper()}"
            known.add(variable)
            if (group := group_of(info)) is not None:
                walk(group, variable + "__")
            else:
                open_ended.append(variable + "__")

    walk(Settings, "DISPATCH_")
    return sorted(
        name
        for name in named_variables()
        if name.startswith("DISPATCH_") and name not in known and not name.startswith(tuple(open_ended))
    )


def named_variables() -> set[str]:
    """Every variable that is given, in the environment or in the file; one without a value is not."""
    return {name.upper() for name, value in _given().items() if value}


def given_variables() -> dict[str, str]:
    """Our variables with their values, those of the environment before those of the file."""
    given = {name.upper(): value for name, value in _given().items()}
    return {n: v for n, v in given.items() if v and n.startswith(("DISPATCH_", "REDIS_URL"))}


def _given() -> dict[str, str | None]:
    """The file is what pydantic-settings reads: one that cannot be read is refused there."""
    from dotenv import dotenv_values

    try:
        return {**(dotenv_values(file) if (file := env_file()) else {}), **{n: v for n, v in os.environ.items() if v}}
    except (OSError, UnicodeDecodeError):
        return dict(os.environ)
