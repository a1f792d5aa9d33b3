"""Processes on their own cores, and what they cost: CPU to the nanosecond, private memory. Linux."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: What is measured, with its database, and what measures.
SERVER_CORE, LOAD_CORE = 0, 1
STOP_S, START_LINES = 15.0, 200


class NotMeasurable(Exception):
    """This part of the bench can't run here; the words say what is missing."""


def on_core(core: int) -> Callable[[], None]:
    """For preexec_fn: the child stays on this core, where there are several."""

    def pin() -> None:
        if core < (os.cpu_count() or 1):
            os.sched_setaffinity(0, {core})

    return pin


@contextmanager
def running(
    command: Sequence[str], core: int, *, ready: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process for this block, and the line of its output that said it is ready. Raises NotMeasurable."""
    process = subprocess.Popen(
        command, env={**os.environ, **(env or {})}, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        bufsize=1, preexec_fn=on_core(core),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for _ in range(START_LINES):
            line = process.stdout.readline()
            if not line or re.search(ready, line):
                break
        if not line:
            raise NotMeasurable(f"{command[0]} did not start: its own words above say why.")
        yield process, line.strip()
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def group_on_core(pid: int | None, core: int) -> Iterator[None]:
    """A process and its children, also those that it has later, on this core for this block; then where it was."""
    before = os.sched_getaffinity(pid) if pid is not None else set()
    try:
        _pin_group(pid, {core} if core < (os.cpu_count() or 1) else before)
        yield
    finally:
        _pin_group(pid, before)


def _pin_group(pid: int | None, cores: set[int]) -> None:
    # The parent first: whoever it has after that is there from the start.
    for one in [pid, *_children(pid)] if pid is not None else []:
        try:
            os.sched_setaffinity(one, cores)
        except ProcessLookupError:
            continue


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads."""
    spent = 0
    for one in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            spent += int(one.read_text().split()[0])
        except OSError:
            continue
    return spent / 1e9


def cpu_of_group_s(pid: int | None) -> float:
    """CPU seconds of a process and of its children, the living and those that it has waited for."""
    if pid is None:
        return 0.0
    tick = os.sysconf("SC_CLK_TCK")
    spent = 0
    for one in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        spent += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return spent / tick


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, ValueError):
            continue
    return found


def private_kib(pid: int) -> float:
    """What the process has for itself alone, in KiB. Raises NotMeasurable where that can't be read."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError as e:
        raise NotMeasurable(f"The memory of process {pid} cannot be read: {e.strerror}.") from e
    return float(sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))))
