"""What an endpoint may return besides a model or a list: the dialect gives each its form on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """`data` with a message beside it, further top-level keys (`extra`), headers, or another status.

    One that is not final tells how things stand just now: a repetition with the same key is worked on again.
    """

    data: T
    message: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """No data, only a sentence, and further top-level keys."""

    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. Without `page` and `limit` they are those that the request asked for.

    `extra` stands beside the items (a summary). `key` None is the bare list where the dialect has one.
    """

    items: Sequence[T]
    total: int
    key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    page: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Bare:
    """A body that is exactly this, without the envelope, where the contract shows it so."""

    body: Any


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to save, whole or piece by piece."""

    content: bytes | AsyncIterator[bytes]
    filename: str
    content_type: str
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class NoContent:
    """204: done, and nothing to say."""
