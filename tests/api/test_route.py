"""What a route declares is checked before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from api.audiences import Customer
from api.signature import BadRoute
from api.wire.models import Body, CamelBody
from dispatch.services import Services
from tests.api.demo import camel, declare


def test_declarations_that_make_no_sense_do_not_start() -> None:
    async def no_caller(services: Services) -> None: ...
    async def not_optional(caller: Customer) -> None: ...
    async def camelish(caller: Customer, body: _Camel) -> None: ...
    async def snakish(caller: Any, body: _Snake) -> None: ...
    async def signed(caller: Customer) -> None: ...
    async def nobody(*_: Any) -> None: ...
    def plain(caller: Customer) -> None: ...

    for func in (no_caller, camelish, plain):
        with pytest.raises(BadRoute):
            declare(func)
    with pytest.raises(BadRoute):
        declare(not_optional, public=True)
    with pytest.raises(BadRoute):
        declare(signed, admit=nobody)
    with pytest.raises(BadRoute):
        declare(snakish, audience=camel)


class _Camel(CamelBody):
    a_b: int


class _Snake(Body):
    a_b: int
