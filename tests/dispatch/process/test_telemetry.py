"""Errors leave for Sentry without a secret; what is not installed is said in a sentence."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from api.edge.seams import assert_seams
from dispatch import logs
from dispatch.config import Settings
from dispatch.config.neighbours import Telemetry
from dispatch.process import telemetry
from dispatch.process.telemetry import NotInstalled


class Kept(Transport):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [item.payload.json for item in envelope.items if item.type == "event"]


def settings(**given: Any) -> Settings:
    return Settings(env="test", telemetry=Telemetry(**given))


def test_an_error_is_reported_once_without_secrets() -> None:
    kept = Kept()
    sentry_sdk.init("https://k@sentry.invalid/1", transport=kept, **telemetry.sentry_options())
    logs.report_errors(telemetry.report)
    log = logs.get_logger("dispatch.tests")
    # Made up here, because lines of source are part of a report.
    phone, token, code = f"+91{9876543210}", "drt_" + "a1" * 10, str(246_000 + 802)
    try:
        with logs.answering("a-request-of-the-tests"):
            try:
                raise RuntimeError(f"it broke for {phone} with {token}")
            except RuntimeError:
                log.exception("bug", route="/v1/things/{id}", otp=code)
            log.info("nothing to report")
        log.error("on its own")
        sentry_sdk.flush(1)
        # A server that reports is the server that it was: nobody has put themselves into the library that carries it.
        assert_seams()
    finally:
        logs.report_errors(None)
        sentry_sdk.init(default_integrations=False, auto_enabling_integrations=False)
    first, second = kept.events
    assert first["exception"]["values"][0]["type"] == "RuntimeError"
    assert first["tags"]["request_id"] == "a-request-of-the-tests"
    assert first["contexts"]["line"]["route"] == "/v1/things/{id}"
    for secret in (phone, token, code):
        assert secret not in str(first), secret
    assert "vars" not in str(first["exception"])
    assert second["message"] == "on its own"


def test_what_is_not_configured_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith(("opentelemetry", "sentry_sdk")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return theirs(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    telemetry.start(settings())()
    for what, given in {"opentelemetry": {"otlp_url": "http://c"}, "sentry": {"sentry_dsn": "https://k@s/1"}}.items():
        with pytest.raises(NotInstalled, match=rf"The package {what}.* is not installed: pip install"):
            telemetry.start(settings(**given))
