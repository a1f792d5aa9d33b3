"""Secrets of endpoints and signatures by the Standard Webhooks specification (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from dispatch.errors import Invalid

PREFIX = "whsec_"
#: What a secret is made of, and the least and most that one of the client's own may have, in bytes.
SECRET_BYTES, LEAST_BYTES, MOST_BYTES = 32, 16, 256


def generated() -> str:
    """A new secret as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def checked(secret: str) -> str:
    """A secret that a client brings. Raises Invalid for one that is too short to protect anything, or too long."""
    if len(key_of(secret)) < LEAST_BYTES:
        raise Invalid({"secret": f"must be at least {LEAST_BYTES} bytes long; leave it out to have one generated"})
    if len(secret.encode()) > MOST_BYTES:
        raise Invalid({"secret": f"must be at most {MOST_BYTES} bytes long"})
    return secret


def key_of(secret: str) -> bytes:
    """The bytes that sign: of `whsec_...` what the base64 says, of anything else the text itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def headers(keys: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of a message: one signature for each secret that is good now, the newest first."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    signatures = [base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode() for secret in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
