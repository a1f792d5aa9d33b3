"""The undocumented names of python-socketio, python-engineio and aiohttp that the sockets stand on, checked at start.

Whenever one of the three is raised, run: tests/api/realtime whole (the JavaScript client and test_receiver_frames
among it), `./run bench ping connect idle` before and after, and look at hot_frames against slow_frames on /metrics: a
hot path that stopped matching shows there and nowhere else.
"""

from __future__ import annotations

import inspect
import logging

import engineio
import socketio
from aiohttp._websocket.helpers import websocket_mask
from aiohttp.web_protocol import RequestHandler
from engineio.async_socket import AsyncSocket


def quiet_log() -> logging.Logger:
    """The libraries' logger: what clients do wrong is counted by the guard, not told line by line."""
    found = logging.getLogger("api.realtime.library")
    found.setLevel(logging.ERROR)
    return found


def assert_seams() -> None:
    """The libraries' undocumented names that the engine stands on. Raises RuntimeError when one has moved."""
    expected = {
        AsyncSocket.close: ["self", "wait", "abort", "reason"],
        AsyncSocket.receive: ["self", "pkt"],
        AsyncSocket.send: ["self", "pkt"],
        socketio.AsyncManager.connect: ["self", "sid", "namespace"],
        socketio.AsyncManager.pre_disconnect: ["self", "sid", "namespace"],
        socketio.AsyncManager.basic_disconnect: ["self", "sid", "namespace", "kwargs"],
        socketio.AsyncManager.basic_enter_room: ["self", "sid", "namespace", "room", "eio_sid"],
        socketio.AsyncManager.basic_leave_room: ["self", "sid", "namespace", "room"],
        socketio.AsyncManager.get_participants: ["self", "namespace", "room"],
        engineio.AsyncServer.handle_request: ["self", "args", "kwargs"],
        engineio.AsyncServer.create_queue: ["self", "args", "kwargs"],
        RequestHandler.set_parser: ["self", "parser", "data_received_cb"],
        RequestHandler.connection_lost: ["self", "exc"],
    }
    for function, parameters in expected.items():
        if list(inspect.signature(function).parameters) != parameters:
            raise RuntimeError(f"{function.__qualname__} is not as the socket engine expects")
    probe = engineio.AsyncServer(async_mode="aiohttp", logger=quiet_log())
    if not {"queue", "last_ping", "connected", "upgraded", "closed"} <= vars(AsyncSocket(probe, "probe")).keys():
        raise RuntimeError("AsyncSocket is not as the socket engine expects")
    known = set(vars(socketio.AsyncManager()))
    if not {"rooms", "pending_connect", "pending_disconnect", "callbacks"} <= known:
        raise RuntimeError("The manager's books are not as the socket engine expects")
    data = bytearray(b"abcde")
    websocket_mask(b"\x01\x02\x03\x04", data)
    if data != b"````d":
        raise RuntimeError("aiohttp's mask is not as the socket engine expects")
