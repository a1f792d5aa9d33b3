"""What a tier opens, and the tier that a registration begins with."""

from __future__ import annotations

from typing import get_args

import pytest

from dispatch.parties.tiers import FEATURES, PLANS, Feature, Tier, TierTooLow, plan_of, require, tier_for


@pytest.mark.parametrize(
    ("kind", "users", "tier"),
    [
        ("lgu", 1, "government_education"), ("school", 5_000, "government_education"), ("company", None, "starter"),
        ("company", 50, "starter"), ("company", 51, "professional"), ("company", 200, "professional"),
        ("company", 201, "enterprise"),
    ],
)  # fmt: skip
def test_where_a_registration_begins(kind: str, users: int | None, tier: str) -> None:
    assert tier_for(kind, users) == tier


def test_every_tier_has_a_plan_and_opens_what_the_table_says() -> None:
    assert set(FEATURES) == set(PLANS) == set(get_args(Tier))
    for tier, opened in FEATURES.items():
        assert plan_of(tier)[0]
        for feature in get_args(Feature):
            if feature in opened:
                require(tier, feature)
            else:
                with pytest.raises(TierTooLow) as refused:
                    require(tier, feature)
                assert refused.value.details == {"feature": feature, "tier": tier}
