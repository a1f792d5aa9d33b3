"""What the document says that an operation takes."""

from __future__ import annotations

from typing import Any


def test_a_list_says_what_it_understands(demo: Any) -> None:
    operation = demo["paths"]["/kind/items"]["get"]
    names = {p["name"] for p in operation["parameters"]}
    assert names == {"page", "limit", "sort", "status", "date_from", "price", "search"}
