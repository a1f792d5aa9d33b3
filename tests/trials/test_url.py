"""The trials against a server that runs already, as `./run trials --url` has them."""

from __future__ import annotations

import asyncio
import os
import re
import sys

import pytest

from tests.processes import LIMIT_S, ROOT
from tests.trials.callers import Trial

#: What is quick and asks everything once: pages, people, offers, sockets, commands.
QUICK = ("test_b_secrets.py", "test_d_patience.py", "test_g_time.py", "test_i_files.py")


async def test_a_running_server_is_tried_by_its_address_alone(trial: Trial) -> None:
    """Its data are found by themselves, and what was tried there before is no obstacle."""
    if trial.pid is None:
        pytest.skip("this is such a run")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DISPATCH_LIMITS"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "--url", trial.url,
        *(f"tests/trials/{name}" for name in QUICK),
        cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await asyncio.wait_for(process.communicate(), LIMIT_S))[0].decode()
    assert process.returncode == 0, said
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None and int(passed[1]) > 20, said
