"""Commands of `dispatch` in processes that need not import it first: forked from one that has.

To start Python and import everything costs a second of a processor, and the tests run a hundred commands. Servers are
started by `python -m dispatch` all the same.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

#: What most commands need before they do anything.
_WANTED = (
    "api.app", "dispatch.cli.app", "dispatch.cli.serving", "dispatch.cli.tools", "dispatch.process.runtime",
    "dispatch.seeding.seed", "rich.console", "storage.database.embedded", "storage.database.migrate",
)  # fmt: skip
_LONGEST_REQUEST = 1 << 20


class Warm:
    """The process from which commands are forked; made when the first is wanted, ended with its maker."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dispatch-warm-")
        self._address = f"{self._folder.name}/socket"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", self._address], cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        atexit.register(self._close)

    def run(self, arguments: tuple[str, ...], env: dict[str, str], cwd: Path, limit_s: float) -> tuple[int, str, str]:
        """Runs `dispatch …` to its end: exit code, standard output, standard error. Raises TimeoutError."""
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX) as asked,
        ):
            asked.settimeout(limit_s)
            asked.connect(self._address)
            request = json.dumps([arguments, env, str(cwd)]).encode()
            socket.send_fds(asked, [request], [out.fileno(), err.fileno()])
            asked.shutdown(socket.SHUT_WR)
            with asked.makefile("r") as answer:
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

    def _close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


_warm: list[Warm] = []


def run(arguments: tuple[str, ...], env: dict[str, str], cwd: Path, limit_s: float) -> tuple[int, str, str]:
    """See Warm.run."""
    if not _warm:
        _warm.append(Warm())
    return _warm[0].run(arguments, env, cwd, limit_s)


# ---------------------------------------------------------------- in the process that has imported everything


def _serve(address: str) -> None:
    for name in _WANTED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as ready:
        listener.bind(address)
        listener.listen()
        ready.register(listener, selectors.EVENT_READ)
        # Whose end is that of whoever made this process.
        ready.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while all(key.fileobj is listener for key, _ in ready.select()):
            asked, _ = listener.accept()
            if os.fork() == 0:
                ready.close()
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
    _serve(sys.argv[1])
