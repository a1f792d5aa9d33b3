"""What an endpoint may return besides a model or a list: the dialect gives each its form on the wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from api.wire.models import View
from storage.database.listing import Slice

T = TypeVar("T")
R = TypeVar("R")
#: A View whose fields stand beside what is answered.
E = TypeVar("E", bound=View)


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """`data` with a message beside it, headers, or another status.

    One that is not final tells how things stand just now: a repetition with the same key is worked on again.
    """

    data: T
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class ReplyWith(Reply[T], Generic[T, E]):
    """A Reply with further top-level keys."""

    extra: E = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Message:
    """No data, only a sentence."""

    message: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class MessageWith(Message, Generic[E]):
    """A Message with further top-level keys."""

    extra: E = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. Without `page` and `limit` they are those that the request asked for.

    `total` is exact, or (`is_exact` False) there are more than that; `cursor` leads to the next page. `key` None is the
    bare list where the dialect has one.
    """

    items: Sequence[T]
    total: int
    key: str | None = None
    page: int | None = None
    limit: int | None = None
    is_exact: bool = True
    cursor: str | None = None

    @classmethod
    def of(cls, found: Slice[R], show: Callable[[R], T]) -> Page[T]:
        """The page of a slice of rows, each shown as its caller may see it."""
        return Page(
            [show(r) for r in found.rows], found.total, page=found.page, is_exact=found.is_exact, cursor=found.cursor
        )


@dataclass(frozen=True, slots=True)
class PageWith(Page[T], Generic[T, E]):
    """A Page with further keys beside its items (a summary)."""

    extra: E = field(kw_only=True)

    @classmethod
    def among(cls, found: Slice[R], show: Callable[[R], T], extra: E) -> PageWith[T, E]:
        """As `Page.of`, with `extra` beside it."""
        return PageWith(
            [show(r) for r in found.rows], found.total, page=found.page, is_exact=found.is_exact, cursor=found.cursor,
            extra=extra,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
    """A public answer whose bytes are a function of its ETag: made once and kept, and never for who knows it (304)."""

    etag: str
    make: Callable[[], T]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bare(Generic[T]):
    """A body that is exactly this, without the envelope, where the contract shows it so."""

    body: T


@dataclass(frozen=True, slots=True)
class Whole(Generic[T]):
    """A whole list without pages, written piece by piece while it is read."""

    batches: AsyncGenerator[list[T], None]


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to save, whole or piece by piece."""

    content: bytes | AsyncGenerator[bytes, None]
    filename: str
    content_type: str
    is_inline: bool = False
    #: In bytes, where it is known beforehand: who gets less knows that something broke.
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoContent:
    """204: done, and nothing to say."""
