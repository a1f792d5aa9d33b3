"""Where the parts of the bench play: a seeded city, servers on a core of their own, files for the load generator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dispatch.bench.figures import Figure
from dispatch.bench.processes import NotMeasurable, cpu_of_group_s, cpu_s


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers, what it stands on, and what it has cost."""

    name: str
    url: str
    port: int
    pid: int
    database_pid: int | None = None
    dsn: str = ""

    def spent_s(self) -> tuple[float, float]:
        """CPU seconds so far: of the server, and of its database (or Redis)."""
        return cpu_s(self.pid), cpu_of_group_s(self.database_pid)


@dataclass(frozen=True, slots=True)
class People:
    """Tokens: of technicians with their bases and ids, of customers, and of a service."""

    technicians: list[tuple[str, float, float]]
    technician_ids: list[str]
    customers: list[str]
    service: str


#: A server of ours for a block, with settings (DISPATCH_...) of its own.
Serve = Callable[[dict[str, str]], AbstractContextManager[Server]]

#: The DSN of an empty database for a block, migrated, which is thrown away after it.
Empty = Callable[[], AbstractContextManager[str]]


def nowhere() -> AbstractContextManager[str]:
    """Where a stage has no database to give."""
    raise NotMeasurable("there is no database here that may be filled and thrown away")


@dataclass(frozen=True, slots=True)
class Stage:
    """What every part gets."""

    folder: Path
    people: People
    serve: Serve
    rounds: int = 3
    quick: bool = False
    seed: int = 1
    technicians: int = 100_000
    rows: int = 1_000_000
    empty: Empty = nowhere
    say: Callable[[str], None] = lambda _: None

    def few(self, many: int) -> int:
        """As many, or a tenth of them in a quick run."""
        return max(1, many // 10) if self.quick else many

    def technicians_file(self, count: int, *, of_peer: bool = False) -> Path:
        """The generator's list of technicians; a peer takes any token that begins with t."""
        path = self.folder / f"technicians-{count}-{of_peer}"
        rows = self.people.technicians[:count]
        path.write_text("".join(f"{f't{n}' if of_peer else row[0]} {row[1]} {row[2]}\n" for n, row in enumerate(rows)))
        return path

    def customers_file(self, watched: list[tuple[str, str]]) -> Path:
        """The generator's list of (token, booking that is tracked)."""
        path = self.folder / f"customers-{len(watched)}-{watched[0][0][:8] if watched else ''}"
        path.write_text("".join(f"{token} {booking}\n" for token, booking in watched))
        return path


Part = Callable[[Stage], list[Figure]]
