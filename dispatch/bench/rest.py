"""The bench part of the REST side: the catalogue and one row, beside FastAPI and fastify on the same core."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dispatch.bench.figures import Figure, Rounds
from dispatch.bench.load import build
from dispatch.bench.peers import MODULES
from dispatch.bench.processes import LOAD_CORE, SERVER_CORE, NotMeasurable, cpu_s, on_core, running
from dispatch.bench.stage import Server, Stage
from dispatch.config import Settings
from dispatch.tokens import token_keys
from storage import accounts

NATIVE = Path(__file__).parent / "native"
CATALOGUE, ME = "/v1/services/catalog", "/v1/auth/me"
OURS, FASTIFY = "here", "fastify"
#: uvicorn reads HTTP with httptools where that is installed, and takes three times as long without it.
FASTAPI = f"FastAPI + uvicorn ({'httptools' if find_spec('httptools') else 'h11'})"
CONNECTIONS, SECONDS, WARM_S = 16, 3.0, 0.5
#: Nobody is refused while it is measured.
OPEN = {"DISPATCH_LIMITS__CUSTOMER_PER_MINUTE": "1000000000"}


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to ask for: of whom, and by which request."""

    who: str
    what: str
    pid: int
    port: int
    request: bytes


def part(stage: Stage) -> list[Figure]:
    """CPU and rate of a request, by rounds in which everybody has a turn. Raises NotMeasurable."""
    binary = build(stage.folder, NATIVE / "http.c")
    seen, targets = Rounds(), list[Target]()
    with ExitStack() as stack:
        server = stack.enter_context(stage.serve(OPEN))
        token = stage.people.customers[0]
        with urllib.request.urlopen(server.url + CATALOGUE) as answer:
            body, etag = answer.read(), answer.headers["ETag"]
        bytes_file = stage.folder / "catalogue.json"
        bytes_file.write_bytes(body)
        targets += [
            Target(OURS, "catalogue", server.pid, server.port, _request(CATALOGUE)),
            Target(OURS, "catalogue, 304", server.pid, server.port, _request(CATALOGUE, f"If-None-Match: {etag}")),
            Target(OURS, "healthz", server.pid, server.port, _request("/healthz")),
            Target(OURS, "one row", server.pid, server.port, _request(ME, f"Authorization: Bearer {token}")),
        ]
        if find_spec("fastapi") and find_spec("uvicorn"):
            pid, port = stack.enter_context(_fastapi(stage, server, bytes_file))
            targets += [
                Target(FASTAPI, "catalogue", pid, port, _request(CATALOGUE)),
                Target(FASTAPI, "one row", pid, port, _request(ME, f"Authorization: Bearer {token}")),
            ]
        if (fastify := _find_fastify()) is not None:
            pid, port = stack.enter_context(_fastify(*fastify, bytes_file))
            targets.append(Target(FASTIFY, "catalogue", pid, port, _request(CATALOGUE)))
        for number in range(stage.rounds + 1):
            # In turns, and every other round backwards; the first one warms up.
            for target in targets if number % 2 else targets[::-1]:
                _measure(stage, binary, target, seen if number else Rounds())
    return _figures(seen)


def _figures(seen: Rounds) -> list[Figure]:
    found = []
    for what, wanted in (("catalogue", 1.2), ("catalogue, 304", 0), ("healthz", 0), ("one row", 0.7)):
        for peer in (FASTAPI, FASTIFY) if wanted else ("",):
            goal = f">= {wanted:g}x" if peer == FASTAPI else ""
            for unit, name, is_rate in (("us", "CPU a request", False), ("/s", "requests", True)):
                ours, theirs = seen.of(OURS, f"{what}: {name}"), seen.of(peer, f"{what}: {name}")
                if ours is not None and (theirs is not None or peer in ("", FASTAPI)):
                    found.append(
                        Figure("rest", f"{what}, {name}", unit, ours, peer, theirs, is_rate=is_rate, wanted=goal)
                    )
    return found


def _measure(stage: Stage, binary: Path, target: Target, seen: Rounds) -> None:
    seconds = WARM_S if stage.quick else SECONDS
    before = cpu_s(target.pid)
    done = subprocess.run(
        [str(binary), str(target.port), str(CONNECTIONS), str(seconds)], input=target.request, capture_output=True,
        check=False, preexec_fn=on_core(LOAD_CORE),
    )  # fmt: skip
    spent_s = cpu_s(target.pid) - before
    if done.returncode != 0:
        raise NotMeasurable(f"{target.who} did not answer for {target.what}: {done.stderr.decode().strip()}")
    said: dict[str, float] = json.loads(done.stdout)
    if said["bad"]:
        raise NotMeasurable(f"{target.who} refused {said['bad']:.0f} requests for {target.what}")
    seen.add(target.who, f"{target.what}: CPU a request", spent_s / said["requests"] * 1e6)
    seen.add(target.who, f"{target.what}: requests", said["per_s"])


def _request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


# ---------------------------------------------------------------- peers


@contextmanager
def _fastapi(stage: Stage, server: Server, body: Path) -> Iterator[tuple[int, int]]:
    keys = token_keys(Settings(data=stage.folder / "data"))
    settings = {
        "dsn": server.dsn, "statement": accounts.get.text,
        "keys": {kid: key.decode("latin-1") for kid, key in keys.items()},
    }  # fmt: skip
    told = stage.folder / "rest_peer.json"
    told.write_text(json.dumps(settings))
    port = _free_port()
    command = [sys.executable, str(NATIVE / "rest_peer.py"), str(port), str(body), str(told)]
    with running(command, SERVER_CORE, ready="^ready") as (process, _):
        yield process.pid, port


def _find_fastify() -> tuple[str, Path] | None:
    node, folder = shutil.which("node"), os.environ.get(MODULES, "")
    modules = Path(folder) / "node_modules"
    return (node, modules) if node and folder and (modules / "fastify").is_dir() else None


@contextmanager
def _fastify(node: str, modules: Path, body: Path) -> Iterator[tuple[int, int]]:
    port = _free_port()
    command = [node, str(NATIVE / "rest_peer.js"), str(port), str(body)]
    with running(command, SERVER_CORE, ready="^ready", env={"MODULES": str(modules)}) as (process, _):
        yield process.pid, port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
