"""What is walked before anything is known of the caller: bounded in values and depth, linear in its bytes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from api.edge.cards import card_data_in
from api.wire.contents import DEEPEST, MOST_COMPLAINTS, MOST_VALUES, TooMuch, leaves, path_of, unclean
from api.wire.dialects import MINUTESERV
from api.wire.models import Body, Money
from api.wire.parsing import json_of, validate_body
from tests.costs import Budget

#: The loop's turn of one request may hold so many bytes more.
MOST_BYTES = 20_000_000
SIGNED_BODY = 128 * 1024


class Item(Body):
    name: str
    amount: Money


class Order(Body):
    items: list[Item]
    note: str | None = None


ORDER: TypeAdapter[Any] = TypeAdapter(Order)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_every_value_has_its_place_and_its_nearest_name() -> None:
    given = {"a": [1, {"b": "x"}], "c": None}
    assert sorted((path_of(place), name, value) for place, name, value in leaves(given) if value is not None) == [
        ("a.0", "a", 1), ("a.1.b", "b", "x"),
    ]  # fmt: skip
    assert [(path_of(place), value) for place, _, value in leaves("bare")] == [("body", "bare")]


def test_so_much_and_no_more() -> None:
    assert sum(1 for _ in leaves([0] * MOST_VALUES)) == MOST_VALUES
    assert sum(1 for _ in leaves(nested(DEEPEST))) == 1
    for given in ([0] * (MOST_VALUES + 1), {"a": [[0] * 101] * 100}, nested(DEEPEST + 1)):
        with pytest.raises(TooMuch):
            list(leaves(given))


def test_names_are_cut_in_answers() -> None:
    [(place, _, _)] = leaves({"k" * 30_000: 1})
    assert len(path_of(place)) == 100


@pytest.mark.parametrize("given", [{"a\x00b": 1}, {"a\x00b": {}}, [{"a\x00b": [{}]}]])
def test_a_name_that_no_column_takes_is_found(given: Any) -> None:
    bad = {path_of(place): text for place, _, value in leaves(given) if (text := unclean(value))}
    assert list(bad.values()) == ["This may not hold the character zero."]
    assert next(iter(bad)).endswith("a\x00b")


@pytest.mark.parametrize("value", ["a\x00", "\udc80", float("nan"), float("inf"), -float("inf")])
def test_what_no_field_may_hold(value: Any) -> None:
    text = unclean(value)
    assert text is not None and text.endswith(".")


@pytest.mark.parametrize("value", ["", "é", "\u202e", 1, 1.5, None, True, 10**30])
def test_what_a_field_may_hold(value: Any) -> None:
    assert unclean(value) is None


COSTLY: dict[str, bytes] = {
    "a long name before many elements": orjson.dumps({"k" * 30_000: [0] * 20_000}),
    "many unknown keys": orjson.dumps({f"k{n}": 0 for n in range(12_000)}),
    "as many unknown keys as pass": orjson.dumps({f"k{n}": 0 for n in range(MOST_VALUES - 1)}),
    "many empty lists": b"[" + b"[]," * 40_000 + b"[]]",
    "deep lists": b"[" * 1000 + b"]" * 1000,
    "deeper than is read": b"[" * 60_000,
    "many objects that lack everything": orjson.dumps({"items": [{}] * (MOST_VALUES - 1)}),
    "many bad amounts": orjson.dumps({"items": [{"name": "x", "amount": "1e99999999"}] * 1_600}),
    "many wrong items": orjson.dumps({"items": list(range(MOST_VALUES - 1))}),
    "a text of digits apart": orjson.dumps({"note": "1 " * 60_000}),
    "texts like cards": orjson.dumps({"note": "4111-1111-1111-1112 " * 6_000}),
    "digits in one": orjson.dumps({"note": "1" * 120_000}),
    "many texts like cards": orjson.dumps([["4111 1111 1111 1112"] * 3_900]),
    "many long names": orjson.dumps({f"card number {n} phone cvv": "123" for n in range(3_500)}),
    "quotes without an end": b'"' + b'\\"' * 60_000,
    "a number of many digits": b"[" + b"9" * 120_000 + b"]",
    "many exponents": b"[" + b"1e308," * 3_900 + b"1]",
    "spaces": b" " * 130_000,
    "control characters": orjson.dumps({"note": "\x00" * 20_000}),
    "many control characters": orjson.dumps({f"k{n}": "\x00" for n in range(3_900)}),
}


@pytest.mark.parametrize(
    "amount", ["1e99999999", "-1e99999999", "1e-99999999", "0.001", 1e300, "9" * 5000, "NaN", "sNaN", "Infinity"]
)
def test_amounts_that_do_not_exist(amount: Any) -> None:
    _, wrong, _ = validate_body(ORDER, {"items": [{"name": "x", "amount": amount}]}, MINUTESERV, drops_unknown=False)
    assert list(wrong) == ["items.0.amount"]


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("331.2", 33120), (331.2, 33120), ("0", 0), ("0e99999999", 0), ("-1", -100), ("1e3", 100000), (" 5 ", 500)],
)
def test_amounts_that_exist(amount: Any, minor: int) -> None:
    value, wrong, _ = validate_body(
        ORDER, {"items": [{"name": "x", "amount": amount}]}, MINUTESERV, drops_unknown=False
    )
    assert not wrong and value.items[0].amount == minor


@pytest.mark.parametrize("raw", COSTLY.values(), ids=COSTLY)
@pytest.mark.parametrize("drops_unknown", [False, True])
def test_the_costliest_bodies_cost_little(raw: bytes, drops_unknown: bool) -> None:
    assert len(raw) <= SIGNED_BODY

    def answer() -> bytes:
        """What a route does with a body, to the bytes of its complaints."""
        try:
            given = json_of(raw)
            bad = {path_of(place): [text] for place, _, value in leaves(given) if (text := unclean(value))}
            card = card_data_in(given)
        except Exception as error:
            return str(error).encode()
        _, wrong, dropped = validate_body(ORDER, given, MINUTESERV, drops_unknown=drops_unknown)
        assert len(wrong) <= MOST_COMPLAINTS and len(dropped) <= MOST_COMPLAINTS
        return orjson.dumps([dict(list(bad.items())[:MOST_COMPLAINTS]), card, wrong, dropped])

    # As in a server after its start: what other tests have left in memory is not gone through on the way.
    gc.collect()
    gc.freeze()
    budget = Budget()
    while budget.goes_on():
        with budget.measured():
            said = answer()
    tracemalloc.start()
    try:
        answer()
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert len(said) < 20_000
    assert budget.is_kept(), budget.costs
