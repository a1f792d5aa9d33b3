"""Commands over sockets: a table per namespace, one answer shape, one place that reads and reports."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import socketio
from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError

from api.edge.request_info import SANE_ID
from api.realtime.engine import HotServer
from api.realtime.events import Command, find_event
from api.realtime.frames import encode
from api.realtime.guard import Grant
from api.wire.complaints import complaints
from dispatch.errors import DispatchError, Invalid, Missing, NotSignedIn, Throttled, Unavailable
from dispatch.logs import REQUEST_ID, get_logger
from storage.database.errors import DatabaseAway, DatabaseBusy, DatabaseFull, StorageError, is_data

log = logging.getLogger(__name__)
lines = get_logger("dispatch.sockets")

#: A sign-in that takes longer is not judged; a command that takes longer is answered without its outcome.
JUDGE_S, ANSWER_S = 4.0, 4.0

#: Names in one object that a client sends: as many streams as one resume may name, and more than any command has.
MOST_NAMES = 200

C = TypeVar("C")
M = TypeVar("M", bound=BaseModel)

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls what. `fingerprint` hashes the payload, to tell a repetition from another request."""

    grant: Grant
    event: str
    command_id: UUID | None
    fingerprint: bytes


#: Gives a command its single effect: awaits `run` at most once per (principal, command_id), and answers
#: what that answered or what was stored.
Once = Callable[[Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]

Handler = Callable[[C, Call, M], Awaitable[Any]]


class UnknownEvent(Missing):
    """This namespace has no such event."""

    code = "unknown_event"


class TooOften(Throttled):
    """Too many events; send fewer."""

    code = "rate_limited"

    def __init__(self) -> None:
        super().__init__(retry_after_s=1.0)


class TryAgain(Unavailable):
    """The server is busy; send the same command again."""

    code = "try_again"

    def __init__(self) -> None:
        super().__init__(retry_after_s=1.0)


class TooSlow(TryAgain):
    """That takes too long just now; send the same command again."""


class Commands(Generic[C]):
    """The commands of one namespace; `C` is what handlers get first (the services). Each must be declared."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._table: dict[str, tuple[type[BaseModel], Handler[C, Any]]] = {}
        self._costs: dict[str, float] = {}
        self._running: set[asyncio.Future[Answer]] = set()

    def command(self, event: str, model: type[M]) -> Callable[[Handler[C, M]], Handler[C, M]]:
        """Registers `async def handler(context, call, body) -> data`, whose data is the ack's `data`."""
        spec = find_event(self.namespace, event, "in")
        if spec is None or spec.model is not model or event in self._table:
            raise ValueError(f"{self.namespace} {event} is not declared so in the table of events")

        def register(handler: Handler[C, M]) -> Handler[C, M]:
            self._table[event] = (model, handler)
            self._costs[event] = spec.cost
            return handler

        return register

    def cost_of(self, event: str) -> float:
        """What it costs of the sender's budget; an event that does not exist costs as one that does."""
        return self._costs.get(event, 1.0)

    def __contains__(self, event: str) -> bool:
        return event in self._table

    async def run(self, context: C, once: Once | None, grant: Grant, event: str, args: tuple[Any, ...]) -> Answer:
        """The acknowledgement of one command: `{ok: true, data}` or `{ok: false, error}`, within a bound.

        Never raises. A command that takes longer goes on by itself: with its `command_id` it can be asked again.
        """
        work = asyncio.ensure_future(self._answered(context, once, grant, event, args))
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait((work,), timeout=ANSWER_S)
        return work.result() if done else refusal(TooSlow())

    async def _answered(self, context: C, once: Once | None, grant: Grant, event: str, args: tuple[Any, ...]) -> Answer:
        began = time.perf_counter()
        # A task of its own, so a context of its own. Who repeats a command is the same request.
        REQUEST_ID.set(_request_id(args))
        answer = await self._judged(context, once, grant, event, args)
        code = None if answer["ok"] else answer["error"]["code"]
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        name = event if event in self else "unknown"
        lines.info("command", namespace=self.namespace, name=name, code=code, ms=took_ms)
        return answer

    async def _judged(self, context: C, once: Once | None, grant: Grant, event: str, args: tuple[Any, ...]) -> Answer:
        try:
            return {"ok": True, "data": await self._run(context, once, grant, event, args)}
        except DispatchError as error:
            return refusal(error)
        except (DatabaseAway, DatabaseBusy, DatabaseFull) as error:
            log.warning("command %s %s waits for the database: %s", self.namespace, event, error)
            return refusal(TryAgain())
        except StorageError as error:
            if is_data(error):
                log.warning("command %s %s: a value that no check refused", self.namespace, event, exc_info=True)
                return refusal(Invalid())
            log.exception("command %s %s failed", self.namespace, event)
            return {"ok": False, "error": dict(INTERNAL)}
        except Exception:
            log.exception("command %s %s failed", self.namespace, event)
            return {"ok": False, "error": dict(INTERNAL)}

    async def _run(self, context: C, once: Once | None, grant: Grant, event: str, args: tuple[Any, ...]) -> Any:
        if event not in self._table:
            raise UnknownEvent
        model, handler = self._table[event]
        if len(args) != 1 or not isinstance(args[0], dict):
            raise Invalid({"payload": "Send exactly one object."})
        body = read(model, args[0])
        command_id = body.command_id if isinstance(body, Command) else None
        call = Call(grant, event, command_id, hashlib.sha256(encode(body)).digest())
        if once is None or command_id is None:
            data = await handler(context, call, body)
        else:
            data = await once(call, lambda: handler(context, call, body))
        return data.model_dump(mode="json") if isinstance(data, BaseModel) else data


def read(model: type[M], payload: Any) -> M:
    """A payload as its model. Raises Invalid that names every bad field at once."""
    # Thousands of names in one frame would each be complained of.
    objects = {"payload": payload, **(payload if isinstance(payload, dict) and len(payload) <= MOST_NAMES else {})}
    crowded = [name for name in ("payload", *model.model_fields) if _is_crowded(objects.get(name))]
    if crowded:
        raise Invalid(dict.fromkeys(crowded, f"Send at most {MOST_NAMES} names in one object."))
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise Invalid(complaints(error, payload, whole="payload")) from None


def _is_crowded(found: Any) -> bool:
    return isinstance(found, dict) and len(found) > MOST_NAMES


def _request_id(args: tuple[Any, ...]) -> str:
    """The client's own command_id where it looks like one, else a new one."""
    given = args[0].get("command_id") if args and isinstance(args[0], dict) else None
    return given if isinstance(given, str) and SANE_ID.fullmatch(given) else os.urandom(16).hex()


INTERNAL: Answer = {
    "code": "internal_error",
    "message": "Something went wrong on our side; try again.",
    "details": {},
}


def refusal(error: DispatchError) -> Answer:
    """A DispatchError as an acknowledgement."""
    return {"ok": False, "error": problem(error)}


def problem(error: DispatchError) -> Answer:
    """A DispatchError as it looks on a socket: snake_case code, sentence, details."""
    found: Answer = {"code": error.code.lower(), "message": error.message, "details": error.details}
    if error.retry_after_s is not None:
        found["retry_after_s"] = error.retry_after_s
    return found


class CommandNamespace(socketio.AsyncNamespace, Generic[C]):  # type: ignore[misc]
    """Base of the namespaces: signs in, keeps the grants of its sockets, runs commands, cleans up once."""

    server: HotServer

    def __init__(self, commands: Commands[C], context: C, once: Once | None = None) -> None:
        super().__init__(commands.namespace)
        self.commands = commands
        self.context = context
        self._once = once
        self.members: dict[str, Grant] = {}

    # -- for subclasses --------------------------------------------------------------------------------------

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        """The grant for this `auth`. Raises DispatchError to refuse. Nothing but the check belongs here."""
        raise NotImplementedError

    async def joined(self, grant: Grant) -> None:
        """The client has been told that it is connected: enter rooms, send first facts."""

    async def left(self, grant: Grant, reason: str) -> None:
        """Runs exactly once for each grant that joined, however the connection ended."""

    # -- called by the library -------------------------------------------------------------------------------

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Everything that arrives for this namespace. The library logs and forgets what is raised here."""
        sid = args[0]
        if event == "connect":
            await self._connect(sid, args[1], args[2] if len(args) > 2 else None)
            return None
        if event == "disconnect":
            await self._disconnect(sid, str(args[1]) if len(args) > 1 else "")
            return None
        grant = self.members.get(sid)
        if grant is None:
            return refusal(NotSignedIn())
        if grant.expires_at <= time.time():
            self.server.cut(sid, self.namespace, "expired")
            return refusal(NotSignedIn())
        further = self.commands.cost_of(event) - 1.0
        if further > 0.0 and not grant.budget.events.take(further):
            return refusal(TooOften())
        return await self.commands.run(self.context, self._once, grant, event, args[1:])

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        """Refuses who may not come in. What could not be judged is no refusal: stock clients never try again after
        one, so the connection is cut (1013) and they come back by themselves.
        """
        try:
            async with asyncio.timeout(JUDGE_S):
                grant = await self.sign_in(environ, auth if isinstance(auth, dict) else {})
            self.server.authorize(sid, self.namespace, grant, self._connected)
            return
        except ConnectionRefusedError:
            raise
        except (StorageError, TimeoutError, Unavailable) as error:
            log.warning("a sign-in to %s could not be judged: %s", self.namespace, error)
        except DispatchError as error:
            raise ConnectionRefusedError(error.message, problem(error)) from None
        except Exception:
            log.exception("sign-in to %s failed", self.namespace)
        self.server.cut(sid, self.namespace, "unjudged", 1013)
        raise ConnectionRefusedError(INTERNAL["message"])  # not said: the socket is cut

    async def _connected(self, grant: Grant) -> None:
        self.members[grant.sid] = grant
        try:
            await self.joined(grant)
        except Exception as error:
            # A socket that did not join completely would miss things in silence: let it come back.
            log.warning("joining %s failed: %s", self.namespace, error, exc_info=not isinstance(error, StorageError))
            self.server.cut(grant.sid, self.namespace, "join_failed", 1013)

    async def _disconnect(self, sid: str, reason: str) -> None:
        grant = self.members.pop(sid, None)
        if grant is None:
            return
        try:
            await self.left(grant, reason)
        except Exception:
            # Raised further, it would keep the library from forgetting the sid.
            log.exception("leaving %s failed", self.namespace)
