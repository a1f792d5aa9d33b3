"""Who is in which room: the library's bookkeeping, with grants, and without its walks through all sockets."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Protocol

import socketio

from api.realtime.frames import event_frame
from api.realtime.transport import HotWebSocket

#: Any name: the id of what is watched needs no text.
Room = Hashable


class Finds(Protocol):
    """What the rooms need of their server."""

    def socket_of(self, sid: str, namespace: str) -> HotWebSocket | None:
        """The live socket behind a namespace's sid."""
        ...


class _Pending(set[str]):
    """Who is about to connect, where the library keeps a list that it searches: in a storm those are thousands."""

    append = set.add


class HotManager(socketio.AsyncManager):  # type: ignore[misc]
    """The bookkeeping of one node. It decides who holds a grant.

    A grant works from the moment the connect handler accepted until just before any disconnect handler runs. The
    library gives each socket a room of its own and searches all rooms when one leaves; here a socket's own room is
    itself, and what it has entered is known.
    """

    server: Finds
    rooms: dict[str, dict[Any, Any]]

    def __init__(self) -> None:
        super().__init__()
        #: Ready to be written to: (namespace, room) -> sid -> socket.
        self.casts: dict[tuple[str, Room], dict[str, HotWebSocket]] = {}
        #: The rooms that a sid has entered.
        self._entered: dict[str, set[Room]] = {}

    # -- grants ----------------------------------------------------------------------------------------------

    def pre_connect(self, eio_sid: str, namespace: str) -> Any:
        self.pending_connect.setdefault(namespace, _Pending())
        return super().pre_connect(eio_sid, namespace)

    async def connect(self, sid: str, namespace: str) -> Any:
        sid = await super().connect(sid, namespace)
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            await ws.joined(namespace)
        return sid

    def pre_disconnect(self, sid: str, namespace: str) -> Any:
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            ws.left(namespace)
        return super().pre_disconnect(sid, namespace)

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            ws.left(namespace)
        for room in list(self._entered.get(sid, ())):
            self.basic_leave_room(sid, namespace, room)
        self.basic_leave_room(sid, namespace, None)
        self.callbacks.pop(sid, None)
        for book in (self.pending_connect, self.pending_disconnect):
            if sid in book.get(namespace, ()):
                book[namespace].remove(sid)
                if not book[namespace]:
                    del book[namespace]

    # -- rooms -----------------------------------------------------------------------------------------------

    def basic_enter_room(self, sid: str, namespace: str, room: Any, eio_sid: str | None = None) -> None:
        if room == sid:
            return
        super().basic_enter_room(sid, namespace, room, eio_sid)
        ws = self.server.socket_of(sid, namespace)
        if room is not None and ws is not None:
            self._entered.setdefault(sid, set()).add(room)
            self.casts.setdefault((namespace, room), {})[sid] = ws

    def basic_leave_room(self, sid: str, namespace: str, room: Any) -> None:
        super().basic_leave_room(sid, namespace, room)
        entered = self._entered.get(sid)
        if entered is None or room not in entered:
            return
        entered.discard(room)
        if not entered:
            del self._entered[sid]
        members = self.casts[namespace, room]
        members.pop(sid, None)
        if not members:
            del self.casts[namespace, room]

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        own = self.rooms.get(namespace, {}).get(None, {}).get(room) if isinstance(room, str) else None
        if own is not None:
            yield room, own
        else:
            yield from super().get_participants(namespace, room)

    # -- what goes to a room ---------------------------------------------------------------------------------

    def cast(self, namespace: str, room: Room, event: str, data: Any) -> int:
        """Lossy, to this node's members of a room: framed once, written to each; answers how many got it."""
        members = self.casts.get((namespace, room))
        if not members:
            return 0
        framed = event_frame(namespace, event, data)
        return sum([ws.write(framed, True) for ws in list(members.values())])
