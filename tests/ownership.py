"""Whose the files and processes of an installation are: what the database's account may touch, and what others may."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.processes import descendants

#: Of a data folder: what belongs to the account that runs the database, and programs that it must be able to run.
DATABASE, PROGRAMS = "db", "pg"


def account() -> tuple[int, int]:
    """Number and group of the account that runs an embedded database here."""
    if os.geteuid():
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def check_house(home: Path) -> None:
    """Everything in a data folder is its owner's and closed to others; only `db` is the database's, and that wholly."""
    check_closed(home)
    for path in _below(home):
        is_database = path.relative_to(home).parts[0] == DATABASE
        wanted = account()[0] if is_database else os.geteuid()
        assert path.lstat().st_uid == wanted, f"{path} is of account {path.lstat().st_uid}"
    assert home.stat().st_uid == os.geteuid() and not home.stat().st_mode & 0o022


def check_closed(folder: Path) -> None:
    """Nobody but its owner reads, lists or writes anything below this folder; what is only entered may be."""
    opened = [str(path) for path in _reachable(folder) if path.stat().st_mode & 0o066]
    assert not opened, f"others may read or write {opened}"


def check_processes(pid: int) -> int:
    """This process and all below it are the database's account's, with no group of anybody else; how many they are."""
    seen = 0
    for one in (pid, *descendants(pid)):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        seen += 1
        said = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        uid, gid = account()
        assert said["Uid"].split() == [str(uid)] * 4, (one, said["Name"], said["Uid"])
        assert said["Gid"].split() == [str(gid)] * 4, (one, said["Name"], said["Gid"])
        if not os.geteuid():
            assert said["Groups"].split() == [], (one, said["Name"], said["Groups"])
    return seen


def postmaster(home: Path) -> int:
    """The embedded server of a data folder."""
    return int((home / DATABASE / "pgdata" / "postmaster.pid").read_text().split()[0])


def _below(folder: Path) -> Iterator[Path]:
    return folder.rglob("*")


def _reachable(folder: Path) -> Iterator[Path]:
    """What somebody else who knows its name comes to."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or path.name == PROGRAMS:
            continue
        yield path
        if stat.S_ISDIR(mode) and mode & 0o011:
            yield from _reachable(path)
