"""Commands over sockets: one table per namespace, one answer shape, one place that reads, checks and reports."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import socketio
from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError

from api.realtime.engine import HotServer
from api.realtime.events import Command, find_event
from api.realtime.frames import encode
from api.realtime.guard import Grant
from dispatch.errors import DispatchError, Invalid, NotSignedIn

log = logging.getLogger(__name__)

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls what. `fingerprint` is a hash of the payload, to tell a repetition from another request."""

    grant: Grant
    event: str
    command_id: UUID | None
    fingerprint: bytes

    @property
    def sid(self) -> str:
        return self.grant.sid


#: Gives a command its single effect: it calls `run` at most once per (principal, command_id) and answers what
#: `run` answered, or what was stored.
Once = Callable[[Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Entry:
    model: type[BaseModel]
    handler: Callable[[Any, Call, Any], Awaitable[Any]]


class Commands:
    """The commands of one namespace; each must be declared in the table of events."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._entries: dict[str, _Entry] = {}

    def command[M: BaseModel](self, event: str, model: type[M]) -> Any:
        raise NotImplementedError

    def find(self, event: str) -> _Entry | None:
        return self._entries.get(event)
