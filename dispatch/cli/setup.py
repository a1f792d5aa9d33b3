"""Options and environment become Settings; a database is found, started or joined, and brought up to date."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.cli.failure import Refused

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from dispatch.config import Settings
    from dispatch.services import Services
    from storage.database.embedded import EmbeddedPostgres

#: Connections that the embedded server keeps for tools beside the server's own.
_SPARE_CONNECTIONS = 40
#: Connections of a process besides its pool (the jobs' pool and the like).
_BESIDE_POOL = 10


def settings_of(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    workers: int | None = None,
    trusted_hops: int | None = None,
    joins: bool = False,
    url: str | None = None,
) -> Settings:
    """The settings: a command's options before the environment, that before the file .env of this folder.

    The options go into the environment, so that processes which the command starts have the same settings. A
    command that `joins` takes what the server was given that runs here (of several that with the folder that is
    named, or at `url`). Raises Refused, which names every bad one.
    """
    from dispatch.cli.running import join
    from dispatch.config.variables import unknown_variables

    options = {
        "DISPATCH_HTTP__HOST": host, "DISPATCH_HTTP__PORT": port, "DISPATCH_HTTP__WORKERS": workers,
        "DISPATCH_HTTP__TRUSTED_HOPS": trusted_hops, "DISPATCH_DATA": as_given(data) if data else None,
    }  # fmt: skip
    os.environ.update({name: str(value) for name, value in options.items() if value is not None})
    if strangers := unknown_variables():
        note(f"these settings are not known and do nothing: {', '.join(strangers)} (`config` lists those that are)")
    settings = _read()
    return _read() if joins and join(settings, url) else settings


def as_given(folder: Path) -> str:
    """A folder of an option, as the settings find it from anywhere; what ~ stands for is theirs to know."""
    return str(folder if str(folder).startswith("~") else folder.absolute())


def _read() -> Settings:
    from pydantic import ValidationError

    from dispatch.config import Settings
    from dispatch.config.environment import env_file
    from dispatch.config.variables import unknown_keys

    if (file := env_file()) and "DISPATCH_ENV_FILE" in os.environ and not os.path.isfile(file):
        raise Refused(f"There is no file {file}, which DISPATCH_ENV_FILE names.")
    try:
        settings, bad = Settings(_env_file=env_file()), list[str]()
    except ValidationError as e:
        settings, bad = None, [f"{_variable(error['loc'])}: {_words(error)}" for error in (*e.errors(), *_beside(e))]
    except (OSError, UnicodeDecodeError) as e:
        raise Refused(f"The file {file} cannot be read: {e}.") from None
    bad += [f"{variable}: {complaint}" for variable, complaint in unknown_keys()]
    if settings is None or bad:
        raise Refused(f"The settings are not valid: {'; '.join(bad)}.")
    return settings


def _beside(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong besides in groups that are no JSON."""
    from pydantic import ValidationError

    from dispatch.config import Settings
    from dispatch.config.environment import env_file, over_groups

    known = {one["loc"] for one in error.errors()}
    try:
        with over_groups():
            Settings(_env_file=env_file())
    except ValidationError as e:
        return [one for one in e.errors() if one["loc"] not in known]
    return []


