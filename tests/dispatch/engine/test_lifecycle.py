"""Every (state, step) pair of every table either moves or raises."""

from __future__ import annotations

import pytest

from dispatch.engine import lifecycle
from dispatch.engine.lifecycle import TABLES, WrongState

PAIRS = [(noun, state, step) for noun, (states, table) in TABLES.items() for state in states for step in table]


@pytest.mark.parametrize(("noun", "state", "step"), PAIRS)
def test_each_pair_moves_or_raises(noun: str, state: str, step: str) -> None:
    row = TABLES[noun][1][step]
    if state in row.sources:
        assert lifecycle.move(noun, state, step) == row.target
    else:
        with pytest.raises(WrongState) as caught:
            lifecycle.move(noun, state, step)
        assert caught.value.details == {"state": state, "step": step, "allowed_from": list(row.sources)}


def test_tables_name_only_known_states() -> None:
    for states, table in TABLES.values():
        for step in table.values():
            assert set(step.sources) | {step.target} <= set(states)


def test_ends_are_ends() -> None:
    dead = {"offer": {"accepted", "rejected", "expired", "withdrawn"}, "assignment": {"completed", "cancelled"}}
    for noun, ends in dead.items():
        for step in TABLES[noun][1].values():
            assert not ends & set(step.sources)
