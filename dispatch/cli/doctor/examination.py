"""Everything that a server needs, looked at one by one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.cli.doctor.backup import backup_of
from dispatch.cli.doctor.configuration import configuration_of
from dispatch.cli.doctor.data_folder import data_folder
from dispatch.cli.doctor.database import database_at
from dispatch.cli.doctor.files import files_of
from dispatch.cli.doctor.findings import Finding, first_line, show
from dispatch.cli.doctor.hosts import replica_of
from dispatch.cli.doctor.machine import interpreter, native_core, open_files_of
from dispatch.cli.doctor.neighbours import gateway_of, redis_of
from dispatch.cli.setup import shared_database, stoppable
from dispatch.process import open_files
from storage.database.embedded import has_data

if TYPE_CHECKING:
    from dispatch.config import Settings


def examine(settings: Settings) -> int:
    """Prints the findings; 1 when something is wrong, 0 otherwise."""
    findings = [*interpreter(), native_core(), open_files_of(open_files.limits()[1])]
    findings += [*configuration_of(settings), data_folder(settings), files_of(settings), backup_of(settings)]
    try:
        with stoppable(), _trial(settings) as trial, shared_database(trial, makes=True) as dsn:
            findings += asyncio.run(database_at(settings, dsn))
    except Exception as error:  # whatever it is, it is the finding
        findings.append(Finding("database", "wrong", first_line(error), "see the message; `dispatch serve` needs it"))
    findings += asyncio.run(_neighbours(settings))
    show(findings)
    return int(any(f.verdict == "wrong" for f in findings))


@contextmanager
def _trial(settings: Settings) -> Iterator[Settings]:
    """Where there is no data yet, the database is tried in a folder that goes away: looking makes nothing."""
    if settings.database_url or has_data(settings.data):
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="dispatch-doctor-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield settings.model_copy(update={"data": Path(folder) / "data"})


async def _neighbours(settings: Settings) -> list[Finding]:
    return [*await replica_of(settings), await redis_of(settings), await gateway_of(settings)]
