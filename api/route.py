"""A typed coroutine becomes an aiohttp handler: the one place that parses, authorises, wraps and reports."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from aiohttp import hdrs, web
from pydantic import BaseModel, TypeAdapter

from api.edge import idempotency, limits
from api.edge.cards import refuse_card_data
from api.edge.idempotency import Claim, fingerprint, key_complaint
from api.edge.limits import Quota
from api.edge.request_info import INFO
from api.edge.request_info import RequestInfo as RequestInfo
from api.wire.answers import Renderer
from api.wire.listing import Grammar, Listing, Reader
from api.wire.models import _Model
from api.wire.parsing import (
    Fields,
    HeaderValue,
    PathValue,
    QueryModel,
    json_of,
    query_of,
    read_body,
    refuse,
    unclean_in,
    validate_body,
)
from api.wire.results import Page
from dispatch.errors import NotAllowed, NotSignedIn
from dispatch.services import Services
from storage.ratelimits import RateCounters

if TYPE_CHECKING:
    from api.audiences import Audience

Endpoint = Callable[..., Any]
Idempotency = Literal["required", "optional"] | Callable[[Any], str | None] | None

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_PATH_NAME = re.compile(r"\{(\w+)\}")
_EXAMPLE = re.compile(r"^Example:\s*(\{.*|\[.*)", re.MULTILINE | re.DOTALL)


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
    request_info: str | None = None


@dataclass(slots=True)
class Core:
    """What handlers need of the application."""

    services: Services
    counters: RateCounters
    audiences: Sequence[Audience]


CORE = web.AppKey("dispatch_core", Core)


@dataclass(eq=False, slots=True)
class Route:
    """One row of the route table."""

    audience: Audience
    method: str
    path: str
    func: Endpoint
    status: int = 200
    is_public: bool = False
    permission: str | None = None
    quotas: tuple[Quota, ...] = ()
    idempotency: Idempotency = None
    listing: Grammar | None = None
    tags: tuple[str, ...] = ()
    accepts_cards: bool = False
    is_limited: bool = True
    inputs: Inputs = field(init=False)
    hints: dict[str, Any] = field(init=False)
    returns: Any = field(init=False)
    pattern: str = field(init=False)

    def __post_init__(self) -> None:
        self.hints = get_type_hints(self.func, include_extras=True)
        self.returns = self.hints.get("return")
        self.inputs = _inputs_of(self, self.hints)
        self.pattern = _PATH_NAME.sub(lambda m: _segment(m[1], self.hints), self.path)
        self._check()

    @property
    def template(self) -> str:
        """METHOD and path: how counters, metrics and idempotency keys name this route."""
        return f"{self.method} {self.path}"

    @property
    def operation_id(self) -> str:
        return f"{self.audience.name}_{self.func.__module__.rsplit('.', 1)[-1]}_{self.func.__name__}"

    @property
    def description(self) -> str:
        return _EXAMPLE.sub("", inspect.getdoc(self.func) or "").strip()

    @property
    def example(self) -> str | None:
        """The JSON after `Example:` in the docstring."""
        found = _EXAMPLE.search(inspect.getdoc(self.func) or "")
        return found[1].strip() if found else None

    def _check(self) -> None:
        where = f"{self.template} ({self.func.__module__}.{self.func.__name__})"
        if not inspect.iscoroutinefunction(self.func):
            raise BadRoute(f"{where} is no coroutine")
        if not self.is_public and self.inputs.caller is None:
            raise BadRoute(f"{where} is neither public nor takes a {self.audience.principal.__name__}")
        if self.is_public and self.inputs.caller and not self.inputs.caller_is_optional:
            raise BadRoute(f"{where} is public: its caller may be None")
        if self.idempotency and not (self.inputs.body or self.method == "POST"):
            raise BadRoute(f"{where} has nothing to be idempotent about")
        for model in (self.inputs.body_type, self.inputs.query.model if self.inputs.query else None):
            if not (isinstance(model, type) and issubclass(model, _Model)):
                continue
            if self.audience.dialect.is_camel != model.is_camel:
                raise BadRoute(
                    f"{where}: {model.__name__} has not the key style of {self.audience.dialect.name}"
                )

    # ------------------------------------------------------------ a request

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Signs in, counts, reads, runs and wraps. Raises DispatchError, which the middleware forms."""
        core, info = request.app[CORE], request[INFO]
        caller = await self._caller(core, request, info)
        given, body, ignored = await self._read(request)
        services = core.services
        if self.inputs.services:
            given[self.inputs.services] = services
        if self.inputs.caller:
            given[self.inputs.caller] = caller
        if self.inputs.request_info:
            given[self.inputs.request_info] = info
        who = caller.key if caller is not None else f"address:{info.network}"

        async def effect() -> web.StreamResponse:
            if self.quotas:
                await limits.spend(services, self.quotas, given.get("body"), who, info.network)
            result = await self.func(**given)
            return await self._renderer.response(
                request, result, given.get("listing"), services.clock.now(), ignored
            )

        if self.idempotency is None:
            return await effect()
        claim = self._claim(request, info, who, body, given.get("body"))
        if claim is None:
            return await effect()
        return await idempotency.once(services, claim, self.audience.dialect, effect)

    @property
    def _renderer(self) -> Renderer:
        return Renderer(self.audience.dialect, self.status, self.listing.key if self.listing else None)

    async def _caller(self, core: Core, request: web.Request, info: RequestInfo) -> Any:
        """The principal, counted against the limit. Raises NotSignedIn, NotAllowed, TooManyRequests."""
        audience, limit = self.audience, self.audience.limit

        async def count(who: str) -> None:
            if self.is_limited:
                await limits.count_request(core.counters, core.services, limit, audience.name, who)

        if limit.per == "address" or self.is_public:
            await count(info.network)
        if self.is_public and not self.inputs.caller_is_optional:
            return None
        try:
            caller = await audience.sign_in(core.services, request.headers.get(hdrs.AUTHORIZATION))
        except NotSignedIn:
            if self.is_public:
                return None
            if limit.per == "caller":
                # Guessing is counted where it comes from.
                await count(info.network)
            raise
        if limit.per == "caller" and not self.is_public:
            await count(caller.key)
        if self.permission is not None and not audience.permits(caller, self.permission):
            raise NotAllowed
        return caller

    async def _read(self, request: web.Request) -> tuple[dict[str, Any], Any, list[str]]:
        """(arguments, the body's JSON value, dropped names). Raises Invalid with every bad field."""
        inputs, dialect = self.inputs, self.audience.dialect
        given: dict[str, Any] = {value.name: value.read(request) for value in inputs.path}
        bad: Fields = {}
        for name, header in inputs.headers.items():
            given[name], wrong = header.read(request)
            bad |= wrong
        ignored = self._read_query(request, given, bad)
        body: Any = None
        if inputs.raw_body:
            given[inputs.raw_body] = await read_body(request)
        elif inputs.body is not None:
            raw = await read_body(request)
            body = json_of(raw)
            bad |= self._checked(body)
            is_absent = not raw.strip() and inputs.body_default is not inspect.Parameter.empty
            if is_absent:
                given["body"] = inputs.body_default
            else:
                given["body"], wrong, dropped = validate_body(
                    inputs.body, body, dialect, drops_unknown=self.audience.drops_unknown_keys
                )
                bad |= wrong
                ignored += dropped
        if self.idempotency is not None:
            key = request[INFO].idempotency_key
            if text := key_complaint(key, is_required=self.idempotency == "required"):
                bad[idempotency.HEADER] = [text]
        refuse(bad)
        return given, body, ignored

    def _read_query(self, request: web.Request, given: dict[str, Any], bad: Fields) -> list[str]:
        """Adds query and listing to `given`; returns the names that mean nothing here."""
        if not request.query_string:
            raw: dict[str, list[str]] = {}
        else:
            raw = query_of(request)
            bad |= self._checked(raw)
        known: set[str] = set()
        if self.inputs.query is not None:
            given["query"], wrong = self.inputs.query.read(raw, self.audience.dialect)
            known |= self.inputs.query.names
            bad |= wrong
        if self.inputs.listing is not None:
            given["listing"], wrong = self.inputs.listing.read(raw, self.audience.dialect)
            known |= self.inputs.listing.known
            bad |= wrong
        return [name for name in raw if name not in known]

    def _checked(self, given: Any) -> Fields:
        """What no field may hold: zero characters and endless numbers. Raises CardDataRefused."""
        if not self.accepts_cards:
            refuse_card_data(given)
        return unclean_in(given)

    def _claim(
        self, request: web.Request, info: RequestInfo, who: str, body: Any, model: Any
    ) -> Claim | None:
        key, is_natural = info.idempotency_key, False
        if key is None and callable(self.idempotency):
            key, is_natural = self.idempotency(model), True
        if key is None:
            return None
        return Claim(who, self.template, key, fingerprint(request, body), is_natural)


