"""What is pushed to a page: sealed as the standard's own example, signed, and for push services only."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dispatch.ports.web_push import Signer, Subscription, public_key_of, sealed, unwrapped, wrapped

#: RFC 8291, section 5 and appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
TO = Subscription(
    "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg",
)  # fmt: skip
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard() -> None:
    own = ec.derive_private_key(int.from_bytes(unwrapped(OWN)), ec.SECP256R1())
    assert wrapped(sealed(TEXT, TO, salt=unwrapped(SALT), own=own)) == BODY
    assert sealed(TEXT, TO) != sealed(TEXT, TO), "nothing is sealed twice with the same key"


def test_the_service_knows_us_by_our_key() -> None:
    signer = Signer(OWN, "mailto:ops@example.com")
    assert signer.public_key == public_key_of(OWN)
    scheme, token, key = signer.authorization(TO.endpoint, 1_800_000_000).replace(",", "").split()
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unwrapped(key.removeprefix("k=")))
    claims = jwt.decode(
        token.removeprefix("t="), point, algorithms=["ES256"], audience="https://push.example.net",
        options={"verify_exp": False},
    )  # fmt: skip
    assert scheme == "vapid"
    assert (claims["sub"], claims["exp"]) == ("mailto:ops@example.com", 1_800_000_000 + 12 * 3600)
    with pytest.raises(ValueError, match="32 bytes"):
        Signer("AAAA", "mailto:ops@example.com")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example.net/x", "http://fcm.googleapis.com/x", "https://127.0.0.1/x", "https://localhost/x",
        "https://fcm.googleapis.com.example.net/x", "https://fcm.googleapis.com@example.net/x",
        "https://evilfcm.googleapis.com/x", "nonsense",
    ],
)  # fmt: skip
def test_only_push_services_are_called(endpoint: str) -> None:
    assert set(Subscription(endpoint, TO.p256dh, TO.auth).complaints()) == {"endpoint"}


def test_what_browsers_give_is_taken_and_every_bad_field_is_named() -> None:
    for endpoint in (
        "https://fcm.googleapis.com/fcm/send/abc", "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc", "https://wns2-db5p.notify.windows.com/w/?token=abc",
    ):  # fmt: skip
        assert Subscription(endpoint, TO.p256dh, TO.auth).complaints() == {}
    assert Subscription("http://127.0.0.1:9/x", TO.p256dh, TO.auth).complaints(["127.0.0.1"]) == {}
    bad = Subscription("https://example.net/x", wrapped(b"\4" + b"\1" * 64), "?").complaints()
    assert set(bad) == {"endpoint", "keys.p256dh", "keys.auth"}
