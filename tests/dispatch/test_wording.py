"""Every text that somebody is refused with is a sentence for a person: all that the code can say is read here."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import api
import dispatch
import storage
from dispatch.engine import lifecycle
from dispatch.errors import DispatchError, Invalid, Missing
from dispatch.wording import counted, label, sentence, whole
from tests.dispatch.told import Constructor, Reader, Told

ROOT = Path(dispatch.__file__).resolve().parents[1]
#: What speaks to operators and developers on a terminal, and programs of their own.
ELSEWHERE = ("cli", "bench", "simulation", "local_gateway", "seeding", "process")

for _package in (api, dispatch, storage):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        if not _module.name.endswith("__main__"):
            importlib.import_module(_module.name)

STATES = sorted({state for states, _ in lifecycle.TABLES.values() for state in states})
_STATE = "|".join(STATES)
#: What no sentence for a person has in it, by why.
FAULTS = {
    "lower-case beginning": re.compile(r"^[a-z]"),
    "no full stop": re.compile(r"[^.!?]\Z(?<!\.\))"),
    "two full stops": re.compile(r"\.\s*\.|[!?]\."),
    "a regular expression": re.compile(r"\^|\\[dwsA-Z]|\[[^\]]*-[^\]]*\]|\(\?|\$\Z|\{\d+(,\d*)?\}"),
    "a class name": re.compile(r"\b[A-Z][a-z]+[A-Z][a-z]\w*|\b\w+(Error|Exception)\b|\bNoneType\b"),
    "framework wording": re.compile(
        r"Input should|Field required|[Vv]alue error|validation error|pydantic|asyncpg|aiohttp|\bdict\b|\bNone\b"
        r"|\bstr\b|Extra inputs|String should|valid (integer|string|number|boolean|dictionary|UUID)"
    ),
    "states joined by or": re.compile(rf"\b({_STATE})\b,? or \b({_STATE})\b"),
    "a sentence passed as a noun": re.compile(r"There is no such [A-Z]|There is no such This"),
}  # fmt: skip


def faults(text: str) -> list[str]:
    return [why for why, pattern in FAULTS.items() if pattern.search(text)]


def kinds(base: type[DispatchError] = DispatchError) -> Iterator[type[DispatchError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


KINDS = sorted(set(kinds()), key=lambda k: f"{k.__module__}.{k.__name__}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_kind_of_error_says_a_sentence(kind: type[DispatchError]) -> None:
    if kind.__module__.startswith("tests."):
        return
    text = (kind.__doc__ or "").strip().split("\n")[0]
    # A contract's own words are told as they stand.
    assert [f for f in faults(text) if not (kind.is_documented and f == "no full stop")] == [], text


# ---------------------------------------------------------------- what is written where it is raised


def _made(kind: type[DispatchError]) -> Constructor:
    """How it is made, where it has no way of its own."""
    return Constructor(takes_fields=issubclass(kind, Invalid), takes_text=not issubclass(kind, Missing))


def _errors() -> dict[str, Constructor]:
    """By name: an error with a way of its own to be made says what that hands on, which its source tells."""
    found = {"DispatchError": Constructor(), "ValueError": Constructor()}
    for kind in kinds():
        base = next(k for k in kind.__mro__ if "__init__" in vars(k))
        if base.__module__ == "dispatch.errors":
            found[kind.__name__] = _made(kind)
        if base is kind:
            above = next(k for k in kind.__mro__[1:] if "__init__" in vars(k))
            found[f"{kind.__name__}.__init__"] = _made(above)
    return found


def reader(**more: str) -> Reader:
    """Of all that speaks to people, and of more modules by name."""
    sources = {}
    for package in ("api", "dispatch", "storage", "geo"):
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT).with_suffix("")
            if not any(part in ELSEWHERE for part in where.parts):
                sources[".".join(where.parts).removesuffix(".__init__")] = path.read_text()
    return Reader({**sources, **more}, _errors())


#: Names that a file format gives to what stands in it: whoever has the file reads them there.
FORMATS = re.compile(r"FeatureCollection|MultiPolygon|GeoJSON")


def spoken(told: Told) -> str:
    """As somebody reads it."""
    text = FORMATS.sub("words", told.text)
    return sentence(told.about, text) if told.about else whole(text)


def test_every_written_text_is_a_sentence() -> None:
    said = reader().told()
    assert len(said) > 400 and any("coordinates" in told.text for told in said), "the reader finds what is raised"
    assert [(told.where, told.text, found) for told in said if (found := faults(spoken(told)))] == []


UGLY = "InvalidOtp was raised"
#: Every way by which a text comes into an error, with one that nobody should read.
WAYS = {
    "where it is raised": f'raise Conflict("{UGLY}")',
    "as a complaint": f'raise Invalid({{"a": "{UGLY}"}})',
    "by its keyword": f'raise Missing("thing", message="{UGLY}")',
    "a constant": f'TEXT = "{UGLY}"\ndef f():\n    raise Conflict(TEXT)',
    "another module's constant": "from api.texts import TEXT\ndef f():\n    raise Conflict(TEXT)",
    "by its module": "from api import texts\ndef f():\n    raise Conflict(texts.TEXT)",
    "a table": f'TABLE = {{"a": "{UGLY}"}}\ndef f(x):\n    raise Conflict(TABLE[x])',
    "a table with a default": f'TABLE = {{}}\ndef f(x):\n    raise Conflict(TABLE.get(x, "{UGLY}"))',
    "a table of functions": f'TABLE = {{"a": lambda c: "{UGLY}"}}\ndef f(x):\n    raise Conflict(TABLE[x](1))',
    "a choice": f'def f(x):\n    raise Conflict("Fine." if x else "{UGLY}")',
    "a fallback": f'def f(x):\n    raise Conflict(x or "{UGLY}")',
    "a variable": f'def f(x):\n    why = "{UGLY}"\n    raise Conflict(why)',
    "gathered": f'def f(x):\n    bad = {{}}\n    bad["a"] = ["{UGLY}"]\n    raise Invalid(bad)',
    "gathered in a list": f'def f(x):\n    w = []\n    w.append("{UGLY}")\n    raise Invalid({{"a": w}})',
    "by default": f'def f(x):\n    b = {{}}\n    b.setdefault("a", []).append("{UGLY}")\n    raise Invalid(b)',
    "filled by another": f'def g(b):\n    b["a"] = "{UGLY}"\ndef f():\n    b = {{}}\n    g(b)\n    raise Invalid(b)',
    "a helper's answer": f'def g():\n    return "{UGLY}"\ndef f():\n    raise Conflict(g())',
    "a helper of a helper": f'def h():\n    yield "{UGLY}"\ndef g():\n    return h()\n'
    'def f():\n    raise Invalid({"a": g()})',
    "another module's helper": "from api.texts import say\ndef f():\n    raise Conflict(say())",
    "a method": f'class A:\n    def g(self):\n        return "{UGLY}"\n'
    '    def f(self):\n        raise Conflict(self.g())',
    "an object's method": f'class A:\n    def g(self):\n        return "{UGLY}"\ndef f(a):\n    raise Conflict(a.g())',
    "handed to a helper": f'def g(why):\n    raise Conflict(why)\ndef f():\n    g("{UGLY}")',
    "handed on": f'def h(w):\n    raise Conflict(w)\ndef g(why):\n    h(w=why)\ndef f():\n    g("{UGLY}")',
    "handed to an error of its own": 'class Own(Conflict):\n    def __init__(self, n, why):\n'
    '        super().__init__(why)\n'
    f'def f():\n    raise Own(1, "{UGLY}")',
    "put together": 'def f(x):\n    begin = "InvalidOtp "\n    raise Conflict(begin + "was raised")',
    "filled in": f'def f(x):\n    raise Conflict(f"{UGLY} by {{x}}")',
    "formatted": f'TEXT = "{UGLY} by {{}}"\ndef f(x):\n    raise Conflict(TEXT.format(x))',
    "caught and passed on": f'def g():\n    raise ValueError("{UGLY}")\ndef f():\n    try:\n        g()\n'
    '    except ValueError as e:\n        raise Conflict(str(e))',
    "a model's check": f'def f(cls, v):\n    raise ValueError("{UGLY}")',
    "out of pairs": f'def f():\n    for n, t in [("a", "{UGLY}")]:\n        raise Invalid({{n: t}})',
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_text_is_read_by_whatever_way_it_comes(way: str) -> None:
    texts = f'TEXT = "{UGLY}"\ndef say():\n    return TEXT' if "another" in way or "module" in way else ""
    errors = {**_errors(), "Own.__init__": Constructor()}
    told = Reader({"api.texts": texts, "api.planted": WAYS[way]}, errors).told()
    assert any("a class name" in faults(spoken(one)) for one in told), told


def test_what_nobody_is_told_is_not_read() -> None:
    source = 'def f(log, x):\n    """InvalidOtp."""\n    log.info("InvalidOtp was raised")\n    raise Conflict("Fine.")'
    told = Reader({"api.planted": source}, _errors()).told()
    assert [one.text for one in told] == ["Fine."]


def test_every_refused_step_is_said_in_words() -> None:
    for noun, (states, table) in lifecycle.TABLES.items():
        for step in table:
            for state in states:
                text = lifecycle.wrong_state(noun, state, step).message
                assert not faults(text), text
                assert "_" not in text and "'" not in text.replace("offer's", ""), text


def test_what_is_missing_is_a_noun() -> None:
    assert Missing("kind of token").message == "There is no such kind of token."
    for text in ("This preview is a booking.", "Booking", "booking.", "a very long thing that is no noun", "x\n"):
        with pytest.raises(ValueError, match="no noun"):
            Missing(text)


# ---------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("phone_number", "is required", "Phone number is required."),
        ("otpCode", "must be the six digits of the code", "OTP code must be the six digits of the code."),
        ("items.0.quantity", "must be at least 1", "Quantity in entry 1 of items must be at least 1."),
        ("service_ids.2", "must be an id", "Entry 3 of service ids must be an id."),
        ("bank.details.ifsc", "is required", "IFSC is required."),
        ("X-Idempotency-Key", "is required", "X-Idempotency-Key is required."),
        ("body", "must be an object", "The request must be an object."),
        ("lat", "must be at most 90", "Latitude must be at most 90."),
        ("a", "name at least one service", "Name at least one service."),
        ("a", "This day is over.", "This day is over."),
        ("a", "What is it?", "What is it?"),
        ("a", "it is over. (Ask for another.)", "It is over. (Ask for another.)"),
        ("address_line1", "is required", "Address line 1 is required."),
        ("is_b2b", "is required", "Is b2b is required."),
        ("ends_at", "must be later than starts_at", "Ends at must be later than starts at."),
        ("endDate", "must not be before startDate", "End date must not be before start date."),
        ("date_to", "must be within 366 days of date_from", "Date to must be within 366 days of date from."),
        ("sort", "must be one of created_at, name", "Sort must be one of created_at, name."),
    ],
)  # fmt: skip
def test_a_complaint_becomes_a_sentence(field: str, text: str, said: str) -> None:
    assert sentence(field, text) == said


def test_the_first_bad_fields_sentence_is_the_message() -> None:
    error = Invalid({"lat": "must be at most 90", "lng": ["is required", "must be a number"]})
    assert error.message == "Latitude must be at most 90."
    assert error.details == {
        "lat": ["Latitude must be at most 90."], "lng": ["Longitude is required.", "Longitude must be a number."],
    }  # fmt: skip
    assert Invalid().message == "The request is not valid."
    assert label("services.10.parts.3") == "Entry 4 of parts in entry 11 of services"


@pytest.mark.parametrize(
    "text",
    [
        "String should match pattern '^[0-9]{6}$'.", "Input should be a valid integer.", "must be a date.",
        "It is over..", "It would have to be pending or confirmed.", "There is no such This preview is over.",
        "InvalidOtp was raised.", "No full stop",
    ],
)  # fmt: skip
def test_the_reader_sees_what_is_no_sentence(text: str) -> None:
    assert faults(text)


def test_a_number_and_its_noun() -> None:
    assert [counted(n, "day") for n in (0, 1, 2, 1500)] == ["0 days", "1 day", "2 days", "1,500 days"]


def test_names_of_the_callers_own_can_be_shown() -> None:
    assert label("a\r\nX: \u202eb") == "A??x: ?b"
