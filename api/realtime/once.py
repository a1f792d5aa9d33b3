"""One effect per (principal, command_id): effect and answer are one transaction, and a second one is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel

from api.realtime.commands import Call, Once, TryAgain
from dispatch.errors import Conflict, DispatchError
from dispatch.services import Services, Tx
from storage import commands as rows
from storage.database.errors import DatabaseAway, DatabaseBusy, StorageError, is_deadlock

_current: ContextVar[Tx] = ContextVar("command_tx")


class CommandReused(Conflict):
    """This command_id was used for another command."""

    code = "command_id_reused"


class _Repeated(Exception):
    """This command has been carried out: what this try did is rolled back."""


def command_tx() -> Tx:
    """The transaction of the command that runs now; it commits before the acknowledgement goes out."""
    return _current.get()


def once(services: Services) -> Once:
    """The `Once` of all namespaces. What fails is not kept: its repetition runs again."""

    async def run_once(call: Call, run: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await effect(call, run)
        except (DatabaseAway, DatabaseBusy) as e:
            raise TryAgain from e
        except StorageError as e:
            if not is_deadlock(e):
                raise
            raise TryAgain from e

    async def effect(call: Call, run: Callable[[], Awaitable[Any]]) -> Any:
        key = {"principal": f"{call.grant.namespace}:{call.grant.principal}", "command_id": str(call.command_id)}

        async def once_and_for_all(tx: Tx) -> Any:
            token = _current.set(tx)
            try:
                data = await run()
            finally:
                _current.reset(token)
            answer = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
            if not await rows.keep(tx.conn, **key, name=call.event, body_hash=call.fingerprint, answer=answer):
                raise _Repeated
            return answer

        try:
            return await services.retrying(once_and_for_all)
        except _Repeated:
            done = await _stored(services, call, key)
            assert done is not None, "an answer that conflicts is there"
            return done.answer
        except DispatchError:
            # It may be refused because it has been done: then its answer is what it was.
            done = await _stored(services, call, key)
            if done is None:
                raise
            return done.answer

    return run_once


async def _stored(services: Services, call: Call, key: dict[str, str]) -> rows.Done | None:
    """The kept answer. Raises CommandReused where another command has this id."""
    async with services.read() as conn:
        done = await rows.get(conn, **key)
    if done is not None and (done.name, done.body_hash) != (call.event, call.fingerprint):
        raise CommandReused
    return done
