"""What the document says of who may call: with a token, or a key pair, and with which grants."""

from __future__ import annotations

from typing import Any

from api.registry import all_routes
from dispatch.access.permissions import RESOURCES


def integration(*granted: str) -> list[dict[str, list[str]]]:
    """An integration calls with its token, or with both headers of its key pair."""
    needed = list(granted)
    return [{"integration": needed}, {"integration_client_id": needed, "integration_client_secret": needed}]


def test_an_operation_says_who_may_call_it_with_what(whole: Any) -> None:
    paths = whole["paths"]
    for method, path, security, names_customer in (
        ("get", "/v1/bookings", [{"customer": []}, *integration("bookings:read")], True),
        ("get", "/v1/services/catalog", [{}, *integration("services:read")], False),
        ("get", "/v1/auth/me", [{"customer": []}], False),
        ("post", "/api/partners/{id}/webhooks", integration("webhooks:write"), False),
        ("get", "/api/partners/manage/{manage_id}", integration(), False),
        ("post", "/v1/admin/webhooks", [{"admin": ["settings:write"]}], False),
    ):
        operation = paths[path][method]
        assert operation["security"] == security, path
        header = [p for p in operation["parameters"] if p["name"] == "X-Customer-ID"]
        assert [p["required"] for p in header] == ([False] if names_customer else []), path
    assert "An integration needs `bookings:write` and names its customer" in (
        paths["/v1/checkout/confirm"]["post"]["description"]
    )
    assert "Needs `settings:write`." in paths["/v1/admin/webhooks"]["post"]["description"]


def test_key_pairs_are_schemes_of_their_headers(whole: Any) -> None:
    schemes = whole["components"]["securitySchemes"]
    pairs = {name: s["name"] for name, s in schemes.items() if (s["type"], s.get("in")) == ("apiKey", "header")}
    assert pairs == {
        "integration_client_id": "x-client-id", "integration_client_secret": "x-client-secret",
        "organisation_api_key": "X-API-Key", "organisation_api_secret": "X-API-Secret",
    }  # fmt: skip
    operations = [op for item in whole["paths"].values() for op in item.values()]
    assert {name for op in operations for way in op["security"] for name in way} == schemes.keys()
    needed = ["users:read"]
    assert whole["paths"]["/api/partners/users"]["get"]["security"] == [
        {"organisation": needed}, {"organisation_api_key": needed, "organisation_api_secret": needed}
    ]  # fmt: skip


def test_every_scope_can_be_granted() -> None:
    scoped = [r for r in all_routes() if r.scope is not None]
    assert scoped
    for route in scoped:
        resource, _, level = str(route.scope).partition(":")
        assert resource in RESOURCES["integration"] and level in ("read", "write"), route.template
