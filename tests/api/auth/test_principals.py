"""Who calls, and what they may."""

from __future__ import annotations

from uuid import uuid4

from api.auth.principals import Admin, Customer, permits
from dispatch.access.permissions import NOTHING, OWN, RESOURCES, Grants


def test_without_grants_only_ones_own_is_left() -> None:
    nobody = Admin(uuid4(), uuid4(), "gone", NOTHING)
    assert permits(nobody, OWN)
    assert not any(permits(nobody, f"{r}:{level}") for r in RESOURCES["admin"] for level in ("read", "write"))
    assert permits(Admin(uuid4(), uuid4(), "x", Grants({"staff": "read"})), "staff:read")


def test_principals_name_themselves() -> None:
    account = uuid4()
    caller = Customer(account, uuid4())
    assert (caller.key, caller.actor.kind, caller.actor.id) == (
        f"customer:{account}",
        "customer",
        str(account),
    )
