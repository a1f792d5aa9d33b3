"""What runs beside a server: the demo's people, who are told the address and may end it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

#: Called with the address and the DSN when the server answers; cancelled when it stops. If it returns a
#: number, the server stops with that exit code.
Companion = Callable[[str, str], Awaitable[int | None]]


async def accompany(companion: Companion | None, url: str, dsn: str) -> int:
    """Waits for the companion's word, or for ever."""
    if companion is not None and (code := await companion(url, dsn)) is not None:
        return code
    await asyncio.Event().wait()
    return 0
