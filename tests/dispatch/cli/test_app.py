"""The commands as a person or a script sees them: processes, standard output, exit codes, signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import warm
from tests.processes import ROOT, environment

#: Longest wait for a command that ends by itself, and for a server that must answer.
LIMIT_S = 240.0
#: What a supervisor of processes grants (issue: SIGTERM ends everything within 10 s).
STOP_S = 60.0


async def dispatch(*arguments: str, **env: str) -> tuple[int, str, str]:
    """Runs a command to its end: exit code, standard output, standard error."""
    return await asyncio.to_thread(warm.run, arguments, environment(**env), ROOT, LIMIT_S)


class Server:
    """`dispatch serve` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process | warm.Process, url: str) -> None:
        self.process, self.url = process, url

    @classmethod
    async def start(cls, *arguments: str, **env: str) -> Server:
        return await cls._of(await warm.start(arguments, environment(**env), ROOT))

    @classmethod
    async def _of(cls, process: asyncio.subprocess.Process | warm.Process) -> Server:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), LIMIT_S)).decode()
        assert line.startswith("ready http://"), line
        return cls(process, line.split()[1])

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code. Raises TimeoutError when it takes too long."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), STOP_S)

    async def get(self, path: str) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.json()


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    # Not tmp_path: as root the database runs as another account, which cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="dispatch-cli-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
async def server(data: Path) -> AsyncIterator[Server]:
    """On an embedded database, as somebody gets it who sets nothing."""
    started = await Server.start("serve", "--port", "0", "--data", str(data))
    yield started
    await started.stop()


async def test_it_answers_when_it_says_so(server: Server) -> None:
    assert (await server.get("/healthz"))[0] == 200
    status, ready = await server.get("/readyz")
    assert (status, ready["status"]) == (200, "ready")


def test_keys_are_the_owner_s_only(server: Server, data: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in (*data.glob("*keys.json"), *data.glob("*/keys.json"))}
    assert modes == {0o600}


async def test_a_second_server_on_the_folder_is_refused_in_a_sentence(server: Server, data: Path) -> None:
    code, out, err = await dispatch("serve", "--port", "0", "--data", str(data))
    assert (code, out) == (1, "")
    assert err == f"dispatch: Another server runs on {data}: stop it, or choose another --data folder.\n"


async def test_a_taken_port_is_told_in_a_sentence(server: Server, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    code, out, err = await dispatch("serve", "--port", port, "--data", str(tmp_path / "other"))
    assert (code, out) == (1, "")
    assert err.startswith(f"dispatch: The port {port} on 127.0.0.1 cannot be had")
    assert err.count("\n") == 1
    assert not (tmp_path / "other").exists()


async def test_tools_work_beside_a_running_server(server: Server, data: Path) -> None:
    here = ("--data", str(data))
    code, out, err = await dispatch("seed", "--technicians", "2", "--customers", "1", *here)
    assert (code, err) == (0, ""), err
    assert out.startswith("2 technicians, 1 customer and")
    phone = "+911000100001"
    async with aiohttp.ClientSession() as session:
        body = {"phone_number": phone, "purpose": "login"}
        async with session.post(f"{server.url}/v1/auth/send-otp", json=body) as answer:
            assert answer.status == 200
    code, out, _ = await dispatch("outbox", "--to", phone, "--json", *here)
    messages = json.loads(out)
    assert code == 0
    assert [m["to"] for m in messages] == [phone]
    assert any(word.strip(".:").isdigit() for word in messages[0]["body"].split())
    code, out, _ = await dispatch("token", "customer", phone, *here)
    assert code == 0
    headers = {"Authorization": f"Bearer {out.strip()}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.url}/v1/dashboard") as answer,
    ):
        assert answer.status == 200
    code, out, err = await dispatch("token", "technician", "PT-99999", *here)
    assert (code, out, err) == (1, "", "dispatch: There is no such technician.\n")


async def test_doctor_finds_a_running_server_well(server: Server, data: Path) -> None:
    code, out, err = await dispatch("doctor", "--data", str(data))
    assert code == 0, out + err
    assert "wrong" not in out


async def test_kill_9_and_again(fresh_folder: Path) -> None:
    first = await Server.start("serve", "--port", "0", "--data", str(fresh_folder))
    here = ("--data", str(fresh_folder))
    code, _, err = await dispatch("seed", "--technicians", "1", "--customers", "1", *here)
    assert code == 0, err
    first.process.kill()
    await first.process.wait()
    again = await Server.start("serve", "--port", "0", "--data", str(fresh_folder))
    code, out, _ = await dispatch("zones", "list", "--json", "--data", str(fresh_folder))
    assert code == 0
    assert json.loads(out)
    assert await again.stop(signal.SIGINT) == 0


