"""The socket tables as an AsyncAPI 3 document, and as a page that people read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.documents.openapi import version

REF = "#/components/schemas/{model}"


class Spec(Protocol):
    """One event, as the socket tables declare it: `in` is sent by clients, `out` by the server."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def model(self) -> type[BaseModel]: ...
    @property
    def description(self) -> str: ...
    @property
    def answer(self) -> type[BaseModel] | None: ...
    @property
    def lossy(self) -> bool: ...


_PROBLEM = {
    "type": "object",
    "description": "Why nothing was done, in a sentence. With `retry_after_s` the same may be sent again then.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "retry_after_s": {"type": "number"},
    },
}  # fmt: skip
_ABOUT = (
    'Socket.IO over WebSocket only (clients set `transports: ["websocket"]`). Each channel is a namespace; '
    "the token goes into the connect packet's `auth` as `{token}`, never into the address. Facts carry "
    "`epoch` and a gapless `seq` per stream and can be resumed; positions are lossy. A command takes effect "
    "once per `command_id`."
)
#: What an app has to do to miss nothing, step by step.
_MISS_NOTHING = (
    "Keep the last `seq` of every stream. After each connect send `resume` with the epoch and these numbers; a stream "
    "that you know of and have no number of is asked from 0.",
    "A fact whose `seq` is more than one after the last is a gap: send `resume` with the last number that you have. "
    "A `seq` that you have already is a repetition: ignore it.",
    "Another `epoch` is another history: forget the numbers, read the state over REST and resume from there.",
    "Give the token by a callback (`auth: cb => cb({token: current()})`), so that a client that reconnects signs in "
    "with a fresh one. A socket whose token has ended is closed with 4401: renew it over REST, then connect.",
    "Closed with 1012 or 1013, or answered 503: the server could not judge or is closing. Connect again: nobody refused"
    " you. Only `connect_error` with an error in `data` is a refusal.",
    "An acknowledgement with `try_again`, or none at all: send the same command with the same `command_id` again.",
)


def _ack(data: Any) -> dict[str, Any]:
    """The acknowledgement of a command whose answer has this schema."""
    return {
        "type": "object",
        "description": "`ok` and `data`, or the error.",
        "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}, "data": data, "error": {"$ref": REF.format(model="Problem")}},
    }


def socket_events() -> Sequence[Spec]:
    from api.realtime.events import EVENTS

    return EVENTS


def asyncapi_document(specs: Sequence[Spec] | None = None) -> dict[str, Any]:
    """The document of these events, or of all."""
    specs = socket_events() if specs is None else specs
    models: list[tuple[type[BaseModel], Any]] = []
    for spec in specs:
        models.append((spec.model, "validation" if spec.direction == "in" else "serialization"))
        if spec.answer is not None:
            models.append((spec.answer, "serialization"))
    refs, rest = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for spec in specs:
        channel = spec.namespace.strip("/")
        place = channels.setdefault(channel, {"address": spec.namespace, "messages": {}})
        name = f"{spec.name}.{spec.direction}"
        mode = "validation" if spec.direction == "in" else "serialization"
        place["messages"][name] = {
            "name": spec.name, "title": spec.name, "summary": spec.description,
            "payload": refs[spec.model, mode],  # type: ignore[index]
        }  # fmt: skip
        operation: dict[str, Any] = {
            "action": "receive" if spec.direction == "in" else "send",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": spec.description,
            "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"}],
        }
        if spec.lossy:
            operation["description"] = "Lossy: the latest one counts."
        if spec.direction == "in":
            payload = _ack(refs[spec.answer, "serialization"] if spec.answer else {})
            place["messages"][f"{spec.name}.ack"] = {
                "name": f"{spec.name} (acknowledgement)",
                "payload": payload,
            }
            operation["reply"] = {
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{spec.name}.ack"}],
            }
        operations[f"{channel}.{name}"] = operation
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Dispatch over sockets", "version": version(),
            "description": "\n\n".join([_ABOUT, *_MISS_NOTHING]),
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {
                "host": "{host}", "pathname": "/socket.io", "protocol": "ws",
                "variables": {"host": {"default": "127.0.0.1:8080", "description": "This server"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"schemas": {**rest.get("$defs", {}), "Problem": _PROBLEM}},
    }  # fmt: skip


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dispatch: socket events</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/assets/page.css"></head>
<body><main><h1>Socket events</h1><p>{about}</p>
<h2>To miss nothing</h2><ul>{rules}</ul>
<p>As a document: <a href="/asyncapi.json">/asyncapi.json</a> (AsyncAPI 3).
The REST part: <a href="/docs">/docs</a>.</p>
{parts}</main></body></html>"""


def events_page(specs: Sequence[Spec] | None = None) -> str:
    """The same tables for people: one section per namespace, both directions, and every field."""
    specs = socket_events() if specs is None else specs
    parts = []
    for namespace in dict.fromkeys(s.namespace for s in specs):
        parts.append(f"<h2>{escape(namespace)}</h2>")
        for direction, title in (("in", "Clients send"), ("out", "The server sends")):
            rows = [_event_html(s) for s in specs if s.namespace == namespace and s.direction == direction]
            if rows:
                parts.append(f"<h3>{title}</h3>" + "".join(rows))
    rules = "".join(f"<li>{_code(escape(rule))}</li>" for rule in _MISS_NOTHING)
    return _PAGE.format(about=_code(escape(_ABOUT)), rules=rules, parts="\n".join(parts))


def _event_html(spec: Spec) -> str:
    schema = spec.model.model_json_schema(mode="validation" if spec.direction == "in" else "serialization")
    text = orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(field))}</td>"
        f"<td>{'yes' if name in required else ''}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    table = f"<table><tr><th>field</th><th>type</th><th>required</th><th></th></tr>{rows}</table>" if rows else ""
    note = _code(escape(schema.get("description", "")))
    lossy = " <em>lossy</em>" if spec.lossy else ""
    return (
        f"<section><h4><code>{escape(spec.name)}</code>{lossy}</h4>"
        f"<p>{escape(spec.description)} {note}</p>{table}"
        f"<details><summary>JSON Schema</summary><pre>{escape(text)}</pre></details></section>"
    )


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(part) for part in field["anyOf"])
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    form = f" ({field['format']})" if "format" in field else ""
    return f"{field.get('type', 'any')}{form}"


def _code(text: str) -> str:
    """`words` in backticks become code."""
    pieces = text.split("`")
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(pieces))
