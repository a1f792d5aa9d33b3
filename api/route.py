"""What an audience is and what each of its routes declares; a declaration that makes no sense starts no server."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

from api.edge.credentials import Credentials
from api.edge.limits import Quota, RateLimit
from api.edge.request_info import RequestInfo
from api.signature import BadRoute, Declared, Inputs, inputs_of, pattern_of
from api.wire.dialects import Dialect
from api.wire.listing import Grammar
from api.wire.models import _Model
from dispatch.access.permissions import OWN, READ, WRITE
from dispatch.services import Services
from storage.ratelimits import RateCounters

Endpoint = Callable[..., Any]
Idempotency = Literal["required", "optional"] | Callable[[Any], str | None] | None

_EXAMPLE = re.compile(r"^Example:\s*(\{.*|\[.*)", re.MULTILINE | re.DOTALL)

E = TypeVar("E", bound=Endpoint)

Authenticate = Callable[[Services, Credentials], Awaitable[Any]]
#: Counts a caller who has limits of their own, and says whether it was one: (counters, services, caller, template).
Meter = Callable[[RateCounters, Services, Any, str], Awaitable[bool]]
#: Lets somebody in by what stands in the head of a request: (services, request info, caller, the path's values).
Admit = Callable[[Services, RequestInfo, Any, Mapping[str, Any]], Awaitable[None]]


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
        admit: Admit | None = None,
    ) -> Callable[[E], E]:
        """Declares an endpoint of this audience. Raises BadRoute for a signature that does not make sense.

        `public` needs no token (a caller that may be None gets one if it came along). `quota` is counted per
        caller in PostgreSQL. `idempotency` is "required", "optional" or a function of the body that gives a
        natural key. `limited` False exempts from the audience's general limit (webhooks). `body_limit` is in bytes,
        where neither 8 KB (public) nor 128 KB are right. `scope` is what guests need; without one it is not for
        them. Where there are no guests it is what the endpoint itself asks of its callers. `apart` are limits that a
        public route has in place of its audience's. `admit` is for public routes whose callers are known by another
        header than an audience's: it raises what they are refused with, before anything of the body is read.
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
                    admit=admit,
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
    admit: Admit | None = None
    inputs: Inputs = field(init=False)
    hints: dict[str, Any] = field(init=False)
    returns: Any = field(init=False)
    pattern: str = field(init=False)
    #: What a body that is read as JSON may weigh here, in bytes; never more than the setting for all.
    body_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.hints = get_type_hints(self.func, include_extras=True)
        self.returns = self.hints.get("return")
        self.inputs = inputs_of(self.func, self.hints, self._declared)
        self.pattern = pattern_of(self.path, self.hints)
        self.body_bytes = self.body_limit or (PUBLIC_BODY if self.is_public else SIGNED_BODY)
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
        if self.admit and not self.is_public:
            raise BadRoute(f"{where} is not public: its audience says who is let in")
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
