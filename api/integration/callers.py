"""Who may reach which integration: staff all of them, the managing account and the app itself their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from api.audiences import Member, integration
from api.auth.guests import ScopeNotGranted
from api.edge.credentials import Credentials
from api.edge.request_info import RequestInfo
from dispatch.access.permissions import OWN
from dispatch.errors import NotAllowed
from dispatch.events import Actor
from dispatch.parties import integration_onboarding, integrations
from dispatch.parties.integrations import PartnerNotFound
from dispatch.services import Services

E = TypeVar("E", bound=Callable[..., Any])


def route(method: str, path: str, scope: str, **kwargs: Any) -> Callable[[E], E]:
    """Declares an endpoint about the partner `{id}`, for whom `check` lets through with this scope."""

    def declare(func: E) -> E:
        @wraps(func)
        async def checked(**given: Any) -> Any:
            await check(given["services"], given["caller"], given["id"], scope)
            return await func(**given)

        integration.route(method, path, permission=OWN, scope=scope, **kwargs)(checked)
        return func

    return declare


async def check(services: Services, caller: Member, id: UUID, scope: str) -> None:
    """Lets through staff who may do as much with integrations, and whose own this is and who was granted it.

    Raises NotAllowed, ScopeNotGranted, and PartnerNotFound for somebody else's and for what is no integration.
    """
    level = scope.partition(":")[2]
    if caller.realm == "admin":
        if not caller.grants.allow(f"integrations:{level}"):
            raise NotAllowed
        async with services.read() as conn:
            await integrations.get(conn, id)
        return
    if caller.party_id != id:
        raise PartnerNotFound
    if not caller.grants.allow(scope):
        raise ScopeNotGranted(f"You were not granted '{scope}'.", details={"scope": scope})


def onboarding_token(info: RequestInfo) -> str | None:
    """X-Onboarding-Token, or the bearer token where that is missing."""
    sent = Credentials(info.headers, info.ip)
    return sent.header("X-Onboarding-Token") or sent.bearer


async def admit_onboarding(
    services: Services, info: RequestInfo, caller: Member | None, path: Mapping[str, Any]
) -> None:
    """Lets through whoever holds the onboarding token of `{id}`. Raises NotSignedIn, PartnerNotFound."""
    async with services.read() as conn:
        await integration_onboarding.check(conn, path["id"], onboarding_token(info))


async def admit_documents(
    services: Services, info: RequestInfo, caller: Member | None, path: Mapping[str, Any]
) -> None:
    """The same, and staff who may change what an integration sent. Raises NotAllowed also."""
    if caller is not None and caller.realm == "admin":
        await check(services, caller, path["id"], "documents:write")
    else:
        await admit_onboarding(services, info, caller, path)


def stranger(info: RequestInfo, id: UUID | None = None) -> Actor:
    """Whoever onboards an app, with address and agent, for the audit."""
    return Actor("integration", str(id) if id else None, Credentials(info.headers, info.ip).origin)
