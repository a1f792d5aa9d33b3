"""What CI runs, with stand-ins for all that it calls: a client that is not proved is never passed over in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

#: What the script looks for, and what it runs; `python3` makes an environment whose pip is `pip` below.
PROGRAMS = {
    "node": "", "chromium": "", "gcc": "", "npm": 'step "npm in ${PWD##*/}"',
    "python3": """
        if [ "$1" = -c ]; then exit 0; fi
        mkdir -p .venv/bin && cp "$(dirname "$0")/pip" .venv/bin/python
    """,
    "pip": 'step "pip"',
}  # fmt: skip
#: Does what FAILS says: a step and how often it fails.
STEP = """#!/usr/bin/env bash
step() {
    echo "$1" >>"$HOME/steps"
    [ "$1" != "${FAILS%:*}" ] || [ "$(grep -cx "$1" "$HOME/steps")" -gt "${FAILS##*:}" ]
}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in (".ci", "bin", "tests/clients/js", "tests/clients/ts", "tests/clients/python"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for path, does in {**{f"bin/{name}": does for name, does in PROGRAMS.items()}, "run": 'step "run $1"'}.items():
        (tmp_path / path).write_text(STEP + does)
        (tmp_path / path).chmod(0o755)
    return tmp_path


def ci(checkout: Path, fails: str = ":0", **more: str) -> tuple[int, list[str], list[str]]:
    """The exit code, the script's own lines and the steps."""
    env = {
        "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(checkout), "FAILS": fails,
        "CI_RETRY_S": "0", **more,
    }  # fmt: skip
    done = subprocess.run([checkout / ".ci" / "run"], env=env, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stdout.splitlines() if line.startswith("ci: ")]
    return done.returncode, said, (checkout / "steps").read_text().splitlines()


WHOLE = ["npm in js", "npm in ts", "pip", "run check", "run test", "run test"]


def test_everything_is_installed_and_proved(checkout: Path) -> None:
    code, said, steps = ci(checkout)
    assert (code, steps) == (0, WHOLE) and not any("NOT PROVED" in line for line in said)


@pytest.mark.parametrize("step", ["npm in js", "npm in ts", "pip"])
def test_what_fails_once_is_tried_again(checkout: Path, step: str) -> None:
    code, said, steps = ci(checkout, f"{step}:1")
    assert (code, steps.count(step), steps[-1]) == (0, 2, "run test")
    assert not any("NOT PROVED" in line for line in said)


@pytest.mark.parametrize(("step", "client"), [("npm in ts", "TypeScript"), ("pip", "Python")])
def test_what_fails_twice_fails_the_run_with_its_reason(checkout: Path, step: str, client: str) -> None:
    code, said, steps = ci(checkout, f"{step}:2")
    assert (code, steps.count(step)) == (1, 2) and "run test" not in steps
    assert f"FAILED: the generated {client} client would not be proved" in said[-2] and "CI_OFFLINE=1" in said[-1]


def test_without_a_network_by_design_the_rest_is_proved_and_the_last_line_says_what_is_not(checkout: Path) -> None:
    code, said, steps = ci(checkout, "npm in ts:2", CI_OFFLINE="1")
    assert (code, steps) == (0, WHOLE)
    assert said[-1].startswith("ci: NOT PROVED: the generated TypeScript client: ")


def test_it_is_said_where_the_tests_fail_too(checkout: Path) -> None:
    (checkout / "bin" / "npm").write_text("#!/bin/sh\nexit 1\n")
    code, said, steps = ci(checkout, "run check:1", CI_OFFLINE="1")
    assert (code, steps[-1]) == (1, "run check")
    assert [line.startswith("ci: NOT PROVED: ") for line in said[-2:]] == [True, True]
