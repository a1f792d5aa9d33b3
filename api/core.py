"""What handlers and the middleware need of the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from api.route import Audience
from dispatch.services import Services
from storage.ratelimits import RateCounters


@dataclass(slots=True)
class Core:
    """The services, the counters of limits, the audiences, and what the settings say about every request."""

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
