"""Every text that somebody is refused with is a sentence for a person: all that the code can say is read here."""

from __future__ import annotations

import ast
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


def _text(node: ast.expr) -> str | None:
    """A literal as it will read; whatever is filled in stands as a word."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "Words" for v in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp) and (left := _text(node.left)) and (right := _text(node.right)):
        return left + right
    return None


#: Raised for programmers only, or never shown.
INSIDE = {
    "ValueError", "TypeError", "RuntimeError", "AssertionError", "LookupError", "KeyError", "NotImplementedError",
    "BadRoute", "UnknownStatement", "UnknownName", "Unbalanced", "MigrationError", "EmbeddedError", "StorageError",
    "DatabaseAway", "DatabaseBusy", "Refused",
}  # fmt: skip
_NAMED = {kind.__name__ for kind in kinds()} | {"DispatchError"}


def written() -> Iterator[tuple[str, str]]:
    for package in ("api", "dispatch", "storage"):
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT)
            if any(part in ELSEWHERE for part in where.parts):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)):
                    continue
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                yield from ((f"{where}:{node.lineno}", text) for text in _told(where, name, node))


def _told(where: Path, name: str, call: ast.Call) -> Iterator[str]:
    in_models = where.parts[0] == "api" and name == "ValueError"
    if name not in _NAMED and not in_models:
        return
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "message")]
    for argument in given:
        if isinstance(argument, ast.Dict):
            for key, value in zip(argument.keys, argument.values, strict=True):
                field = _text(key) if key is not None else None
                values = value.elts if isinstance(value, ast.List) else [value]
                yield from (sentence(field or "a_field", t) for v in values if (t := _text(v)) is not None)
        elif (text := _text(argument)) is not None and name != "Missing":
            yield sentence("a_field", text) if in_models or name == "Invalid" else whole(text)


def test_every_written_text_is_a_sentence() -> None:
    said = list(written())
    assert len(said) > 60 and any("coordinates" in text for _, text in said), "the reader finds what is raised"
    assert [(where, text, found) for where, text in said if (found := faults(text))] == []


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
