"""The hot path: location frames recognised in the receive loop, decoded by msgspec, answered in one write."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from api.realtime.frames import ack_frame, ack_head, encode
from api.realtime.guard import Bucket, Grant

log = logging.getLogger(__name__)

#: Synchronous, microseconds, no await and no I/O: what it answers (JSON) is the acknowledgement;
#: None sends the frame to the ordinary handler.
HotHandler = Callable[[Grant, Any], bytes | None]

#: Reads the usual payload from where it begins in the frame to the frame's end; None for any other.
Reader = Callable[[bytearray, int], Any]

#: What this principal pays each frame from, before anything is parsed.
Purse = Callable[[Grant], Bucket]

RATE_LIMITED = encode(
    {
        "ok": False,
        "error": {
            "code": "rate_limited",
            "message": "Too many events; send fewer.",
            "details": {"retry_after_s": 1.0},
            "retry_after_s": 1.0,
        },
    }
)


class HotSocket(Protocol):
    """What the hot path needs of a socket."""

    grants: dict[str, Grant]

    def write(self, data: bytes, lossy: bool = False) -> bool: ...

    def limited(self) -> None: ...


class HotEvent:
    """One kind of frame that takes the short way: `42<namespace>,[ack id]["<event>",<payload>]`."""

    __slots__ = (
        "_ack_head",
        "_decode",
        "_decode_usual",
        "_handler",
        "_head",
        "_namespace",
        "_prefix",
        "_purse",
        "_read",
        "_silent",
        "_start",
    )

    def __init__(
        self, namespace: str, event: str, payload: Any, handler: HotHandler, purse: Purse | None,
        usual: Any = None, read: Reader | None = None,
    ) -> None:  # fmt: skip
        """`usual` is a narrower type than `payload` that is tried first: what it says need not be checked again.
        `read` comes before both."""
        self._prefix = f"42{namespace},".encode()
        self._namespace, self._ack_head = namespace, ack_head(namespace)
        self._start = len(self._prefix)
        self._head = f'["{event}",'.encode()
        #: The whole head of a frame that wants no acknowledgement.
        self._silent = self._prefix + self._head
        self._decode = self._decode_usual = msgspec.json.Decoder(tuple[str, payload]).decode
        if usual is not None:
            self._decode_usual = msgspec.json.Decoder(tuple[str, usual]).decode
        self._read = read
        self._handler = handler
        self._purse = purse

    def take(self, socket: HotSocket, frame: bytearray, stats: Counter[str]) -> bool:
        """Handles the frame, or answers False: then the ordinary path has it. Never raises."""
        at = start = self._start
        ack_id = None
        if not frame.startswith(self._silent):
            at = frame.find(b"[", start, start + 17) if frame.startswith(self._prefix) else -1
            if at < 0 or not frame.startswith(self._head, at):
                return False
            ack_id = frame[start:at]
            if not ack_id.isdigit():
                return False
        grant = socket.grants.get(self._namespace)
        if grant is None:
            return False
        if self._purse is not None and not self._purse(grant).take():
            stats["frames_limited"] += 1
            socket.limited()
            answer: bytes | None = RATE_LIMITED
        else:
            answer = self._answer(grant, frame, at, stats)
        if answer is None:
            return False
        stats["hot_frames"] += 1
        if ack_id is not None:
            socket.write(ack_frame(self._ack_head, ack_id, answer))
        return True

    def _answer(self, grant: Grant, frame: bytearray, at: int, stats: Counter[str]) -> bytes | None:
        try:
            payload = None if self._read is None else self._read(frame, at + len(self._head))
            if payload is None:
                body = frame[at:]
                try:
                    payload = self._decode_usual(body)[1]
                except msgspec.DecodeError:
                    payload = self._decode(body)[1]
            return self._handler(grant, payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Wrong types included; the ordinary handler answers in detail.
            stats["hot_fallback"] += 1
        except Exception:
            # An exception out of the receive loop would end the connection in silence.
            stats["hot_errors"] += 1
            log.exception("hot handler failed")
        return None
