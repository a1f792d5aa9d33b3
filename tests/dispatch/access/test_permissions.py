"""Permissions are data: roles, a person's own in their place, and the words that keys are asked for with."""

from __future__ import annotations

import pytest

from dispatch.access.permissions import RESOURCES, ROLES, Grants, grants_of, scopes_of


@pytest.mark.parametrize(("realm", "role"), [(realm, role) for realm, roles in ROLES.items() for role in roles])
def test_roles_name_resources_that_exist(realm: str, role: str) -> None:
    assert set(ROLES[realm][role]) <= RESOURCES[realm]
    assert set(ROLES[realm][role].values()) <= {"read", "write"}


def test_who_may_write_may_read() -> None:
    grants = Grants({"bookings": "write", "users": "read"})
    assert grants.allow("bookings:read") and grants.allow("bookings:write") and grants.allow("users:read")
    assert not grants.allow("users:write") and not grants.allow("payouts:read") and not grants.allow("bookings:")
    assert not grants.allow("") and not grants.allow("bookings:all")


def test_a_persons_own_stand_in_place_of_the_roles() -> None:
    grants = grants_of("admin", "support", {"bookings": "read", "payouts": "write", "contact": None, "moon": "write"})
    assert not grants.allow("bookings:write") and grants.allow("bookings:read")
    assert grants.allow("payouts:write") and not grants.allow("contact:read") and not grants.allow("moon:read")


@pytest.mark.parametrize(("realm", "role"), [("admin", "owner"), ("nowhere", "admin"), ("provider", "super_admin")])
def test_an_unknown_role_gives_nothing(realm: str, role: str) -> None:
    assert not grants_of(realm, role, {}).levels


def test_two_sets_give_what_both_allow() -> None:
    key = Grants({"bookings": "write", "users": "write", "payouts": "read", "zones": "read"})
    maker = Grants({"bookings": "write", "users": "read", "zones": "write"})
    assert dict(key.at_most(maker).levels) == {"bookings": "write", "users": "read", "zones": "read"}


def test_the_words_of_keys() -> None:
    assert scopes_of(["read_bookings", "create_bookings", "members:read"]) == {"bookings": "write", "members": "read"}
    assert scopes_of(["create_bookings", "read_bookings"]) == {"bookings": "write"}


@pytest.mark.parametrize("word", ["", "bookings", "read_", "bookings:all", ":read", "delete_bookings"])
def test_another_word_is_refused(word: str) -> None:
    with pytest.raises(ValueError):
        scopes_of([word])
