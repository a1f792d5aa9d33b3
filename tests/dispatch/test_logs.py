"""Lines: cheap, complete, and without anything that opens a door or names a person."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from pydantic import SecretStr

from dispatch import logs
from dispatch.access.api_keys import ALIAS_PREFIX, SECRET_PREFIX
from dispatch.config import Settings
from dispatch.logs import HIDDEN, REQUEST_ID, Throttle, get_logger, is_secret
from dispatch.tokens import Tokens
from tests.costs import Budget

CONFIGURED = "a-configured-secret-value"
SIGNED = Tokens({"k": b"k" * 32}).mint("customer", str(uuid4()), uuid4(), 60)
#: As `secrets.token_urlsafe` makes them.
URLSAFE = "-A1b2_C3d4-E5f6G7h8-I9j0_K1l2M3n4-O5p6Q7r8S"
#: Each kind of secret that goes through this server, as it looks.
KINDS = {
    "access token": SIGNED,
    "step-up token": Tokens({"k": b"k" * 32}).mint("step_up", "me", None, 60),
    "tracking token": Tokens({"k": b"k" * 32}).mint("tracking", "me", None, 60),
    "refresh token": "drt_" + "A1b2-C3_d4" * 7,
    "API key": "pk_live_4f9a8b7c6d5e4f3a",
    "API secret": "sk_live_0123456789abcdef0123",
    "a key as we make it": f"pk_live_{URLSAFE[:24]}",
    "its secret": f"{SECRET_PREFIX}live_{URLSAFE}",
    "client id": ALIAS_PREFIX + URLSAFE[:32],
    "client secret": SECRET_PREFIX + URLSAFE,
    "onboarding token": f"ot_{URLSAFE}",
    "gateway key": "rzp_test_1DP5mmOlF5G5ag",
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "phone": "+911234567890",
    "configured secret": CONFIGURED,
}
#: How a secret may stand in a text.
TEXTS = (
    "{}",
    "the token {} was refused",
    "Authorization: Bearer {}",
    "https://here/track?x=1&token={}&y=2",
    "({}, None)",
)
#: Texts in which any secret is one by where it stands.
PLACED = (
    "Bearer {}", "authorization: bearer {}", "Basic {}", "postgresql://dispatch:{}@db:5432/x", "redis://:{}@cache/0",
    "?token={}", "client_secret={}&a=b", "password={}", "api_key={}",
)  # fmt: skip
#: Names under which nothing is written, also in mappings and lists.
NAMES = (
    "token", "access_token", "refresh_token", "step_up_token", "Authorization", "password", "new_password",
    "client_secret", "webhook_secret", "otp", "otp_code", "phone", "customer_phone", "aadhaar", "account_number",
    "card_number", "cvv", "signature", "api_key", "X-API-Key", "apiKey", "cookie", "start_code",
)  # fmt: skip


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info", stream=stream, secrets=[CONFIGURED, "x"])
    yield stream
    logs.unconfigure()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_each_kind_of_secret_is_hidden_wherever_it_stands(lines: io.StringIO, kind: str, text: str) -> None:
    secret = KINDS[kind]
    ours, theirs, said = get_logger("ours"), logging.getLogger("theirs"), text.format(secret)
    ours.info(said, detail=said, inner={"list": [said, {"deep": said}]}, at=ValueError(said))
    theirs.warning("sent %s", said)
    theirs.warning(said)
    try:
        raise RuntimeError(said)
    except RuntimeError:
        ours.exception("failed")
        theirs.exception("failed")
    written = lines.getvalue()
    assert secret not in written and written.count(HIDDEN) >= 8


@pytest.mark.parametrize("text", PLACED)
def test_what_stands_where_secrets_stand_is_hidden(lines: io.StringIO, text: str) -> None:
    get_logger("ours").info("seen", detail=text.format("Zx9-qwerty"))
    assert "Zx9-qwerty" not in lines.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_as_a_secret_is_hidden(lines: io.StringIO, name: str) -> None:
    assert is_secret(name)
    get_logger("ours").info("seen", **{name: "Zx9qwerty"}, inner={"list": [{name: "Zx9qwerty"}]})
    assert "Zx9qwerty" not in lines.getvalue()


def test_innocent_words_stay(lines: io.StringIO) -> None:
    get_logger("ours").info("request", route="/v1/bookings/{id}", status=200, note="x is y", number="BK-20260105-1")
    [line] = map(orjson.loads, lines.getvalue().splitlines())
    assert (line["route"], line["status"], line["note"]) == ("/v1/bookings/{id}", 200, "x is y")
    assert (line["event"], line["level"], line["logger"], line["number"]) == (
        "request",
        "info",
        "ours",
        "BK-20260105-1",
    )


def test_every_secret_of_the_configuration_is_known() -> None:
    settings = Settings(
        env="test", database_url="postgresql://u:db-password@h/d", redis_url="redis://:redis-password@h/0",
        token_keys={"k": SecretStr("t" * 40)}, payments={"key_secret": "gateway-secret"},
        tokens={"service_token": "service-token-value"}, http={"operations_token": "operations-token"},
    )  # fmt: skip
    wanted = {"db-password", "redis-password", "t" * 40, "gateway-secret", "service-token-value", "operations-token"}
    assert set(settings.secret_values) == wanted


def test_lines_carry_the_request(lines: io.StringIO) -> None:
    held = REQUEST_ID.set("trace-1234")
    get_logger("ours").info("one")
    logging.getLogger("theirs").warning("two")
    REQUEST_ID.reset(held)
    get_logger("ours").info("three")
    found = [orjson.loads(line).get("request_id") for line in lines.getvalue().splitlines()]
    assert found == ["trace-1234", "trace-1234", None]


def test_a_line_that_is_not_written_runs_nothing(lines: io.StringIO) -> None:
    class Loud:
        def __str__(self) -> str:
            raise AssertionError("looked at")

    logging.getLogger("quiet").setLevel(logging.ERROR)
    get_logger("quiet").info("no", value=Loud())
    get_logger("quiet").warning("no", value=Loud())
    assert lines.getvalue() == ""


# The lines of a server have the budget of 15 us; those for people, with colours and columns, are a terminal's.
@pytest.mark.parametrize(("for_people", "most_us"), [(False, 15), (True, 40)])
def test_a_line_of_a_request_costs_little(for_people: bool, most_us: float) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with open("/dev/null", "w", buffering=1, encoding="utf-8") as nowhere:
        logs.configure("info", stream=nowhere, for_people=for_people)
        log, budget = get_logger("dispatch.http"), Budget(most_us / 1e6)
        while budget.goes_on():
            with budget.measured(1_000):
                for _ in range(1_000):
                    log.info("request", method="GET", route="/v1/services/catalog", status=200, ms=1.5)
        logs.unconfigure()
    root.handlers[:] = handlers
    root.setLevel(level)
    assert budget.is_kept(), budget.costs


def test_alike_lines_are_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    now: list[Any] = [100.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: now[0])
    throttle = Throttle(10)
    assert [throttle.take() for _ in range(3)] == [0, None, None]
    now[0] = 110.0
    assert [throttle.take(), throttle.take()] == [2, None]


@pytest.mark.parametrize("piece", ["eyJ", "eyJ.", "sk_", "drt_", "://a:", "+1", "bearer ", "token=", "otp "])
def test_a_long_text_is_cleaned_in_its_own_length(lines: io.StringIO, piece: str) -> None:
    text, budget = piece * (60_000 // len(piece)), Budget(0.1)
    while budget.goes_on():
        with budget.measured():
            get_logger("dispatch.test").info("told", text=text)
    assert budget.is_kept(), budget.costs
