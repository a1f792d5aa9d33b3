"""The tables of events and commands: declared once, consistent, and enforced at registration."""

from __future__ import annotations

from api.realtime.events import (
    EVENTS,
    find_event,
)
from api.realtime.frames import RESERVED


def test_every_event_is_declared_once_with_words_and_a_schema() -> None:
    keys = [(spec.namespace, spec.name, spec.direction) for spec in EVENTS]
    assert len(set(keys)) == len(keys)
    for spec in EVENTS:
        assert spec.name not in RESERVED and spec.description.endswith(".")
        assert spec.model.model_json_schema()["type"] == "object"
        assert find_event(spec.namespace, spec.name, spec.direction) is spec
