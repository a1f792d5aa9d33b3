"""What a model has against an input, field by field, in our own words and by the names that the caller wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from api.wire.contents import MOST_COMPLAINTS, WHOLE_BODY, Fields, shortened
from api.wire.models import DOCUMENTED
from dispatch.wording import Verbatim

#: Of one field so many complaints are told at most.
MAX_OF_FIELD = 5
#: So many errors are read at most: an input of ninety thousand unknown keys is answered as quickly as one of fifty.
MAX_READ = 500

#: What pydantic calls an unknown field.
EXTRA = "extra_forbidden"

Context = Mapping[str, Any]
#: (field, kind, complaint)
Located = tuple[str, str, str]

#: Only names of our models come here, of which there are few.
_snake = lru_cache(4096)(to_snake)

#: The forms that models ask for, in words; a test looks for forms without any.
FORMS: dict[str, str] = {
    r"^[0-9]{6}$": "must be the six digits of the code",
    r"^(https?://|/)[^\s<>\"']+$": "must be a web address, or a path of ours that begins with /",
    r"^[0-9]{1,3}_hours$": "must be a number of hours such as 24_hours",
    r"^[A-Z]{3}$": "must be a currency such as INR",
    r"^[A-Za-z]{3}$": "must be a currency such as INR",
    r"^[A-Za-z0-9_-]+$": "must be of letters, digits, - and _ only",
    r"^[a-z0-9-]+$": "must be of small letters, digits and - only",
    r"^[!-~]+$": "must be of plain characters, without spaces",
    r"^https?://[!-~]+$": "must be a web address",
    r"^\S+$": "must not have spaces",
    r"^[0-9A-Za-z]{6,34}$": "must be an account number of 6 to 34 letters and digits",
}
NO_FORM = "is not written as it has to be"


def _several(context: Context, name: str, one: str, many: str) -> str:
    return one if context.get(name) == 1 else many.format(context.get(name, "some"))


def _bound(context: Context, name: str) -> Any:
    """A bound as people write it: 90, not 90.0."""
    bound = context.get(name)
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _one_of(context: Context) -> str:
    expected = str(context.get("expected", ""))
    values = re.findall(r"'([^']*)'", expected) or [v for v in re.split(r", | or ", expected) if v]
    return f"must be one of {', '.join(values)}" if len(values) > 1 else f"must be {values[0] if values else 'known'}"


def _date(context: Context) -> str:
    return "must be a date such as 2026-01-31"


def _time(context: Context) -> str:
    return "must be a time such as 10:00"


def _moment(context: Context) -> str:
    return "must be a moment such as 2026-01-31T10:00:00Z"


def _said(text: str) -> Callable[[Context], str]:
    return lambda context: text


_OBJECT, _LIST, _TEXT = _said("must be an object"), _said("must be a list"), _said("must be text")
_WHOLE, _NUMBER, _ID = _said("must be a whole number"), _said("must be a number"), _said("must be an id")

#: By the kind of error, or the beginning of its name.
_SAYINGS: dict[str, Callable[[Context], str]] = {
    "missing": _said("is required"),
    EXTRA: _said("is not known here"),
    "string_too_short": lambda c: _several(c, "min_length", "must not be empty", "must have at least {} characters"),
    "string_too_long": lambda c: f"must have at most {c.get('max_length')} characters",
    "string_pattern_mismatch": lambda c: FORMS.get(str(c.get("pattern")), NO_FORM),
    "string": _TEXT, "bytes": _TEXT,
    "int": _WHOLE, "float": _NUMBER, "decimal": _NUMBER, "complex": _NUMBER,
    "decimal_max_places": lambda c: f"must have at most {c.get('decimal_places')} decimals",
    "decimal_max_digits": lambda c: f"must have at most {c.get('max_digits')} digits",
    "finite_number": _said("must be a finite number"),
    "bool": _said("must be true or false"),
    "greater_than_equal": lambda c: f"must be at least {_bound(c, 'ge')}",
    "greater_than": lambda c: f"must be more than {_bound(c, 'gt')}",
    "less_than_equal": lambda c: f"must be at most {_bound(c, 'le')}",
    "less_than": lambda c: f"must be less than {_bound(c, 'lt')}",
    "multiple_of": lambda c: f"must be a multiple of {c.get('multiple_of')}",
    "literal_error": _one_of, "enum": _one_of,
    "datetime": _moment, "timezone": _said("must carry its offset from UTC, such as 2026-01-31T10:00:00+05:30"),
    "date": _date, "time_delta": _said("must be a span of time"), "time": _time,
    "uuid": _ID, "url": _said("must be a web address"),
    "too_short": lambda c: _several(c, "min_length", "must have at least one entry", "must have at least {} entries"),
    "too_long": lambda c: f"must have at most {c.get('max_length')} entries",
    "list": _LIST, "tuple": _LIST, "set": _LIST, "frozen_set": _LIST, "iterable": _LIST, "iteration": _LIST,
    "dict": _OBJECT, "mapping": _OBJECT, "model": _OBJECT, "dataclass": _OBJECT,
    "union_tag": _said("must say which kind it is"),
    "none_required": _said("must be left out"),
}  # fmt: skip
#: Whose words are a library's, and what we say instead.
_FOREIGN = {"value is not a valid email address": "must be an e-mail address"}


def saying(kind: str, context: Context, text: str = "") -> str:
    """What we say of an error of this kind; `text` is what a validator of our own said."""
    if kind == DOCUMENTED:
        return Verbatim(text)
    if kind in ("value_error", "assertion_error"):
        text = re.sub(r"^(Value|Assertion) error,\s*", "", text).strip()
        return next((ours for theirs, ours in _FOREIGN.items() if text.startswith(theirs)), text) or "is not valid"
    if kind in _SAYINGS:
        return _SAYINGS[kind](context)
    begins = max((name for name in _SAYINGS if kind.startswith(f"{name}_")), key=len, default=None)
    return _SAYINGS[begins](context) if begins else "is not valid"


def complaints(error: ValidationError, given: Any = None, *, whole: str = WHOLE_BODY) -> Fields:
    """Field -> complaints, by the public name of each field (dotted inside), as the caller wrote it in `given`."""
    return _by_field(_located(error, given), whole)


def complaints_and_extra(error: ValidationError, given: Any) -> tuple[Fields, list[str]]:
    """The complaints that are not about unknown fields, and the unknown fields."""
    located = _located(error, given)
    unknown = [name for name, kind, _ in located if kind == EXTRA]
    return _by_field((one for one in located if one[1] != EXTRA), WHOLE_BODY), unknown[:MOST_COMPLAINTS]


def _by_field(located: Iterable[Located], whole: str) -> Fields:
    found: Fields = {}
    for name, _, text in located:
        texts = found.setdefault(name or whole, []) if len(found) < MOST_COMPLAINTS or name in found else []
        if len(texts) < MAX_OF_FIELD and text not in texts:
            texts.append(text)
    return found


def _located(error: ValidationError, given: Any) -> list[Located]:
    """Of several forms that an input may have only the one that fits it best."""
    errors = error.errors(include_url=False, include_input=False)
    placed = [(*_place(one["loc"], given, one["type"]), one) for one in errors[:MAX_READ]]
    best = _best(placed)
    return [
        (".".join(map(shortened, names)), one["type"], saying(one["type"], one.get("ctx", {}), one["msg"]))
        for names, forms, one in placed
        if all(best[where] == form for where, form in forms)
    ]


Form = tuple[tuple[str, ...], str]


def _place(loc: Sequence[int | str], given: Any, kind: str) -> tuple[list[str], list[Form]]:
    """The names of a place as the caller wrote them, and the forms (parts of a union) on the way to it.

    Pydantic puts the name of the form among the names of the fields; what the input does not have is such a name, but
    for a field that is missing.
    """
    names: list[str] = []
    forms: list[Form] = []
    place = given
    for n, part in enumerate(loc):
        is_last = n == len(loc) - 1
        if isinstance(place, dict) and isinstance(part, str) and (written := _written(part, place)) is not None:
            names.append(written)
            place = place[written]
        elif isinstance(place, (list, tuple)) and isinstance(part, int) and part < len(place):
            names.append(str(part))
            place = place[part]
        elif given is None or isinstance(part, int) or (is_last and _is_absent(part, place, kind)):
            names.append(str(part))
            place = None
        else:
            forms.append((tuple(names), part))
    return names, forms


def _is_absent(part: str, place: Any, kind: str) -> bool:
    """Whether the last part of a place names a field that was not sent, rather than a form: those are class names."""
    if kind == "value_error":
        return isinstance(place, dict) and part[:1].islower()
    return kind in ("missing", EXTRA)


def _written(part: str, place: dict[Any, Any]) -> str | None:
    if part in place:
        return part
    snake = _snake(part)
    return snake if snake in place else None


def _best(placed: Sequence[tuple[list[str], list[Form], Any]]) -> dict[tuple[str, ...], str]:
    """For each place with several forms the one that fits best: by type, then unknown fields, then complaints."""
    costs: dict[Form, list[int]] = {}
    for names, forms, one in placed:
        for form in forms:
            cost = costs.setdefault(form, [0, 0, 0])
            cost[0] += form[0] == tuple(names) and one["type"].endswith(("_type", "_parsing"))
            cost[1] += one["type"] == EXTRA
            cost[2] += 1
    best: dict[tuple[str, ...], str] = {}
    for where, name in sorted(costs, key=lambda form: costs[form]):
        best.setdefault(where, name)
    return best
