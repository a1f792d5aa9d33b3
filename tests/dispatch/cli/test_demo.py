"""`./run demo` as somebody types it who has just got the tree: it starts, shows what it says, and ends when told to."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from dispatch.cli.demo import for_speed, now_and_then
from dispatch.config import Settings
from tests import warm
from tests.ownership import check_house, check_processes, postmaster
from tests.processes import LIMIT_S, ROOT, data_folder, descendants, environment, eventually, kill_tree

TREE = ("api", "dispatch", "geo", "storage")
FILES = ("run", "pyproject.toml", "uv.lock", "constraints.txt", "README.md")
#: As an environment does it that the script has made: our packages, and the code of the copy.
PYTHON = '#!/bin/sh\nPYTHONPATH="{copy}" exec "{python}" "$@"\n'
MARK = '{ printf "%s\\n" "$PWD"; cat pyproject.toml uv.lock constraints.txt; } | cksum > .venv/.installed'
LAST_LINE = "Ctrl-C ends it"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with data_folder(None) as made:
        yield made


@dataclass
class Demo:
    """A running demonstration, with everything that it started."""

    process: asyncio.subprocess.Process
    url: str
    said: Path
    family: list[int] = field(default_factory=list)

    async def welcome(self) -> str:
        """All that it printed for people, once it has printed all of it."""

        async def whole() -> str:
            text = self.said.read_text()
            return text if LAST_LINE in text else ""

        text: str = await eventually(whole, "the demonstration should say what it is")
        self.family = descendants(self.process.pid)
        return text

    async def interrupt(self) -> int:
        """The exit code. Ctrl-C reaches everything that was started from the same terminal at once."""
        os.killpg(self.process.pid, signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)


class Copy:
    """The tree in a folder of its own, with an environment that exists."""

    def __init__(self, place: Path) -> None:
        self.root, self.place = place / "a copy", place
        for name in TREE:
            shutil.copytree(ROOT / name, self.root / name)
        for name in FILES:
            shutil.copy(ROOT / name, self.root)
        python = self.root / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON.format(copy=self.root, python=sys.executable))
        python.chmod(0o755)
        subprocess.run(["sh", "-c", MARK], cwd=self.root.resolve(), check=True)
        self.env = environment(XDG_RUNTIME_DIR=str(place))

    @asynccontextmanager
    async def demo(self, *arguments: str) -> AsyncIterator[Demo]:
        said = self.place / "said"
        with said.open("w") as errors:
            process = await asyncio.create_subprocess_exec(
                str(self.root / "run"), "demo", *arguments, env=self.env, cwd=self.place, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
            )  # fmt: skip
        try:
            assert process.stdout is not None
            line = (await asyncio.wait_for(process.stdout.readline(), LIMIT_S)).decode()
            assert line.startswith("ready http://"), line + said.read_text()
            yield Demo(process, line.split()[1], said)
        finally:
            if process.returncode is None:
                kill_tree(process.pid)
                await process.wait()

    async def command(self, *words: str) -> tuple[int, str, str]:
        """Another command, which is told nothing of the demonstration."""
        return await asyncio.to_thread(warm.run, words, self.env, self.place, LIMIT_S)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("checkout"))


def test_in_an_hour_at_a_high_speed_a_customer_may_do_more() -> None:
    """Simulated customers book and pay all day long: the next who pays in their place must not be turned away."""
    given = Settings().limits
    fast, slow = for_speed(Settings(), 20.0).limits, for_speed(Settings(), 0.5).limits
    assert (fast.payment_per_hour, fast.booking_creation_per_hour) == (
        20 * given.payment_per_hour, 20 * given.booking_creation_per_hour,
    )  # fmt: skip
    assert slow == given


async def test_it_starts_answers_and_ends(copied: Copy, folder: Path) -> None:
    small = ("--port", "0", "--data", str(folder), "--technicians", "1", "--customers", "1", "--speed", "1")
    async with copied.demo(*small) as demo:
        welcome = await demo.welcome()
        await check_addresses(demo, welcome)
        await check_commands_beside_it(copied, demo, welcome, folder)
        check_house(folder)
        assert check_processes(postmaster(folder)) > 4
        assert await demo.interrupt() == 0
        check_nothing_is_left(demo, folder)
    # A supervisor tells only the process that it knows.
    again = await warm.start(("demo", *small), copied.env, copied.place)
    try:
        assert (await asyncio.wait_for(again.stdout.readline(), LIMIT_S)).startswith(b"ready http://")
        demo.family = descendants(again.pid)
        assert len(demo.family) > 4
        again.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(again.wait(), LIMIT_S) == 0
    finally:
        if again.returncode is None:
            kill_tree(again.pid)
    check_nothing_is_left(demo, folder)


async def check_addresses(demo: Demo, welcome: str) -> None:
    """Every page that it names is there, and the first curl works as it stands."""
    from api.console.pages import PAGES

    pages = re.findall(r"(?<!POST )(?<!curl -s )(http://\S+)", welcome)
    assert {demo.url + page.path for page in PAGES if page.path != "/track"} < set(pages)
    curl = re.search(r"curl -s (\S+) -H 'Authorization: (Bearer \S+)'", welcome)
    assert curl is not None
    async with aiohttp.ClientSession() as http:
        for url in pages:
            async with http.get(url) as reply:
                assert reply.status == 200, url
        async with http.get(curl[1], headers={"Authorization": curl[2]}) as reply:
            assert reply.status == 200


async def check_commands_beside_it(copied: Copy, demo: Demo, welcome: str, folder: Path) -> None:
    """They find its folder, its gateway and its address; a second one is refused in a sentence."""
    gateway = re.findall(r"Payments +(\S+)", welcome)[0]
    code, out, err = await copied.command("doctor")
    assert code == 0 and f"{gateway} answers 200" in out and str(folder) in out, out + err
    code, out, err = await copied.command("reconcile")
    assert code == 0 and "0 discrepancies" in out, out + err
    code, out, err = await copied.command("ledger", "check")
    assert code == 0 and "sound" in out and not out.startswith("0 journals"), out + err
    code, out, err = await copied.command("admin", "create", "second@example.com")
    assert code == 0 and f"{demo.url}/account/" in out, out + err
    port = demo.url.rsplit(":", 1)[1]
    code, out, err = await copied.command("demo", "--port", port, "--data", str(folder.parent / "other"))
    assert (code, out) == (1, "") and err.startswith(f"dispatch: The port {port} on 127.0.0.1 cannot be had"), err
    assert err.count("\n") == 1 and not (folder.parent / "other").exists()
    code, out, err = await copied.command("demo", "--port", "0", "--data", str(folder))
    assert (code, out) == (1, "")
    assert err == f"dispatch: Another server runs on {folder}: stop it, or choose another --data folder.\n"


def test_it_shows_that_it_lives_and_floods_nobody() -> None:
    seconds, said = 0.0, []
    tell = now_and_then(said.append, lambda: seconds)
    for tick in range(300):
        seconds = tick / 2
        tell(f"after {tick / 2:g} s")
    assert said == [f"after {30 * n} s" for n in (1, 2, 3, 4)]


def check_nothing_is_left(demo: Demo, folder: Path) -> None:
    """No process, no lock, no note, and nothing broke on the way."""
    assert not [pid for pid in demo.family if Path(f"/proc/{pid}").exists()]
    assert not (folder / "db" / "pgdata" / "postmaster.pid").exists()
    assert not list(demo.said.parent.glob("dispatch-*/*.json"))
    assert "Traceback" not in demo.said.read_text(), demo.said.read_text()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("a version", "is PostgreSQL 9's, and there are no programs"),
    ("a file", "cannot be used (Not a directory)"),
        ("no disk", "cannot be used ("),
    ],
)  # fmt: skip
async def test_a_folder_that_it_cannot_use_is_told_in_a_sentence(
    prepare: str, words: str, copied: Copy, folder: Path
) -> None:
    """Another version's, one below a file, one where nothing can be written."""
    place = folder.parent / prepare
    if prepare == "a version":
        (place / "db" / "pgdata").mkdir(parents=True)
        (place / "db" / "pgdata" / "PG_VERSION").write_text("9\n")
    elif prepare == "a file":
        place.write_text("")
        place = place / "data"
    else:
        # Nobody makes anything there, not even root.
        place = Path("/proc/dispatch")
    code, out, err = await copied.command("demo", "--port", "0", "--data", str(place))
    assert (code, out) == (1, "")
    assert err.startswith("dispatch: The ") and words in err and err.count("\n") == 1, err
    assert "choose another --data folder" in err
    assert not (place / "gateway").exists()
