"""Who asked, from where, with which agent: ids, trusted hops, text only."""

from __future__ import annotations

from typing import Any

import pytest

from api.edge.request_info import client_ip, readable
from tests.api.support import Client


async def test_request_ids(client: Client) -> None:
    async with client.get("/kind/head", headers={"X-Request-ID": "abc-123.DEF"}) as response:
        assert response.headers["X-Request-ID"] == "abc-123.DEF"
    for insane in ("short", "with space in it", "x" * 200):
        async with client.get("/kind/head", headers={"X-Request-ID": insane}) as response:
            assert len(response.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("peer", "forwarded", "hops", "seen"),
    [
        ("10.0.0.1", ["6.6.6.6"], 0, "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], 1, "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4, 10.0.0.2"], 2, "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4"], 3, "1.2.3.4"),
        ("10.0.0.1", [], 1, "10.0.0.1"),
        ("10.0.0.1", ["garbage"], 1, "10.0.0.1"),
        ("10.0.0.1", ["::ffff:1.2.3.4"], 1, "1.2.3.4"),
        ("10.0.0.1", ["203.0.113.9:5555"], 1, "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6:1, 203.0.113.9:65535"], 1, "203.0.113.9"),
        ("10.0.0.1", ["[2001:DB8::1]:443"], 1, "2001:db8::1"),
        ("10.0.0.1", ["[2001:db8::1]"], 1, "2001:db8::1"),
        ("10.0.0.1", ["[::ffff:1.2.3.4]:80"], 1, "1.2.3.4"),
        ("10.0.0.1", ["fe80::1%eth0"], 1, "fe80::1"),
        ("10.0.0.1", ["[fe80::1%eth0]:80"], 1, "fe80::1"),
        ("10.0.0.1", ["999.0.0.1:80"], 1, "10.0.0.1"),
        ("10.0.0.1", ["unknown"], 1, "10.0.0.1"),
        ("10.0.0.1", ["[not an address]:1"], 1, "10.0.0.1"),
        ("2001:DB8::1", [], 0, "2001:db8::1"),
        (None, [], 0, "unknown"),
    ],
)
def test_the_client_is_who_the_trusted_hops_saw(peer: Any, forwarded: list[str], hops: int, seen: str) -> None:
    assert client_ip(peer, forwarded, hops) == seen


def test_what_is_kept_of_an_agent_is_text() -> None:
    assert readable("Mozilla/5.0 (X11)") == "Mozilla/5.0 (X11)"
    assert readable("café") == "café"
    for odd in ("\udcff\udcfe", "a\x00b", "a\nb", "\u202eevil"):
        kept = readable(odd)
        assert kept.encode() and kept.isprintable()
