"""The receiving half of a live socket, RFC 6455: bytes become messages, and what is no frame ends it."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable

from aiohttp._websocket.helpers import websocket_mask

from api.realtime.frames import PONG, frame
from api.realtime.guard import SocketLimits
from api.realtime.writer import SocketWriter

#: The first byte of a text message in one frame, and the opcodes (section 5.2).
_WHOLE_TEXT = 0x81
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
#: Close codes that an endpoint may send (sections 7.4.1 and 7.4.2, and IANA's later 1012 to 1014).
_SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})

#: Unmasks a bytearray in place.
_unmask: Callable[[bytes, bytearray], None] = websocket_mask


def may_be_sent(code: int) -> bool:
    """Whether a close frame may carry this code; the reserved ones are never sent."""
    return code in _SENDABLE or 3000 <= code < 5000


class Receiver(SocketWriter, asyncio.Protocol):
    """Takes the connection's bytes in any cut and hands on whole text messages, in order.

    Nothing behind a close frame, or behind the frame that got the socket cut, is looked at; and while it is paused,
    nothing is.
    """

    __slots__ = ("_is_closing", "_is_paused", "_message", "_need", "_pending", "most_bytes")

    def __init__(self, limits: SocketLimits, stats: Counter[str], note_abuse: Callable[[str, str], None]) -> None:
        super().__init__(limits, stats, note_abuse)
        #: Bytes of a frame that is not whole yet, and how many it takes to go on.
        self._pending: bytearray | None = None
        self._need = 0
        #: The fragments so far of a message in several frames.
        self._message: bytearray | None = None
        self._is_closing = False
        #: So much waits that the rest stays what it came as. Whoever ends the pause calls `data_received` with nothing.
        self._is_paused = False
        #: The largest message that this peer may send now.
        self.most_bytes = min(limits.max_unsigned_bytes, limits.max_frame_bytes)

    # -- for the socket --------------------------------------------------------------------------------------

    def text(self, payload: bytearray) -> None:
        """One message, unmasked and not yet known to be UTF-8."""
        raise NotImplementedError

    def spend(self) -> bool:
        """One frame that is no message: False when the peer sends too many."""
        raise NotImplementedError

    def violated(self, reason: str, code: int) -> None:
        """The peer broke the protocol: the socket is to be cut with this close code."""
        raise NotImplementedError

    # -- bytes to frames -------------------------------------------------------------------------------------

    def data_received(self, data: bytes | bytearray) -> None:
        pending = self._pending
        if pending is not None:
            # Grown in place: a frame that comes byte by byte is copied once.
            pending += data
            if len(pending) < self._need or self._is_paused:
                return None
            self._pending, data = None, pending
        at, end, need = 0, len(data), 0
        while end - at >= 2:
            if self.cut_reason is not None or self._is_closing or self._is_paused:
                return self._leave(data, at)
            first, size = data[at], data[at + 1] & 127
            start = at + 6
            if size > 125:
                start = at + (8 if size == 126 else 14)
                if end < start - 4:
                    break
                size = self._long_size(data, at, size)
            if data[at + 1] < 128:
                # Also a length that has just been refused: unmasked is the graver fault.
                return self.violated("malformed", 1002)
            is_usual = first == _WHOLE_TEXT and 0 <= size <= self.most_bytes and self._message is None
            if not is_usual and not self._may_follow(first, size):
                return None
            stop = start + size
            if end < stop:
                need = stop - at
                break
            payload = bytearray(data[start:stop])
            _unmask(bytes(data[start - 4 : start]), payload)
            at = stop
            if first == _WHOLE_TEXT:
                self.text(payload)
            else:
                self._frame(first, payload)
        if at < end and self.cut_reason is None and not self._is_closing:
            self._keep(data, at, need)
        return None

    def _leave(self, data: bytes | bytearray, at: int) -> None:
        """Of one read that holds thousands of small frames those wait for which there is no room; behind an end,
        nothing does."""
        if self._is_paused:
            self._pending, self._need = bytearray(data[at:]), 2

    def _keep(self, data: bytes | bytearray, at: int, need: int) -> None:
        """The start of a frame whose rest comes later; `need` is its size, 0 while its length is unread."""
        self._pending = bytearray(data[at:])
        held = len(self._pending)
        self._need = need or (2 if held < 2 else 4 if self._pending[1] & 127 == 126 else 10)

    def _long_size(self, data: bytes | bytearray, at: int, size: int) -> int:
        """The length of 16 or 64 bits; -1 where a shorter form was due, or the top bit is set."""
        if size == 126:
            (found,) = struct.unpack_from("!H", data, at + 2)
            return int(found) if found > 125 else -1
        (found,) = struct.unpack_from("!Q", data, at + 2)
        return int(found) if 0xFFFF < found < 1 << 63 else -1

    def _may_follow(self, first: int, size: int) -> bool:
        """Judges a frame by its head alone, before its payload is waited for; a wrong one ends the socket."""
        opcode, is_open = first & 0x0F, self._message is not None
        if first & 0x70 or size < 0:
            self.violated("malformed", 1002)
        elif opcode >= _CLOSE:
            if opcode > _PONG or size > 125 or not first & 0x80:
                self.violated("malformed", 1002)
                return False
            return True
        elif opcode == _BINARY and not is_open:
            self.violated("binary", 1003)
        elif opcode > _BINARY or (opcode == _CONTINUED) != is_open:
            self.violated("malformed", 1002)
        elif size + (len(self._message) if self._message is not None else 0) > self.most_bytes:
            self.violated("too_big", 1009)
        else:
            return True
        return False

    def _frame(self, first: int, payload: bytearray) -> None:
        """Any frame but a whole text message."""
        opcode = first & 0x0F
        if opcode == _CLOSE:
            self._closed_by_peer(payload)
        elif not self.spend():
            return
        elif opcode == _PING:
            self.write(frame(bytes(payload), PONG))
        elif opcode != _PONG:
            if self._message is None:
                self._message = payload
            else:
                self._message += payload
            if first & 0x80:
                message, self._message = self._message, None
                self.text(message)

    def _closed_by_peer(self, payload: bytearray) -> None:
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) == 1 or not may_be_sent(code):
                return self.violated("malformed", 1002)
            try:
                payload[2:].decode()
            except UnicodeDecodeError:
                return self.violated("malformed", 1007)
        self._is_closing = True
        return self.close_after(bytes(payload[:2]))
