"""Reads many sockets, so many of them in a turn of the loop, however many are ready."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
from typing import Protocol

log = logging.getLogger(__name__)

#: Sockets that are read in one turn of the loop, and the bytes that are read of each.
MOST, SIZE = 256, 65_536


class Reader(Protocol):
    """Who hears of a connection."""

    def data_received(self, data: bytes) -> None: ...

    def gone(self) -> None:
        """The peer has closed or reset the connection: nothing more comes."""
        ...


class Reading:
    """The connections behind one descriptor of the loop's, which is ready when any of them is.

    By itself the loop reads all that are ready in one turn and closes all that have ended in the next, and closing one
    costs it as much as answering a frame: where thousands end at one time nobody else has a turn. Here an end is only
    told; whoever is told closes, when there is time. Where the system has no epoll the loop reads.
    """

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._of: dict[int, tuple[asyncio.Transport, Reader]] = {}

    def add(self, transport: asyncio.Transport, reader: Reader) -> int:
        """Reads the connection from now on; answers the name that the other calls want."""
        fd: int = transport.get_extra_info("socket").fileno()
        if hasattr(select, "epoll"):
            if self._epoll is None:
                self._epoll = select.epoll()
                asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._read)
            transport.pause_reading()
            self.resume(fd, transport, reader)
        return fd

    def pause(self, fd: int, transport: asyncio.Transport) -> None:
        """Reads no more until it is resumed."""
        if self._epoll is None:
            transport.pause_reading()
        else:
            self.drop(fd)

    def resume(self, fd: int, transport: asyncio.Transport, reader: Reader) -> None:
        if transport.is_closing():
            return
        if self._epoll is None:
            transport.resume_reading()
        else:
            self._of[fd] = transport, reader
            self._epoll.register(fd, select.EPOLLIN)

    def drop(self, fd: int) -> None:
        """Forgets the connection, before its descriptor becomes another's."""
        if self._epoll is not None and self._of.pop(fd, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(fd)

    def stop(self) -> None:
        """Reads nobody any more."""
        self._of.clear()
        if self._epoll is not None:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _read(self) -> None:
        assert self._epoll is not None, "it was ready"
        for fd, _ in self._epoll.poll(0, MOST):
            found = self._of.get(fd)
            if found is None:
                continue  # another in this turn has dropped it
            transport, reader = found
            if transport.is_closing():
                self.drop(fd)
                continue
            try:
                data = os.read(fd, SIZE)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                data = b""
            if not data:
                self.drop(fd)
                reader.gone()
                continue
            try:
                reader.data_received(data)
            except Exception:
                log.exception("what came on a socket could not be read")
                self.drop(fd)
                transport.abort()
