"""The load generator, a small C program: compiled where a compiler is, driven by lines, answering in JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dispatch.bench.processes import LOAD_CORE, NotMeasurable, running

SOURCE = Path(__file__).parent / "native" / "load.c"


def build(folder: Path, source: Path = SOURCE) -> Path:
    """A compiled generator in `folder`. Raises NotMeasurable without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NotMeasurable("no C compiler is here (cc, gcc or clang), and a generator in Python measures itself")
    binary = folder / source.stem
    done = subprocess.run(
        [compiler, "-O2", "-o", str(binary), str(source), "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotMeasurable(f"the load generator does not compile: {done.stderr.splitlines()[-1:]}")
    return binary


class Load:
    """One running generator; its commands stand at the head of load.c."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, *command: object) -> dict[str, Any]:
        """One command, to its end. Raises NotMeasurable when the generator gave up, in its own words above."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(" ".join(map(str, command)) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise NotMeasurable(f"the load generator gave up at {command[0]}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def generator(
    binary: Path, port: int, technicians: Path | None, customers: Path | None = None, *, deflate: bool = False
) -> Iterator[Load]:
    """A generator for this block, on a core of its own."""
    files = [str(one) if one else "-" for one in (technicians, customers)]
    command = [str(binary), str(port), *files, *(["deflate"] if deflate else [])]
    with running(command, LOAD_CORE, ready="technicians") as (process, _):
        yield Load(process)
