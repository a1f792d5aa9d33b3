"""One effect per (principal, command_id): claim, effect and answer are one transaction."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel

from api.realtime.commands import Call, Once, TryAgain
from dispatch.errors import Conflict, DispatchError
from dispatch.services import Services, Tx
from storage import commands as rows
from storage.database.errors import DatabaseAway, DatabaseBusy, StorageError, is_deadlock

log = logging.getLogger(__name__)


_current: ContextVar[Tx] = ContextVar("command_tx")


class CommandReused(Conflict):
    """This command_id was used for another command."""

    code = "command_id_reused"


def command_tx() -> Tx:
    """The transaction of the command that runs now; it commits before the acknowledgement goes out."""
    return _current.get()


def once(services: Services) -> Once:
    """The `Once` of all namespaces. What fails is not kept: its repetition runs again."""

    async def run_once(call: Call, run: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await services.retrying(lambda tx: effect(tx, call, run))
        except (DatabaseAway, DatabaseBusy) as e:
            raise TryAgain from e
        except StorageError as e:
            if not is_deadlock(e):
                raise
            raise TryAgain from e

    async def effect(tx: Tx, call: Call, run: Callable[[], Awaitable[Any]]) -> Any:
        principal = f"{call.grant.namespace}:{call.grant.principal}"
        key = {"principal": principal, "command_id": str(call.command_id)}
        if not await rows.claim(tx.conn, **key, name=call.event, body_hash=call.fingerprint):
            done = await rows.get(tx.conn, **key)
            assert done is not None, "a claim that conflicts is there"
            if (done.name, done.body_hash) != (call.event, call.fingerprint):
                raise CommandReused
            return done.answer
        token = _current.set(tx)
        try:
            data = await run()
        except DispatchError as e:
            if e.keeps_work:
                await rows.forget(tx.conn, **key)
            raise
        finally:
            _current.reset(token)
        answer = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
        await rows.answer(tx.conn, **key, answer=answer)
        return answer

    return run_once
