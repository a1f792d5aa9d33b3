"""The types of the wire."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any

import pytest
from pydantic import ValidationError

from api.wire.complaints import complaints
from api.wire.models import Body, BookingTime, Degrees, View


def test_degrees_go_out_without_the_noise_of_binary_fractions() -> None:
    class Place(View):
        lat: Degrees | None
        lng: Degrees | None

    assert Place(lat=22.502499999999998, lng=None).model_dump() == {"lat": 22.5025, "lng": None}
    assert Place(lat=-0.1 - 0.2, lng=88.36389999999999).model_dump() == {"lat": -0.3, "lng": 88.3639}


class At(Body):
    time: BookingTime


@pytest.mark.parametrize("given", ["10:00 AM", "10 am", " 10:00 ", "10:00:00", time(10)])
def test_a_clock_face(given: Any) -> None:
    assert At.model_validate({"time": given}).time == time(10)


@pytest.mark.parametrize("given", [36000, 0, -1, 1.5, True, "36000", "10:00Z", "10:00+05:30", time(10, tzinfo=UTC), []])
def test_what_is_no_clock_face(given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        At.model_validate({"time": given})
    [text] = complaints(caught.value)["time"]
    assert "10:00 AM or 10:00" in text