@pytest.fixture
def fresh_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dispatch-cli-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_given_database_is_migrated_served_and_left_running(
    fresh_dsn: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import asyncpg

    conn = await asyncpg.connect(fresh_dsn)
    await conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    server = await Server.start("serve", "--port", "0", "--data", str(tmp_path), DATABASE_URL=fresh_dsn)
    assert (await server.get("/readyz"))[0] == 200
    assert await server.stop() == 0
    assert await conn.fetchval("SELECT count(*) FROM schema_migrations") > 0
    assert "hours ahead" not in capfd.readouterr().err
    # A demonstration was there: its time goes on at the pace of ours, and that is said.
    await conn.execute("UPDATE app_clock SET app_at = real_at + interval '14.7 hours', speed = 20")
    server = await Server.start("serve", "--port", "0", "--data", str(tmp_path), DATABASE_URL=fresh_dsn)
    assert await server.stop() == 0
    assert re.search(r"is \d+\.\d hours ahead of this machine's", capfd.readouterr().err)
    assert await conn.fetchval("SELECT speed FROM app_clock") == 1
    await conn.close()
    code, out, _ = await dispatch("migrate", DATABASE_URL=fresh_dsn)
    assert (code, out) == (0, "the schema is up to date\n")


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["serve", "--workers", "2"], {}, "2 workers need Redis"),
        (["serve", "--host", "no.such.host.invalid"], {}, "The host 'no.such.host.invalid' is unknown"),
        (["serve", "--port", "70000"], {}, "DISPATCH_HTTP__PORT"),
        (["serve", "--port", "0"], {"DISPATCH_ENV": "production"}, "Production needs DATABASE_URL"),
        (["serve", "--port", "0"], {"DATABASE_URL": "nonsense"}, "DATABASE_URL: must be like postgresql://"),
        (["serve", "--port", "0"], {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "cannot be reached"),
        (["seed"], {"DISPATCH_ENV": "production", "DATABASE_URL": "postgresql://x"}, "is for development"),
        (["zones", "import", "no-such-file"], {}, "There is no file no-such-file"),
        (["demo", "--port", "0"], {"DISPATCH_ENV": "production"}, "is for development"),
        (["bench", "ping", "nosuch"], {}, "There is no part nosuch: the parts are index, "),
        (["gateway", "--port", "99999"], {}, "99999 is no port: choose one from 0 to 65535"),
        (["gateway", "--host", "no.such.host.invalid"], {}, "The host 'no.such.host.invalid' is unknown"),
        (["gateway", "--port", "0", "--host", "192.0.2.1"], {}, "cannot serve on 192.0.2.1:0 (Cannot assign"),
        (["gateway", "--port", "0", "--data", "/proc/x"], {}, "with its state in /proc/x (No such file"),
    ],
)  # fmt: skip
async def test_it_says_in_a_sentence_why_it_will_not(
    arguments: list[str], env: dict[str, str], words: str, tmp_path: Path
) -> None:
    code, out, err = await dispatch(*arguments, DISPATCH_DATA=str(tmp_path / "data"), **env)
    assert (code, out) == (1, "")
    assert err.startswith("dispatch: ")
    assert words in err
    assert err.count("\n") == 1


async def test_a_failed_migration_is_told(fresh_dsn: str) -> None:
    import asyncpg

    conn = await asyncpg.connect(fresh_dsn)
    await conn.execute("UPDATE schema_migrations SET sha256 = 'other' WHERE name LIKE '0001%'")
    await conn.close()
    code, out, err = await dispatch("serve", "--port", "0", DATABASE_URL=fresh_dsn)
    assert (code, out) == (1, "")
    assert err.startswith("dispatch: A migration failed: 0001_core.sql was changed")


async def test_the_documents_need_no_database() -> None:
    code, out, _ = await dispatch("openapi", DATABASE_URL="nonsense")
    assert code == 0
    assert json.loads(out)["openapi"].startswith("3.1")
    code, out, _ = await dispatch("routes", "--json", DATABASE_URL="nonsense")
    assert code == 0
    assert {"audience", "method", "path"} <= json.loads(out)[0].keys()
    code, out, _ = await dispatch("config", REDIS_URL="redis://:a-secret-of-the-tests@h:6379/0")
    assert "redis://@h:6379/0" in out and "a-secret-of-the-tests" not in out
    assert code == 0
    assert "DISPATCH_HTTP__PORT" in out
    for words in (("config",), ("doctor",), ("serve", "--port", "0")):
        code, out, err = await dispatch(*words, DATABASE_URL="postgresql://u:a/secret@h/d")
        assert (code, out) == (1, "") and "DATABASE_URL: must be like" in err and "secret" not in err


async def test_the_local_gateway_is_refused_in_production() -> None:
    code, out, err = await dispatch("gateway", "--port", "0", DISPATCH_ENV="production")
    assert (code, out) == (1, "")
    assert err.startswith("dispatch: The local payment gateway is for development")
    assert err.count("\n") == 1


async def test_a_missing_credentials_file_ends_in_a_sentence(data: Path) -> None:
    env = {"DISPATCH_SENDERS__PUSH": "fcm", "DISPATCH_SENDERS__FCM_CREDENTIALS": "/nowhere/fcm.json"}
    code, out, err = await dispatch("serve", "--port", "0", "--data", str(data.parent / "pushing"), **env)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("dispatch: DISPATCH_SENDERS__FCM_CREDENTIALS names /nowhere/fcm.json")
    assert "Traceback" not in err


async def test_the_same_command_twice_at_once_works_on_one_database(data: Path) -> None:
    arguments = ("migrate", "--data", str(data.with_name("twice")))
    done = await asyncio.gather(dispatch(*arguments), dispatch(*arguments))
    assert [code for code, _, _ in done] == [0, 0], done
    assert sorted("the schema is up to date" in said for _, said, _ in done) == [False, True]


def test_a_terminal_without_all_letters_gets_what_it_can_show() -> None:
    env = environment(DISPATCH_BRAND="नगर", PYTHONIOENCODING="ascii")
    done = subprocess.run([sys.executable, "-m", "dispatch", "config"], env=env, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert rb"\u0928\u0917\u0930" in done.stdout


@pytest.mark.parametrize("command", [["routes"], ["asyncapi"], ["config"]])
def test_a_reader_that_has_gone_is_no_failure(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dispatch", *command], env=environment(), cwd=ROOT, stdout=writing,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
