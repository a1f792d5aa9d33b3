"""The script at the root: an environment is whole or it is made again, with a stand-in for the installer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

#: Makes what uv would make, says that it was asked, and fails half-way when told to.
UV = """#!/bin/sh
echo asked >> "{log}"
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
echo 'uv = stand-in' > "$UV_PROJECT_ENVIRONMENT/pyvenv.cfg"
[ ! -e "{log}.fail" ] || exit 1
printf '#!/bin/sh\\necho "python $*"\\n' > "$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
"""
TOOLS = ("sh", "dirname", "cat", "cksum", "rm", "mv", "grep", "flock", "mkdir", "chmod", "env")


class Checkout:
    """A copy of what `run` reads, and a PATH with nothing on it but what it may use."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tools, self.log = folder / "a checkout", folder / "bin", folder / "log"
        self.root.mkdir()
        self.tools.mkdir()
        for name in ("run", "pyproject.toml", "uv.lock", "constraints.txt"):
            shutil.copy(ROOT / name, self.root)
        for name in TOOLS:
            if found := shutil.which(name):
                (self.tools / name).symlink_to(found)

    def add(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def add_uv(self) -> None:
        self.add("uv", UV.format(log=self.log))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.tools), "HOME": os.environ.get("HOME", "/")}
        return subprocess.run(
            [str(self.root / "run"), *arguments], env=env, cwd="/", capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip

    @property
    def installs(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_it_installs_once_and_again_when_the_lock_changes(checkout: Checkout) -> None:
    checkout.add_uv()
    first = checkout.run("routes", "--json")
    assert (first.returncode, first.stdout) == (0, "python -m dispatch routes --json\n")
    assert "installing with uv" in first.stderr
    second = checkout.run("routes")
    assert (second.stdout, second.stderr) == ("python -m dispatch routes\n", "")
    assert checkout.installs == 1
    with (checkout.root / "uv.lock").open("a") as lock:
        lock.write("# newer\n")
    assert checkout.run("routes").returncode == 0
    assert checkout.installs == 2


def test_an_interrupted_install_is_repeated(checkout: Checkout) -> None:
    checkout.add_uv()
    fail = Path(f"{checkout.log}.fail")
    fail.touch()
    broken = checkout.run("routes")
    assert broken.returncode == 1
    assert "the installation failed" in broken.stderr
    assert broken.stdout == ""
    fail.unlink()
    assert checkout.run("routes").returncode == 0
    assert checkout.installs == 2


def test_a_moved_checkout_is_installed_anew(checkout: Checkout) -> None:
    checkout.add_uv()
    checkout.run("routes")
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.run("routes").returncode == 0
    assert checkout.installs == 2


def test_without_a_python_it_says_what_is_needed(checkout: Checkout) -> None:
    checkout.add("python3", "#!/bin/sh\nexit 1\n")
    none = checkout.run("demo")
    assert none.returncode == 1
    assert "Python 3.11 or later is needed" in none.stderr


def test_a_python_that_cannot_make_environments_is_told(checkout: Checkout) -> None:
    fails = '[ "$2" = "import ensurepip, venv" ] && exit 1'
    checkout.add("python3.12", f'#!/bin/sh\n{fails}\nexec "{sys.executable}" "$@"\n')
    bare = checkout.run("demo")
    assert bare.returncode == 1
    assert "python3-venv" in bare.stderr


def test_tests_and_commands_are_told_apart(checkout: Checkout) -> None:
    checkout.add_uv()
    assert checkout.run("test", "-k", "x").stdout == "python -m pytest -k x\n"
    assert checkout.run("test").stdout == "python -m pytest -n 3 --dist worksteal\n"
    assert checkout.run("trials", "--url", "http://x").stdout == "python -m pytest tests/trials -n 0 --url http://x\n"
    assert checkout.run().stdout == "python -m dispatch\n"