def _words(error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Value error, ")
    return f"{said} in JSON" if error["type"] in ("list_type", "dict_type", "model_type") else said


def _variable(path: tuple[int | str, ...]) -> str:
    """The environment variable behind a field's place in the model; an item of a list stands in that of the list."""
    names = [str(part) for part in takewhile(lambda part: isinstance(part, str), path)]
    if names[0] in ("DATABASE_URL", "REDIS_URL"):
        return names[0]
    return "DISPATCH_" + "__".join(name.upper() for name in names)


def refuse_unfit(settings: Settings) -> None:
    """Raises Refused for what a server may not be started with."""
    from dispatch.process import environments

    if missing := environments.missing(settings):
        raise Refused(f"{settings.env.capitalize()} needs {', '.join(missing)}: set them in the environment.")
    if unfit := environments.unfit(settings):
        raise Refused(f"{settings.env.capitalize()} refuses {'; '.join(unfit)}.")
    if settings.http.workers > 1 and not settings.redis_url:
        raise Refused(
            f"{settings.http.workers} workers need Redis to speak to each other: set REDIS_URL, or use --workers 1."
        )


def refuse_production(settings: Settings, what: str) -> None:
    if settings.is_production:
        raise Refused(f"{what} is for development: it does nothing where DISPATCH_ENV is production.")


def refuse_deployed(settings: Settings, what: str) -> None:
    """Also in staging: what makes people up and moves the clock is not for a database that others work on."""
    if settings.is_deployed:
        raise Refused(f"{what} is for development: it does nothing where DISPATCH_ENV is {settings.env}.")


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The DSN of the given database, or of an embedded one that runs for this block."""
    with database_of(settings) as (dsn, _):
        yield dsn


@contextmanager
def database_of(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """The same, with the embedded server, if it is one."""
    if settings.database_url:
        yield settings.database_url, None
        return
    from storage.database.embedded import SAFE, EmbeddedPostgres

    most = _SPARE_CONNECTIONS + settings.http.workers * (settings.database.pool_max + _BESIDE_POOL)
    server = EmbeddedPostgres(settings.data, {**SAFE, "max_connections": str(max(most, 80))})
    # Started from the main thread: the signal that ends it with us is tied to the thread that starts it.
    dsn = server.start()
    try:
        yield dsn, server
    finally:
        server.stop()


@contextmanager
def shared_database(settings: Settings, *, makes: bool = False) -> Iterator[str]:
    """The same for tools: beside a running server they use its database instead of being refused.

    Looking makes nothing: where there is no database yet, only a command that `makes` one gets it. Raises Refused.
    """
    from dispatch.cli import guests
    from storage.database.embedded import EmbeddedPostgres, FolderTaken, has_data, is_running

    if not settings.database_url and is_running(settings.data):
        dsn = EmbeddedPostgres(settings.data).dsn
        with guests.beside(settings.data, dsn) as is_there:
            if is_there:
                yield dsn
                return
    if not (settings.database_url or makes or has_data(settings.data)):
        raise Refused(
            f"There is no database in {settings.data}: start a server with `serve` or `demo`, make one with "
            "`migrate`, or name the folder of yours with --data."
        )
    with ExitStack() as after, ExitStack() as ours:
        try:
            dsn, is_ours = ours.enter_context(database(settings)), not settings.database_url
        except FolderTaken:
            # Another command was quicker.
            dsn, is_ours = after.enter_context(shared_database(settings, makes=makes)), False
        yield dsn
        if is_ours:
            # Other commands may have come meanwhile.
            after.enter_context(guests.alone(settings.data))


async def make_ready(settings: Settings, dsn: str) -> list[str]:
    """Checks the server and applies missing migrations; where it is deployed it only says that they are missing."""
    from dispatch.process.runtime import check_database, check_server
    from storage.database.migrate import migrate_dsn

    await check_server(dsn)
    if settings.is_deployed:
        await check_database(dsn)
        return []
    return await migrate_dsn(dsn)


@asynccontextmanager
async def services_for_tools(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """Services without their loops, on a database that is brought up to date first."""
    from dispatch.process.runtime import open_services

    await make_ready(settings, dsn)
    async with open_services(settings, dsn, with_workers=False) as services:
        yield services


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and Ctrl-C unwind this block, so that what was started is stopped.

    Ctrl-C too, because a loop would only cancel its task: nothing comes of that while a database is unpacked or
    recovers, which takes hours. Where it does nothing, as for what a shell has put into the background, it stays so.
    """

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = [(number, signal.signal(number, stop)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def note(text: str) -> None:
    """Words for a person, kept apart from what a script reads."""
    print(text, file=sys.stderr, flush=True)