# ---------------------------------------------------------------- reading signatures


def _inputs_of(route: Route, hints: dict[str, Any]) -> Inputs:
    inputs = Inputs()
    names = _PATH_NAME.findall(route.path)
    parameters = inspect.signature(route.func).parameters
    if missing := [n for n in names if n not in parameters]:
        raise BadRoute(f"{route.template}: {route.func.__name__} does not take {missing}")
    for name, parameter in parameters.items():
        if name not in hints:
            raise BadRoute(f"{route.template}: the parameter {name} has no type")
        if name in names:
            inputs.path.append(PathValue(name, hints[name]))
        else:
            _place(route, inputs, name, hints[name], parameter.default)
    if route.listing is not None and inputs.listing is None:
        raise BadRoute(f"{route.template} declares a listing and does not take one")
    return inputs


def _place(route: Route, inputs: Inputs, name: str, kind: Any, default: Any) -> None:
    header = next((m for m in getattr(kind, "__metadata__", ()) if isinstance(m, Header)), None)
    if header is not None:
        given = () if default is inspect.Parameter.empty else (default,)
        inputs.headers[name] = HeaderValue(header.name, get_args(kind)[0], *given)
    elif kind is Services:
        inputs.services = name
    elif kind is RequestInfo:
        inputs.request_info = name
    elif kind is route.audience.principal or route.audience.principal in _parts(kind):
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
        inputs.listing = Reader(
            route.listing or Grammar(), route.audience.page_limit, _item_fields(route.returns)
        )
    else:
        raise BadRoute(f"{route.template}: nothing says where the parameter {name} comes from")


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()


def _model(kind: Any) -> Any:
    """The model of a body, also of one that may be left out."""
    return next((part for part in _parts(kind) if part is not type(None)), kind)


def item_model(returns: Any) -> Any:
    """X of `Page[X]`, if that is what an endpoint returns."""
    return get_args(returns)[0] if get_origin(returns) is Page else None


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
