"""Web Push: who sends (VAPID, RFC 8292), what one browser alone can read (RFC 8291), and where it may go."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dispatch import urls

PRIVATE_BYTES, AUTH_BYTES = 32, 16
#: A push is one record, which every service takes up to this size (RFC 8291, section 4), in bytes.
RECORD_BYTES = 4096
#: What of it is not text: salt, record size, key, its length, the padding's delimiter and the tag, in bytes.
MOST_TEXT_BYTES = RECORD_BYTES - 16 - 4 - 1 - 65 - 1 - 16
#: How long what we sign is good, in seconds; services refuse more than a day.
SIGNED_S = 12 * 3600
#: The push services of the browsers that there are: their hosts, and what ends in them.
SERVICES = ("fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com")
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser as its push service knows it; the keys in base64url, as browsers give them."""

    endpoint: str
    p256dh: str
    auth: str

    def complaints(self, open_hosts: Collection[str] = ()) -> dict[str, str]:
        """What is wrong with it, by field. `open_hosts` are those of development."""
        found: dict[str, str] = {}
        if urls.complaint_of(self.endpoint, open_hosts) or not _is_of_service(self.endpoint, open_hosts):
            found["endpoint"] = "must be the https address that a browser got from its push service"
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, unwrapped(self.p256dh))
        except ValueError:
            found["keys.p256dh"] = "must be the public key that the browser gave"
        try:
            is_whole = len(unwrapped(self.auth)) == AUTH_BYTES
        except ValueError:
            is_whole = False
        if not is_whole:
            found["keys.auth"] = f"must be the secret of {AUTH_BYTES} bytes that the browser gave"
        return found


class Signer:
    """The key by which push services know us, and the address at which they reach whoever runs this server."""

    def __init__(self, private_key: str, contact: str) -> None:
        """`private_key` is base64url of 32 bytes. Raises ValueError for one that is none."""
        self._key = _private(private_key)
        self._contact = contact
        self.public_key = public_key_of(private_key)

    def authorization(self, endpoint: str, now_s: float) -> str:
        """The header's value for this address, at this unix time."""
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now_s) + SIGNED_S, "sub": self._contact}
        return f"vapid t={jwt.encode(claims, self._key, algorithm='ES256')}, k={self.public_key}"


@lru_cache(maxsize=4)
def public_key_of(private_key: str) -> str:
    """What pages give their browser to subscribe with. Raises ValueError for a key that is none."""
    return wrapped(_point(_private(private_key)))


def sealed(
    text: bytes, to: Subscription, *, salt: bytes | None = None, own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a push, of one record of the coding aes128gcm: only `to` reads it. Salt and key are drawn anew for
    each unless given."""
    salt, own = salt or os.urandom(16), own or ec.generate_private_key(_CURVE)
    theirs, ours = unwrapped(to.p256dh), _point(own)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, theirs))
    secret = _derived(shared, 32, unwrapped(to.auth), b"WebPush: info\0" + theirs + ours)
    key = _derived(secret, 16, salt, b"Content-Encoding: aes128gcm\0")
    nonce = _derived(secret, 12, salt, b"Content-Encoding: nonce\0")
    # The last record's delimiter is 2; what follows it would be padding.
    return salt + struct.pack("!IB", RECORD_BYTES, len(ours)) + ours + AESGCM(key).encrypt(nonce, text + b"\2", None)


def wrapped(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unwrapped(text: str) -> bytes:
    """What was wrapped. Raises ValueError."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _is_of_service(endpoint: str, open_hosts: Collection[str]) -> bool:
    host = (urlsplit(endpoint).hostname or "").lower()
    return host in open_hosts or any(host == one or host.endswith(f".{one}") for one in SERVICES)


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    raw = unwrapped(text)
    if len(raw) != PRIVATE_BYTES:
        raise ValueError(f"the key is not {PRIVATE_BYTES} bytes in base64url")
    return ec.derive_private_key(int.from_bytes(raw), _CURVE)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(secret: bytes, length: int, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
