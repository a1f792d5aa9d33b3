"""Who may reach which integration: staff all of them, the managing account and the app itself their own."""

from __future__ import annotations

from uuid import UUID

from api.audiences import Member
from api.auth.guests import ScopeNotGranted
from api.edge.credentials import Credentials
from api.edge.request_info import RequestInfo
from dispatch.errors import NotAllowed
from dispatch.events import Actor
from dispatch.parties import integrations
from dispatch.parties.integrations import PartnerNotFound
from dispatch.services import Services


async def check(services: Services, caller: Member, id: UUID, permission: str) -> None:
    """Lets through staff who may do as much with integrations, and whose own this is and who was granted it.

    Raises NotAllowed, ScopeNotGranted, and PartnerNotFound for somebody else's and for what is no integration.
    """
    level = permission.partition(":")[2]
    if caller.realm == "admin":
        if not caller.grants.allow(f"integrations:{level}"):
            raise NotAllowed
        async with services.read() as conn:
            await integrations.get(conn, id)
        return
    if caller.party_id != id:
        raise PartnerNotFound
    if not caller.grants.allow(permission):
        raise ScopeNotGranted(f"You were not granted '{permission}'.", details={"scope": permission})


def onboarding_token(info: RequestInfo) -> str | None:
    """X-Onboarding-Token, or the bearer token where that is missing."""
    sent = Credentials(info.headers, info.ip)
    return sent.header("X-Onboarding-Token") or sent.bearer


def stranger(info: RequestInfo, id: UUID | None = None) -> Actor:
    """Whoever onboards an app, with address and agent, for the audit."""
    return Actor("integration", str(id) if id else None, Credentials(info.headers, info.ip).origin)
