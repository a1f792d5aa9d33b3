"""`dispatch` as processes: started, spoken to, killed with everything below them, started again."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from storage.database.embedded import EmbeddedPostgres
from tests import warm

#: Longest wait for a command that ends by itself, and for a server that must answer.
LIMIT_S = 240.0
NOBODY = "nobody"
ROOT = Path(__file__).resolve().parents[1]


def environment(**more: str) -> dict[str, str]:
    """This one without settings: neither those of the shell, nor those of a developer's .env."""
    ours = ("DISPATCH_", "DATABASE_URL", "REDIS_URL")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {"DISPATCH_ENV_FILE": ""} | more


@contextmanager
def data_folder(user: str | None) -> Iterator[Path]:
    """A folder that the account may use. Not pytest's: as root the database runs as another one, which cannot enter."""
    parent = Path(tempfile.mkdtemp(prefix="dispatch-crash-"))
    parent.chmod(0o711)
    folder = parent / "data"
    folder.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def python_of(user: str | None) -> tuple[str, dict[str, str]] | None:
    """An interpreter that the account can run with our packages, and the environment it needs; None without one.

    Where ours lies in a closed home, the system's of the same version does as well.
    """
    if user is None:
        return sys.executable, {}
    packages = [str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    same = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{same}", f"/usr/local/bin/{same}"):
        env = {"PYTHONPATH": os.pathsep.join(packages)}
        try:
            pwd.getpwnam(user)
            tried = subprocess.run(
                [python, "-c", "import dispatch.process.runtime, storage.database.embedded as e; e.find_binaries()"],
                user=user, env=environment(**env), cwd=ROOT, capture_output=True, check=False, timeout=LIMIT_S,
            )  # fmt: skip
        except (KeyError, OSError):
            continue
        if tried.returncode == 0:
            return python, env
    return None


@dataclass
class House:
    """One data folder and the processes on it, all run by one account with one environment."""

    folder: Path
    user: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def _options(self) -> dict[str, Any]:
        home = {} if self.user is None else {"HOME": str(self.folder)}
        return {"env": environment(**home, **self.env), "user": self.user, "cwd": ROOT}

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Runs `dispatch …` to its end: exit code, standard output, standard error."""
        arguments = (*arguments, "--data", str(self.folder))
        if self.user is None:
            return await asyncio.to_thread(warm.run, arguments, self._options()["env"], ROOT, LIMIT_S)
        process = await asyncio.create_subprocess_exec(
            self.python, "-m", "dispatch", *arguments,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self._options(),
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        return process.returncode or 0, out.decode(), err.decode()

    async def said(self, *arguments: str) -> str:
        """The standard output of a command that must succeed."""
        code, out, err = await self.command(*arguments)
        assert code == 0, (arguments, out, err)
        return out

    async def serve(self) -> Server:
        arguments = ("serve", "--port", "0", "--data", str(self.folder))
        process: asyncio.subprocess.Process | warm.Process
        if self.user is None:
            process = await warm.start(arguments, self._options()["env"], ROOT)
        else:
            process = await asyncio.create_subprocess_exec(
                self.python, "-m", "dispatch", *arguments,
                stdout=subprocess.PIPE, start_new_session=True, **self._options(),
            )  # fmt: skip
        assert process.stdout is not None
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), LIMIT_S)).decode()
            assert line.startswith("ready http://"), line
        except BaseException:
            kill_tree(process.pid)
            await process.wait()
            raise
        return Server(process, line.split()[1])

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection to the database that a server on this folder runs."""
        conn = await asyncpg.connect(EmbeddedPostgres(self.folder).dsn)
        try:
            yield conn
        finally:
            await conn.close()


@dataclass
class Server:
    """`dispatch serve`, with its whole family of processes."""

    process: asyncio.subprocess.Process | warm.Process
    url: str

    async def kill_everything(self) -> int:
        """kill -9 of the server and of its database, all at one instant; returns how many processes died."""
        killed = kill_tree(self.process.pid)
        await self.process.wait()
        return killed

    async def terminate(self) -> tuple[int, float, str]:
        """SIGTERM: the exit code, the seconds it took, and what else was printed to standard output."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        rest = await asyncio.wait_for(self.process.stdout.read(), LIMIT_S)
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        return code, time.monotonic() - began, rest.decode()


def kill_tree(pid: int) -> int:
    """SIGKILL to a process that we started and to all that it started; the parent first, so that it cannot react."""
    family = [pid, *descendants(pid)]
    for one in family:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(family)


def descendants(pid: int) -> list[int]:
    """All that a process started and that still runs; whatever ends while it is looked for counts as ended."""
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found
    for task in tasks:
        try:
            children = [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


async def eventually(look: Any, why: str, seconds: float = 120.0) -> Any:
    """Polls an awaitable until it gives something; the bound only ends a test that has failed."""
    deadline = time.monotonic() + seconds
    while not (value := await look()):
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.05)
    return value
