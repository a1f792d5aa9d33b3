"""One HTTP exchange with Razorpay under limits: a deadline, a size, and an error that says what is known."""

from __future__ import annotations

import json
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from razorpay.errors import BadRequestError, ServerError, SignatureVerificationError
from razorpay.errors import GatewayError as SdkGatewayError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from dispatch.ports.gateway import GatewayError, GatewayRefused, GatewayRetryable, GatewayUnknown

_CHUNK_BYTES = 65_536
_MAX_RETRY_AFTER_S = 3_600.0


class BoundedSession(requests.Session):
    """What the SDK sends through. Used by one thread at a time.

    It raises billing's errors itself where the SDK would print to stdout (transport errors, replies that are
    not JSON) or hide the status (429, 5xx); a well-formed refusal goes on to the SDK, which raises its own.
    """

    def __init__(self, connect_timeout_s: float, max_reply_bytes: int, base_url: str) -> None:
        super().__init__()
        self._connect_timeout_s = connect_timeout_s
        self._max_reply_bytes = max_reply_bytes
        # A proxy of the environment is meant for the outside, never for a gateway on this machine.
        self.trust_env = (urlsplit(base_url).hostname or "") not in ("127.0.0.1", "::1", "localhost")
        # Without compression a small reply can't unfold into a giant one.
        self.headers["Accept-Encoding"] = "identity"
        self.deadline = 0.0  # monotonic seconds, set before each call
        self.status: int | None = None
        self.gateway_code: str | None = None

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        self.status = self.gateway_code = None
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise GatewayRetryable("the time was up before the request could be sent")
        kwargs |= {
            "timeout": (min(self._connect_timeout_s, left_s), left_s),
            "allow_redirects": False,
            "stream": True,
        }
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise transport_error(error) from error
        try:
            body = self._read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise GatewayUnknown(f"the reply broke off: {type(error).__name__}") from error
        finally:
            response.close()
        self._judge(response, body)
        response._content = body
        return response

    def error_of(self, error: Exception) -> GatewayError:
        """Billing's error for what the SDK or requests raised in the last call."""
        status, code = self.status, self.gateway_code
        if isinstance(error, requests.RequestException):
            return transport_error(error)
        # The SDK says ServerError for every code that it does not know; the status tells a refusal apart.
        misnamed = isinstance(error, ServerError) and code != "SERVER_ERROR" and 400 <= (status or 0) < 500
        if misnamed or isinstance(error, (BadRequestError, SignatureVerificationError)):
            return GatewayRefused(str(error), status=status, gateway_code=code)
        if isinstance(error, (SdkGatewayError, ServerError)):
            return GatewayUnknown(str(error), status=status, gateway_code=code)
        return GatewayUnknown(f"{type(error).__name__}: {error}", status=status)

    def _read(self, response: requests.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise GatewayUnknown("the reply is compressed, which was not asked for")
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(_CHUNK_BYTES):
            size += len(part)
            if size > self._max_reply_bytes:
                raise GatewayUnknown(f"the reply is larger than {self._max_reply_bytes} bytes")
            # A server that drips never meets the socket's own time limit.
            if time.monotonic() > self.deadline:
                raise GatewayUnknown("the reply did not end in time")
            parts.append(part)
        return b"".join(parts)

    def _judge(self, response: requests.Response, body: bytes) -> None:
        """Returns only if the body is a JSON object of a success or of a definite refusal."""
        status = self.status = response.status_code
        if status == 429:
            retry_after_s = _seconds(response.headers.get("Retry-After"))
            raise GatewayRetryable("too many requests", status=429, retry_after_s=retry_after_s)
        if status >= 500 or status == 408 or not 200 <= status < 300 and status < 400:
            raise GatewayUnknown(f"it answered {status}", status=status)
        try:
            doc = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise GatewayUnknown(f"the reply ({status}) is not JSON", status=status) from error
        if not isinstance(doc, dict):
            raise GatewayUnknown(f"the reply ({status}) is not an object", status=status)
        if status >= 400:
            self._judge_refusal(status, doc.get("error"))

    def _judge_refusal(self, status: int, error: Any) -> None:
        code = error.get("code") if isinstance(error, dict) else None
        description = error.get("description") if isinstance(error, dict) else None
        if not isinstance(code, str) or not isinstance(description, str):
            raise GatewayUnknown(f"the reply ({status}) does not say what is wrong", status=status)
        self.gateway_code = code
        if status in (401, 403):
            # Our keys, not this request: whoever keeps them mends that, and nothing was done.
            raise GatewayRetryable(description, status=status, gateway_code=code)
        # The same key is being worked on by an earlier try of ours: its outcome is still open.
        if status == 409 and "in progress" in description.lower():
            raise GatewayUnknown(description, status=status, gateway_code=code)


def transport_error(error: requests.RequestException) -> GatewayError:
    """Retryable only where it is certain that nothing was sent; everything else may have had its effect."""
    name = type(error).__name__
    if isinstance(error, requests.ConnectTimeout):
        return GatewayRetryable("no connection in time")
    if isinstance(error, requests.exceptions.ProxyError):
        return GatewayRetryable("the proxy can't be reached")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return GatewayRetryable("the gateway's address is not valid")
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        reason = cause.reason if isinstance(cause, MaxRetryError) else cause
        if isinstance(reason, NewConnectionError):
            return GatewayRetryable("connection refused")
        inner = reason.args[0] if isinstance(reason, Exception) and reason.args else None
        if isinstance(inner, ssl.SSLCertVerificationError):
            return GatewayRetryable("its certificate is not valid")
    return GatewayUnknown(f"no reply: {name}")


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; the form with a date, and nonsense, count as absent."""
    if header is None or not header.strip().isdecimal():
        return None
    return min(float(header), _MAX_RETRY_AFTER_S)
