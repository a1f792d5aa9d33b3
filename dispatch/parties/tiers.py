"""What an organisation's tier opens (R141), as data: the database holds how many members a tier has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dispatch.errors import NotAllowed

Tier = Literal["starter", "professional", "enterprise", "government_education"]
Feature = Literal["api_access", "custom_reports", "webhooks", "account_manager", "volume_discounts", "flexible_terms"]

#: The most members of a tier; beyond the last there is no bound. `tier_members` of the database says the same.
STARTER_MEMBERS, PROFESSIONAL_MEMBERS = 50, 200

FEATURES: Mapping[Tier, frozenset[Feature]] = {
    "starter": frozenset(),
    "professional": frozenset({"api_access", "custom_reports", "webhooks", "account_manager"}),
    "enterprise": frozenset({"api_access", "custom_reports", "webhooks", "account_manager", "volume_discounts"}),
    "government_education": frozenset(
        {"api_access", "custom_reports", "webhooks", "account_manager", "volume_discounts", "flexible_terms"}
    ),
}
#: As the portal shows a tier: its plan, and what it promises.
PLANS: Mapping[Tier, tuple[str, tuple[str, ...]]] = {
    "starter": ("Starter", ("Bulk booking", "Monthly invoicing", "E-mail support")),
    "professional": (
        "Professional",
        ("Bulk booking", "Custom reporting", "API access", "Dedicated account manager", "Priority support"),
    ),
    "enterprise": (
        "Enterprise",
        ("Bulk booking", "Custom reporting", "API access", "Dedicated support", "Priority service", "Volume discounts"),
    ),
    "government_education": (
        "Government/Education",
        ("Bulk booking", "Custom reporting", "API access", "Flexible payment terms", "Community programs"),
    ),
}


class TierTooLow(NotAllowed):
    """Your plan does not have this; ask your account manager for a higher one."""

    code = "tier_too_low"


def tier_for(org_type: str, expected_users: int | None) -> Tier:
    """The tier that a registration begins with: by its type and how many people are expected."""
    if org_type in ("lgu", "school"):
        return "government_education"
    users = expected_users or 1
    if users <= STARTER_MEMBERS:
        return "starter"
    return "professional" if users <= PROFESSIONAL_MEMBERS else "enterprise"


def require(tier: str, feature: Feature) -> None:
    """Raises TierTooLow unless the tier opens the feature."""
    if feature not in FEATURES[_known(tier)]:
        raise TierTooLow(details={"feature": feature, "tier": tier})


def plan_of(tier: str) -> tuple[str, tuple[str, ...]]:
    return PLANS[_known(tier)]


def _known(tier: str) -> Tier:
    known: Tier | None = next((t for t in FEATURES if t == tier), None)
    assert known is not None, "the database knows no other tiers"
    return known
