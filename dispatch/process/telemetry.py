"""Traces for OpenTelemetry and errors for Sentry, where they are configured; neither is imported where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from dispatch import logs
from dispatch.config import Settings
from dispatch.config.neighbours import Telemetry
from dispatch.errors import Unavailable

#: What is still to be sent gets so long at the end, in seconds: the whole process has ten.
FLUSH_S = 2.0


class NotInstalled(Unavailable):
    """A part of the server is configured and not installed."""

    code = "not_installed"


def start(settings: Settings) -> Callable[[], None]:
    """Starts what is configured; what it returns ends it and sends what waits. Raises NotInstalled."""
    telemetry = settings.telemetry
    ends: list[Callable[[], None]] = []
    try:
        if telemetry.otlp_url:
            ends.append(_traces(telemetry, settings.env))
        if telemetry.sentry_dsn is not None:
            ends.append(_errors(telemetry.sentry_dsn.get_secret_value(), settings.env))
    except ImportError as e:
        raise NotInstalled(
            f"The package {e.name} is not installed: pip install 'dispatch-server[telemetry]', or leave "
            "DISPATCH_TELEMETRY__ out."
        ) from e

    def end() -> None:
        for one in ends:
            one()

    return end


def _traces(telemetry: Telemetry, env: str) -> Callable[[], None]:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create({"service.name": "dispatch", "deployment.environment.name": env})
    # Whoever calls us with a trace decides about it; ours are a share.
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(telemetry.trace_share)), resource=resource)
    endpoint = telemetry.otlp_url.rstrip("/") + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=FLUSH_S)))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _errors(dsn: str, env: str) -> Callable[[], None]:
    import sentry_sdk

    sentry_sdk.init(dsn, environment=env, **sentry_options())
    logs.report_errors(report)

    def end() -> None:
        logs.report_errors(None)
        sentry_sdk.flush(FLUSH_S)

    return end


def sentry_options() -> dict[str, Any]:
    """Nothing of a request, no values of variables, and no secret in what is left: it goes to somebody else's house."""
    return {
        "include_local_variables": False, "max_request_body_size": "never", "server_name": "",
        "default_integrations": False, "auto_enabling_integrations": False, "before_send": _blanked,
    }  # fmt: skip


def report(line: Any) -> None:
    """One error of the log, with the exception that is being handled."""
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        if (request_id := logs.REQUEST_ID.get()) is not None:
            scope.set_tag("request_id", request_id)
        scope.set_context("line", dict(line))
        if sys.exc_info()[1] is not None:
            sentry_sdk.capture_exception()
        else:
            sentry_sdk.capture_message(str(line["event"]), level="error")


def _blanked(event: Any, hint: Any) -> Any:
    return logs.cleaned(event)
