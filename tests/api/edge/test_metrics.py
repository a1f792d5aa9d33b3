"""Measures name templates, never addresses."""

from __future__ import annotations

from tests.api.support import Client


async def test_measures_name_templates_only(client: Client) -> None:
    phone = "911234567890"
    for path in (f"/kind/file/{phone}", f"/kind/things/{phone}"):
        async with client.get(path):
            pass
    async with client.get("/healthz"):
        pass
    from prometheus_client import generate_latest

    text = generate_latest().decode()
    assert phone not in text
    assert 'route="/kind/file/{name}"' in text
    assert 'route="unmatched",status="404"' in text
