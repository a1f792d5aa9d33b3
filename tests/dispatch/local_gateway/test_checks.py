"""What the local gateway refuses, by field."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.dispatch.local_gateway.calls import get, refused


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"currency": "INR"}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "500"}, "amount"),
        ({"amount": -500}, "amount"),
        ({"amount": 99}, "amount"),
        ({"amount": 10**12}, "amount"),
        ({"amount": 500, "currency": "rupees"}, "currency"),
        ({"amount": 500, "receipt": "x" * 41}, "receipt"),
        ({"amount": 500, "notes": {str(n): "x" for n in range(16)}}, "notes"),
        ({"amount": 500, "card": {"number": "4111111111111111"}}, "card"),
    ],
)
async def test_a_wrong_order_is_refused_by_field(http: aiohttp.ClientSession, body: dict[str, Any], field: str) -> None:
    status, error = await refused(http, "/v1/orders", body)
    assert (status, error["code"], error["field"]) == (400, "BAD_REQUEST_ERROR", field)
    assert (await get(http, "/v1/orders"))["count"] == 0
