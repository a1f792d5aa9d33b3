"""Who a socket is: the token in `auth`, its session alive, a grant until the token's end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.realtime.guard import Grant
from dispatch.errors import NotSignedIn
from dispatch.services import Services


async def grant(services: Services, realm: str, auth: dict[str, Any]) -> Grant:
    """The grant of a token of this realm. Raises NotSignedIn."""
    token = auth.get("token")
    if not isinstance(token, str) or not token:
        raise NotSignedIn("Send your access token as auth.token.")
    claims = services.tokens.read(token.removeprefix("Bearer "), realm)
    if claims.session_id is None or not await services.sessions.alive(claims.session_id, realm):
        raise NotSignedIn
    return Grant(UUID(claims.subject), str(claims.session_id), float(claims.expires_at))
