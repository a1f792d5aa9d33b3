"""Faults on demand: what the control takes."""

from __future__ import annotations

import aiohttp
import pytest

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import refused


def signed_in(gw: LocalGateway) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(gw.url, headers={"Authorization": gw.authorization})


@pytest.mark.parametrize(
    "words",
    [
        {"surprise": 1},
        {"api": [{"fault": "explode"}]},
        {"api": [{"fault": "hang", "probability": 2}]},
        {"api": [{"fault": "hang", "seconds": "long"}]},
        {"webhooks": {"lose": 1}},
        {"webhooks": {"delay_s": -1}},
        {"refunds": "sometimes"},
        {"emit": {}},
        {"settle_s": float("1e11")},
        {"release": "sideways"},
    ],
)
async def test_the_control_says_what_it_does_not_know(gw: LocalGateway, words: dict[str, object]) -> None:
    async with signed_in(gw) as http:
        assert (await refused(http, "/_control", words))[0] == 400
