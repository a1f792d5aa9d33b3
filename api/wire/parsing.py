"""From an HTTP request to typed inputs: all bad fields of path, query, headers and body are named at once."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import orjson
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.wire.complaints import complaints, complaints_and_extra
from api.wire.contents import MOST_COMPLAINTS, unclean
from api.wire.contents import Fields as Fields
from dispatch.errors import Invalid, Malformed, Missing

if TYPE_CHECKING:
    from api.wire.dialects import Dialect

#: A body that is not here by then is not awaited any longer, in seconds.
BODY_S = 20.0
_EMPTY: Any = object()


class Unreadable(Malformed):
    """The body is not valid JSON."""

    code = "malformed_json"


class UnsupportedEncoding(Malformed):
    """Compressed bodies are not accepted: send it plain."""

    code = "unsupported_content_encoding"


class TooSlow(Malformed):
    """The body did not arrive in time."""

    code = "request_timeout"


class TooLarge(Malformed):
    """The body is too large."""

    code = "payload_too_large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"The body is too large: this address takes {most_bytes // 1024} KB.")


class Broken(Malformed):
    """The body did not arrive whole."""


async def read_body(request: web.Request, most_bytes: int) -> bytes:
    """The raw body. Raises UnsupportedEncoding, TooSlow, TooLarge, Broken."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding
    if not request.can_read_body:
        return b""
    # What announces too much is not read at all.
    if (request.content_length or 0) > most_bytes:
        raise TooLarge(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > most_bytes:
                    raise TooLarge(most_bytes)
    except TimeoutError as error:
        raise TooSlow from error
    except (RequestPayloadError, HttpProcessingError, OSError) as error:
        # Bad chunks, or whoever sent it has gone: nothing of ours.
        raise Broken from error
    return bytes(body)


def json_of(raw: bytes) -> Any:
    """The JSON value of a body, whatever its content type says; an empty one is an empty object."""
    if not raw.strip():
        return {}
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable from error
    return {} if given is None else given


def query_of(request: web.Request) -> dict[str, list[str]]:
    """key, key[], key[0] and repeated keys are one list; blank values are none."""
    found: dict[str, list[str]] = {}
    for key, value in request.query.items():
        if value.strip():
            name = key.split("[", 1)[0] if key.endswith("]") else key
            found.setdefault(name, []).append(value)
    return found


# ---------------------------------------------------------------- validation


def validate_body(
    adapter: TypeAdapter[Any], given: Any, dialect: Dialect, *, drops_unknown: bool
) -> tuple[Any, Fields, list[str]]:
    """(value, bad fields, dropped fields). What is unknown is a bad field, unless the audience drops it."""
    try:
        return adapter.validate_python(given, context=dialect, extra="forbid"), {}, []
    except ValidationError as error:
        bad, dropped = complaints_and_extra(error, given) if drops_unknown else (complaints(error, given), [])
        if bad:
            return None, bad, []
    try:
        return adapter.validate_python(given, context=dialect, extra="ignore"), {}, dropped
    except ValidationError as error:
        return None, complaints(error, given), []


class QueryModel:
    """A query model, with what is a list in it."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self._lists = {n for f, i in model.model_fields.items() if is_list(i.annotation) for n in (f, i.alias) if n}
        self.names = {n for f, i in model.model_fields.items() for n in (f, i.alias) if n}

    def read(self, given: Mapping[str, list[str]], dialect: Dialect) -> tuple[Any, Fields]:
        raw = {
            name: split_list(values) if name in self._lists else values[-1]
            for name, values in given.items()
            if name in self.names
        }
        try:
            return self.model.model_validate(raw, context=dialect), {}
        except ValidationError as error:
            return None, complaints(error, raw, whole="query")


def split_list(values: list[str]) -> list[str]:
    """Repeated values and comma lists, in order."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def is_list(annotation: Any) -> bool:
    """Whether an annotation (or a part of its union) is a list, tuple or set."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return any(is_list(part) for part in get_args(annotation))
    return (origin or annotation) in (list, tuple, set, frozenset)


class PathValue:
    """One `{name}` of a path. A value that does not fit is not a bad field: there is no such thing."""

    def __init__(self, name: str, annotation: Any) -> None:
        self.name = name
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    @property
    def schema(self) -> dict[str, Any]:
        return self._adapter.json_schema()

    def read(self, request: web.Request) -> Any:
        raw = request.match_info[self.name]
        if unclean(raw):
            raise Missing
        try:
            return self._adapter.validate_python(raw)
        except ValidationError as error:
            raise Missing from error


class HeaderValue:
    """One header; absent and blank are the same."""

    def __init__(self, header: str, annotation: Any, default: Any = _EMPTY) -> None:
        self.header, self.annotation, self.default = header, annotation, default
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    @property
    def is_required(self) -> bool:
        return self.default is _EMPTY

    def read(self, request: web.Request) -> tuple[Any, Fields]:
        raw = request.headers.get(self.header, "").strip()
        if not raw:
            if self.is_required:
                return None, {self.header: ["is required"]}
            return self.default, {}
        if (text := unclean(raw)) is not None:
            return None, {self.header: [text]}
        try:
            return self._adapter.validate_python(raw), {}
        except ValidationError as error:
            return None, {self.header: [text for texts in complaints(error).values() for text in texts]}


def refuse(bad: Fields) -> None:
    """Raises Invalid when there are bad fields; the first fifty are named."""
    if bad:
        raise Invalid(dict(islice(bad.items(), MOST_COMPLAINTS)))
