"""Successes, pages and statuses in every dialect."""

from __future__ import annotations

import pytest

from api.wire.dialects import ALL, ERP, INTEGRATION, MINUTESERV, ORGANISATION, PROVIDER, Dialect
from api.wire.models import Money, View
from api.wire.results import MessageWith, Page, PageWith, ReplyWith
from dispatch.errors import (
    Conflict,
    Gone,
    Invalid,
    Malformed,
    Missing,
    NotAllowed,
    NotSignedIn,
    Throttled,
    Unavailable,
)
from tests.api.wire.test_dialects import AT, sent


class Beside(View):
    """Further keys of an answer, money among them."""

    expires_in: int = 1
    price: Money = 0


def test_success() -> None:
    assert MINUTESERV.success(None, AT) == {"success": True}
    assert MINUTESERV.success([1], AT) == {"success": True, "data": [1]}
    assert MINUTESERV.success(MessageWith("Sent", extra=Beside(expires_in=300)), AT) == {
        "success": True, "message": "Sent", "expires_in": 300, "price": 0,
    }  # fmt: skip
    assert ORGANISATION.success(ReplyWith(5, "Made", extra=Beside(price=1250)), AT) == {
        "success": True, "message": "Made", "data": 5, "expires_in": 1, "price": 12.5,
    }  # fmt: skip
    assert sent(PROVIDER, PROVIDER.success(None, AT)) == {
        "success": True,
        "timestamp": "2024-01-20T10:00:00.120Z",
    }


@pytest.mark.parametrize(
    ("dialect", "word"),
    [
        (MINUTESERV, "total_pages"),
        (ORGANISATION, "totalPages"),
        (INTEGRATION, "pages"),
        (PROVIDER, "totalPages"),
    ],
)
def test_pages(dialect: Dialect, word: str) -> None:
    page = PageWith([1], 25, "bookings", extra=Beside(price=1250), cursor="next")
    body = dialect.page(page, [1], 2, 10, AT)
    exact = "total_is_exact" if dialect is MINUTESERV else "totalIsExact"
    assert body["data"] == {
        "bookings": [1], "expires_in": 1, "price": 1250 if dialect is PROVIDER else 12.5,
        "pagination": {"page": 2, "limit": 10, "total": 25, word: 3, exact: True, "cursor": "next"},
    }  # fmt: skip
    assert ("timestamp" in body) == (dialect is PROVIDER)
    # Of very many it is said that there are more, and of a limit that was too high, which it was.
    more = dialect.page(Page([1], 10_000, is_exact=False), [1], 1, 100, AT, clamped_from=500)["data"]["pagination"]
    assert more[exact] is False and 500 in more.values()


def test_the_two_pages_of_the_erp() -> None:
    whereabouts = {"last_page": 3, "from": 1, "to": 1, "total_is_exact": True, "cursor": None}
    assert ERP.page(Page([1], 42, "partners"), [1], 1, 20, AT) == {
        "partners": {"current_page": 1, "data": [1], "per_page": 20, "total": 42, **whereabouts},
    }  # fmt: skip
    assert ERP.page(Page([1] * 20, 42), [1] * 20, 1, 20, AT) == {
        "success": True, "data": [1] * 20,
        "pagination": {"current_page": 1, "per_page": 20, "total": 42, **whereabouts, "to": 20},
    }  # fmt: skip
    empty = ERP.page(Page([], 0), [], 1, 20, AT)["pagination"]
    assert (empty["from"], empty["to"], empty["last_page"]) == (None, None, 1)


@pytest.mark.parametrize("dialect", ALL, ids=lambda d: d.name)
def test_statuses(dialect: Dialect) -> None:
    invalid = 400 if dialect in (PROVIDER, INTEGRATION) else 422
    expected = {
        Malformed: 400, Invalid: invalid, NotSignedIn: 401, NotAllowed: 403, Missing: 404, Conflict: 409,
        Gone: 410, Throttled: 429, Unavailable: 503,
    }  # fmt: skip
    assert {kind: dialect.problem_of(kind()).status for kind in expected} == expected
