"""Reads an endpoint's signature: which parameter comes from the path, the query, a header, the body or the caller."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from api.edge.idempotency import Answer
from api.edge.request_info import RequestInfo
from api.wire.listing import Grammar, Listing, Reader
from api.wire.parsing import HeaderValue, PathValue, QueryModel
from api.wire.results import Page, PageWith
from api.wire.uploads import Upload, UploadRules
from dispatch.services import Services

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_PATH_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Header:
    """Marks what comes from a header: `token: Annotated[str | None, Header("X-Step-Up-Token")] = None`."""

    name: str


class BadRoute(TypeError):
    """An endpoint's declaration does not make sense; the server does not start with it."""


@dataclass(slots=True)
class Inputs:
    """Which parameter of an endpoint comes from where; made once, when the route is declared."""

    services: str | None = None
    caller: str | None = None
    caller_is_optional: bool = False
    path: list[PathValue] = field(default_factory=list)
    headers: dict[str, HeaderValue] = field(default_factory=dict)
    query: QueryModel | None = None
    listing: Reader | None = None
    body: TypeAdapter[Any] | None = None
    body_type: Any = None
    body_default: Any = inspect.Parameter.empty
    raw_body: str | None = None
    upload: str | None = None
    upload_rules: UploadRules | None = None
    request_info: str | None = None
    answer: str | None = None

    @property
    def takes_query_only(self) -> bool:
        """Whether nothing of a request but its query is an input."""
        others = (
            self.caller, self.path, self.headers, self.listing, self.body, self.raw_body, self.upload,
            self.request_info,
        )  # fmt: skip
        return self.query is not None and not any(others)


@dataclass(frozen=True, slots=True)
class Declared:
    """What reading a signature needs of the route that declares it."""

    template: str
    path: str
    principal: type[Any]
    page_limit: int
    listing: Grammar | None


def pattern_of(path: str, hints: dict[str, Any]) -> str:
    """The router's pattern of a path whose `{names}` are typed by the endpoint."""
    return _PATH_NAME.sub(lambda m: _segment(m[1], hints), path)


def inputs_of(func: Callable[..., Any], hints: dict[str, Any], route: Declared) -> Inputs:
    """Where each parameter of an endpoint comes from. Raises BadRoute for one that nothing feeds."""
    inputs = Inputs()
    names = _PATH_NAME.findall(route.path)
    parameters = inspect.signature(func).parameters
    if missing := [n for n in names if n not in parameters]:
        raise BadRoute(f"{route.template}: {func.__name__} does not take {missing}")
    for name, parameter in parameters.items():
        if name not in hints:
            raise BadRoute(f"{route.template}: the parameter {name} has no type")
        if name in names:
            inputs.path.append(PathValue(name, hints[name]))
        else:
            _place(route, inputs, name, hints, parameter.default)
    if route.listing is not None and inputs.listing is None:
        raise BadRoute(f"{route.template} declares a listing and does not take one")
    return inputs


def _place(route: Declared, inputs: Inputs, name: str, hints: dict[str, Any], default: Any) -> None:
    kind = hints[name]
    header = next((m for m in getattr(kind, "__metadata__", ()) if isinstance(m, Header)), None)
    if header is not None:
        given = () if default is inspect.Parameter.empty else (default,)
        inputs.headers[name] = HeaderValue(header.name, get_args(kind)[0], *given)
    elif get_origin(kind) is Annotated and get_args(kind)[0] is Upload:
        inputs.upload, inputs.upload_rules = name, get_args(kind)[1]
    elif kind is Services:
        inputs.services = name
    elif kind is RequestInfo:
        inputs.request_info = name
    elif kind is Answer:
        inputs.answer = name
    elif kind is route.principal or route.principal in _parts(kind):
        inputs.caller, inputs.caller_is_optional = name, type(None) in _parts(kind)
    elif name == "raw_body" and kind is bytes:
        inputs.raw_body = name
    elif name == "body":
        inputs.body, inputs.body_type, inputs.body_default = TypeAdapter(kind), _model(kind), default
    elif name == "query" and isinstance(kind, type) and issubclass(kind, BaseModel):
        inputs.query = QueryModel(kind)
    elif kind is Listing:
        if name != "listing":
            raise BadRoute(f"{route.template}: the parameter {name} must be called listing")
        inputs.listing = Reader(route.listing or Grammar(), route.page_limit, _item_fields(hints.get("return")))
    else:
        raise BadRoute(f"{route.template}: nothing says where the parameter {name} comes from")


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()


def _model(kind: Any) -> Any:
    """The model of a body, also of one that may be left out."""
    return next((part for part in _parts(kind) if part is not type(None)), kind)


def item_model(returns: Any) -> Any:
    """X of `Page[X]`, if that is what an endpoint returns."""
    return get_args(returns)[0] if get_origin(returns) in (Page, PageWith) else None


def _item_fields(returns: Any) -> frozenset[str]:
    model = item_model(returns)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return frozenset()
    return frozenset(f.serialization_alias or f.alias or name for name, f in model.model_fields.items())


def _segment(name: str, hints: dict[str, Any]) -> str:
    """The pattern of one `{name}`: an id never matches a word, so that words are other routes or nothing."""
    kind = hints.get(name, str)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if kind is UUID:
        return f"{{{name}:{_UUID}}}"
    if kind is int:
        return f"{{{name}:[0-9]{{1,18}}}}"
    if kind is date:
        return f"{{{name}:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}}}"
    values: Sequence[Any] = ()
    if get_origin(kind) is Literal:
        values = get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        values = [member.value for member in kind]
    if values:
        return f"{{{name}:{'|'.join(re.escape(str(v)) for v in values)}}}"
    return f"{{{name}}}"
