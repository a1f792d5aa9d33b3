"""From a request to an answer: who may ask, how it is said, and what is said of failures, over real HTTP."""

from __future__ import annotations

import gc

import pytest

from api.edge.idempotency import Answer
from tests.api.asking import ID, get, post
from tests.api.demo import DEMO
from tests.api.support import Client, FakeServices, bearer, serving


async def test_a_reply_in_the_envelope(client: Client) -> None:
    status, body, _ = await post(
        client,
        f"/kind/things/{ID}?day=2024-01-20",
        {"name": "box", "price": 331.2, "parts": [{"name": "lid"}]},
    )
    assert status == 201
    assert body == {
        "success": True, "message": "Made", "data": {"name": "box", "price": 331.2, "parts": 1},
        "day": "2024-01-20",
    }  # fmt: skip


async def test_another_dialect_has_other_keys_money_and_times(client: Client) -> None:
    status, body, _ = await post(client, "/camel/things", {"fullName": "a", "unitPrice": 500, "x": 1})
    assert (status, body["data"]) == (200, {"fullName": "a", "unitPrice": 500})
    assert body["timestamp"] == "2024-01-20T10:00:00.000Z"


async def test_files(client: Client) -> None:
    for name, content in (("whole", b"whole"), ("pieces", b"a,b")):
        async with client.get(f"/kind/file/{name}") as response:
            assert await response.read() == content
            assert response.headers["Content-Disposition"] == (
                "attachment; filename=\"_berblick 1.csv\"; filename*=UTF-8''%C3%9Cberblick%201.csv"
            )


async def test_no_content(client: Client) -> None:
    async with client.delete(f"/kind/things/{ID}", headers=bearer(FakeServices(), "customer")) as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_etags(client: Client) -> None:
    status, body, headers = await get(client, "/kind/cached")
    assert (status, body["data"], headers["ETag"], headers["Cache-Control"]) == (
        200,
        1,
        '"one"',
        "public, max-age=60",
    )
    for known in ('"one"', 'W/"one"', '"zero", "one"', "*"):
        async with client.get("/kind/cached", headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", '"one"')
    assert (await get(client, "/kind/cached", **{"If-None-Match": '"two"'}))[0] == 200


async def test_head_goes_wherever_get_goes(client: Client) -> None:
    async with client.head("/kind/cached") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_ids_as_words_and_unknown_paths(client: Client) -> None:
    for path, stamp in (
        (f"/kind/things/{ID}x", "Z"),
        ("/kind/nothing", "Z"),
        ("/camel/nothing", ".000Z"),
        ("/nothing", "Z"),
    ):
        status, body, _ = await get(client, path)
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
        assert body["timestamp"] == f"2024-01-20T10:00:00{stamp}"


async def test_wrong_methods(client: Client) -> None:
    async with client.put("/camel/things") as response:
        body = await response.json()
        assert (response.status, body["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert response.headers["Allow"] == "POST"
        assert body["timestamp"].endswith(".000Z")


# ---------------------------------------------------------------- who asks


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer abc", "Bearer a.b.c"])
async def test_no_or_bad_tokens(client: Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path, keys in (("/kind/items", set()), ("/camel/forbidden", set())):
        async with client.get(path, headers=headers) as response:
            body = await response.json()
            assert (response.status, body["error"]["code"]) == (401, "UNAUTHORIZED")
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert body.keys() - keys == {"success", "error", "message", "timestamp"}


async def test_foreign_expired_and_revoked_tokens() -> None:
    services = FakeServices()
    foreign = bearer(services, "technician")
    expired = bearer(services, "customer", ttl_s=-5)
    dead = bearer(services, "customer")
    claims = services.tokens.read(dead["Authorization"].removeprefix("Bearer "), "customer")
    assert claims.session_id is not None
    services.sessions.dead.add(claims.session_id)
    async with serving(services, DEMO) as client:
        for headers in (foreign, expired, dead):
            async with client.get("/kind/items", headers=headers) as response:
                assert response.status == 401


async def test_permissions(client: Client) -> None:
    async with client.get("/camel/forbidden", headers=bearer(FakeServices(), "technician")) as response:
        error = (await response.json())["error"]
        assert (response.status, error["code"]) == (403, "FORBIDDEN")
        assert error["message"] == "Your role does not allow this: ask whoever manages your team."


async def test_sign_in_comes_before_everything_that_is_read(client: Client) -> None:
    async with client.post("/strict/things", data=b"{") as response:
        assert response.status == 401


# ---------------------------------------------------------------- failures


async def test_failures_have_a_form(client: Client) -> None:
    status, body, headers = await get(client, "/kind/fails/away")
    assert (status, headers["Retry-After"], body["error"]["code"]) == (503, "7", "SERVICE_UNAVAILABLE")
    status, body, headers = await get(client, "/kind/fails/timeout")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert (await get(client, "/kind/fails/odd"))[0] == 422


async def test_a_bug_says_nothing_of_the_inside(client: Client) -> None:
    status, body, headers = await get(client, "/kind/fails/bug", **{"X-Request-ID": "trace-1234"})
    assert (status, body["error"]) == (
        500, {"code": "INTERNAL_SERVER_ERROR", "message": "Something went wrong on our side."},
    )  # fmt: skip
    assert headers["X-Request-ID"] == "trace-1234"
    assert "secret" not in str(body)


async def test_without_a_database_it_is_503(client: Client) -> None:
    status, body, _ = await post(client, "/kind/pay", {"name": "a"}, **{"X-Idempotency-Key": "0123456789abcdef"})
    assert (status, body["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_a_request_that_is_over_waits_for_no_collector(client: Client) -> None:
    gc.collect()
    gc.disable()
    try:
        for name in ("one", "two"):
            status, _, _ = await post(client, "/kind/optional", {"name": name})
            assert status == 200
        # The last may still be in the hands of its connection.
        assert len([one for one in gc.get_objects() if isinstance(one, Answer)]) <= 1
    finally:
        gc.enable()
