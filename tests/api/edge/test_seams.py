"""What our connections expect of the library is there."""

from __future__ import annotations

import hashlib
import inspect

from aiohttp.web_protocol import RequestHandler

from api.edge.seams import assert_seams

#: Of the loop that Connection.start tells anew.
KNOWN = "2e565fd40c8e04fb3afb481d5ba52691a61d28396573b4b8a4cf3b168782288e"


def test_the_names_are_where_we_expect_them() -> None:
    assert_seams()


def test_the_loop_that_ours_stands_for_is_the_one_that_was_read() -> None:
    assert hashlib.sha256(inspect.getsource(RequestHandler.start).encode()).hexdigest() == KNOWN
