"""The types of the wire."""

from __future__ import annotations

from api.wire.models import Degrees, View


def test_degrees_go_out_without_the_noise_of_binary_fractions() -> None:
    class Place(View):
        lat: Degrees | None
        lng: Degrees | None

    assert Place(lat=22.502499999999998, lng=None).model_dump() == {"lat": 22.5025, "lng": None}
    assert Place(lat=-0.1 - 0.2, lng=88.36389999999999).model_dump() == {"lat": -0.3, "lng": 88.3639}
