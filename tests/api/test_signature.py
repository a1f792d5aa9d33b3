"""What an endpoint's signature says is checked before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from api.audiences import Customer
from api.signature import BadRoute
from api.wire.models import Body, CamelBody
from dispatch.services import Services
from tests.api.demo import camel, make


def declare(func: Any, path: str = "/x", method: str = "GET", audience: Any = None, **options: Any) -> None:
    (audience or make("scratch", True)).route(method, path, **options)(func)


def test_declarations_that_make_no_sense_do_not_start() -> None:
    async def no_caller(services: Services) -> None: ...
    async def untyped(caller: Customer, thing) -> None: ...  # type: ignore[no-untyped-def]
    async def odd(caller: Customer, thing: int) -> None: ...
    async def no_id(caller: Customer) -> None: ...
    async def camelish(caller: Customer, body: _Camel) -> None: ...
    async def snakish(caller: Any, body: _Snake) -> None: ...
    def plain(caller: Customer) -> None: ...

    for func, path in (
        (no_caller, "/x"), (untyped, "/x"), (odd, "/x"), (no_id, "/x/{id}"), (camelish, "/x"), (plain, "/x"),
    ):  # fmt: skip
        with pytest.raises(BadRoute):
            declare(func, path)
    with pytest.raises(BadRoute):
        declare(no_id, public=True)
    with pytest.raises(BadRoute):
        declare(snakish, audience=camel)
    with pytest.raises(NameError):
        declare(_with_an_unknown_type)


class _Camel(CamelBody):
    a_b: int


class _Snake(Body):
    a_b: int


async def _with_an_unknown_type(caller: Customer, body: Nowhere) -> None:  # type: ignore[name-defined] # noqa: F821
    ...
