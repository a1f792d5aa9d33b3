"""Signing in with client credentials, or with the slug in their place; OAuth2's form too."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import UUID

from pydantic import Field

from api.audiences import integration
from api.edge.credentials import Credentials
from api.edge.request_info import RequestInfo
from api.route import PUBLIC_BODY
from api.wire.models import CamelView
from api.wire.parsing import json_of
from api.wire.results import ReplyWith
from dispatch.errors import Invalid
from dispatch.parties import integration_access
from dispatch.services import Services

#: What OAuth2 calls the way in which a machine signs in (RFC 6749, 4.4).
GRANT = "client_credentials"


class TokenOut(CamelView):
    token: str
    expires_in: int
    partner_id: UUID


class OAuthOut(CamelView):
    """The same in the words of RFC 6749, 5.1."""

    access_token: str = Field(serialization_alias="access_token")
    token_type: str = Field(serialization_alias="token_type")
    expires_in: int = Field(serialization_alias="expires_in")


@dataclass(frozen=True, slots=True)
class _Presented:
    name: str
    secret: str
    is_slug: bool = False


@integration.route("POST", "/auth", public=True, body_limit=PUBLIC_BODY, tags=["auth"])
async def sign_in(services: Services, raw_body: bytes, request_info: RequestInfo) -> ReplyWith[TokenOut, OAuthOut]:
    """A token for x-client-id and x-client-secret, for {slug, secret}, or for OAuth2's form."""
    shown = _presented(raw_body, request_info)
    made = await integration_access.sign_in(services, shown.name, shown.secret, request_info.ip, is_slug=shown.is_slug)
    out = TokenOut(token=made.token, expires_in=made.life_s, partner_id=made.integration_id)
    oauth = OAuthOut(access_token=made.token, token_type="Bearer", expires_in=made.life_s)
    return ReplyWith(out, extra=oauth)


def _presented(raw_body: bytes, info: RequestInfo) -> _Presented:
    """The credentials, wherever they stand. Raises Invalid, which says how they are sent."""
    sent = Credentials(info.headers, info.ip)
    key = sent.header("x-client-id") or sent.header("X-API-Key")
    secret = sent.header("x-client-secret") or sent.header("X-API-Secret")
    if key and secret:
        return _Presented(key, secret)
    if "form" in info.headers.get("Content-Type", ""):
        return _of_form(raw_body, info)
    body = json_of(raw_body)
    given: dict[str, Any] = body if isinstance(body, dict) else {}
    name, secret = _text(given, "slug"), _text(given, "secret") or _text(given, "clientSecret")
    if name and secret:
        return _Presented(name, secret, is_slug=True)
    name = _text(given, "clientId") or _text(given, "client_id")
    secret = secret or _text(given, "client_secret")
    if name and secret:
        return _Presented(name, secret)
    raise Invalid({"credentials": "Send x-client-id and x-client-secret, or slug and secret in the body."})


def _of_form(raw_body: bytes, info: RequestInfo) -> _Presented:
    """OAuth2's form; the pair stands in it or in HTTP's own Basic."""
    form = {name: values[-1] for name, values in parse_qs(raw_body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != GRANT:
        raise Invalid({"grant_type": f"must be {GRANT}"})
    scheme, _, packed = info.headers.get("Authorization", "").partition(" ")
    name, secret = form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(packed, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            pair = ("", "", "")
        name, secret = unquote(pair[0]), unquote(pair[2])
    if not (name and secret):
        raise Invalid({"client_id": "Send client_id and client_secret in the form, or as HTTP Basic."})
    return _Presented(name, secret)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""
