"""How much one caller may ask: general limits by audience, and strict quotas counted in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dispatch.access.networks import networks_of
from dispatch.errors import Throttled
from dispatch.services import Services
from storage import quotas
from storage.ratelimits import RateCounters


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much of a window one may ask. `setting` names the amount in settings.limits.

    An audience's general limit is an address's or a caller's; `path` is for routes that count apart: all who ask for
    one path, from wherever.
    """

    setting: str
    window_s: int
    per: Literal["address", "caller", "path"]


@dataclass(frozen=True, slots=True)
class Quota:
    """A strict limit of one deed, exact on all nodes. `setting` names the amount in settings.limits.

    Every attempt that is valid counts, and a replayed answer does not. `applies` looks at the body.
    """

    name: str
    setting: str
    window_s: int
    per: Literal["address", "caller"] = "caller"
    applies: Callable[[Any], bool] | None = None

    def when(self, applies: Callable[[Any], bool]) -> Quota:
        """The same quota, for bodies of this kind only."""
        return replace(self, applies=applies)


HOUR_S, QUARTER_S, MINUTE_S = 3600, 900, 60
#: R44 (C48), and a cap on the public contact form; bookings (R43) are counted where they are made.
PAYMENT = Quota("payment", "payment_per_hour", HOUR_S)
#: Beginning to pay at a public link.
CHECKOUT = Quota("checkout", "checkout_per_hour", HOUR_S, per="address")
CONTACT = Quota("contact", "contact_per_hour", HOUR_S, per="address")
#: Onboardings of integrations: strict, because each makes an account and sends a message.
ONBOARDING = Quota("onboarding", "onboarding_per_minute", MINUTE_S, per="address")

#: Following a visit by its link: an address has room for many links behind it, a link for some followers.
FOLLOWING = (
    RateLimit("tracking_address_per_minute", MINUTE_S, "address"),
    RateLimit("tracking_link_per_minute", MINUTE_S, "path"),
)


class TooManyRequests(Throttled):
    """Too many requests; try again later."""

    code = "rate_limit_exceeded"


async def count_request(
    counters: RateCounters, services: Services, limit: RateLimit, audience: str, caller: str, times: int = 1
) -> None:
    """Raises TooManyRequests when `caller` (a principal's key or a network) has used up the window.

    Whatever they ask for counts together: a limit is a caller's, not a route's.
    """
    amount: int = getattr(services.settings.limits, limit.setting)
    wait_s = await counters.hit(f"{audience}:{caller}", amount * times, limit.window_s)
    if wait_s:
        raise TooManyRequests(retry_after_s=wait_s)


async def count_address(counters: RateCounters, services: Services, limit: RateLimit, audience: str, ip: str) -> None:
    """The same for whoever is known by the address only: an IPv6 subscriber, and the site of many, are one each."""
    for name, times in networks_of(ip):
        await count_request(counters, services, limit, audience, name, times)


async def count_apart(
    counters: RateCounters, services: Services, wanted: Sequence[RateLimit], ip: str, path: str
) -> None:
    """The same for a route that has limits of its own, which take nothing from those of its audience."""
    for limit in wanted:
        if limit.per == "path":
            # A path may be a secret, and counters are kept where others read.
            hashed = hashlib.sha256(path.encode()).hexdigest()[:32]
            await count_request(counters, services, limit, limit.setting, hashed)
        else:
            await count_address(counters, services, limit, limit.setting, ip)


async def spend(services: Services, wanted: tuple[Quota, ...], body: Any, caller: str, ip: str) -> None:
    """Takes one from each quota that applies, all or none. Raises TooManyRequests."""
    due = [q for q in wanted if q.applies is None or q.applies(body)]
    if not due:
        return
    async with services.transaction() as tx:
        # In the order of their names, so that two requests never wait for each other.
        for quota in sorted(due, key=lambda q: q.name):
            amount: int = getattr(services.settings.limits, quota.setting)
            for who, times in ((caller, 1),) if quota.per == "caller" else networks_of(ip):
                wait_s = await quotas.take(tx.conn, f"{quota.name}:{who}", amount * times, quota.window_s)
                if wait_s:
                    raise TooManyRequests(details={"limit": quota.name}, retry_after_s=wait_s)
