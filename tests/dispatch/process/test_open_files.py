"""How many files a process may have open: as many as are allowed, up to what is wanted."""

from __future__ import annotations

import resource

import pytest

from dispatch.process import open_files

WANTED = open_files.WANTED


@pytest.mark.parametrize(
    ("soft", "hard", "taken"),
    [
        (1024, 4096, 4096), (1024, WANTED * 2, WANTED), (WANTED * 2, WANTED * 4, WANTED * 2), (4096, 4096, 4096),
        (1024, resource.RLIM_INFINITY, WANTED),
    ],
)  # fmt: skip
def test_the_soft_limit_is_raised_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, taken: int
) -> None:
    now = [soft, hard]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(now))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: now.__setitem__(slice(None), limits))
    assert open_files.raise_limit() == taken
    assert now == [taken, hard]


def test_a_system_that_gives_less_than_it_promised_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(kind: int, limits: tuple[int, int]) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuses)
    assert open_files.raise_limit() == 1024
