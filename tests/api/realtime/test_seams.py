"""The places of the library that we lean on."""

from __future__ import annotations

from api.realtime.seams import assert_seams


def test_the_seams_of_the_library_are_where_we_expect_them() -> None:
    assert_seams()
