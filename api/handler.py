"""A typed coroutine becomes an aiohttp handler: the one place that signs in, counts, reads, runs and wraps."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from api.arguments import Arguments
from api.core import CORE, Core
from api.edge import idempotency, limits
from api.edge.credentials import Credentials
from api.edge.idempotency import Answer, Claim, fingerprint
from api.edge.request_info import INFO, RequestInfo
from api.route import Guests, Route
from api.wire.answers import Renderer
from dispatch.errors import NotAllowed, NotSignedIn


@dataclass(eq=False, slots=True)
class Handler:
    """Answers the requests of one route."""

    route: Route
    _arguments: Arguments = field(init=False)
    _renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        route = self.route
        self._arguments = Arguments(route)
        self._renderer = Renderer(route.audience.dialect, route.status, route.listing.key if route.listing else None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Signs in, counts, reads, runs and wraps. Raises DispatchError, which the middleware forms."""
        route, inputs = self.route, self.route.inputs
        core, info = request.app[CORE], request[INFO]
        caller = await self._caller(core, request, info)
        if route.admit is not None:
            named = {value.name: value.read(request) for value in inputs.path}
            await route.admit(core.services, info, caller, named)
        dialect = route.audience.dialect_for(caller)
        given, body, ignored = await self._arguments.read(core, request, dialect)
        services = core.services
        if inputs.services:
            given[inputs.services] = services
        if inputs.caller:
            given[inputs.caller] = caller
        if inputs.request_info:
            given[inputs.request_info] = info
        who = caller.key if caller is not None else f"address:{info.network}"

        # Not `given`, which holds the answer that holds this: a circle of each request for the collector.
        listing = given.get("listing")

        def rendered(result: Any) -> Awaitable[web.StreamResponse]:
            return self._renderer.response(request, result, listing, services.clock, ignored, dialect)

        answer = Answer(rendered)
        if inputs.answer:
            given[inputs.answer] = answer

        async def effect() -> web.StreamResponse:
            if route.quotas:
                await limits.spend(services, route.quotas, given.get("body"), who, info.ip)
            result = await route.func(**given)
            return answer.kept or await rendered(result)

        try:
            claim = None
            if route.idempotency is not None:
                claim = self._claim(request, info, who, body, given.get("body"))
            if claim is None:
                return await effect()
            return await idempotency.once(services, claim, dialect, effect, answer)
        finally:
            if inputs.upload:
                given[inputs.upload].close()

    async def _caller(self, core: Core, request: web.Request, info: RequestInfo) -> Any:
        """The principal, counted against the limit. Raises NotSignedIn, NotAllowed, TooManyRequests."""
        route, audience, limit = self.route, self.route.audience, self.route.audience.limit
        stranger_limit = audience.stranger_limit or limit
        credentials = Credentials(request.headers, info.ip)
        if audience.guests is not None and audience.guests.knocks(credentials):
            return await self._guest(core, info, audience.guests, credentials)
        if route.apart:
            await limits.count_apart(core.counters, core.services, route.apart, info.ip, request.path)
        elif route.is_limited and (limit.per == "address" or route.is_public):
            await limits.count_address(core.counters, core.services, stranger_limit, audience.name, info.ip)
        if route.is_public and not route.inputs.caller_is_optional:
            return None
        try:
            caller = await audience.authenticate(core.services, credentials)
        except NotSignedIn:
            if route.is_public:
                return None
            if route.is_limited and limit.per == "caller":
                # Guessing is counted where it comes from.
                await limits.count_address(core.counters, core.services, stranger_limit, audience.name, info.ip)
            raise
        if route.is_limited and limit.per == "caller" and not route.is_public:
            is_metered = audience.meter is not None and await audience.meter(
                core.counters, core.services, caller, route.template
            )
            if not is_metered:
                await limits.count_request(core.counters, core.services, limit, audience.name, caller.key)
        if route.permission is not None and not audience.permits(caller, route.permission):
            raise NotAllowed("Your role does not allow this: ask whoever manages your team.")
        return caller

    async def _guest(self, core: Core, info: RequestInfo, guests: Guests, credentials: Credentials) -> Any:
        """The principal of a guest, counted by their own limits; of a public route None. Raises as `_caller` does."""
        route, audience, services = self.route, self.route.audience, core.services
        try:
            guest = await guests.admit(services, credentials)
        except (NotSignedIn, NotAllowed):
            await limits.count_address(core.counters, services, audience.limit, audience.name, info.ip)
            raise
        if audience.meter is not None:
            await audience.meter(core.counters, services, guest, route.template)
        if route.is_public and route.scope is None:
            return None
        guests.check(guest, route.scope)
        return None if route.is_public else await guests.as_customer(services, guest, credentials)

    def _claim(self, request: web.Request, info: RequestInfo, who: str, body: Any, model: Any) -> Claim | None:
        natural, key, is_natural = self.route.idempotency, info.idempotency_key, False
        if key is None and callable(natural):
            key, is_natural = natural(model), True
        if key is None:
            return None
        return Claim(who, self.route.template, key, fingerprint(request, body), is_natural)
