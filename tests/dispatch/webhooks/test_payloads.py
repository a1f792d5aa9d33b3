"""What an endpoint is sent: the same text at every try, in its owner's keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import UUID

import orjson

from dispatch.webhooks.payloads import body_of, message_id
from storage.webhook_deliveries import Claimed

AT = datetime(2026, 1, 5, 10, 0, 0, 123_456, timezone(timedelta(hours=5.5)))
CLAIMED = Claimed(
    UUID(int=1), UUID(int=2), "provider", "https://a.example/", b"", None, "payout.paid", None, None,
    {"payout_id": "p", "total_minor": 5, "bank_lines": [{"line_no": 1}]}, AT, 0, 0, None, None, None, None,
)  # fmt: skip


def test_keys_are_the_owners_and_the_text_is_the_same_at_every_try() -> None:
    said = orjson.loads(body_of(CLAIMED))
    assert said == {
        "id": f"msg_{UUID(int=1).hex}", "type": "payout.paid", "timestamp": "2026-01-05T04:30:00.123Z",
        "data": {"payoutId": "p", "totalMinor": 5, "bankLines": [{"lineNo": 1}]},
    }  # fmt: skip
    assert body_of(replace(CLAIMED, tries=3, attempts=7)) == body_of(CLAIMED)
    assert message_id(CLAIMED) == said["id"]
    plain = orjson.loads(body_of(replace(CLAIMED, owner_kind="platform")))
    assert plain["data"] == CLAIMED.data


def test_of_a_booking_its_number_and_place_in_the_order_are_told() -> None:
    fact = replace(
        CLAIMED, owner_kind="platform", type="booking.confirmed", booking_id=UUID(int=3), seq=4, data=None,
        booking_number="BK-1", fact={}, actor_kind="system",
    )  # fmt: skip
    data = orjson.loads(body_of(fact))["data"]
    assert (data["booking_id"], data["booking_number"], data["seq"]) == (str(UUID(int=3)), "BK-1", 4)
