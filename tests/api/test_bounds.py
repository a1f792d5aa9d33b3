"""Values beyond what anybody means or a column takes: a refusal that names the field, never a failure of ours."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.app import all_routes
from api.provider.payouts import SettingsIn
from api.provider.when import When
from api.wire.complaints import complaints
from api.wire.models import BookingTime
from dispatch.engine import jobs
from dispatch.wording import label
from storage.database.errors import StorageError
from tests.api.live import Live, Person, live_server
from tests.dispatch.engine.test_alerts import ROOT
from tests.world import World

EARLIEST, LATEST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


@pytest.fixture
async def live(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with live_server(fresh_dsn, tmp_path, technicians=1, customers=1) as made:
        yield made


@pytest.fixture
async def me(live: Live) -> Person:
    return await live.person("technician", "PT-001")


@pytest.mark.parametrize("path", ["earnings", "payouts"])
@pytest.mark.parametrize(
    "query", ["date_from=0001-01-01", "date_to=9999-12-31", "date_from=1999-12-31", "date_to=2101-01-01"]
)
async def test_days(me: Person, path: str, query: str) -> None:
    refused = await me.call("GET", f"/v1/partner/{path}?{query}", expect=422)
    assert list(refused["error"]["details"]) == [query.split("=")[0]]
    await me.call("GET", f"/v1/partner/{path}?date_from=2000-01-01&date_to=2100-12-31")


async def test_the_day_of_a_list(me: Person) -> None:
    refused = await me.call("GET", "/v1/partner/bookings?date=0001-01-01", expect=422)
    assert list(refused["error"]["details"]) == ["date"]


@pytest.mark.parametrize("moment", [EARLIEST, LATEST])
async def test_moments(me: Person, moment: str) -> None:
    path = f"/v1/partner/bookings/{uuid.uuid4()}"
    sent = {"status": "in_transit", "estimated_arrival": moment}
    refused = await me.call("PATCH", f"{path}/status", sent, expect=422)
    assert list(refused["error"]["details"]) == ["estimated_arrival"]
    refused = await me.call("POST", f"{path}/complete", {"service_completed_at": moment}, expect=422)
    assert list(refused["error"]["details"]) == ["service_completed_at"]
    await me.connect()
    answer = await me.ask(
        "job.advance",
        {
            "command_id": str(uuid.uuid4()), "booking_id": str(uuid.uuid4()), "step": "in_transit",
            "estimated_arrival": moment,
        },
    )  # fmt: skip
    assert answer["error"]["code"] == "validation_error" and list(answer["error"]["details"]) == ["estimated_arrival"]


async def test_whole_numbers(live: Live) -> None:
    service = await live.person("service", "test")
    for priority in ("99999999999", str(2**31), str(-(2**31) - 1)):
        refused = await service.call("GET", f"/v1/internal/assignments/queue?priority={priority}", expect=422)
        assert list(refused["error"]["details"]) == ["priority"]
    await service.call("GET", f"/v1/internal/assignments/queue?priority={2**31 - 1}")


async def test_what_only_the_database_notices_is_invalid_too(
    live: Live, me: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def advance(tx: Any, *args: Any, **kwargs: Any) -> None:
        raise StorageError("inner words", "22003")

    monkeypatch.setattr(jobs, "advance", advance)
    refused = await me.call("PATCH", f"/v1/partner/bookings/{uuid.uuid4()}/status", {"status": "arrived"}, expect=422)
    assert refused["error"]["code"] == "VALIDATION_ERROR" and "inner" not in str(refused)
    await me.connect()
    answer = await me.ask(
        "job.advance", {"command_id": str(uuid.uuid4()), "booking_id": str(uuid.uuid4()), "step": "arrived"}
    )
    assert answer["error"]["code"] == "validation_error" and "inner" not in str(answer)


async def test_the_driver_tells_such_values_apart(world: World) -> None:
    from storage.database.errors import is_data
    from storage.database.listing import Wanted
    from storage.queue import page

    async with world.services.read() as conn:
        with pytest.raises(StorageError) as caught:
            await page(conn, Wanted(filters={"priority": [2**31]}))
    assert is_data(caught.value)


def test_digits_are_those_that_a_number_is_read_from() -> None:
    """A superscript two is a digit and no number: who asked str.isdigit would hear of int() what nobody should read."""
    sources = [path for folder in ("api", "dispatch", "geo", "storage") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 500
    asking = {path.name for path in sources if re.search(r"\.is(digit|numeric)\(", path.read_text("utf-8"))}
    # There it is bytes, whose digits are ASCII.
    assert asking == {"hot.py"}


@pytest.mark.parametrize("odd", ["²", "१२३", "1" * 400, "1.2.3"])
def test_odd_digits_are_refused_in_our_own_words(odd: str) -> None:
    for kind in (When, BookingTime):
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(kind).validate_python(odd)
        [[text]] = complaints(caught.value).values()
        assert text.startswith(("must ", "This ")) and "int()" not in text and "float" not in text
    with pytest.raises(ValidationError) as caught:
        SettingsIn.model_validate({"payoutDay": odd})
    assert complaints(caught.value) == {"payoutDay": ["must be a day of the week, or a day of the month from 1 to 28"]}
    assert label(f"working_hours.{odd}")


async def test_whoever_has_not_signed_in_sends_eight_kilobytes_at_most(live: Live) -> None:
    """On every such route that does not say another limit, in its audience's words and before anything is parsed."""
    tried = 0
    for route in all_routes():
        if route.method not in ("POST", "PUT", "PATCH") or not route.is_public or route.body_limit is not None:
            continue
        path = re.sub(r"\{\w+\}", str(uuid.uuid4()), route.pattern)
        async with live.http.request(route.method, live.url + path, data=b'"' + b"x" * 8 * 1024 + b'"') as answer:
            told = await answer.json()
        if "takes 8 KB" in json.dumps(told):
            assert answer.status == 413, route.template
            tried += 1
        else:
            # Refused before the body was read: it lacks a header or a token, or its payments are not set up.
            assert answer.status in (400, 401, 404, 503), (route.template, answer.status, told)
    assert tried > 20
