"""A JSON value from outside, walked once and within bounds: how much it holds, how deep, and what no field may hold.

Paths are made for a complaint only: a name of 30,000 characters before 20,000 elements costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dispatch.errors import Malformed

Fields = dict[str, list[str]]

#: Of one request: values in all, levels, and complaints that are told.
MOST_VALUES = 4_000
DEEPEST = 32
MOST_COMPLAINTS = 50
#: Of a name in an answer.
_LONGEST_NAME = 100
#: What stands for the body as a whole among the bad fields.
WHOLE_BODY = "body"

#: Where a value stands: the place of what it stands in, and its own name or number. None is the whole.
Place = tuple["Place | None", "str | int"]


_PLAIN = frozenset({str, int, float, bool, type(None)})


class TooMuch(Malformed):
    """The request holds more values than are taken at once, or they are nested too deeply."""

    code = "too_complex"


def leaves(given: Any) -> Iterator[tuple[Place | None, str, Any]]:
    """(place, nearest name, value) of everything that holds nothing, and of names that no column takes.

    Raises TooMuch.
    """
    if not isinstance(given, Mapping | list):
        yield None, "", given
        return
    left = MOST_VALUES
    waiting: list[tuple[Place | None, str, Any, int]] = [(None, "", given, 1)]
    while waiting:
        place, name, holder, depth = waiting.pop()
        left -= len(holder)
        if left < 0 or depth > DEEPEST:
            raise TooMuch
        pairs: Iterable[tuple[Any, Any]] = holder.items() if isinstance(holder, Mapping) else enumerate(holder)
        for key, value in pairs:
            # Members of a list go by the name of their list.
            own = key if isinstance(key, str) else name
            if own is key and "\x00" in key:
                # Where names are free they are kept as they are: one is judged as a value is.
                yield (place, key), own, key
            # An abstract class is only asked of what is not plain JSON: asking costs more than all else here.
            kind = type(value)
            if kind is dict or kind is list or (kind not in _PLAIN and isinstance(value, Mapping | list)):
                waiting.append(((place, key), own, value, depth + 1))
            else:
                yield (place, key), own, value


def path_of(place: Place | None) -> str:
    """`items.2.name`; names that are too long for an answer are cut."""
    parts: list[str] = []
    while place is not None:
        place, key = place
        parts.append(shortened(str(key)))
    return ".".join(reversed(parts)) or WHOLE_BODY


def shortened(name: str) -> str:
    """A name as an answer may repeat it."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def unclean(value: Any) -> str | None:
    """What is wrong with a value whatever its field is."""
    if isinstance(value, str):
        # Nearly everything is ASCII, of which one look tells.
        if not value.isascii() and not _is_text(value):
            return "This is not readable as text."
        return "This may not hold the character zero." if "\x00" in value else None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "This must be a finite number."
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
