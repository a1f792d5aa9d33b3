"""The filters of a list: what is declared of each, and the condition that it makes for what somebody asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database.searching import Words, values_query


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A filter that takes one value or several: those rows whose expression is one of them."""

    expression: str
    type: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A filter by true or false: a condition for each, so that a partial index with the same words serves it."""

    true: str
    false: str


@dataclass(frozen=True, slots=True)
class Mostly:
    """As AnyOf, where most rows have one `usual` value (a literal of ours).

    Where it is not asked for, that is said, so that an index of the others alone serves the filter.
    """

    expression: str
    type: str
    usual: str


@dataclass(frozen=True, slots=True)
class Worded:
    """A filter by values whose words are among those of the row: a condition in which `{}` is the list of values.

    It is right by itself; the words find what few rows have.
    """

    condition: str
    words: Words


#: A filter: any of some values, one of two conditions, or one in which `{}` is the value and `:names` are the list's
#: parameters.
Filter = AnyOf | Mostly | Flag | Worded | str


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a filter's value stands in the text.

    Whether there are several; and whether a flag is set, what is usual is not asked for, or words can be looked for.
    """

    is_many: bool
    is_special: bool


def condition(filter_: Filter, value: str, shape: Shape) -> str:
    """The condition as text; `value` is the name under which the value is handed over."""
    if isinstance(filter_, str):
        return filter_.replace("{}", value)
    if isinstance(filter_, Worded):
        return filter_.condition.replace("{}", value)
    if isinstance(filter_, Flag):
        return filter_.true if shape.is_special else filter_.false
    # One value is compared by =, so that an index in the list's order serves it.
    to = f"ANY({value}::{filter_.type}[])" if shape.is_many else f"{value}::{filter_.type}"
    is_one = f"{filter_.expression} = {to}"
    if isinstance(filter_, Mostly) and shape.is_special:
        return f"{filter_.expression} <> '{filter_.usual}' AND {is_one}"
    return is_one


def words_asked(known: Mapping[str, Filter], filters: Sequence[tuple[str, Shape]]) -> Words | None:
    """Where the words of the filters that are asked for stand, if there are some; a list has them in one place."""
    for name, shape in filters:
        if isinstance(filter_ := known[name], Worded) and shape.is_special:
            return filter_.words
    return None


def words_query(known: Mapping[str, Filter], asked: Mapping[str, Any]) -> str:
    """The tsquery of what has the words of all of these filters."""
    found = [words_of(value) for name, value in asked.items() if isinstance(known[name], Worded)]
    return " & ".join(f"({one})" for one in found if one is not None)


def words_of(values: Any) -> str | None:
    """What is looked for among the words for these values; None where there is nothing to look for."""
    return values_query([str(value) for value in values or ()]) if values else None


def shape_of(filter_: Filter, value: Any) -> Shape:
    """What of this value the text depends on."""
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(filter_, Flag):
        return Shape(False, bool(value))
    if isinstance(filter_, Worded):
        return Shape(False, words_of(value) is not None)
    return Shape(len(values) != 1, isinstance(filter_, Mostly) and filter_.usual not in values)


def made_on_days(moment: str) -> dict[str, str]:
    """The filters by the local days on which something was made, both included; the list takes a :timezone."""
    return {
        "date_from": f"{moment} >= {{}}::date::timestamp AT TIME ZONE :timezone",
        "date_to": f"{moment} < ({{}}::date + 1)::timestamp AT TIME ZONE :timezone",
    }
