"""What sends an event to somebody else's endpoint: the answer, what stands in the way of one, and the Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said; `text` is the beginning of it."""

    status: int
    text: str
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class NoAnswer(Exception):
    """The endpoint could not be asked, or said nothing in time; the message says which, in a sentence for its owner."""


class Poster(Protocol):
    """Posts one body once. Raises NoAnswer. Bounded in time and in what it reads."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...

    async def close(self) -> None: ...
