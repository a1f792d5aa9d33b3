"""Whose the files and programs of an embedded database are, and which of its programs live."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import Any


class LaidLink(Exception):
    """A link that may lead to anybody's files, where only root should have laid one."""


class Account:
    """For root, who may not run a PostgreSQL: the account that does."""

    def __init__(self) -> None:
        self._entry = pwd.getpwnam("nobody")

    def give(self, path: Path) -> None:
        """What a link leads to stays whose it is."""
        os.chown(path, self._entry.pw_uid, self._entry.pw_gid, follow_symlinks=False)

    def identity(self) -> dict[str, Any]:
        """As whom programs run: without root's groups too, which open as much as its number."""
        return {"user": self._entry.pw_uid, "group": self._entry.pw_gid, "extra_groups": ()}


def private(path: Path, flags: int) -> int:
    """Opens what its owner alone may read, also where an older version left it open to others."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        os.fchmod(handle, 0o600)
    return handle


def take_over(home: Path, databases: tuple[str, ...]) -> None:
    """A folder becomes root's before anything in it is opened, but for those inside that are the database's.

    Raises LaidLink for a link that somebody else has laid there, behind which could be anything.
    """
    before = home.stat()
    if before.st_uid == 0:
        return
    # First, so that nobody lays anything there while we look.
    os.chown(home, 0, 0)
    home.chmod(0o711)
    tops = [p for p in home.iterdir() if p.name not in databases or not p.is_dir() or p.is_symlink()]
    paths = [p for top in tops for p in (top, *top.rglob("*"))]
    if laid := next((path for path in paths if _leads_away(path)), None):
        # The next start has to find it too.
        os.chown(home, before.st_uid, before.st_gid)
        raise LaidLink(laid)
    for path in paths:
        os.chown(path, 0, 0, follow_symlinks=False)


def _leads_away(path: Path) -> bool:
    """A link that is not root's, or a second name: of root's own file it is root's too."""
    seen = path.lstat()
    return (stat.S_ISREG(seen.st_mode) and seen.st_nlink > 1) or (stat.S_ISLNK(seen.st_mode) and seen.st_uid != 0)


def first_number(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def is_postmaster(pid: int | None, data: Path) -> bool:
    """Whether this process is a PostgreSQL of this data folder, and not a stranger who got its number."""
    if pid is None:
        return False
    if not Path("/proc").exists():
        # Without /proc nobody can be told apart: whoever lives counts.
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    return _runs_on(Path(f"/proc/{pid}"), data)


def _runs_on(proc: Path, data: Path) -> bool:
    try:
        return b"postgres" in (proc / "cmdline").read_bytes() and (proc / "cwd").resolve() == data
    except OSError:
        return False


def programs_on(data: Path) -> list[int]:
    """Every PostgreSQL of this data folder, where the system tells."""
    return [int(proc.name) for proc in Path("/proc").glob("[0-9]*") if _runs_on(proc, data)]
