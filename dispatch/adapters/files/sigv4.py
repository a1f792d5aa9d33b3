"""Signs requests to S3: AWS Signature Version 4, in a header or in the address.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference; its worked examples are our tests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever signs, for one region."""

    key_id: str
    secret: str
    region: str

    def headers(
        self, method: str, url: str, *, at: datetime, sha256: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The headers to send, Authorization among them; `sha256` is the body's, in hex."""
        stamp = f"{at:%Y%m%dT%H%M%SZ}"
        signed = {
            "host": urlsplit(url).netloc, "x-amz-content-sha256": sha256, "x-amz-date": stamp,
            **{name.lower(): value.strip() for name, value in (headers or {}).items()},
        }  # fmt: skip
        names = ";".join(sorted(signed))
        signature = self.signature(method, url, "", signed, sha256, stamp)
        signed["Authorization"] = (
            f"{ALGORITHM} Credential={self.key_id}/{self._scope(stamp)},SignedHeaders={names},Signature={signature}"
        )
        return signed

    def address(self, method: str, url: str, *, at: datetime, life_s: int, query: Mapping[str, str]) -> str:
        """The address that may be asked for `life_s` seconds (at most a week) by whoever has it."""
        stamp = f"{at:%Y%m%dT%H%M%SZ}"
        asked = canonical_query({
            "X-Amz-Algorithm": ALGORITHM, "X-Amz-Credential": f"{self.key_id}/{self._scope(stamp)}",
            "X-Amz-Date": stamp, "X-Amz-Expires": str(life_s), "X-Amz-SignedHeaders": "host", **query,
        })  # fmt: skip
        signature = self.signature(method, url, asked, {"host": urlsplit(url).netloc}, UNSIGNED, stamp)
        return f"{url}?{asked}&X-Amz-Signature={signature}"

    def signature(self, method: str, url: str, query: str, headers: Mapping[str, str], sha256: str, stamp: str) -> str:
        """The signature of a request whose query is in canonical form and whose header names are lower case."""
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        request = "\n".join((method, urlsplit(url).path or "/", query, lines, ";".join(sorted(headers)), sha256))
        text = "\n".join((ALGORITHM, stamp, self._scope(stamp), hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{self.secret}".encode()
        for part in (stamp[:8], self.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def _scope(self, stamp: str) -> str:
        return f"{stamp[:8]}/{self.region}/s3/aws4_request"


def canonical_query(query: Mapping[str, str]) -> str:
    """Names and values as they are signed: encoded, and in the order of the names."""
    return "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(query.items()))
