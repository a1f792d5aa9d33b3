"""Whose a path is, decided by the whole path; and what each role may do, route by route."""

from __future__ import annotations

from uuid import uuid4

import pytest

from api.audiences import AUDIENCES, audience_of
from api.auth.principals import Member
from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import OWN, RESOURCES, ROLES, grants_of

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
WITH_ROLES = [r for r in all_routes() if r.audience.resources is not None and not r.is_public]


@pytest.mark.parametrize(("path", "owner"), [
    ("/api/partners", "integration"), ("/api/partners/", "integration"), (f"/api/partners/{ID}", "integration"),
    (f"/api/partners/{ID.upper()}/webhooks/{ID}", "integration"), ("/api/partners/slug/acme", "integration"),
    ("/api/partners/manage/7", "integration"), ("/api/partners/auth", "integration"),
    ("/api/partners/onboarding/start", "integration"),
    ("/api/partners/auth/login", "organisation"), ("/api/partners/auth/me", "organisation"),
    ("/api/partners/onboarding", "organisation"), ("/api/partners/onboarding/start/again", "organisation"),
    ("/api/partners/onboarding/documents", "organisation"), ("/api/partners/profile", "organisation"),
    ("/api/partners/sluggish", "organisation"), ("/api/partners/managers", "organisation"),
    (f"/api/partners/{ID[:-1]}", "organisation"), ("/api/partners/nothing/here", "organisation"),
    ("/api/providers", "provider"), ("/api/providers/wallet/balance", "provider"), ("/api/providership", "customer"),
    ("/api/provider-applications", "provider_desk"), ("/api/payout-requests/admin/all", "provider_desk"),
    ("/api/auth/signin", "account"), ("/api/auth", "account"), ("/api/authors", "customer"),
    ("/api/backend", "erp"), ("/api/backend/partners/7", "erp"), ("/api/backends", "customer"),
    ("/v1/admin/staff", "admin"), ("/v1/administrators", "customer"), ("/v1/partner/bookings", "technician"),
    ("/v1/partners", "customer"), ("/nowhere", "customer"),
])  # fmt: skip
def test_whose_a_path_is(path: str, owner: str) -> None:
    assert audience_of(path).name == owner


@pytest.mark.parametrize("audience", [a for a in AUDIENCES if a.resources is not None], ids=lambda a: a.name)
def test_every_route_of_an_audience_with_roles_names_its_permission(audience: object) -> None:
    assert all(r.permission for r in WITH_ROLES if r.audience is audience)


#: Where GET needs the right to change, or anything else does with the right to look: each with its reason.
READING_ENOUGH = {
    # Asks the bank whose an account is, and keeps nothing.
    "POST /api/providers/wallet/resolve-account",
    # Whoever only sees the job board applies for themselves.
    "POST /api/partners/job-board/{id}/applications", "POST /api/partners/job-board/applications/{id}/withdraw",
}  # fmt: skip
WRITING_NEEDED = {
    # What everybody may do is for those who decide on it, and so is who has applied.
    "GET /api/partners/organization/access-review", "GET /api/partners/job-board/{id}/applications",
}  # fmt: skip
#: Open to everybody with a role: one's own sign-in, account and second factor. What is of an app asks for its scope.
ONES_OWN = {
    "POST /v1/admin/auth/logout", "GET /v1/admin/auth/me", "POST /v1/admin/auth/totp/enrol",
    "POST /v1/admin/auth/totp/confirm", "POST /v1/admin/auth/totp/recovery-codes", "POST /v1/admin/auth/totp/disable",
    "GET /api/auth/me", "POST /api/auth/switch", "POST /api/auth/logout", "PUT /api/providers/settings/account",
    "PUT /api/providers/settings/password", "GET /api/partners/manage/{manage_id}", "GET /api/partners/auth/me",
}  # fmt: skip


def test_what_changes_something_needs_the_right_to_change() -> None:
    """A permission lowered to reading, or to what everybody has, is said here or is a mistake."""
    needed = {r.template: r.scope if r.permission == OWN and r.scope else r.permission for r in WITH_ROLES}
    assert {route for route, right in needed.items() if right == OWN} == ONES_OWN
    levels = {route: right.partition(":")[2] for route, right in needed.items() if right and right != OWN}
    expected = {
        route: ("read" if route.startswith("GET ") else "write") if route not in READING_ENOUGH | WRITING_NEEDED
        else "read" if route in READING_ENOUGH else "write"
        for route in levels
    }
    assert levels == expected


@pytest.mark.parametrize("route", WITH_ROLES, ids=lambda r: r.template)
def test_each_role_may_do_what_the_matrix_says(route: Route) -> None:
    assert route.permission is not None
    resource, _, level = route.permission.partition(":")
    for realm, roles in ROLES.items():
        for role, given in roles.items():
            caller = Member(realm, role, uuid4(), grants_of(realm, role, {}))
            held = given.get(resource)
            expected = route.permission == OWN or held == "write" or held == level
            assert route.audience.permits(caller, route.permission) is expected, (realm, role)


@pytest.mark.parametrize("resource", sorted(RESOURCES["admin"]))
def test_every_resource_is_written_by_somebody_and_not_by_everybody(resource: str) -> None:
    levels = [ROLES["admin"][role].get(resource) for role in ROLES["admin"]]
    assert "write" in levels and set(levels) != {"write"} or resource == "alerts"
