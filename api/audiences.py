"""The kinds of callers, one row each: where they knock, how they sign in, how they are spoken to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from api.auth import principals
from api.auth.principals import Admin as Admin
from api.auth.principals import Customer as Customer
from api.auth.principals import Service as Service
from api.auth.principals import Technician as Technician
from api.edge.limits import Quota, RateLimit
from api.route import Endpoint, Idempotency, Route
from api.wire.dialects import MINUTESERV, Dialect
from api.wire.listing import Grammar
from dispatch.errors import NotSignedIn
from dispatch.services import Services

E = TypeVar("E", bound=Endpoint)

Authenticate = Callable[[Services, str], Awaitable[Any]]
_MAX_HEADER_CHARS = 8192


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
    #: Whatever is under the prefix, unless a pattern says otherwise.
    owns: re.Pattern[str] | None = None
    routes: list[Route] = field(default_factory=list)

    def owns_path(self, path: str) -> bool:
        if self.owns is not None:
            return self.owns.match(path) is not None
        return path == self.prefix or path.startswith(self.prefix + "/")

    async def sign_in(self, services: Services, authorization: str | None) -> Any:
        """The principal behind an Authorization header. Raises NotSignedIn and its kinds."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_HEADER_CHARS:
            raise NotSignedIn
        return await self.authenticate(services, token)

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
    ) -> Callable[[E], E]:
        """Declares an endpoint of this audience. Raises BadRoute for a signature that does not make sense.

        `public` needs no token (a caller that may be None gets one if it came along). `quota` is counted per
        caller in PostgreSQL. `idempotency` is "required", "optional" or a function of the body that gives a
        natural key. `limited` False exempts from the audience's general limit (webhooks).
        """
        quotas = (quota,) if isinstance(quota, Quota) else tuple(quota)

        def declare(func: E) -> E:
            self.routes.append(
                Route(
                    self,
                    method.upper(),
                    self.prefix + path,
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
                )  # fmt: skip
            )
            return func

        return declare


technician = Audience(
    name="technician", prefix="/v1/partner", principal=Technician, authenticate=principals.technician,
    dialect=MINUTESERV, limit=RateLimit("technician_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Technicians",
)  # fmt: skip
admin = Audience(
    name="admin", prefix="/v1/admin", principal=Admin, authenticate=principals.admin,
    dialect=MINUTESERV, limit=RateLimit("admin_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Back office",
)  # fmt: skip
internal = Audience(
    name="internal", prefix="/v1/internal", principal=Service, authenticate=principals.service,
    dialect=MINUTESERV, limit=RateLimit("internal_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Internal services",
)  # fmt: skip
customer = Audience(
    name="customer", prefix="/v1", principal=Customer, authenticate=principals.customer,
    dialect=MINUTESERV, limit=RateLimit("customer_per_minute", 60, "address"), drops_unknown_keys=True,
    page_limit=10, title="Customers",
)  # fmt: skip

#: In this order paths are assigned to audiences; whatever nobody owns is answered by the last one.
AUDIENCES: tuple[Audience, ...] = (technician, admin, internal, customer)


def audience_of(path: str, audiences: Sequence[Audience] = AUDIENCES) -> Audience:
    """Whose dialect a path is answered in, also when there is nothing at it."""
    return next((a for a in audiences if a.owns_path(path)), audiences[-1])
