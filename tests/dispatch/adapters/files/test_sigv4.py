"""The worked examples of the S3 API reference come out to the letter."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from dispatch.adapters.files.sigv4 import Signer, canonical_query

SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
HOST, AT, STAMP = "https://examplebucket.s3.amazonaws.com", datetime(2013, 5, 24, tzinfo=UTC), "20130524T000000Z"
NOTHING = hashlib.sha256(b"").hexdigest()


def test_a_get_with_a_range() -> None:
    signed = SIGNER.headers("GET", f"{HOST}/test.txt", at=AT, sha256=NOTHING, headers={"Range": "bytes=0-9"})
    assert signed["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_a_put() -> None:
    signed = SIGNER.headers(
        "PUT", f"{HOST}/test%24file.text", at=AT, sha256=hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
        headers={"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
    )  # fmt: skip
    assert signed["Authorization"].endswith("=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")


def test_a_query_is_signed_in_the_order_of_its_names() -> None:
    headers = {"host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": NOTHING, "x-amz-date": STAMP}
    for query, signature in (
        ("lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (canonical_query({"prefix": "J", "max-keys": "2"}),
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ):  # fmt: skip
        assert SIGNER.signature("GET", HOST, query, headers, NOTHING, STAMP) == signature


def test_an_address_that_expires() -> None:
    address = SIGNER.address("GET", f"{HOST}/test.txt", at=AT, life_s=86400, query={})
    assert address == (
        f"{HOST}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
