"""Commands that use one embedded database at once: whichever started it ends it after the others have."""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from dispatch.cli.failure import Refused
from storage.database.embedded import EmbeddedPostgres, is_running
from storage.database.errors import StorageError
from storage.database.pool import connected

#: So long a command waits for a database that another one is just starting, making or ending, and looks so often.
PATIENCE_S = 60.0
_LOOK_S = 0.2


@contextmanager
def beside(home: Path, dsn: str) -> Iterator[bool]:
    """Whether somebody's server of this folder answers, and does so for this block where a command started it; False
    once nobody holds the folder any more. Raises Refused.
    """
    with ExitStack() as kept:
        yield _comes_up(home, dsn, kept)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Begins once every guest has gone; whoever comes during the block waits for its end."""
    with ExitStack() as kept:
        with suppress(FileNotFoundError):
            fcntl.flock(kept.enter_context(_opened(home)), fcntl.LOCK_EX)
        yield


def _opened(home: Path) -> IO[bytes]:
    """What guests lock. Only read, because the folder may be somebody else's."""
    return EmbeddedPostgres(home).marker.open("rb")


def _comes_up(home: Path, dsn: str, kept: ExitStack) -> bool:
    began = time.monotonic()
    while is_running(home):
        with ExitStack() as tried:
            if _is_let_in(home, tried) and asyncio.run(_answers(dsn)):
                kept.push(tried.pop_all())
                return True
        if time.monotonic() - began >= PATIENCE_S:
            raise Refused(
                f"Another command has {home} and its database does not answer: try again when that has started or "
                "ended."
            )
        time.sleep(_LOOK_S)
    return False


def _is_let_in(home: Path, tried: ExitStack) -> bool:
    try:
        fcntl.flock(tried.enter_context(_opened(home)), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        # It is just being made, or is ending.
        return False
    return True


async def _answers(dsn: str) -> bool:
    try:
        async with connected(dsn):
            return True
    except StorageError:
        return False
