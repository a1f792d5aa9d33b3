"""The socket document: every event, every acknowledgement, for machines and for people."""

from __future__ import annotations

from api.documents.asyncapi import asyncapi_document, events_page, socket_events
from tests.api.documents.reading import references_of


def test_the_socket_document_has_every_event() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    found = {
        (channel["address"], message["name"])
        for channel in document["channels"].values()
        for message in channel["messages"].values()
    }
    for spec in socket_events():
        assert (spec.namespace, spec.name) in found
        operation = document["operations"][f"{spec.namespace.strip('/')}.{spec.name}.{spec.direction}"]
        assert operation["action"] == ("receive" if spec.direction == "in" else "send")
    for reference in references_of(document):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_acknowledgement_is_typed() -> None:
    document = asyncapi_document()
    for spec in socket_events():
        if spec.direction == "in":
            channel = document["channels"][spec.namespace.strip("/")]
            ack = channel["messages"][f"{spec.name}.ack"]["payload"]
            assert ack["required"] == ["ok"] and ack["properties"]["data"]["$ref"], spec.name
    said = document["info"]["description"]
    assert all(word in said for word in ("`resume`", "from 0", "callback", "1013", "gap"))


def test_the_page_for_people_has_every_event() -> None:
    page = events_page()
    assert "To miss nothing" in page
    for spec in socket_events():
        assert f"<code>{spec.name}</code>" in page
