"""The doors of development: nobody from far away comes in by them, and elsewhere there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.live import live_server


async def test_outside_of_development_nobody_signs_in_by_a_click(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=0, customers=0) as other:
        for method in ("GET", "POST"):
            who = {"kind": "admin", "name": "admin@example.com"}
            async with other.http.request(method, other.url + "/console/people", json=who) as answer:
                assert answer.status == 404


@pytest.mark.parametrize(
    "headers", [{"Host": "rebound.example.com"}, {"Host": "198.41.0.4"}, {"X-Forwarded-For": "198.41.0.4"}]
)
async def test_nobody_far_away_comes_in_by_developments_doors(
    fresh_dsn: str, tmp_path: Path, headers: dict[str, str]
) -> None:
    http = {"trusted_hops": 1}
    async with live_server(fresh_dsn, tmp_path, technicians=0, customers=0, env="development", http=http) as other:
        for path in ("/console/people", "/console/outbox", "/outbox"):
            async with other.http.get(other.url + path, headers={"X-Forwarded-For": "127.0.0.1", **headers}) as answer:
                assert answer.status == 404, path
            async with other.http.get(other.url + path, headers={"X-Forwarded-For": "127.0.0.1"}) as answer:
                assert answer.status == 200, path
