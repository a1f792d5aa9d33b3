"""A typed coroutine becomes an aiohttp handler: the one place that parses, authorises, wraps and reports."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

from aiohttp import web

from api.edge import idempotency, limits
from api.edge.cards import CardDataRefused, is_card_data
from api.edge.credentials import Credentials
from api.edge.idempotency import Answer, Claim, fingerprint, key_complaint
from api.edge.limits import Quota, RateLimit
from api.edge.request_info import INFO
from api.edge.request_info import RequestInfo as RequestInfo
from api.signature import BadRoute, Declared, Inputs, inputs_of, pattern_of
from api.wire.answers import Renderer
from api.wire.contents import MOST_COMPLAINTS, Fields, leaves, path_of, unclean
from api.wire.dialects import Dialect
from api.wire.listing import Grammar
from api.wire.models import _Model
from api.wire.parsing import (
    json_of,
    query_of,
    read_body,
    refuse,
    validate_body,
)
from api.wire.uploads import read_upload
from dispatch.access.permissions import OWN, READ, WRITE
from dispatch.errors import NotAllowed, NotSignedIn
from dispatch.services import Services
from storage.ratelimits import RateCounters

Endpoint = Callable[..., Any]
Idempotency = Literal["required", "optional"] | Callable[[Any], str | None] | None

_EXAMPLE = re.compile(r"^Example:\s*(\{.*|\[.*)", re.MULTILINE | re.DOTALL)


@dataclass(slots=True)
class Core:
    """What handlers need of the application."""

    services: Services
    counters: RateCounters
    audiences: Sequence[Audience]
    #: From which pages browsers may ask, and whether they must be told not to ask in the clear.
    origins: frozenset[str] = field(init=False)
    is_deployed: bool = field(init=False)
    trusted_hops: int = field(init=False)

    def __post_init__(self) -> None:
        settings = self.services.settings
        self.origins = frozenset(settings.http.allowed_origins)
        self.is_deployed = settings.is_deployed
        self.trusted_hops = settings.http.trusted_hops


CORE = web.AppKey("dispatch_core", Core)


#: Of one public route.
_MOST_KEPT_QUERIES, _LONGEST_KEPT_QUERY = 256, 200

E = TypeVar("E", bound=Endpoint)

Authenticate = Callable[[Services, Credentials], Awaitable[Any]]
#: Counts a caller who has limits of their own, and says whether it was one: (counters, services, caller, template).
Meter = Callable[[RateCounters, Services, Any, str], Awaitable[bool]]


class Guests(Protocol):
    """Callers of another kind who may use some routes of an audience: how they are known, let in and named.

    `name` is the audience that they are; in `header` they say for whom they call.
    """

    name: str
    header: str

    def knocks(self, credentials: Credentials) -> bool: ...

    async def admit(self, services: Services, credentials: Credentials) -> Any: ...

    def check(self, guest: Any, scope: str | None) -> None: ...

    async def as_customer(self, services: Services, guest: Any, credentials: Credentials) -> Any: ...


#: What a body may weigh where nobody has signed in yet, where somebody has, in bytes; raw bodies have the setting's.
PUBLIC_BODY = 8 * 1024
SIGNED_BODY = 128 * 1024


def _nobody(caller: Any, permission: str) -> bool:
    return False


@dataclass(eq=False, slots=True)
class Audience:
    """A kind of caller, and the table of its routes. The paths that it owns are answered in its dialect."""

    name: str
    prefix: str
    principal: type[Any]
    authenticate: Authenticate
    dialect: Dialect
    limit: RateLimit
    #: Unknown keys of a body are dropped and named in a header (real front ends send extras), or refused.
    drops_unknown_keys: bool
    page_limit: int
    title: str
    permits: Callable[[Any, str], bool] = _nobody
    #: Of callers who are not all spoken to alike; `dialect` is for those whom nobody knows yet.
    dialect_of: Callable[[Any], Dialect] | None = None
    #: What its permissions may name, where callers have roles; every route that is not public then names one.
    resources: frozenset[str] | None = None
    #: Further prefixes; a route's path that begins with one of them stands as it is.
    more_prefixes: tuple[str, ...] = ()
    #: Whatever is under the prefix, unless a pattern says otherwise.
    owns: re.Pattern[str] | None = None
    #: The limit of whoever is known by the address alone, where it is another one.
    stranger_limit: RateLimit | None = None
    meter: Meter | None = None
    guests: Guests | None = None
    #: The headers of a machine's key and of its secret, where machines may sign in by them instead of by a token.
    key_pair: tuple[str, str] | None = None
    routes: list[Route] = field(default_factory=list)

    def dialect_for(self, caller: Any) -> Dialect:
        """How this caller is spoken to."""
        return self.dialect if self.dialect_of is None or caller is None else self.dialect_of(caller)

    def owns_path(self, path: str) -> bool:
        if self.owns is not None:
            return self.owns.match(path) is not None
        return any(path == p or path.startswith(p + "/") for p in (self.prefix, *self.more_prefixes))

    def full_path(self, path: str) -> str:
        """A route's path as it is declared, with the prefix before it unless it has another of ours."""
        return path if any(path == p or path.startswith(p + "/") for p in self.more_prefixes) else self.prefix + path

    def route(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        public: bool = False,
        permission: str | None = None,
        quota: Quota | Sequence[Quota] = (),
        idempotency: Idempotency = None,
        listing: Grammar | None = None,
        tags: Sequence[str] = (),
        accepts_cards: bool = False,
        limited: bool = True,
        body_limit: int | None = None,
        scope: str | None = None,
        apart: Sequence[RateLimit] = (),
    ) -> Callable[[E], E]:
        """Declares an endpoint of this audience. Raises BadRoute for a signature that does not make sense.

        `public` needs no token (a caller that may be None gets one if it came along). `quota` is counted per
        caller in PostgreSQL. `idempotency` is "required", "optional" or a function of the body that gives a
        natural key. `limited` False exempts from the audience's general limit (webhooks). `body_limit` is in bytes,
        where neither 8 KB (public) nor 128 KB are right. `scope` is what guests need; without one it is not for
        them. Where there are no guests it is what the endpoint itself asks of its callers. `apart` are limits that a
        public route has in place of its audience's.
        """
        quotas = (quota,) if isinstance(quota, Quota) else tuple(quota)

        def declare(func: E) -> E:
            self.routes.append(
                Route(
                    self,
                    method.upper(),
                    self.full_path(path),
                    func,
                    status=status,
                    is_public=public,
                    permission=permission,
                    quotas=quotas,
                    idempotency=idempotency,
                    listing=listing,
                    tags=tuple(tags),
                    accepts_cards=accepts_cards,
                    is_limited=limited,
                    body_limit=body_limit,
                    scope=scope,
                    apart=tuple(apart),
                )  # fmt: skip
            )
            return func

        return declare


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
    body_limit: int | None = None
    scope: str | None = None
    apart: tuple[RateLimit, ...] = ()
    inputs: Inputs = field(init=False)
    hints: dict[str, Any] = field(init=False)
    returns: Any = field(init=False)
    pattern: str = field(init=False)
    renderer: Renderer = field(init=False)
    #: What queries mean, where nothing else is asked: the same few are sent again and again.
    _asked: dict[str, tuple[dict[str, Any], list[str]]] | None = field(init=False)

    def __post_init__(self) -> None:
        self.hints = get_type_hints(self.func, include_extras=True)
        self.returns = self.hints.get("return")
        self.inputs = inputs_of(self.func, self.hints, self._declared)
        self.pattern = pattern_of(self.path, self.hints)
        self.renderer = Renderer(self.audience.dialect, self.status, self.listing.key if self.listing else None)
        self._asked = {} if self.is_public and self.inputs.takes_query_only else None
        self._check()

    @property
    def _declared(self) -> Declared:
        return Declared(self.template, self.path, self.audience.principal, self.audience.page_limit, self.listing)

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
        if self.apart and not self.is_public:
            raise BadRoute(f"{where} is not public: its callers are counted together with what else they ask for")
        self._check_permission(where)
        if self.idempotency and not (self.inputs.body or self.method == "POST"):
            raise BadRoute(f"{where} has nothing to be idempotent about")
        for model in (self.inputs.body_type, self.inputs.query.model if self.inputs.query else None):
            if not (isinstance(model, type) and issubclass(model, _Model)):
                continue
            if self.audience.dialect.is_camel != model.is_camel:
                raise BadRoute(f"{where}: {model.__name__} has not the key style of {self.audience.dialect.name}")

    def _check_permission(self, where: str) -> None:
        resources = self.audience.resources
        if resources is None or self.is_public:
            return
        if self.permission is None:
            raise BadRoute(f"{where} names no permission, and callers of {self.audience.name} have roles")
        resource, _, level = self.permission.partition(":")
        if self.permission != OWN and (resource not in resources or level not in (READ, WRITE)):
            raise BadRoute(f"{where} needs {self.permission!r}, which nobody can have")

    # ------------------------------------------------------------ a request

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Signs in, counts, reads, runs and wraps. Raises DispatchError, which the middleware forms."""
        core, info = request.app[CORE], request[INFO]
        caller = await self._caller(core, request, info)
        dialect = self.audience.dialect_for(caller)
        given, body, ignored = await self._read(core, request, dialect)
        services = core.services
        if self.inputs.services:
            given[self.inputs.services] = services
        if self.inputs.caller:
            given[self.inputs.caller] = caller
        if self.inputs.request_info:
            given[self.inputs.request_info] = info
        who = caller.key if caller is not None else f"address:{info.network}"

        def rendered(result: Any) -> Awaitable[web.StreamResponse]:
            return self.renderer.response(request, result, given.get("listing"), services.clock, ignored, dialect)

        answer = Answer(rendered)
        if self.inputs.answer:
            given[self.inputs.answer] = answer

        async def effect() -> web.StreamResponse:
            if self.quotas:
                await limits.spend(services, self.quotas, given.get("body"), who, info.ip)
            result = await self.func(**given)
            return answer.kept or await rendered(result)

        try:
            claim = None
            if self.idempotency is not None:
                claim = self._claim(request, info, who, body, given.get("body"))
            if claim is None:
                return await effect()
            return await idempotency.once(services, claim, dialect, effect, answer)
        finally:
            if self.inputs.upload:
                given[self.inputs.upload].close()

    async def _caller(self, core: Core, request: web.Request, info: RequestInfo) -> Any:
        """The principal, counted against the limit. Raises NotSignedIn, NotAllowed, TooManyRequests."""
        audience, limit = self.audience, self.audience.limit
        stranger_limit = audience.stranger_limit or limit
        credentials = Credentials(request.headers, info.ip)
        if audience.guests is not None and audience.guests.knocks(credentials):
            return await self._guest(core, info, audience.guests, credentials)
        if self.apart:
            await limits.count_apart(core.counters, core.services, self.apart, info.ip, request.path)
        elif self.is_limited and (limit.per == "address" or self.is_public):
            await limits.count_address(core.counters, core.services, stranger_limit, audience.name, info.ip)
        if self.is_public and not self.inputs.caller_is_optional:
            return None
        try:
            caller = await audience.authenticate(core.services, credentials)
        except NotSignedIn:
            if self.is_public:
                return None
            if self.is_limited and limit.per == "caller":
                # Guessing is counted where it comes from.
                await limits.count_address(core.counters, core.services, stranger_limit, audience.name, info.ip)
            raise
        if self.is_limited and limit.per == "caller" and not self.is_public:
            is_metered = audience.meter is not None and await audience.meter(
                core.counters, core.services, caller, self.template
            )
            if not is_metered:
                await limits.count_request(core.counters, core.services, limit, audience.name, caller.key)
        if self.permission is not None and not audience.permits(caller, self.permission):
            raise NotAllowed("Your role does not allow this: ask whoever manages your team.")
        return caller

    async def _guest(self, core: Core, info: RequestInfo, guests: Guests, credentials: Credentials) -> Any:
        """The principal of a guest, counted by their own limits; of a public route None. Raises as `_caller` does."""
        audience, services = self.audience, core.services
        try:
            guest = await guests.admit(services, credentials)
        except (NotSignedIn, NotAllowed):
            await limits.count_address(core.counters, services, audience.limit, audience.name, info.ip)
            raise
        if audience.meter is not None:
            await audience.meter(core.counters, services, guest, self.template)
        if self.is_public and self.scope is None:
            return None
        guests.check(guest, self.scope)
        return None if self.is_public else await guests.as_customer(services, guest, credentials)

    def _most_bytes(self, core: Core) -> int:
        """What a body may weigh here, never more than the setting."""
        most: int = core.services.settings.http.body_limit_bytes
        if self.inputs.raw_body and self.body_limit is None:
            return most
        return min(most, self.body_limit or (PUBLIC_BODY if self.is_public else SIGNED_BODY))

    async def _read(self, core: Core, request: web.Request, dialect: Dialect) -> tuple[dict[str, Any], Any, list[str]]:
        """(arguments, the body's JSON value or what tells an upload from others, dropped names).

        Raises Invalid with every bad field.
        """
        query = request.query_string
        if self._asked is not None and (known := self._asked.get(query)) is not None:
            return dict(known[0]), None, list(known[1])
        inputs = self.inputs
        given: dict[str, Any] = {value.name: value.read(request) for value in inputs.path}
        bad: Fields = {}
        for name, header in inputs.headers.items():
            given[name], wrong = header.read(request)
            bad |= wrong
        ignored = self._read_query(request, given, bad, dialect)
        if self.idempotency is not None:
            key = request[INFO].idempotency_key
            if text := key_complaint(key, is_required=self.idempotency == "required"):
                bad[idempotency.HEADER] = [text]
        body: Any = None
        if inputs.upload and inputs.upload_rules:
            # What else is wrong is said before the files are taken.
            refuse(bad)
            upload = given[inputs.upload] = await read_upload(request, inputs.upload_rules, self._checked)
            body = upload.contents
        elif inputs.raw_body:
            given[inputs.raw_body] = await read_body(request, self._most_bytes(core))
        elif inputs.body is not None:
            raw = await read_body(request, self._most_bytes(core))
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
        refuse(bad)
        if self._asked is not None and len(query) <= _LONGEST_KEPT_QUERY:
            if len(self._asked) >= _MOST_KEPT_QUERIES:
                self._asked.clear()
            self._asked[query] = dict(given), list(ignored)
        return given, body, ignored

    def _read_query(self, request: web.Request, given: dict[str, Any], bad: Fields, dialect: Dialect) -> list[str]:
        """Adds query and listing to `given`; returns the names that mean nothing here."""
        if not request.query_string:
            raw: dict[str, list[str]] = {}
        else:
            raw = query_of(request)
            bad |= self._checked(raw)
        known: set[str] = set()
        if self.inputs.query is not None:
            given["query"], wrong = self.inputs.query.read(raw, dialect)
            known |= self.inputs.query.names
            bad |= wrong
        if self.inputs.listing is not None:
            given["listing"], wrong = self.inputs.listing.read(raw, dialect)
            known |= self.inputs.listing.known
            bad |= wrong
        return [name for name in raw if name not in known]

    def _checked(self, given: Any) -> Fields:
        """What no field may hold, found in one walk. Raises TooMuch, CardDataRefused."""
        bad: Fields = {}
        for place, name, value in leaves(given):
            if (text := unclean(value)) is not None:
                if len(bad) < MOST_COMPLAINTS:
                    bad[path_of(place)] = [text]
            elif not self.accepts_cards and is_card_data(name, value):
                raise CardDataRefused.at(path_of(place))
        return bad

    def _claim(self, request: web.Request, info: RequestInfo, who: str, body: Any, model: Any) -> Claim | None:
        key, is_natural = info.idempotency_key, False
        if key is None and callable(self.idempotency):
            key, is_natural = self.idempotency(model), True
        if key is None:
            return None
        return Claim(who, self.template, key, fingerprint(request, body), is_natural)
