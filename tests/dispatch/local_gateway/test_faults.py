"""Trouble on demand: so often as was said, the same for one seed, and refused where it means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.local_gateway.faults import ApiFaults, Chance
from dispatch.local_gateway.refusals import Refusal


def test_the_next_so_many_and_no_more() -> None:
    for said in ({"next": 2}, 2):
        chance = Chance.of(said, "seed")
        assert [chance.strikes() for _ in range(4)] == [True, True, False, False]
    assert [Chance.of(True, "seed").strikes() for _ in range(2)] == [True, True], "each is the next one"


def test_one_seed_decides_alike() -> None:
    def drawn(seed: str) -> list[bool]:
        chance = Chance.of({"probability": 0.5}, seed)
        return [chance.strikes() for _ in range(64)]

    assert drawn("a") == drawn("a") != drawn("b")
    assert 10 < sum(drawn("a")) < 54


@pytest.mark.parametrize(
    "said", ["2", None, [], {"next": -1}, {"next": True}, {"next": 1.5}, {"probability": 1.1}, {"soon": 1}]
)
def test_what_is_no_chance(said: Any) -> None:
    with pytest.raises(Refusal):
        Chance.of(said, "seed")


def test_a_fault_strikes_what_it_matches_in_the_order_given() -> None:
    faults = ApiFaults("seed")
    faults.set([{"fault": "error_500", "match": "POST *"}, {"fault": "hang", "seconds": 2, "next": 2}])
    struck = [faults.pick("GET", "/v1/orders"), faults.pick("POST", "/v1/orders"), faults.pick("POST", "/v1/orders")]
    assert [fault and (fault.kind, fault.after, fault.seconds) for fault in struck] == [
        ("hang", True, 2.0), ("error_500", False, 1.0), ("hang", True, 2.0),
    ]  # fmt: skip
    assert faults.pick("POST", "/v1/orders") is None
    assert faults.struck == {"hang": 2, "error_500": 1}


@pytest.mark.parametrize(
    "said",
    [
        {}, ["hang"], [{"fault": "sleep"}], [{"fault": "hang", "effect": "during"}], [{"fault": "hang", "soon": 1}],
        [{"fault": "hang", "seconds": -1}], [{"fault": "hang", "seconds": "2"}],
    ],
)  # fmt: skip
def test_what_is_no_fault(said: Any) -> None:
    with pytest.raises(Refusal):
        ApiFaults("seed").set(said)
