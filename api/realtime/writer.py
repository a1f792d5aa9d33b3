"""The sending half of a live socket: writes in program order, bounded; waits until drained, cuts."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from api.realtime.frames import CLOSE, close_frame, frame
from api.realtime.guard import SocketLimits


class SocketWriter:
    """Everything for one peer passes `write`, so a peer that stops reading costs a bounded sum."""

    __slots__ = (
        "_backlog_check",
        "_limits",
        "_linger",
        "_loop",
        "_marks",
        "_note_abuse",
        "_sent",
        "_stats",
        "_transport",
        "address",
        "cut_reason",
    )

    _loop: asyncio.AbstractEventLoop
    _transport: asyncio.Transport

    def __init__(self, limits: SocketLimits, stats: Counter[str], note_abuse: Callable[[str, str], None]) -> None:
        self._limits, self._stats, self._note_abuse = limits, stats, note_abuse
        self._linger: asyncio.TimerHandle | None = None
        self._marks: deque[int] | None = None
        self._sent = 0
        self._backlog_check = False
        self.address = ""
        self.cut_reason: str | None = None

    def opened(self, transport: asyncio.Transport) -> None:
        """The handshake is done."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport

    def write(self, data: bytes, lossy: bool = False) -> bool:
        """Hands bytes to the transport. False: skipped (lossy and behind), or the peer is gone or cut now."""
        transport = self._transport
        if self.cut_reason is not None or transport.is_closing():
            return False
        waiting = transport.get_write_buffer_size()
        if waiting:
            if waiting > self._limits.hard_queue_bytes:
                self._stuck()
                return False
            if lossy and waiting > self._limits.soft_queue_bytes:
                self._stats["lossy_skipped"] += 1
                return False
            self._mark(waiting, len(data))
        elif self._marks is not None:
            self._marks = None
        self._sent += len(data)
        transport.write(data)
        return True

    def _mark(self, waiting: int, size: int) -> None:
        # The ends of the messages that are still queued, as offsets in all that was written.
        marks = self._marks
        if marks is None:
            marks = self._marks = deque()
        gone = self._sent - waiting
        while marks and marks[0] <= gone:
            marks.popleft()
        marks.append(self._sent + size)
        if len(marks) >= self._limits.max_queued_messages and not self._backlog_check:
            # uvloop sends at the end of a turn: what a burst within this turn wrote is not a backlog yet.
            self._backlog_check = True
            self._loop.call_soon(self._check_backlog)

    def _check_backlog(self) -> None:
        self._backlog_check = False
        if self.cut_reason is not None or self._marks is None:
            return
        gone = self._sent - self._transport.get_write_buffer_size()
        while self._marks and self._marks[0] <= gone:
            self._marks.popleft()
        if len(self._marks) >= self._limits.max_queued_messages:
            self._stuck()

    def _stuck(self) -> None:
        self._note_abuse("slow_reader", self.address)
        self.cut("slow_reader", abort=True)

    @property
    def queued_bytes(self) -> int:
        """What was written and the peer has not taken yet, as far as this process knows."""
        return self._transport.get_write_buffer_size()

    async def drained(self) -> bool:
        """Waits until the transport holds nothing. False: the peer is gone, or took too long and was cut."""
        give_up = self._loop.time() + self._limits.drain_timeout_s
        delay = 0.0
        while self.cut_reason is None and not self._transport.is_closing():
            await asyncio.sleep(delay)
            if not self._transport.get_write_buffer_size():
                return self.cut_reason is None and not self._transport.is_closing()
            if self._loop.time() > give_up:
                self._stuck()
            delay = min(0.05, delay + 0.005)
        return False

    def cut(self, reason: str, *, code: int = 1008, abort: bool = False) -> None:
        """Ends the connection at the transport; what was written before is flushed unless `abort`.

        The disconnect handlers of the joined namespaces run once, when the receive loop notices.
        """
        if self.cut_reason is not None:
            return
        self.cut_reason = reason
        self._stats[f"cut.{reason}"] += 1
        self.withdraw()
        if abort or self._transport.get_write_buffer_size() > self._limits.soft_queue_bytes:
            self._transport.abort()
        else:
            self._close(close_frame(code, reason))

    def close_after(self, payload: bytes) -> None:
        """The peer closes: its code goes back to it, and the connection ends."""
        self._close(frame(payload, CLOSE))

    def _close(self, farewell: bytes) -> None:
        transport = self._transport
        if not transport.is_closing():
            transport.write(farewell)
            transport.close()
            self._linger = self._loop.call_later(self._limits.linger_s, transport.abort)

    def abort(self) -> None:
        """Drops the connection without another word."""
        self._transport.abort()

    def withdraw(self) -> None:
        """Takes back what the peer was allowed, before anything else happens to it."""
