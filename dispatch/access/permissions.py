"""Who may do what, as data: realm -> role -> {resource: read | write}, and what a person has beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["read", "write"]
#: What a route needs that everybody with a role may use: one's own profile, one's own sign-ins.
OWN = "own"
READ: Level = "read"
WRITE: Level = "write"

#: Every resource of a realm, so that neither a role nor a route can invent one.
RESOURCES: Mapping[str, frozenset[str]] = {
    # What the keys of an integration are granted, and its people beside the account that manages it.
    "integration": frozenset({
        "services", "slots", "customers", "bookings", "webhooks", "usage", "credentials", "profile",
    }),
    "admin": frozenset({
        "bookings", "dispatch", "technicians", "payouts", "refunds", "services", "promos", "contact", "users",
        "settings", "zones", "analytics", "audit", "staff", "alerts", "files", "organisations", "providers",
        "trade_partners", "integrations", "dashboard", "rota",
    }),
    # `credit` is limits, overrides and payments; `references` are price lists, terms, VAT, areas and custom fields.
    "erp": frozenset({"partners", "credit", "orders", "references", "itineraries", "team"}),
    "organisation": frozenset({
        "onboarding", "organization", "departments", "users", "bookings", "approvals", "quotes", "programs",
        "providers", "jobs", "budgets", "finance", "billing", "analytics", "reports", "api_keys", "webhooks",
        "support", "files",
    }),
    "provider": frozenset({
        "dashboard", "analytics", "wallet", "payouts", "transactions", "customers", "subscriptions", "notifications",
        "settings", "team",
    }),
}  # fmt: skip


def _all(realm: str, level: Level, *, but: Mapping[str, Level | None] | None = None) -> dict[str, Level]:
    levels: dict[str, Level | None] = {**dict.fromkeys(RESOURCES[realm], level), **(but or {})}
    return {resource: given for resource, given in levels.items() if given is not None}


#: The roles of a realm. What is not named here may neither be read nor written.
ROLES: Mapping[str, Mapping[str, Mapping[str, Level]]] = {
    "integration": {
        "owner": {
            "webhooks": WRITE, "usage": READ, "credentials": WRITE, "profile": WRITE, "customers": READ,
        },
    },
    "admin": {
        "super_admin": _all("admin", WRITE),
        "admin": _all("admin", WRITE, but={"staff": READ, "audit": READ}),
        "support": {
            "bookings": WRITE, "dispatch": WRITE, "contact": WRITE, "alerts": WRITE, "files": WRITE,
            "technicians": READ, "users": READ, "services": READ, "promos": READ, "zones": READ, "refunds": READ,
            "organisations": READ, "providers": READ, "integrations": READ, "dashboard": READ, "rota": READ,
        },
        "finance": {
            "payouts": WRITE, "refunds": WRITE, "alerts": WRITE, "files": READ, "bookings": READ, "technicians": READ,
            "users": READ, "analytics": READ, "promos": READ, "audit": READ, "organisations": READ,
            "providers": READ, "trade_partners": READ, "integrations": READ, "dashboard": READ, "rota": READ,
        },
    },
    "erp": {
        "admin": _all("erp", WRITE),
        "sales": {"partners": WRITE, "orders": WRITE, "itineraries": WRITE, "credit": READ, "references": READ},
        "credit_controller": {
            "partners": WRITE, "credit": WRITE, "orders": WRITE, "itineraries": READ, "references": READ,
        },
        "viewer": _all("erp", READ, but={"team": None}),
    },
    # The contract's six (R34), and who is only a member: they book for themselves and see the job board alone.
    "organisation": {
        "partner_owner": _all("organisation", WRITE),
        "partner_admin": _all("organisation", WRITE),
        # Within their own department only.
        "partner_manager": {
            "organization": READ, "departments": READ, "users": WRITE, "bookings": WRITE, "approvals": WRITE,
            "quotes": WRITE, "programs": READ, "providers": READ, "jobs": READ, "budgets": READ, "finance": READ,
            "analytics": READ, "reports": WRITE, "support": WRITE, "files": WRITE,
        },
        "partner_coordinator": {
            "organization": READ, "departments": READ, "users": READ, "bookings": WRITE, "approvals": READ,
            "quotes": WRITE, "programs": READ, "providers": READ, "jobs": WRITE, "analytics": READ, "support": WRITE,
            "files": WRITE,
        },
        "partner_finance": {
            "organization": READ, "departments": READ, "users": READ, "bookings": READ, "approvals": WRITE,
            "quotes": WRITE, "programs": READ, "providers": READ, "jobs": READ, "budgets": WRITE, "finance": WRITE,
            "billing": WRITE, "analytics": READ, "reports": WRITE, "support": WRITE, "files": WRITE,
        },
        "partner_viewer": {
            "organization": READ, "departments": READ, "users": READ, "bookings": READ, "approvals": READ,
            "quotes": READ, "programs": READ, "providers": READ, "jobs": READ, "budgets": READ, "finance": READ,
            "analytics": READ, "support": WRITE,
        },
        "partner_member": {"jobs": READ},
    },
    "provider": {
        "Owner": _all("provider", WRITE),
        "Admin": _all("provider", WRITE),
        "Manager": _all("provider", WRITE, but={"wallet": READ, "payouts": READ, "settings": READ, "team": READ}),
        "Staff": _all("provider", READ, but={"payouts": None, "wallet": None, "analytics": None, "settings": None}),
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grants:
    """What one caller may do now."""

    levels: Mapping[str, Level]

    def allow(self, permission: str) -> bool:
        """Whether "resource:read" or "resource:write" is among them; who may write may read."""
        resource, _, level = permission.partition(":")
        held = self.levels.get(resource)
        return level in (READ, WRITE) and held in (WRITE, level)

    def at_most(self, other: Grants) -> Grants:
        """What both allow."""
        shared: dict[str, Level] = {}
        for resource, level in self.levels.items():
            if other.allow(f"{resource}:{level}"):
                shared[resource] = level
            elif other.allow(f"{resource}:{READ}"):
                shared[resource] = READ
        return Grants(shared)


NOTHING = Grants({})


def grants_of(realm: str, role: str, overrides: Mapping[str, Any]) -> Grants:
    """A role's permissions with a person's own in their place: {"bookings": "read"} lowers, None takes away.

    A role or a resource that nobody knows (any more) gives nothing.
    """
    levels: dict[str, Level] = dict(ROLES.get(realm, {}).get(role, {}))
    for resource, level in overrides.items():
        if level is None or resource not in RESOURCES.get(realm, ()):
            levels.pop(resource, None)
        elif level in (READ, WRITE):
            levels[resource] = level
    return Grants(levels)


def scopes_of(words: Iterable[str]) -> dict[str, Level]:
    """Scopes from the words that keys are asked for with: `read_x` and `create_x`, or `x:read` and `x:write`.

    Raises ValueError for a word of another form.
    """
    scopes: dict[str, Level] = {}
    for word in words:
        resource, level = _scope(word)
        if scopes.get(resource) != WRITE:
            scopes[resource] = level
    return scopes


def _scope(word: str) -> tuple[str, Level]:
    for prefix, level in (("read_", READ), ("create_", WRITE), ("write_", WRITE)):
        if word.startswith(prefix) and len(word) > len(prefix):
            return word.removeprefix(prefix), level
    resource, _, named = word.partition(":")
    if resource and named in (READ, WRITE):
        return resource, WRITE if named == WRITE else READ
    raise ValueError(f"'{word}' is not a permission: write it like read_bookings.")
