"""Those who run it: commands that only look make nothing, help says what to type, a gateway that says what it is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.processes import ROOT, House, environment
from tests.trials.callers import Trial
from tests.trials.people import Technician


async def test_looking_makes_no_database(tmp_path: Path) -> None:
    house = House(tmp_path / "absent")
    for words in (("outbox",), ("token", "customer", "+911000100001")):
        code, out, err = await house.command(*words)
        assert (code, out) == (1, "")
        assert err.startswith("dispatch: ")
        assert "Traceback" not in err
    assert not (tmp_path / "absent").exists()


async def test_the_bare_address_of_the_local_gateway_is_a_page() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dispatch", "gateway", "--port", "0", stdout=subprocess.PIPE, cwd=ROOT, env=environment()
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        url = line.split()[2]
        async with aiohttp.ClientSession() as http, http.get(url) as reply:
            assert reply.status == 200
            assert reply.content_type == "text/html"
    finally:
        process.terminate()
        await process.wait()


async def test_technicians_who_worked_were_rated(trial: Trial) -> None:
    for number in (1, 2, 3):
        stats = (await (await Technician.of(trial, number)).ok("GET", "/v1/partner/dashboard"))["stats"]
        assert stats["completed_bookings"] == 0 or stats["rating"] is not None


async def test_help_names_the_command_and_the_readme_every_word(trial: Trial) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dispatch", "--help", stdout=subprocess.PIPE, cwd=ROOT, env=environment(COLUMNS="120")
    )
    out, _ = await process.communicate()
    assert "python -m dispatch" not in out.decode()
    readme = (ROOT / "README.md").read_text()
    for word in ("zones list", "review", "money-faults"):
        assert word in readme, word


async def test_documents_are_pages_with_a_start(trial: Trial) -> None:
    for path in ("/docs", "/docs/events"):
        reply = await trial.call("GET", path)
        assert reply.status == 200
        assert "<title>" in str(reply.body), path
        assert "https://" not in str(reply.body), "nothing is fetched from outside"
