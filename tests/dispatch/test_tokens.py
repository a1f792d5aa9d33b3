"""Tokens: one realm each, one algorithm, keys by name."""

from __future__ import annotations

import hmac
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from dispatch.errors import NotSignedIn
from dispatch.tokens import ISSUER, TokenExpired, Tokens

KEY, OLD = b"n" * 32, b"o" * 32
TOKENS = Tokens({"new": KEY})


def forged(key: bytes = KEY, kid: str | None = "new", algorithm: str = "HS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": f"{ISSUER}:customer", "sub": "me", "jti": "1", "iat": now, "exp": now + 60,
        **changes,
    }  # fmt: skip
    headers = {"kid": kid} if kid else {}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers=headers)


def test_a_token_says_what_it_was_given() -> None:
    session = uuid4()
    claims = TOKENS.read(TOKENS.mint("customer", "me", session, 60, {"role": "x"}), "customer")
    assert (claims.subject, claims.session_id, claims.realm) == ("me", session, "customer")
    assert claims.extra == {"role": "x"}
    assert claims.expires_at == claims.issued_at + 60


def test_two_tokens_are_never_the_same() -> None:
    assert TOKENS.mint("customer", "me", None, 60) != TOKENS.mint("customer", "me", None, 60)


def test_no_session_is_none() -> None:
    assert TOKENS.read(TOKENS.mint("service", "cron", None, 60), "service").session_id is None


def test_another_realm_is_refused() -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(TOKENS.mint("customer", "me", None, 60), "technician")


def test_an_expired_one_says_so() -> None:
    with pytest.raises(TokenExpired):
        TOKENS.read(TOKENS.mint("customer", "me", None, -1), "customer")


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "jti", "aud", "iss"])
def test_every_claim_is_required(claim: str) -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(forged(**{claim: None}), "customer")


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 5000,
        forged(key=OLD), forged(kid=None), forged(kid="unknown"), forged(algorithm="HS512", key=b"n" * 64),
        forged(iss="other"), forged(aud=["dispatch:customer", "dispatch:admin"]), forged(sub=5),
        forged(iat=int(time.time()) + 3600), forged(sid="not a uuid"), forged(iat="soon"),
    ],
)  # fmt: skip
def test_whatever_else_is_wrong_is_not_signed_in(token: str) -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(token, "customer")


def test_the_unsigned_algorithm_is_refused() -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(jwt.encode({"sub": "me"}, None, algorithm="none", headers={"kid": "new"}), "customer")  # type: ignore[arg-type]


def test_keys_rotate() -> None:
    old = Tokens({"old": OLD}).mint("customer", "me", None, 60)
    both = Tokens({"new": KEY, "old": OLD})
    assert both.read(old, "customer").subject == "me"
    assert jwt.get_unverified_header(both.mint("customer", "me", None, 60))["kid"] == "new"
    with pytest.raises(NotSignedIn):
        TOKENS.read(old, "customer")


def test_weak_keys_and_reserved_claims_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Tokens({"a": b"short"})
    with pytest.raises(ValueError, match="at least one"):
        Tokens({})
    with pytest.raises(ValueError, match="own"):
        TOKENS.mint("customer", "me", None, 60, {"sub": "you"})


def test_a_signature_is_checked_once_and_time_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, checks = Tokens({"new": KEY}), []
    theirs = hmac.digest
    monkeypatch.setattr(hmac, "digest", lambda *a: checks.append(1) or theirs(*a))
    token = tokens.mint("customer", "me", None, 60)
    assert tokens.read(token, "customer") is tokens.read(token, "customer")
    assert len(checks) == 1
    # Another realm is another question, and a good answer to one is none to the other.
    with pytest.raises(NotSignedIn):
        tokens.read(token, "technician")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    with pytest.raises(TokenExpired):
        tokens.read(token, "customer")


def test_only_what_is_minted_elsewhere_takes_the_librarys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = (
        forged(nbf=int(time.time())),
        jwt.encode(jwt.decode(forged(), options={"verify_signature": False}), KEY, headers={"kid": "new", "cty": "x"}),
    )
    for token in elsewhere:
        assert Tokens({"new": KEY}).read(token, "customer").subject == "me"
    with pytest.raises(NotSignedIn):
        Tokens({"new": KEY}).read(forged(nbf=int(time.time()) + 60), "customer")
    monkeypatch.setattr(jwt.PyJWT, "decode", lambda *_, **__: pytest.fail("the library was asked"))
    assert Tokens({"new": KEY}).read(forged(), "customer").subject == "me"


def test_near_misses_of_a_known_token_are_refused() -> None:
    tokens = Tokens({"new": KEY})
    token = tokens.mint("customer", "me", None, 60)
    tokens.read(token, "customer")
    head, payload, signature = token.split(".")
    flipped = "A" if signature[10] != "A" else "B"
    for near in (
        token[:-1], token + "A", token[1:], f"{head}.{payload}.", f"{head}.{payload}", token + ".", " " + token,
        f"{head}.{payload}.{signature[:10]}{flipped}{signature[11:]}", token.upper(),
        f"{head}.{payload[:-1]}.{signature}",
    ):  # fmt: skip
        with pytest.raises(NotSignedIn):
            tokens.read(near, "customer")


def test_what_is_kept_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens({"new": KEY})
    for _ in range(3):
        with pytest.raises(NotSignedIn):
            tokens.read(forged(key=OLD), "customer")
    big = tokens.mint("customer", "me", None, 60, {"much": "x" * 900})
    assert tokens.read(big, "customer") is not tokens.read(big, "customer"), "long ones are not kept"
