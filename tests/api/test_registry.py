"""The route table: every endpoint once, at a place of its own, with words."""

from __future__ import annotations

from uuid import UUID

import pytest

from api.audiences import Customer
from api.registry import all_routes, route_table
from api.signature import BadRoute
from tests.api.demo import make
from tests.api.test_signature import declare


def test_the_route_table() -> None:
    table = route_table()
    assert len(table) == len(all_routes())
    assert all(row.summary for row in table), [row.path for row in table if not row.summary]


def test_one_place_belongs_to_one_endpoint() -> None:
    audience = make("twice", True)

    async def one(caller: Customer, id: UUID) -> None: ...
    async def two(caller: Customer, id: UUID) -> None: ...

    declare(one, "/{id}", audience=audience)
    declare(two, "/{id}", audience=audience)
    with pytest.raises(BadRoute, match="twice"):
        all_routes((audience,))
