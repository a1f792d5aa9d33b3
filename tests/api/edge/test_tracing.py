"""A span names the template, never the address, and carries the id that stands in the answer."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dispatch.config import Settings
from dispatch.config.neighbours import Telemetry
from tests.api.demo import DEMO
from tests.api.support import FakeServices, serving


async def test_a_request_is_a_span_of_the_caller_s_trace() -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    settings = Settings(env="test", database_url="postgresql://nowhere", telemetry=Telemetry(otlp_url="http://nowhere"))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers, path = {"traceparent": parent}, "/kind/file/911234567890"
    async with serving(FakeServices(settings=settings), DEMO) as client, client.get(path, headers=headers) as response:
        told = response.headers["X-Request-ID"]
    (span,) = kept.get_finished_spans()
    assert span.name == "GET /kind/file/{name}" and span.attributes is not None
    assert span.attributes["dispatch.request_id"] == told
    assert f"{span.context.trace_id:032x}" in parent
    assert "911234567890" not in str(dict(span.attributes))
