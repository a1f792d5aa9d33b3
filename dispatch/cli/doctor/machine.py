"""The machine and what is installed on it."""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata

from dispatch.cli.doctor.findings import Finding, Verdict
from dispatch.process import open_files

#: Compiled parts: a platform without a wheel for one of them cannot run the server.
_COMPILED = (
    "aiohttp",
    "asyncpg",
    "shapely",
    "rtree",
    "numpy",
    "orjson",
    "msgspec",
    "cryptography",
    "pydantic_core",
    "uharfbuzz",
)
#: The socket hot path stands on inner seams of these.
_PINNED = {"aiohttp": "3.14.5", "python-socketio": "5.18.1", "python-engineio": "4.15.1"}


def interpreter() -> list[Finding]:
    """Whether this Python is new enough and has what the server stands on, in the versions that it knows."""
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    found = [Finding("python", "ok" if fits else "wrong", version, "" if fits else "use Python 3.11 or later")]
    broken = [name for name in _COMPILED if not _imports(name)]
    found.append(
        Finding("wheels", "wrong", f"{', '.join(broken)} cannot be imported", "remove .venv and run ./run again")
        if broken
        else Finding("wheels", "ok", f"{len(_COMPILED)} compiled packages import")
    )
    other = [f"{name} {have}" for name, want in _PINNED.items() if (have := metadata.version(name)) != want]
    found.append(
        Finding("pins", "wrong", ", ".join(other), "install the versions of the lock: remove .venv and run ./run")
        if other
        else Finding("pins", "ok", ", ".join(f"{n} {v}" for n, v in _PINNED.items()))
    )
    return found


def native_core() -> Finding:
    """Whether location frames have their short way in C, which is made here as a server makes it at its start."""
    from dispatch.live.native import build

    try:
        build.obtain()
    except build.NotBuilt as e:
        return Finding("native core", "note", str(e), "nothing: Python takes location frames, if at a higher cost")
    return Finding("native core", "ok", f"location frames take {build.place().name}")


def open_files_of(most: int) -> Finding:
    """What it comes to that the process may open so many files."""
    if most >= open_files.FEWEST:
        return Finding("open files", "ok", f"up to {most}")
    room = max(most - open_files.RESERVED, most // 2)
    remedy = f"allow {open_files.WANTED}: `ulimit -Hn`, LimitNOFILE= of systemd, or --ulimit nofile= of docker"
    verdict: Verdict = "wrong" if most < open_files.FEWEST // 4 else "note"
    return Finding("open files", verdict, f"up to {most}: about {room} connections at a time", remedy)


def _imports(name: str) -> bool:
    try:
        import_module(name)
    except Exception:  # a broken wheel fails in many ways
        return False
    return True
