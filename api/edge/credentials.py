"""What a request's head says of who sends it: an audience's `authenticate` takes from it what its callers carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import hdrs

from api.edge.request_info import agent_of
from dispatch.events import Origin

#: No secret that we hand out is longer.
_LONGEST = 4096


# Not frozen: one is made for each request.
@dataclass(slots=True)
class Credentials:
    """The headers of a request, read as credentials. Whatever could be none of ours counts as absent."""

    headers: Mapping[str, str]
    #: The address that the request comes from, for keys that are bound to some.
    ip: str | None = None

    @classmethod
    def of_token(cls, token: str) -> Credentials:
        """Those of somebody who carries a bearer token and nothing else (a socket)."""
        return cls({hdrs.AUTHORIZATION: f"Bearer {token}"})

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer`; None for another scheme, and for bytes that no token has."""
        scheme, _, token = (self.headers.get(hdrs.AUTHORIZATION) or "").partition(" ")
        return _sound(token) if scheme.lower() == "bearer" else None

    @property
    def origin(self) -> Origin:
        """From where and with what they were sent, for the audit."""
        return Origin(self.ip, agent_of(self.headers) or None)

    def header(self, name: str) -> str | None:
        """One header: X-API-Key, x-client-secret, X-Organization-ID, X-Onboarding-Token."""
        return _sound(self.headers.get(name) or "")


def _sound(text: str) -> str | None:
    text = text.strip()
    return text if text and len(text) <= _LONGEST and text.isascii() and text.isprintable() else None
