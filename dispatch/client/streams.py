"""What a client has been told of each stream of facts: gapless numbers, what is ahead of a gap, what came twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class StreamBook:
    """The last number without a gap of every stream. A stream that is not expected starts where it was joined."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.told = 0
        self.gaps = 0
        self.repeated = 0
        self._last: dict[str, int] = {}
        self._ahead: dict[str, set[int]] = {}

    def last(self, stream: str) -> int:
        """The highest number up to which nothing is missing; 0 for none."""
        return self._last.get(stream, 0)

    def known(self) -> dict[str, int]:
        return dict(self._last)

    def expect(self, stream: str) -> bool:
        """Everything of this stream is wanted, from 1 on. Answers whether something is missing already."""
        self._last.setdefault(stream, 0)
        self._advance(stream)
        return self._last[stream] == 0 or bool(self._ahead.get(stream))

    def take(self, stream: str, seq: int) -> bool:
        """One fact came. Answers whether it shows a gap in a stream that is known."""
        last = self._last.get(stream)
        if last is not None and seq <= last:
            self.repeated += 1
            return False
        ahead = self._ahead.setdefault(stream, set())
        is_news = seq not in ahead
        self.repeated += not is_news
        self.told += is_news
        ahead.add(seq)
        if last is None:
            # Not joined yet: whether 1 is the beginning is certain, whether another number is one is not.
            if seq != 1:
                return False
            self._last[stream] = 0
        self._advance(stream)
        shows_gap = bool(self._ahead.get(stream))
        self.gaps += shows_gap and is_news
        return shows_gap

    def joined(self, epoch: str, heads: Mapping[str, int], *, first: bool) -> None:
        """A resume was answered; with the first one, streams from before are taken as told up to their heads."""
        self.epoch = epoch
        if not first:
            return
        for stream, head in heads.items():
            if stream not in self._last:
                ahead = self._ahead.get(stream)
                self._last[stream] = min(head, min(ahead) - 1) if ahead else head
                self._advance(stream)

    def resume_body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"streams": dict(list(self._last.items())[-200:])}
        if self.epoch is not None:
            body["epoch"] = self.epoch
        return body

    def missing(self, stream: str, head: int) -> int:
        """How many facts up to `head` were never told."""
        told_ahead = sum(1 for seq in self._ahead.get(stream, ()) if seq <= head)
        return max(0, head - self.last(stream) - told_ahead)

    def drop(self, stream: str) -> None:
        """The stream has ended and is accounted for."""
        self._last.pop(stream, None)
        self._ahead.pop(stream, None)

    def _advance(self, stream: str) -> None:
        ahead, last = self._ahead.get(stream), self._last[stream]
        while ahead and last + 1 in ahead:
            last += 1
            ahead.discard(last)
        self._last[stream] = last
        if ahead is not None:
            ahead = {seq for seq in ahead if seq > last}
            if ahead:
                self._ahead[stream] = ahead
            else:
                self._ahead.pop(stream, None)
