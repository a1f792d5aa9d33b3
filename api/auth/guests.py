"""Integrations: counted by limits of their own wherever they call, and let in where the customers' routes allow it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.auth import principals
from api.auth.principals import Customer, Member
from api.edge.credentials import Credentials
from api.edge.limits import MINUTE_S, TooManyRequests
from dispatch.errors import Invalid, NotAllowed
from dispatch.parties import integration_customers, integration_usage
from dispatch.services import Services
from storage.ratelimits import RateCounters

CUSTOMER_HEADER = "X-Customer-ID"


class ScopeNotGranted(NotAllowed):
    """Your credentials were not granted what this needs."""

    code = "scope_not_granted"


async def meter(counters: RateCounters, services: Services, caller: Any, route: str) -> bool:
    """Counts a call of an integration by its burst and its month; whether it was one.

    Raises TooManyRequests, MonthUsedUp: what is over the burst takes nothing from the month.
    """
    if not isinstance(caller, Member) or caller.realm != "integration" or caller.key_id is None:
        return False
    assert caller.party_id is not None, "a key belongs to a party"
    standing = await integration_usage.admit(services, caller.party_id)
    if wait_s := await counters.hit(f"integration:{caller.party_id}", standing.burst_limit, MINUTE_S):
        services.usage.count(caller.party_id, services.clock.now(), route, is_refused=True)
        raise TooManyRequests(details={"limit": "burst", "burst_limit": standing.burst_limit}, retry_after_s=wait_s)
    integration_usage.spend(services, caller.party_id, standing, route)
    return True


class Guests:
    """The way in for integrations to the customers' routes; a route names the scope that it wants of them."""

    name, header = "integration", CUSTOMER_HEADER

    def knocks(self, credentials: Credentials) -> bool:
        """Whether a request carries an integration's credentials."""
        return principals.is_client(credentials)

    async def admit(self, services: Services, credentials: Credentials) -> Member:
        """Raises NotSignedIn, NotActive, WrongAddress."""
        return await principals.client(services, credentials)

    def check(self, guest: Member, scope: str | None) -> None:
        """Raises ScopeNotGranted, also for what no integration may do (None)."""
        if scope is None:
            raise ScopeNotGranted("Integrations cannot do this: it is for the customer alone.")
        if not guest.grants.allow(scope):
            raise ScopeNotGranted(f"Your credentials were not granted '{scope}'.", details={"scope": scope})

    async def as_customer(self, services: Services, guest: Member, credentials: Credentials) -> Customer:
        """The customer that the call names. Raises Invalid without one, Missing for somebody else's."""
        assert guest.party_id is not None and guest.key_id is not None, "guests come with a key"
        named = credentials.header(CUSTOMER_HEADER)
        try:
            customer_id = UUID(named) if named else None
        except ValueError:
            customer_id = None
        if customer_id is None:
            raise Invalid({CUSTOMER_HEADER: "Name the customer for whom you call: the id that you got for them."})
        async with services.read() as conn:
            await integration_customers.check(conn, guest.party_id, customer_id)
        return Customer(customer_id, guest.key_id, integration_id=guest.party_id)
