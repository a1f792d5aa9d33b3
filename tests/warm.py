"""`dispatch` in processes that need not import it first: forked from one that has.

To start Python, import everything and declare the routes costs four seconds of a processor, and the tests run a
hundred commands and servers. One process serves all workers of a run; a few tests start `python -m dispatch`.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The run's process and the folder where ours listens: of the environment, as workers have it from their maker.
_WHERE = "DISPATCH_TESTS_WARM"
#: What most commands need before they do anything.
_WANTED = (
    "api.app", "dispatch.cli.app", "dispatch.cli.serving", "dispatch.cli.tools", "dispatch.process.runtime",
    "dispatch.seeding.seed", "rich.console", "storage.database.embedded", "storage.database.migrate",
)  # fmt: skip
_LONGEST_REQUEST = 1 << 20
#: How often it looks whether the run goes on, in seconds.
_LOOK_S = 5.0


def open_at(folder: Path) -> None:
    """For a run of tests: the process is made when the first command is wanted, in this folder."""
    os.environ[_WHERE] = f"{os.getpid()}:{folder}"


def is_open() -> bool:
    """Whether whoever runs us has one."""
    return _WHERE in os.environ


def close_at(folder: Path) -> None:
    """Ends it, if it was made."""
    try:
        pid = int((folder / "warm.pid").read_text())
    except FileNotFoundError:
        return
    os.kill(pid, signal.SIGTERM)


def run(arguments: tuple[str, ...], env: dict[str, str], cwd: Path, limit_s: float) -> tuple[int, str, str]:
    """Runs `dispatch …` to its end: exit code, standard output, standard error. Raises TimeoutError."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _asked(arguments, env, cwd, out.fileno(), err.fileno()) as asked, asked.makefile("r") as answer:
            asked.settimeout(limit_s)
            pid = int(answer.readline())
            try:
                # One that was killed says nothing more.
                code = int(answer.readline() or -signal.SIGKILL)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()


@dataclass
class Process:
    """A server that goes on: what the tests use of asyncio's Process."""

    pid: int
    stdout: asyncio.StreamReader
    returncode: int | None = None
    _end: asyncio.Task[int] = field(init=False, repr=False)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        return await asyncio.shield(self._end)


async def start(arguments: tuple[str, ...], env: dict[str, str], cwd: Path) -> Process:
    """Starts `dispatch …`, whose standard output is read by a pipe; its errors go where ours go."""
    reading, writing = os.pipe()
    asked = await asyncio.to_thread(_asked, arguments, env, cwd, writing, 2)
    os.close(writing)
    stdout = asyncio.StreamReader()
    code, connection = await asyncio.open_unix_connection(sock=asked)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb"))
    process = Process(int(await code.readline()), stdout)

    async def ended() -> int:
        process.returncode = int(await code.readline() or -signal.SIGKILL)
        connection.close()
        return process.returncode

    process._end = asyncio.create_task(ended())
    return process


def _asked(arguments: tuple[str, ...], env: dict[str, str], cwd: Path, out: int, err: int) -> socket.socket:
    """The connection to a process that was just forked for this command; it says its pid, then its exit code."""
    asked = socket.socket(socket.AF_UNIX)
    asked.connect(_address())
    socket.send_fds(asked, [json.dumps([arguments, env, str(cwd)]).encode()], [out, err])
    asked.shutdown(socket.SHUT_WR)
    return asked


def _address() -> str:
    """Where the warm process listens; makes it if nobody has."""
    maker, _, where = os.environ[_WHERE].partition(":")
    folder = Path(where)
    address = folder / "warm.socket"
    with (folder / "warm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            # Ends once the process that it makes is ready; that one outlives this worker.
            subprocess.run(
                [sys.executable, "-m", "tests.warm", str(folder), maker], cwd=Path(__file__).resolve().parents[1],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
            )  # fmt: skip
    return str(address)


# ---------------------------------------------------------------- in the process that has imported everything


def _serve(folder: Path, maker: int) -> None:
    if os.fork():
        return
    os.setsid()
    for name in _WANTED:
        __import__(name)
    from api.app import all_routes

    all_routes()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "warm.socket"))
        listener.listen(64)
        listener.settimeout(_LOOK_S)
        (folder / "warm.pid").write_text(str(os.getpid()))
        # Whoever waits for the end of our output knows now that we are ready.
        os.dup2(0, 1)
        while True:
            try:
                asked, _ = listener.accept()
            except TimeoutError:
                os.kill(maker, 0)
                continue
            asked.settimeout(None)
            if os.fork() == 0:
                listener.close()
                _obey(asked)
            asked.close()


def _obey(asked: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files, _, _ = socket.recv_fds(asked, _LONGEST_REQUEST, 2)
    while piece := asked.recv(_LONGEST_REQUEST):
        request += piece
    arguments, env, cwd = json.loads(request)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for own, given in enumerate((nothing, *files)):
        os.dup2(given, own)
        os.close(given)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    os.setsid()
    sys.argv = ["dispatch", *arguments]
    asked.sendall(f"{os.getpid()}\n".encode())
    code = _code_of_main()
    sys.stdout.flush()
    sys.stderr.flush()
    asked.sendall(f"{code}\n".encode())
    os._exit(0)


def _code_of_main() -> int:
    from dispatch.cli.app import main

    try:
        main()
    except SystemExit as end:
        said: Any = end.code
        if isinstance(said, str):
            print(said, file=sys.stderr)
        return said if isinstance(said, int) else int(said is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
