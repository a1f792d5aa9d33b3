"""What an endpoint's signature says is checked before anything starts."""

from __future__ import annotations

import pytest

from api.audiences import Customer
from api.signature import BadRoute
from tests.api.demo import declare


def test_signatures_that_make_no_sense_do_not_start() -> None:
    async def untyped(caller: Customer, thing) -> None: ...  # type: ignore[no-untyped-def]
    async def odd(caller: Customer, thing: int) -> None: ...
    async def no_id(caller: Customer) -> None: ...

    for func, path in ((untyped, "/x"), (odd, "/x"), (no_id, "/x/{id}")):
        with pytest.raises(BadRoute):
            declare(func, path)
    with pytest.raises(NameError):
        declare(_with_an_unknown_type)


async def _with_an_unknown_type(caller: Customer, body: Nowhere) -> None:  # type: ignore[name-defined] # noqa: F821
    ...
