"""What can go wrong, without a word of HTTP: a kind, a stable code, a sentence, and details."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from dispatch.wording import Verbatim, sentence, whole


class Kind(StrEnum):
    """The classes of failure; each audience's dialect maps them to a status once."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    CONFLICT = "conflict"
    GONE = "gone"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class DispatchError(Exception):
    """The request could not be carried out."""

    kind: Kind = Kind.INVALID
    code: str = "invalid"
    #: The docstring is a contract's own words, without a full stop.
    is_documented: bool = False
    #: What was written before it was raised is committed nevertheless.
    keeps_work: bool = False

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        doc = (type(self).__doc__ or "").strip().split("\n")[0]
        self.message = whole(message or (Verbatim(doc) if self.is_documented else doc))
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after_s = retry_after_s
        super().__init__(self.message)


class Malformed(DispatchError):
    """The request could not be read."""

    kind, code = Kind.MALFORMED, "bad_request"


class Invalid(DispatchError):
    """The request is not valid."""

    kind, code = Kind.INVALID, "validation_error"

    def __init__(
        self,
        fields: Mapping[str, Sequence[str] | str] | None = None,
        message: str | None = None,
        **kwargs: Any,
    ) -> None:
        """`fields` maps a public field name to its complaints; every bad field is named at once.

        A complaint is a sentence, or what is to be said of the field ("must be a date"), which becomes one.
        """
        self.fields = {
            name: [sentence(name, text) for text in ([texts] if isinstance(texts, str) else texts)]
            for name, texts in (fields or {}).items()
        }
        # Whoever shows one sentence only shows the first bad field's.
        first = next((text for texts in self.fields.values() for text in texts), None)
        super().__init__(message or first, details=self.fields or None, **kwargs)


class NotSignedIn(DispatchError):
    """Sign in first: the token is missing, wrong or expired."""

    kind, code = Kind.UNAUTHENTICATED, "unauthorized"


class NotAllowed(DispatchError):
    """You may not do this."""

    kind, code = Kind.FORBIDDEN, "forbidden"


#: A few words without a full stop: what follows "There is no such".
_NOUN = re.compile(r"[a-z]+( [a-z]+){0,3}\Z")


class Missing(DispatchError):
    """There is no such thing."""

    kind, code = Kind.MISSING, "not_found"

    def __init__(self, noun: str = "", message: str | None = None, **kwargs: Any) -> None:
        if noun and not _NOUN.match(noun):
            raise ValueError(f"'{noun}' is no noun")
        super().__init__(message or (f"There is no such {noun}." if noun else None), **kwargs)


class Conflict(DispatchError):
    """The state of things does not allow this."""

    kind, code = Kind.CONFLICT, "conflict"


class Gone(DispatchError):
    """This is no longer there."""

    kind, code = Kind.GONE, "gone"


class Throttled(DispatchError):
    """Too many requests; try again later."""

    kind, code = Kind.THROTTLED, "rate_limit_exceeded"


class Unavailable(DispatchError):
    """This is not available at the moment; try again shortly."""

    kind, code = Kind.UNAVAILABLE, "service_unavailable"
