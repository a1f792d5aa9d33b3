"""What is read of a request and what is refused of it, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest

from tests.api.asking import ID, get, post
from tests.api.support import Client, FakeServices, bearer


async def test_dropped_keys_are_named(client: Client) -> None:
    given = {
        "name": "a",
        "extra": 1,
        "parts": [{"name": "b", "colour": "x\nSet-Cookie: a=b"}],
        "ü\r\nX: y": 1,
    }
    status, _, headers = await post(client, f"/kind/things/{ID}?utm=1", given)
    assert status == 201
    named = set(headers["X-Ignored-Fields"].split(", "))
    assert named == {"utm", "extra", "parts.0.colour", "%C3%BC%0D%0AX%3A y"}


async def test_unknown_keys_are_refused_where_they_are(client: Client) -> None:
    status, body, _ = await post(client, "/strict/things", {"name": "a", "extra": 1, "parts": [{"name": "b", "c": 1}]})
    assert status == 422
    assert body["error"]["details"] == {
        "extra": ["Extra is not known here."], "parts.0.c": ["C in entry 1 of parts is not known here."],
    }  # fmt: skip


async def test_json_under_any_content_type(client: Client) -> None:
    status, _, _ = await post(client, "/strict/things", {"name": "a"}, **{"Content-Type": "text/plain"})
    assert status == 200


async def test_a_body_that_may_be_absent(client: Client) -> None:
    for sent, heard in ((b"", "none"), (b"  ", "none"), (b'{"name": "x"}', "x")):
        assert (await post(client, "/kind/optional", sent))[1]["message"] == heard
    assert (await post(client, "/strict/things", b""))[1]["error"]["details"] == {"name": ["Name is required."]}


async def test_null_is_absent_for_optional_fields(client: Client) -> None:
    assert (await post(client, "/strict/things", {"name": "a", "price": None, "on": None, "parts": None}))[0] == 200
    assert (await post(client, "/strict/things", {"name": None}))[0] == 422


async def test_lists_in_queries(client: Client) -> None:
    for query in (
        "kinds=a,b",
        "kinds=a&kinds=b",
        "kinds[]=a&kinds[]=b",
        "kinds[0]=a&kinds[1]=b",
        "kinds=a,&kinds=b",
    ):
        assert (await get(client, f"/kind/things/search?{query}&day="))[1]["data"] == ["a", "b"]


async def test_words_of_a_path(client: Client) -> None:
    assert (await get(client, "/kind/shapes/flat/7/2024-01-20"))[1] == ["flat", 7, "2024-01-20"]
    for path in (
        "square/7/2024-01-20",
        "flat/x/2024-01-20",
        "flat/-1/2024-01-20",
        "flat/7/2024-13-40",
        "flat/7/today",
    ):
        status, body, _ = await get(client, f"/kind/shapes/{path}")
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_what_comes_from_the_head(client: Client) -> None:
    _, body, _ = await get(client, "/kind/head", **{"X-Step-Up-Token": ID})
    assert body["data"] == {"ip": "127.0.0.1", "step_up": ID, "caller": "somebody"}
    _, body, _ = await get(client, "/kind/head", Authorization="Bearer garbage")
    assert body["data"] == {"ip": "127.0.0.1", "step_up": "None", "caller": "nobody"}


async def test_raw_bytes(client: Client) -> None:
    assert (await post(client, "/kind/raw", b"\xff\x00{"))[1]["message"] == "ff007b"


# ---------------------------------------------------------------- the bad


async def test_every_bad_field_at_once(client: Client) -> None:
    given = {
        "name": "",
        "price": "x",
        "lat": 91,
        "on": "tomorrow",
        "parts": [{"name": "ok"}, {"count": 0}],
        "z": 1,
    }
    status, body, _ = await post(client, f"/kind/things/{ID}?day=never&kinds=a,c", given)
    assert status == 422
    assert set(body["error"]["details"]) == {
        "name", "price", "lat", "on", "parts.1.name", "parts.1.count", "day", "kinds.1",
    }  # fmt: skip
    assert body["error"]["details"]["price"] == ["Price must be an amount of money."]
    assert body["message"] == "Day must be a date such as 2026-01-31."


async def test_bad_headers_are_fields_too(client: Client) -> None:
    status, body, _ = await post(client, "/kind/signed", {"count": 0})
    assert status == 422
    assert set(body["error"]["details"]) == {"X-Signature", "name", "count"}
    assert (await get(client, "/kind/head", **{"X-Step-Up-Token": "x"}))[1]["error"]["details"].keys() == {
        "X-Step-Up-Token"
    }


@pytest.mark.parametrize("raw", [b"{", b"[1,", b'{"lat": NaN}', b'{"lat": Infinity}', b"name=x", b"\xff", b"{'a': 1}"])
async def test_malformed_json(client: Client, raw: bytes) -> None:
    for path, stamp in (
        ("/strict/things", "2024-01-20T10:00:00Z"),
        ("/camel/things", "2024-01-20T10:00:00.000Z"),
    ):
        status, body, _ = await post(client, path, raw)
        assert (status, body["error"]["code"], body["timestamp"]) == (400, "MALFORMED_JSON", stamp)


@pytest.mark.parametrize("given", [[], 5, "x", True, [{"name": "a"}]])
async def test_a_body_that_is_no_object(client: Client, given: Any) -> None:
    status, body, _ = await post(client, "/strict/things", given)
    assert (status, list(body["error"]["details"])) == (422, ["body"])


async def test_numbers_and_texts_that_are_none(client: Client) -> None:
    status, body, _ = await post(client, "/strict/things", b'{"name": "a\\u0000b", "lat": "NaN", "parts": []}')
    assert (status, set(body["error"]["details"])) == (422, {"name", "lat"})
    assert (await get(client, "/kind/items?search=%00"))[0] == 422


async def test_card_data_is_refused_and_not_repeated(client: Client) -> None:
    for given in ({"name": "4111 1111 1111 1111"}, {"name": "a", "notes": {"card_number": 4111111111111111}}):
        status, body, _ = await post(client, "/strict/things", given)
        assert (status, body["error"]["code"]) == (422, "CARD_DATA_NOT_ACCEPTED")
        assert "4111" not in str(body)
    assert (await get(client, "/kind/items?search=4111111111111111"))[1]["error"]["code"] == "CARD_DATA_NOT_ACCEPTED"
    assert (await post(client, "/kind/cards", {"number": "4111111111111111"}))[0] == 200


async def test_the_provider_says_400_and_lists_errors(client: Client) -> None:
    status, body, _ = await post(client, "/camel/things", {"fullName": 1})
    assert status == 400
    assert set(body["errors"]) == {"fullName", "unitPrice"}
    assert body["error"]["details"] == body["errors"]


async def test_large_bodies(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65536

    # Once with its length in the head, once in pieces of which nobody knows how many will come.
    for data in (BytesIO(b" " * (1024 * 1024 + 1)), pieces()):
        signed = bearer(FakeServices(), "customer")
        async with client.post("/strict/things", data=data, headers=signed) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_compressed_bodies_are_refused(client: Client) -> None:
    signed = bearer(FakeServices(), "customer")
    async with client.post("/strict/things", data=b"{}", headers=signed | {"Content-Encoding": "br"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (
            415,
            "UNSUPPORTED_CONTENT_ENCODING",
        )


# ---------------------------------------------------------------- lists


async def test_a_list_with_everything(client: Client) -> None:
    query = "status[]=new&status=old&dateFrom=2024-01-01&price=12.50&sort=-made,name&q=50%25&_=1"
    paging = "page=2&per_page=500"
    status, body, headers = await get(client, f"/kind/items?{query}&{paging}")
    assert status == 200
    assert body["data"]["pagination"] == {
        "page": 2, "limit": 100, "total": 25, "total_pages": 1, "total_is_exact": True, "cursor": None,
        "clamped_from": 500,
    }  # fmt: skip
    assert body["data"]["seen"] == {
        "sorts": ["created_at True", "name False"], "search": "50%", "offset": 100,
        "filters": {"status": ["new", "old"], "date_from": "2024-01-01", "price": [1250]},
    }  # fmt: skip
    assert headers["X-Ignored-Fields"] == "_"


async def test_the_defaults_of_a_list(client: Client) -> None:
    _, body, _ = await get(client, "/kind/items")
    assert body["data"]["pagination"] == {
        "page": 1, "limit": 10, "total": 25, "total_pages": 3, "total_is_exact": True, "cursor": None,
    }  # fmt: skip
    assert body["data"]["items"] == [{"id": 1, "name": "a"}]


async def test_fields_of_a_list(client: Client) -> None:
    assert (await get(client, "/kind/items?fields=id"))[1]["data"]["items"] == [{"id": 1}]
    assert (await get(client, "/kind/items?fields=id,price"))[1]["error"]["details"] == {
        "fields": ["Fields must name fields of this list: price is none."]
    }


async def test_order_words(client: Client) -> None:
    _, body, _ = await get(client, "/kind/items?sortBy=name&sortOrder=DESC")
    assert body["data"]["seen"]["sorts"] == ["name True"]


async def test_everything_bad_of_a_list_is_named(client: Client) -> None:
    query = "status=new,odd&date_from=x&sort=price;drop&order=up&page=0&limit=-1&fields=x"
    status, body, _ = await get(client, f"/kind/items?{query}")
    assert status == 422
    assert set(body["error"]["details"]) == {
        "status",
        "date_from",
        "sort",
        "order",
        "page",
        "limit",
        "fields",
    }
    assert body["error"]["details"]["sort"] == ["Sort must be one of name, made."]


async def test_any_of_several_values_however_they_are_written(client: Client) -> None:
    for query in ("status=new,old", "status=new&status=old", "status[]=new&status[]=old", "status=new,old,new"):
        _, body, _ = await get(client, f"/kind/items?{query}")
        assert body["data"]["seen"]["filters"] == {"status": ["new", "old"]}, query
    # What can only be one thing is not silently the last of two.
    status, body, _ = await get(client, "/kind/items?date_from=2024-01-01&from=2024-01-02")
    assert (status, list(body["error"]["details"])) == (422, ["date_from"])
    _, body, _ = await get(client, "/kind/items?from=2024-01-01")
    assert body["data"]["seen"]["filters"] == {"date_from": "2024-01-01"}


async def test_numbered_pages_end_where_a_cursor_is_needed(client: Client) -> None:
    assert (await get(client, "/kind/items?page=100&limit=100"))[0] == 200
    status, body, _ = await get(client, "/kind/items?page=101&limit=100")
    assert status == 422 and "cursor" in body["error"]["details"]["page"][0]
