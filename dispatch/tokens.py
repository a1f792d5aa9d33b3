"""Signed tokens of every realm: HS256 only, keys by name so that they can be rotated, real time."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
from cachetools import LRUCache

from dispatch.config import Settings
from dispatch.errors import NotSignedIn
from dispatch.vault import generated_keys

ISSUER = "dispatch"
#: The generated keys in the data folder, readable by its owner only.
KEYS_FILE = "token-keys.json"
ALGORITHMS = ["HS256"]
#: The least that HMAC-SHA256 deserves (RFC 7518, 3.2).
KEY_BYTES = 32
#: How far another node's clock may run ahead of ours, in seconds.
SKEW_S = 60
_MAX_TOKEN_CHARS = 4096
#: Tokens whose signature was found good; only those are kept, so strangers cannot fill it.
_VERDICTS = 20_000
#: Longer ones are none of ours and are checked each time.
_VERDICT_CHARS = 1024
_OWN = frozenset({"iss", "aud", "sub", "jti", "iat", "exp", "sid"})


class TokenExpired(NotSignedIn):
    """Your token has expired: refresh it or sign in again."""

    code = "unauthorized"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. Times are real unix seconds; `extra` is whatever the mint was given."""

    realm: str
    subject: str
    session_id: UUID | None
    token_id: str
    issued_at: int
    expires_at: int
    extra: dict[str, Any]


class Tokens:
    """Mints and reads. The first key signs, all of them verify."""

    def __init__(self, keys: Mapping[str, bytes], real_s: Callable[[], float] | None = None) -> None:
        """`keys` maps kid to secret, newest first; `real_s` is real time, without it this machine's. Raises ValueError
        for none or a short one."""
        if not keys:
            raise ValueError("tokens need at least one signing key")
        for kid, key in keys.items():
            if len(key) < KEY_BYTES:
                raise ValueError(f"the signing key {kid!r} is shorter than {KEY_BYTES} bytes")
        self._real_s = real_s or (lambda: time.time())
        self._keys = dict(keys)
        self._kid = next(iter(keys))
        self._jwt = jwt.PyJWT(options={"enforce_minimum_key_length": True})
        #: How the tokens of each key begin when they are minted here.
        self._heads = {self._encoded({}, kid).partition(".")[0]: key for kid, key in self._keys.items()}
        self._verdicts: LRUCache[tuple[str, str], Claims] = LRUCache(_VERDICTS)

    def mint(
        self,
        realm: str,
        subject: str,
        session_id: UUID | None,
        ttl_s: float,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """A token of `realm` that lives `ttl_s` real seconds. Raises ValueError for a reserved extra."""
        if taken := _OWN & (extra or {}).keys():
            raise ValueError(f"these claims are the token's own: {sorted(taken)}")
        now = int(self._real_s())
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": _audience(realm), "sub": subject, "jti": uuid4().hex, "iat": now,
            "exp": now + int(ttl_s), **(extra or {}),
        }  # fmt: skip
        if session_id is not None:
            claims["sid"] = str(session_id)
        return self._encoded(claims, self._kid)

    def _encoded(self, claims: dict[str, Any], kid: str) -> str:
        return self._jwt.encode(claims, self._keys[kid], algorithm=ALGORITHMS[0], headers={"kid": kid})

    def read(self, token: str, realm: str) -> Claims:
        """The claims of a token of this realm. Raises TokenExpired, and NotSignedIn for every other fault.

        A signature is checked once; time is looked at always.
        """
        if not isinstance(token, str) or len(token) > _MAX_TOKEN_CHARS:
            raise NotSignedIn
        claims = self._verdicts.get((realm, token))
        if claims is None:
            claims = self._checked(token, realm)
            if len(token) <= _VERDICT_CHARS:
                self._verdicts[realm, token] = claims
        now = self._real_s()
        if claims.expires_at <= now:
            raise TokenExpired
        # Another node's clock may be a little ahead, but expiry has no leeway.
        if claims.issued_at > now + SKEW_S:
            raise NotSignedIn
        return claims

    @staticmethod
    def realm_of(token: str) -> str:
        """Which realm a token says it is of, unproved: `read` it as that one. Empty when it says nothing."""
        try:
            claims = jwt.decode(token[:_MAX_TOKEN_CHARS], options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return ""
        audience = claims.get("aud")
        return audience.removeprefix(_audience("")) if isinstance(audience, str) else ""

    @staticmethod
    def says(token: str, realm: str) -> bool:
        """Whether a token says that it is of this realm, unproved: for telling two ways in apart, in passing."""
        payload = token[:_MAX_TOKEN_CHARS].partition(".")[2].partition(".")[0]
        try:
            return f'"aud":"{_audience(realm)}"'.encode() in base64.urlsafe_b64decode(payload + "==")
        except ValueError:
            return False

    def _checked(self, token: str, realm: str) -> Claims:
        """The claims of a token that one of our keys has signed for this realm, whatever the time is."""
        try:
            raw = self._minted(token)
            if raw is None or "nbf" in raw:
                raw = self._decoded(token, realm)
            elif (raw["iss"], raw["aud"]) != (ISSUER, _audience(realm)):
                raise NotSignedIn
            if not (isinstance(raw["sub"], str) and isinstance(raw["jti"], str)):
                raise NotSignedIn
            return Claims(
                realm=realm, subject=raw["sub"], session_id=UUID(raw["sid"]) if "sid" in raw else None,
                token_id=raw["jti"], issued_at=int(raw["iat"]), expires_at=int(raw["exp"]),
                extra={name: value for name, value in raw.items() if name not in _OWN},
            )  # fmt: skip
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotSignedIn from error

    def _minted(self, token: str) -> dict[str, Any] | None:
        """What stands in a token that begins as those minted here do and bears its key's signature, to the letter.

        None for every other: the library judges it, which takes ten times as long.
        """
        signed, _, signature = token.rpartition(".")
        head, _, payload = signed.partition(".")
        key = self._heads.get(head)
        if key is None or not token.isascii():
            return None
        proof = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=")
        if not hmac.compare_digest(proof, signature.encode()):
            return None
        found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
        return found

    def _decoded(self, token: str, realm: str) -> dict[str, Any]:
        """The same of any token. Raises NotSignedIn, PyJWTError, KeyError."""
        if not _is_exact(token):
            raise NotSignedIn
        key = self._keys[str(jwt.get_unverified_header(token).get("kid"))]
        return self._jwt.decode(
            token, key, algorithms=ALGORITHMS, audience=_audience(realm), issuer=ISSUER,
            options={
                "require": ["exp", "iat", "sub", "jti", "aud", "iss"],
                "strict_aud": True,
                # Ours, with each use of the token.
                "verify_iat": False, "verify_exp": False,
            },
        )  # fmt: skip


def _is_exact(token: str) -> bool:
    """Whether a token is written in the one way that we write it: base64 has several texts for the same bytes."""
    try:
        parts = [(part, base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")]
    except ValueError:
        return False
    return all(base64.urlsafe_b64encode(raw).decode().rstrip("=") == part for part, raw in parts)


def _audience(realm: str) -> str:
    return f"{ISSUER}:{realm}"


def token_keys(settings: Settings) -> dict[str, bytes]:
    """kid -> key; the first one signs, all of them verify. Raises KeysUnfit."""
    if settings.token_keys:
        return {kid: key.get_secret_value().encode() for kid, key in settings.token_keys.items()}
    return generated_keys(settings.data / KEYS_FILE)
