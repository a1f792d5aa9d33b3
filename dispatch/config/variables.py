"""Variables as they are given: which of ours there are, and what of them are no settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from dispatch.config import Settings
from dispatch.config.environment import env_file, group_of

_PREFIX = "DISPATCH_"
#: Variables of ours that are no settings of the server.
_NO_SETTINGS = frozenset({"DISPATCH_BENCH_MODULES", "DISPATCH_DATABASE_URL", "DISPATCH_ENV_FILE", "DISPATCH_REDIS_URL"})


def unknown_variables() -> list[str]:
    """Variables that look like settings and are none, each with the nearest that is one: a slip of the pen does nothing
    without a word."""
    groups = dict(_settings())
    known = _NO_SETTINGS | groups.keys()
    open_ended = tuple(f"{variable}__" for variable, group in groups.items() if group is None)
    return sorted(
        name + _nearest(name.removeprefix(_PREFIX), [one.removeprefix(_PREFIX) for one in known], _PREFIX)
        for name in named_variables()
        if name.startswith(_PREFIX) and name not in known and not name.startswith(open_ended)
    )


def unknown_keys() -> list[tuple[str, str]]:
    """(variable, complaint) for each key that means nothing in a group which is given as a whole, in JSON."""
    groups, said = dict(_settings()), set[tuple[str, str]]()
    # A group of the environment is laid over that of the file, which counts as well.
    for variable, value in ((n.upper(), v) for source in _sources() for n, v in source.items()):
        if not value or (group := groups.get(variable)) is None:
            continue
        try:
            given = json.loads(value)
        except ValueError:
            # It is refused for that.
            continue
        said.update((variable, f"There is no {key!r}{meant}") for key, meant in _strangers(group, given))
    return sorted(said)


def _nearest(name: str, known: Iterable[str], before: str) -> str:
    """Which of the known names may have been meant, told with what stands before it; nothing where none is near."""
    found = get_close_matches(name, known, 1)
    return f" (did you mean {before + found[0]}?)" if found else ""


def _settings(
    model: type[BaseModel] = Settings, prefix: str = _PREFIX
) -> Iterator[tuple[str, type[BaseModel] | None]]:
    """Each setting's variable, and the group that it is, if it is one."""
    for name, info in model.model_fields.items():
        yield (variable := f"{prefix}{name.upper()}"), (group := group_of(info))
        if group is not None:
            yield from _settings(group, variable + "__")


def _strangers(group: type[BaseModel], given: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Each key that the group does not have, by its path within it, and which may have been meant."""
    for key, value in given.items() if isinstance(given, dict) else ():
        # As the settings are read: capitals mean nothing.
        info = group.model_fields.get(key.lower())
        if info is None:
            yield before + key, _nearest(key.lower(), group.model_fields, before)
        elif (inner := group_of(info)) is not None:
            yield from _strangers(inner, value, f"{before}{key}.")


def named_variables() -> set[str]:
    """Every variable that is given, in the environment or in the file; one without a value is not."""
    return {name.upper() for name, value in _given().items() if value}


def given_variables() -> dict[str, str]:
    """Our variables with their values, those of the environment before those of the file."""
    given = {name.upper(): value for name, value in _given().items()}
    return {n: v for n, v in given.items() if v and n.startswith(("DISPATCH_", "REDIS_URL"))}


def _given() -> dict[str, str | None]:
    return {name: value for source in _sources() for name, value in source.items()}


def _sources() -> list[dict[str, str | None]]:
    """The file and, over it, the environment. The file is what pydantic-settings reads: one that cannot be read is
    refused there."""
    from dotenv import dotenv_values

    environment: dict[str, str | None] = {name: value for name, value in os.environ.items() if value}
    try:
        return [dotenv_values(file) if (file := env_file()) else {}, environment]
    except (OSError, UnicodeDecodeError):
        return [environment]
